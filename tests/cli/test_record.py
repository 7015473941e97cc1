"""Every command's --json holds one record of its question and answer, which fits the schema and can be asked again."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

import verdict
from verdict.answer.record import STATUSES, record
from verdict.cli.main import COMMANDS, main

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = json.loads((DOCS / "record.schema.json").read_text(encoding="utf-8"))
ONE = ("--input", "xor#1")
AROUND = (*ONE, "--within", "0.01")
SMALL = ("--given", "box([0, 0.7], [0.1, 1])")
COMMANDS_ASKED = [
    ("robust", "xor", *ONE, "--eps", "0.2"),
    ("robust", "xor", *ONE, "--eps", "0.3"),
    ("robust", "xor", *ONE, "--eps", "1", "--integers", "0,1"),
    ("robust", "xor", *ONE, "--eps", "0.1", "--mean", "0.5", "--std", "2", "--range", "0", "1"),
    ("robust", "digits-mlp", "--input", "digits#3", "--pixels", "1"),
    ("maxeps", "xor", *ONE, "--engine", "smt"),
    ("maxeps", "xor", *ONE, "--label", "0"),
    ("maxeps", "xor", *ONE, "--perturbation", "path:to=xor#2", "--engine", "bab"),
    ("maxeps", "xor", *ONE, "--scales", "1,1/2", "--that", "margin(1/5)", "--engine", "bab"),
    ("prove", "xor", *SMALL, "--that", "y[1] > y[0]"),
    ("prove", "xor", *SMALL, "--that", "y[1] > 5"),
    ("bounds", "xor", *ONE, "--eps", "0.1", "--method", "linear"),
    ("maxdelta", "xor", "xor", *AROUND, "--engine", "bab"),
    ("imitates", "xor", "xor", *AROUND, "--delta", "0.1"),
    ("general", "xor", *AROUND, "--eps", "0.01", "--theta", "1"),
    ("general", "xor", *AROUND, "--theta", "0.1", "--engine", "bab"),
    ("general", "xor", *AROUND, "--eps", "0.01", "--engine", "bab"),
    ("monotone", "abs", "--range", "0", "1", "--feature", "0", "--output", "0"),
    ("maxfall", "xor", *AROUND, "--feature", "0", "--output", "1", "--step", "0.1", "--engine", "bab"),
    ("maxweights", "xor", *ONE, "--layer", "0", "--engine", "bab"),
    ("maxpruning", "xor", *ONE),
    ("residual", "square", "--unknown", "u,v", "--variables", "x", "--domain", "x:0:1", "--equation", "u_x - 3*x"),
]


def fits(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The record that a command prints, which fits the schema."""
    assert main([*words, "--json"]) in (0, 1, 3)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)["record"]
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    assert found["answer"]["status"] in STATUSES
    return found


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("words", COMMANDS_ASKED, ids=lambda words: "-".join(words)[:50])
def test_the_record_of_a_command(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    found = fits(words, capsys)
    question = verdict.Question.from_json(found["question"])
    assert question.to_json() == found["question"]
    assert verdict.Options.from_json(found["options"]).to_json() == found["options"]
    if words[0] in ("robust", "prove"):
        assert verdict.ask(question).status == found["answer"]["status"]


def test_commands_about_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query, proof = tmp_path / "q.vnnlib", tmp_path / "p.vcert"
    kept = ("--query", str(query), "--certificate", str(proof))
    first = fits(("prove", "xor", *SMALL, "--that", "y[1] > y[0]", *kept), capsys)
    assert first["evidence"]["certificate"]["accepted"]
    said = fits(("verify", str(query), "--network", "xor"), capsys)
    assert said["answer"]["status"] == "robust"
    checked = fits(("check", str(proof), "--network", "xor", "--property", str(query)), capsys)
    assert (checked["answer"]["status"], checked["evidence"]["trust"]) == ("accepted", "certified")
    other = tmp_path / "other.vnnlib"
    fits(("prove", "xor", *SMALL, "--that", "y[1] > 5", "--query", str(other)), capsys)
    refused = fits(("check", str(proof), "--network", "xor", "--property", str(other)), capsys)
    assert refused["answer"]["status"] == "rejected"
    ball = fits(("robust", "xor", *ONE, "--eps", "0.2", "--certificate", str(tmp_path / "b.vcert")), capsys)
    assert ball["evidence"]["trust"] == "certified"


def test_every_command_with_an_answer_is_here() -> None:
    asked = {words[0] for words in COMMANDS_ASKED} | {"verify", "check"}
    # What is left prints no answer to a question: encode its text, those about stores tables, the others facts.
    stores = {"run", "summary", "export", "report"}
    assert set(COMMANDS) - asked - stores == {"encode", "supports", "models", "info"}


def test_a_range_has_a_record_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["robust", "xor", "--input", "xor#0:2", "--eps", "0.2", "--json"]) == 0
    results = json.loads(capsys.readouterr().out)["results"]
    keys = {verdict.Question.from_json(each["record"]["question"]).key for each in results}
    assert len(keys) == 2


def test_results_have_dicts() -> None:
    asked = verdict.Question.of("maxeps", ["xor"], np.array([0.5, 0.5], np.float32))
    found = verdict.ask(asked)
    made = record(asked.pinned().to_json(), {}, found.to_dict())
    jsonschema.Draft202012Validator(SCHEMA).validate(made)
    assert made["evidence"]["closest"]["radius"] == "1/4"
    with pytest.raises(ValueError, match="fine"):
        record({}, {}, {"answer": {"status": "fine"}})


def test_the_page_has_the_vocabulary() -> None:
    page = (DOCS / "record.md").read_text(encoding="utf-8")
    table = page[page.index("| status | says |") :]
    assert re.findall(r"^\| `([\w-]+)` \| (.+) \|$", table, re.M) == list(STATUSES.items())
