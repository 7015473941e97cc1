"""The commands about two networks, two copies and perturbed weights: answers, JSON, exit codes, bad input."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cli_process import Outcome

import verdict
from verdict.models import data

Run = Callable[..., Outcome]
BALL = ("--input", "digits#3", "--within", "0.02")


def test_maxdelta(run: Run) -> None:
    result = run("maxdelta", "digits-mlp", "digits-mlp-robust", *BALL, "--json")
    assert result.code == 0
    first, second = verdict.load("digits-mlp"), verdict.load("digits-mlp-robust")
    x = np.array(result.json["witness"])[None]
    apart = np.abs(first.evaluate(x) - second.evaluate(x)).max()
    assert result.json["lower"] == pytest.approx(apart)
    assert result.json["upper"] == pytest.approx(apart, rel=1e-6)
    words = run("maxdelta", "digits-mlp", "digits-mlp-robust", *BALL)
    assert "largest      in [12.62887256, 12.62887576], closed" in words.out


def test_imitates(run: Run) -> None:
    yes = run("imitates", "digits-mlp", "digits-mlp-robust", *BALL, "--delta", "13", "--lead", "0")
    assert (yes.code, "yes: it holds" in yes.out) == (0, True)
    no = run("imitates", "digits-mlp", "digits-mlp-robust", *BALL, "--delta", "12", "--json")
    assert (no.code, no.json["status"]) == (1, "violated")
    assert max(abs(a - b) for a, b in zip(no.json["outputs"][:10], no.json["outputs"][10:], strict=True)) > 12


@pytest.mark.parametrize(
    "asked",
    [
        ("maxdelta", "digits-mlp", "digits-mlp-robust", *BALL),
        ("imitates", "digits-mlp", "digits-mlp-robust", *BALL, "--delta", "13", "--lead", "0"),
        ("general", "digits-mlp-robust", *BALL, "--eps", "0.009", "--theta", "1"),
        ("robust", "digits-conv", "--input", "digits#3", "--perturbation", "brightness", "--eps", "0.2"),
    ],
)
def test_certificates_about_the_composed_file(run: Run, asked: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "proof.vcert"
    answer = run(*asked, "--certificate", file, "--json")
    assert (answer.code, answer.json["certificate"]["accepted"]) == (0, True)
    query = () if asked[0] == "robust" else ("--property", f"{file}.vnnlib")
    again = run("check", file, "--network", f"{file}.onnx", *query)
    assert (again.code, again.out.startswith("accepted")) == (0, True)
    # The certificate is about the composed file and no other.
    other = verdict.load("digits-mlp").path
    assert run("check", file, "--network", other, *query).code != 0


def test_general(run: Run) -> None:
    asked = ("general", "digits-mlp-robust", *BALL)
    assert run(*asked, "--theta", "1", "--eps", "0.009").code == 0
    assert run(*asked, "--theta", "1", "--eps", "0.01").code == 1
    radius = run(*asked, "--theta", "1", "--json")
    assert 0.009 < radius.json["lower"] <= radius.json["upper"] < 0.01
    moved = run(*asked, "--eps", "0.01", "--json")
    assert moved.json["upper"] > 1
    nothing = run(*asked)
    assert (nothing.code, "nothing is asked" in nothing.err) == (2, True)
    assert "expected either theta or lead" in run(*asked, "--theta", "1", "--lead", "1").err


def test_maxfall(run: Run) -> None:
    result = run("maxfall", "abs", "--range", "-1", "1", "--feature", "0", "--output", "1", "--step", "1/2")
    assert result.code == 0
    assert "output 1 falls by" in result.out


def test_maxweights(run: Run) -> None:
    one = run("maxweights", "digits-mlp", "--input", "digits#3", "--layer", "fc1", "--json")
    assert (one.code, one.json["status"], one.json["label"]) == (0, "closed", 2)
    every = run("maxweights", "xor", "--input", "xor#1")
    assert every.code == 3
    assert "not closed (change of each weight)" in every.out
    assert run("maxweights", "digits-mlp", "--input", "digits#3", "--layer", "fc9").code == 2


def test_maxpruning(run: Run, tmp_path: Path) -> None:
    saved = tmp_path / "pruned.onnx"
    result = run("maxpruning", "digits-linear", *BALL, "--save", saved, "--json")
    assert (result.code, result.json["status"]) == (0, "exact")
    pruned = verdict.load(saved)
    x = data("digits").load()[0][3][None]
    assert pruned.evaluate(x)[0].argmax() == verdict.load("digits-linear").evaluate(x)[0].argmax()


def test_perturbations_and_their_witnesses(run: Run, tmp_path: Path) -> None:
    brightness = ("maxeps", "digits-conv", "--input", "digits#3", "--perturbation", "brightness")
    answer = run(*brightness, "--save", tmp_path, "--json")
    assert (answer.code, answer.json["perturbation"]) == (0, "brightness")
    (parameter,) = answer.json["parameters"]
    assert abs(parameter) == pytest.approx(answer.json["witness_radius"])
    image = data("digits").load()[0][3]
    shown = np.clip(image + np.float32(parameter), 0, 1)
    np.testing.assert_allclose(answer.json["witness"], shown, atol=1e-6)
    # What is saved is the input itself, in the network's shape.
    file = np.load(tmp_path / "digits-3-witness.npy")
    assert file.shape == verdict.load("digits-conv").inputs[0].shape
    np.testing.assert_allclose(file.ravel(), shown, atol=1e-6)
    words = run(*brightness)
    assert "(added to every entry of the input), closed" in words.out
    path = run("robust", "digits-conv", "--input", "digits#3", "--perturbation", "path:to=digits#0", "--eps", "1")
    assert (path.code, "(the part of the way to the other input)" in path.out) == (1, True)


def test_before_normalisation(run: Run) -> None:
    asked = ("maxeps", "cancer-mlp", "--input", "cancer#3", "--range", "0", "1", "--json")
    plain, scaled = run(*asked), run(*asked, "--mean", "0", "--std", "1")
    assert scaled.json["upper"] == pytest.approx(plain.json["upper"], rel=1e-6)
    assert run("maxeps", "cancer-mlp", "--input", "cancer#3", "--std", "0").code == 2
