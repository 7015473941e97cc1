"""`verdict bounds`: the table, the JSON, the picture, and what it refuses."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cli_process import Outcome
from PIL import Image

import verdict
from verdict.models import data
from verdict.network.evaluate import evaluate
from verdict.search.neurons.methods import METHODS

Run = Callable[..., Outcome]
X = "bounds", "cancer-mlp", "--input", "cancer#3"


def test_json(run: Run) -> None:
    result = run(*X, "--eps", "0.03", "--method", "all", "--json")
    answer = json.loads(result.out)
    assert (result.code, result.err) == (0, "")
    assert set(answer) == {
        "model", "sha256", "input", "norm", "range", "true_label", "eps", "label", "methods", "saved", "record",
    }  # fmt: skip
    assert (answer["eps"], answer["range"], answer["label"], answer["saved"]) == ("3/100", ["0", "1"], 1, None)
    found = {each["method"]: each for each in answer["methods"]}
    assert list(found) == list(METHODS)
    assert {name: each["trust"] for name, each in found.items()} == {
        **dict.fromkeys(METHODS, "rigorous"), "milp": "solver"
    }  # fmt: skip
    assert [layer["size"] for layer in found["lp"]["layers"]] == [16, 8, 2]
    assert found["lp"]["unstable"] == sum(layer["unstable"] for layer in found["lp"]["layers"])
    # Each of these is at least as tight as the one before.
    margins = [found[name]["margins"]["class 0"] for name in ("interval", "linear", "alpha", "lp", "milp")]
    assert margins == sorted(margins)
    assert margins[0] < margins[1] < margins[-1]
    assert "MILPs" in found["milp"]["note"]


def test_margins_hold_on_samples() -> None:
    network, x = verdict.load("cancer-mlp"), data("cancer").load()[0][3]
    found = verdict.bounds_of(network, x, "0.03", range=(0, 1), method="all")
    low, high = np.clip(x - 0.0299, 0, 1), np.clip(x + 0.0299, 0, 1)
    points = np.random.default_rng(0).uniform(low, high, (2000, len(x)))
    outputs = evaluate(network.graph, points)
    least = (outputs[:, 1] - outputs[:, 0]).min()
    for each in found:
        assert each.rivals == ("class 0",)
        assert each.margins[0] <= least + 1e-9
        assert (each.layers[-1].lower <= outputs.min(axis=0) + 1e-9).all()
        assert (each.layers[-1].upper >= outputs.max(axis=0) - 1e-9).all()


def test_table(run: Run) -> None:
    result = run(*X, "--eps", "0.03")
    assert (result.code, result.err) == (0, "")
    header = next(line.split() for line in result.out.splitlines() if "interval" in line)
    assert header == ["interval", "zonotope", "linear", "alpha", "lp", "sharpen"]
    for words in ("cancer-mlp.onnx on cancer#3, eps 0.03", "class 1", "mean width", "unstable", "margins (1)", "trust"):
        assert words in result.out
    assert max(map(len, result.out.splitlines())) <= 120


def test_methods_are_shown_in_the_order_asked_for(run: Run) -> None:
    answer = json.loads(run(*X, "--eps", "0.03", "--method", "linear,interval", "--json").out)
    assert [each["method"] for each in answer["methods"]] == ["linear", "interval"]


def test_plot(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "bounds.png"
    result = run(*X, "--eps", "0.03", "--method", "interval,linear", "--plot", path)
    assert (result.code, result.err) == (0, "")
    assert str(path) in result.out
    with Image.open(path) as picture:
        assert picture.size > (300, 200)
        assert len(picture.convert("RGB").getcolors(10**6)) > 20


def test_plot_without_matplotlib(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = run(*X, "--eps", "0.03", "--plot", tmp_path / "b.png")
    assert (result.code, result.out) == (2, "")
    assert result.err == "error: --plot needs matplotlib: pip install 'verdict-nn[report]'\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((*X, "--eps", "0.03", "--method", "crow"), "no method 'crow'"),
        ((*X, "--eps", "0.03", "--method", ""), "no method ''"),
        ((*X, "--eps", "-1"), "expected at least 0"),
        ((*X, "--eps", "wide"), "'wide'"),
        ((*X, "--eps", "0.03", "--timeout", "0"), "--timeout"),
        ((*X, "--eps", "0.03", "--label", "2"), "label 2 is out of range"),
        ((*X, "--eps", "0.03", "--norm", "l7"), "'l7'"),
        (("bounds", "cancer-mlp", "--input", "cancer#3:5", "--eps", "0.03"), "names 2 inputs"),
        (("bounds", "no-such-model", "--input", "cancer#3", "--eps", "0.03"), "no-such-model"),
        (X, "--eps"),
        (("robust", "xor", "--input", "xor#1", "--eps", "0.2", "--bounds", "lp"), "--bounds goes with"),
        (("robust", "xor", "--input", "xor#1", "--eps", "0.2", "--engine", "smt", "--bounds", "milp"), "solver's word"),
        (("maxeps", "xor", "--input", "xor#1", "--engine", "milp", "--bounds", "alhpa"), "did you mean 'alpha'"),
    ],
)
def test_refusals(run: Run, words: tuple[str, ...], says: str) -> None:
    result = run(*words)
    assert (result.code, result.out) == (2, "")
    assert says in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("name", ["b.txt", "missing/b.png"])
def test_bad_plot_paths_are_refused_before_any_work(run: Run, tmp_path: Path, name: str) -> None:
    pytest.importorskip("matplotlib")
    result = run(*X, "--eps", "0.03", "--plot", tmp_path / name)
    assert (result.code, result.out) == (2, "")
    assert name in result.err


def test_bounds_for_the_engine(run: Run) -> None:
    words = "robust", "cancer-mlp", "--input", "cancer#1", "--eps", "0.0178", "--engine", "milp", "--json"
    for bounds in ("interval", "lp"):
        answer = json.loads(run(*words, "--bounds", bounds).out)
        assert answer["status"] == "robust"


def test_balls(run: Run) -> None:
    result = run(*X, "--eps", "0.1", "--norm", "l2", "--json")
    ball = json.loads(result.out)
    box = json.loads(run(*X, "--eps", "0.1", "--json").out)
    assert (result.code, ball["norm"]) == (0, "l2")
    for within, around in zip(ball["methods"], box["methods"], strict=True):
        assert within["margins"]["class 0"] > around["margins"]["class 0"]
    assert "eps 0.1 (L2)" in run(*X, "--eps", "0.1", "--norm", "l2").out
