"""`--range` in files: one with two rows, or one for each end; and `verdict monotone`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from verdict.cli.words import with_both_ends


@pytest.mark.parametrize(("given", "found"), [
    (["maxeps", "m", "--range", "r.csv", "--json"], ["maxeps", "m", "--range", "r.csv", "r.csv", "--json"]),
    (["maxeps", "m", "--range", "r.csv"], ["maxeps", "m", "--range", "r.csv", "r.csv"]),
    (["maxeps", "--range", "r.npy", "m.onnx"], ["maxeps", "--range", "r.npy", "r.npy", "m.onnx"]),
    (["maxeps", "m", "--range", "a.npy", "b.npy"], ["maxeps", "m", "--range", "a.npy", "b.npy"]),
    (["maxeps", "m", "--range", "a.npy", "1"], ["maxeps", "m", "--range", "a.npy", "1"]),
    (["maxeps", "m", "--range", "0", "1"], ["maxeps", "m", "--range", "0", "1"]),
])
def test_one_file_may_hold_both_ends(given, found):
    assert with_both_ends(given) == found


def test_ranges_in_files(run, tmp_path: Path):
    (tmp_path / "both.csv").write_text("0,0\n1,0\n")
    np.save(tmp_path / "high.npy", np.array([1.0, 0.0]))
    for words in ([str(tmp_path / "both.csv")], ["0", str(tmp_path / "high.npy")]):
        result = run("maxeps", "xor", "--input", "xor#0", "--range", *words, "--json")
        assert result.code in (0, 3), result.err
        assert json.loads(result.out)["range"] == (words * 2)[:2]
    result = run("maxeps", "xor", "--input", "xor#0", "--range", "0", str(tmp_path / "none.npy"))
    assert (result.code, "--range: " in result.err) == (2, True)
    result = run("bounds", "xor", "--input", "xor#0", "--eps", "0.1", "--range", str(tmp_path / "both.csv"))
    assert result.code == 0, result.err


def test_monotone_is_a_yes_or_a_no(run):
    words = ("monotone", "abs", "--feature", "0", "--output", "0", "--range")
    assert run(*words, "0", "1").code == 0
    result = run(*words, "-1", "1")
    assert result.code == 1
    assert "witness" in result.out
    words = ("--feature", "worst area", "--label", "benign", "--input", "cancer#3")
    assert run("monotone", "cancer-mlp", *words).code == 0
    assert run("monotone", "abs", "--feature", "0", "--range", "0", "1").code == 2


def test_a_class_is_asked_for_and_shown_by_its_name(run):
    result = run("robust", "cancer-mlp", "--input", "cancer#3", "--eps", "0.001", "--label", "malignant")
    assert result.code == 1, result.err
    assert "0 (malignant) (the data set says 1)" in result.out
