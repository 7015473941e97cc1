"""Help pages, their examples, and the statements that every answer can make."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from cli_process import Outcome

from verdict.answer.statement import MARKS
from verdict.cli.declared import Option, declared
from verdict.cli.examples import EXAMPLES
from verdict.cli.main import COMMANDS
from verdict.models import model as shipped

Run = Callable[..., Outcome]
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "statement.schema.json").read_text())

STORED = {"summary", "export", "report"}


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_a_page_ends_with_two_examples_and_has_no_jargon(run: Run, name: str) -> None:
    words = [name] if name else []
    page = run(*words, "--help").out
    assert page == run(*words, "-h").out
    shown = page.partition("Examples:\n")[2].splitlines()
    assert [line.strip() for line in shown if line.startswith("  ")] == [f"verdict {line}" for line in EXAMPLES[name]]
    assert not re.search(r"<[a-z ]+>|\b(TEXT|INTEGER|FLOAT|PATH|BOOLEAN|RANGE)\b|\[required\]|\[default", page)
    if name:
        for _, kind, declaration in declared(COMMANDS[name]):
            if isinstance(declaration, Option) and not declaration.is_hidden:
                assert kind is bool or declaration.metavar, declaration.names
                assert len([each for each in declaration.names if each.startswith("--")]) == 1
                assert f"  {', '.join(declaration.names)}" in page


def test_the_model_comes_first() -> None:
    for name in set(COMMANDS) - {"supports", "models"}:
        first = next(iter(declared(COMMANDS[name])))[2]
        # What is said of a store is about answers, and whatever models they are about.
        named = ("STORE",) if name in STORED else ("MODEL", "FIRST", "TEACHER", "QUERY|MODEL", "MODEL|FILE.csv")
        assert first.metavar in named, name


def test_examples_run_and_answers_are_stated(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    validator, stated = jsonschema.Draft202012Validator(SCHEMA), set()
    tried = dict.fromkeys(line for name in COMMANDS for line in EXAMPLES[name])
    for number, line in enumerate(tried):
        words, path = shlex.split(line), Path(f"{number}.json")
        can_state = "statement" in {parameter.name for parameter, _, _ in declared(COMMANDS[words[0]])}
        if can_state and "--statement" not in words:
            words += ["--statement", str(path)]
        done = run(*words)
        # The answer may be a no.
        assert done.code in (0, 1), (line, done)
        assert "error" not in done.err, (line, done)
        if path.exists():
            validator.validate(json.loads(path.read_text()))
            stated.add(words[0])
            # What has no examples of its own would not have been tried.
            assert "submitted model" in path.read_text()
    assert Path("xor.md").read_text().count("The submitted model xor.onnx (SHA-256 ") == 2
    assert sorted(path.name for path in Path("proofs").glob("*.vcert")) == [
        "xor-1-float32.vcert", "xor-1.vcert", "xor-2-float32.vcert", "xor-2.vcert"]
    wanted = {name for name in COMMANDS if "certificate" in {p.name for p, _, _ in declared(COMMANDS[name])}}
    assert stated | {"verify"} >= wanted


def test_the_shell_completes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_VERDICT_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "verdict robust --eng")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert run().out.split() == ["--engine"]
    monkeypatch.setenv("COMP_WORDS", "verdict maxw")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert run().out.split() == ["maxweights"]


def test_older_names_are_still_read(run: Run, tmp_path: Path) -> None:
    # The first has to be left to the parser, which gets the name that pages show.
    wrong = run("verify", "q.vnnlib", "--network", "m.onnx", "--assignments", "a", "--assignments", "-1", "--x")
    assert "--x" in wrong.err
    again = run("robust", "xor", "--input", "xor#1", "--eps", "0.1", "--output-name=logits", "--threads", "01")
    assert again.code == 0, again


def test_a_statement_replaces_nothing_else(run: Run, tmp_path: Path) -> None:
    asked = ("robust", "xor", "--input", "xor#1", "--eps")
    for suffix, mark in MARKS.items():
        path = tmp_path / f"s{suffix}"
        assert run(*asked, "0.3", "--statement", path).code == 1
        assert path.read_text().startswith(mark)
        assert "known to break" in path.read_text()
        assert run(*asked, "0.1", "--statement", path).code == 0
        assert "known to abide" in path.read_text()
        path.write_text("mine")
        assert run(*asked, "0.1", "--statement", path).code == 2
        assert path.read_text() == "mine"
    late = run(*asked, "0.1", "--timeout", "0.000001", "--statement", tmp_path / "late.md")
    assert (late.code, (tmp_path / "late.md").exists()) == (3, False)
    assert "late.md: nothing is written" in late.err
    refused = run(*asked, "0.1", "--statement", tmp_path / "s.txt")
    assert (refused.code, refused.out) == (2, "")
    assert "ends in .md or .json" in refused.err


def test_a_folder_of_certificates(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "proofs"
    asked = ("robust", "xor", "--input", "xor#1:3", "--eps", "0.2", "--certificate", folder)
    made = run(*asked, "--json")
    assert [r["certificate"]["accepted"] for r in made.json["results"]] == [True, True], made
    done = run("check", "xor", folder)
    assert (done.code, done.out.splitlines()[-1]) == (0, "2 certificates: 2 accepted")
    (folder / "a.vcert").write_text("no certificate")
    done = run("check", "xor", folder, "--json")
    assert (done.code, done.json["summary"]) == (2, {"certificates": 3, "accepted": 2, "unreadable": 1})
    # One that is about another model is refused, and that is worse.
    assert run("robust", "abs", "--input", "abs#0", "--eps", "0.01", "--certificate", folder / "b.vcert").code == 0
    done = run("check", "xor", folder)
    assert done.code == 1, done
    assert "4 certificates: 2 accepted, 1 unreadable, 1 rejected" in done.out
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "expected files *.vcert" in run("check", "xor", empty).err


def test_words_of_check_and_verify(run: Run) -> None:
    for words in (["check", "a.vcert"], ["check", "xor", "a.vcert", "--network", "xor"], ["verify", "q.vnnlib"]):
        done = run(*words)
        assert done.code == 2
        assert "found neither" in done.err or "found both" in done.err


def test_a_statement_has_the_hash_of_the_submitted_file(run: Run, tmp_path: Path) -> None:
    """Of a file with several outputs too, where the network that is asked about is another model."""
    import onnx

    model = onnx.load(shipped("xor").path)
    model.graph.node.append(onnx.helper.make_node("ArgMax", [model.graph.output[0].name], ["best"], axis=1))
    model.graph.output.append(onnx.helper.make_tensor_value_info("best", onnx.TensorProto.INT64, [1, 1]))
    path, said = tmp_path / "two.onnx", tmp_path / "said.json"
    onnx.save(model, path)
    done = run("robust", path, "--input", "xor#1", "--eps", "0.1", "--range", "0", "1", "--statement", said)
    assert done.code == 0, done
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    wanted = {"name": "two.onnx", "sha256": digest, "output": "logits", "origin": None}
    assert json.loads(said.read_text())["models"] == [wanted]
