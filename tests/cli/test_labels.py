"""What a file of one's own holds: headers, true classes, arrays by name, and the output that is asked about."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cli_process import Outcome
from support import tiny

Run = Callable[..., Outcome]
# Of the network xor, whose class is 1 where exactly one of the two is above 1/2.
ROWS = np.array([[0.125, 0.875], [0.875, 0.125], [0.125, 0.125]], np.float32)
TRUE, WRONG = [1, 1, 0], [1, 0, 0]


def table(path: Path, header: str, labels: list[int] | None = None, place: int = 2) -> Path:
    rows = [list(map(str, row)) for row in ROWS.tolist()]
    for row, label in zip(rows, labels or [], strict=False):
        row.insert(place, str(label))
    path.write_text("\n".join([header, *(",".join(row) for row in rows)] if header else map(",".join, rows)))
    return path


def statuses(result: Outcome) -> list[str]:
    return [each["status"] for each in json.loads(result.out)["results"]]


def test_a_header_that_looks_like_numbers_has_to_be_called_one(run: Run, tmp_path: Path) -> None:
    path = table(tmp_path / "x.csv", "0,1")
    words = ["robust", "xor", "--eps", "0.01", "--json", "--input"]
    asked = run(*words, f"{path}#0:3")
    assert asked.code == 2
    assert "line 1 is 0,1, which may be a header or an input: say --header yes or --header no" in asked.err
    read = run(*words, f"{path}#0:3", "--header", "yes")
    assert (read.code, len(statuses(read))) == (0, 3)
    assert run(*words, f"{path}#0:4", "--header", "yes").code == 2
    assert len(statuses(run(*words, f"{path}#0:4", "--header", "no"))) == 4
    assert run(*words, f"{path}#0:3", "--header", "maybe").err == "error: --header maybe: expected yes or no\n"
    # Words are a header whatever is said, and a plain row is none.
    assert run(*words, f"{table(path, 'a,b')}#0:3").code == 0
    assert "line 1, column 1 is 'a'" in run(*words, f"{path}#0:3", "--header", "no").err
    assert run(*words, f"{table(path, '')}#0:3").code == 0


@pytest.mark.parametrize(
    ("command", "name", "place"),
    [("robust", "class", 2), ("robust", "2", 2), ("robust", "0", 0), ("maxeps", "class", 0)],
)
def test_a_column_of_true_classes(command: str, name: str, place: int, run: Run, tmp_path: Path) -> None:
    titles = ["a", "b"]
    titles.insert(place, "class")
    eps = ["--eps", "0.01"] if command == "robust" else ["--engine", "smt"]
    words = [command, "xor", *eps, "--label-column", name, "--input"]
    good = run(*words, f"{table(tmp_path / 'x.csv', ','.join(titles), TRUE, place)}#0:3", "--json")
    assert good.code == 0
    assert "wrong-label" not in statuses(good)
    assert [each["true_label"] for each in json.loads(good.out)["results"]] == TRUE
    path = table(tmp_path / "x.csv", ",".join(titles), WRONG, place)
    bad = run(*words, f"{path}#0:3", "--json")
    assert bad.code == 1
    assert [status == "wrong-label" for status in statuses(bad)] == [False, True, False]
    summary = json.loads(bad.out)["summary"]
    assert (summary["inputs"], summary["wrong-label"]) == (3, 1)
    shown = run(*words, f"{path}#0:3")
    assert shown.code == 1
    lines = [line.split() for line in shown.out.splitlines() if line]
    assert lines[0][:3] == ["input", "true", "class"]
    assert [line[1] for line in lines[1:4]] == ["1", "0", "0"]
    assert "1 wrong-label" in shown.out.splitlines()[-1]


@pytest.mark.parametrize("kind", ["npy", "csv", "npz", "key"])
def test_labels_of_a_file(kind: str, run: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", ROWS)
    path = tmp_path / f"l.{'npz' if kind == 'key' else kind}"
    if kind == "npy":
        np.save(path, WRONG)
    elif kind == "csv":
        path.write_text("class\n" + "\n".join(map(str, WRONG)))
    else:
        np.savez(path, **{"own" if kind == "key" else "y": np.array(WRONG), "other": np.zeros(7)})
    words = ["robust", "xor", "--eps", "0.01", "--json", "--labels", f"{path}[own]" if kind == "key" else path]
    result = run(*words, "--input", f"{tmp_path / 'x.npy'}#0:3")
    assert (result.code, statuses(result)) == (1, ["robust", "wrong-label", "robust"])
    # One input alone is asked about its own label.
    one = json.loads(run(*words, "--input", f"{tmp_path / 'x.npy'}#2").out)
    assert (one["status"], one["true_label"]) == ("robust", 0)
    assert json.loads(run(*words, "--input", f"{tmp_path / 'x.npy'}#1").out)["status"] == "wrong-label"


BAD_LABELS = {
    "too few": (np.array([1, 0]), "expected one class for each of 3 inputs"),
    "no classes": (np.array([1, 0.5, 0]), "expected the numbers of classes"),
    "negative": (np.array([1, -1, 0]), "expected the numbers of classes"),
    "a class that is not there": (np.array([1, 7, 0]), "7"),
    "text": (np.array(["a", "b", "c"]), "expected real numbers"),
}


@pytest.mark.parametrize("case", BAD_LABELS)
def test_bad_labels(case: str, run: Run, tmp_path: Path) -> None:
    labels, said = BAD_LABELS[case]
    np.save(tmp_path / "x.npy", ROWS)
    np.save(tmp_path / "l.npy", labels)
    words = ["robust", "xor", "--input", f"{tmp_path / 'x.npy'}#0:3", "--eps", "0.01"]
    result = run(*words, "--labels", tmp_path / "l.npy")
    assert result.code == 2
    assert said in result.err
    assert result.err.count("\n") == 1


def test_options_that_do_not_go_together(run: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", ROWS)
    path = table(tmp_path / "x.csv", "a,b,c", TRUE)
    words = ["robust", "xor", "--eps", "0.01", "--input"]
    for more, said in (
        ([f"{path}#0:3", "--labels", tmp_path / "x.npy", "--label-column", "2"], "both say"),
        ([f"{tmp_path / 'x.npy'}#0:3", "--header", "yes"], "about .csv files"),
        ([f"{tmp_path / 'x.npy'}#0:3", "--label-column", "0"], "about .csv files"),
        ([f"{path}#0:3", "--label-column", "d"], "expected a number from 0 to 2, or one of a, b, c"),
        ([f"{path}#0:3", "--label-column", "9"], "expected a number from 0 to 2"),
        ([f"{tmp_path / 'x.npy'}#0:3", "--labels", tmp_path / "nothing.npy"], "cannot be read"),
        ([f"{tmp_path / 'x.npy'}#0:3", "--labels", tmp_path], "expected a .npy, .npz or .csv file"),
    ):
        result = run(*words, *more)
        assert result.code == 2, more
        assert said in result.err
        assert result.err.count("\n") == 1


def test_a_label_that_is_given_comes_before_those_of_a_data_set(run: Run) -> None:
    kept = run("robust", "xor", "--input", "xor#1:3", "--eps", "0.01", "--label", "0", "--json")
    assert kept.code == 1
    assert statuses(kept) == ["violated", "violated"]


def test_an_archive_has_one_array_for_each_named_input(run: Run, tmp_path: Path) -> None:
    model = tiny.sum_of_two(tmp_path / "m.onnx")
    a, b = np.array([[0.5, 1], [2, 3]], np.float32), np.array([[0.25, 0], [1, 1]], np.float32)
    np.savez(tmp_path / "x.npz", b=b, a=a)
    np.save(tmp_path / "flat.npy", np.concatenate([a, b], axis=1))
    words = ["maxeps", model, "--engine", "smt", "--json", "--input"]
    for i in (0, 1):
        named, flat = (json.loads(run(*words, f"{tmp_path / name}#{i}").out) for name in ("x.npz", "flat.npy"))
        assert (named["label"], named["exact"]) == (flat["label"], flat["exact"])
    for arrays, said in (
        ({"a": a, "c": b}, "holds a, and no array for the other inputs: b"),
        ({"a": a, "b": b[:1]}, "as many in each"),
        ({"a": a, "b": np.zeros((2, 3), np.float32)}, "has shape (2, 3), the input takes (1, 2)"),
    ):
        np.savez(tmp_path / "bad.npz", **arrays)
        result = run(*words, f"{tmp_path / 'bad.npz'}#0")
        assert (result.code, result.err.count("\n")) == (2, 1)
        assert said in result.err


OUTPUTS = {
    "robust": ["--eps", "0.01"], "maxeps": [], "bounds": ["--eps", "0.01", "--method", "interval"],
    "general": ["--eps", "0.001", "--lead", "0.5"], "maxweights": [], "maxpruning": [],
    "encode": ["--eps", "0.01", "--to", "smt2"], "imitates": ["--lead", "0.5"],
}  # fmt: skip


@pytest.mark.parametrize("command", OUTPUTS)
def test_of_several_outputs_one_is_named(command: str, run: Run, tmp_path: Path) -> None:
    model = str(tiny.two_heads(tmp_path / "m.onnx"))
    np.save(tmp_path / "x.npy", np.array([0.3, 0.6, 0.1, 0.8], np.float32))
    models = [model, model] if command == "imitates" else [model]
    words = [command, *models, "--input", tmp_path / "x.npy", *OUTPUTS[command]]
    asked = run(*words)
    assert asked.code == 2
    assert "'y' of shape (1, 3), 'value' of shape (1, 2)" in asked.err
    assert "--output NAME" in asked.err
    for name in ("y", "value"):
        result = run(*words, "--output-name", name, "--timeout", "1")
        assert result.code in (0, 1, 3), result.err
    result = run(*words, "--output-name", "nothing")
    assert result.code == 2
    assert "has no output 'nothing', expected one of 'y', 'value'" in result.err
