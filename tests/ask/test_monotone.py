"""Monotone or not, and how far it falls: on numbers and on margins, by number and by name; ranges for each feature."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import verdict
from verdict.models import data

HALF = verdict.region("abs", range=(0, 1))
WHOLE = verdict.region("abs", range=(-1, 1))


def test_a_rising_output_is_monotone_and_a_falling_one_is_not():
    assert verdict.monotone("abs", HALF, 0, 0).status == "robust"
    answer = verdict.monotone("abs", WHOLE, 0, 0)
    assert answer.status == "violated"
    x, growth = answer.witness.point.fractions()
    assert -1 <= x <= x + growth <= 1
    assert abs(x + growth) < abs(x)
    # A constant neither rises nor falls.
    assert verdict.monotone("abs", WHOLE, 0, 1).status == "robust"
    assert verdict.monotone("abs", WHOLE, 0, 1, decreasing=True).status == "robust"
    assert verdict.monotone("abs", HALF, 0, 0, decreasing=True).status == "violated"


def test_margins_and_names():
    named = verdict.load("abs", features=["distance"])
    assert verdict.monotone(named, HALF, "distance", label="far").status == "robust"
    assert verdict.monotone(named, HALF, "distance", label="near", target="far", decreasing=True).status == "robust"
    assert verdict.monotone(named, HALF, "distance", label="near").status == "violated"
    # The margin of near over far falls as far as |x| grows: by the step.
    assert verdict.maxfall(named, HALF, "distance", step="1/4", label="near").lower == Fraction(1, 4)
    assert verdict.maxfall(named, HALF, "distance", step="1/4", label="far").exact == 0


@pytest.mark.parametrize("engine", ["milp", "auto"])
def test_the_largest_fall_within_decimals_is_reached(engine: str):
    """Ends that no float equals hide no witness: a solver's point lies a hair outside of them."""
    x = data("cancer").load()[0][3].ravel()
    found = verdict.maxfall("cancer-mlp", verdict.region("cancer-mlp", x, "0.01"), 7, 1, step="0.01", engine=engine)
    assert found.status == "closed"
    assert float(found.lower) == pytest.approx(0.0076278033)


def test_a_certificate_of_monotonicity_proves_a_network_that_only_rises(tmp_path: Path):
    # Strictly rising by more than any rounding, but for no growth at all, where both are equal: no strict proof.
    made = verdict.monotone("abs", HALF, 0, 0, certificate=tmp_path / "m.vcert").certificate
    assert not made.accepted
    assert made.reason


@pytest.mark.parametrize(("said", "message"), [
    ({}, "expected either an output or a label"),
    ({"output": 0, "label": 1}, "expected either an output or a label"),
    ({"output": 0, "target": 1}, "a target goes with a label"),
    ({"label": 1, "target": 1}, "target 1 is the label itself"),
    ({"output": 2}, "output is 2"),
    ({"label": "close"}, "expected one of the classes far, near"),
    ({"output": 0, "feature": "height"}, "feature is 'height', expected one of x"),
    ({"output": 0, "feature": 1}, "feature is 1"),
])
def test_mistakes(said, message):
    with pytest.raises(verdict.VerdictError, match=message):
        verdict.monotone("abs", HALF, **{"feature": 0, **said})
    with pytest.raises(verdict.VerdictError, match=message):
        verdict.maxfall("abs", HALF, step=1, **{"feature": 0, **said})


@pytest.mark.parametrize("norm", ["linf", "l1", "l2"])
def test_each_feature_has_a_range_of_its_own(norm):
    """With the second input fixed at 0 by its range, xor changes its class at 1/2, in every norm."""
    found = verdict.maxeps("xor", [0, 0], range=(np.zeros(2), ["1", "0"]), norm=norm)
    assert float(found.lower) == pytest.approx(0.5, abs=1e-5)
    assert verdict.robust("xor", [0, 0], "0.49", range=(0, (1, 0)), norm=norm).status == "robust"


def test_a_range_for_each_feature_goes_into_questions_and_certificates(tmp_path: Path):
    question = verdict.Question.of("robust", ["xor"], [0, 0], eps="0.4", range=(0, (1, 0)))
    assert verdict.Question.from_json(question.to_json()).key == question.key
    assert verdict.ask(question, verdict.Options(certificate=tmp_path / "c.vcert")).certificate.accepted
    assert verdict.check(tmp_path / "c.vcert", "xor").accepted
    box = verdict.region("xor", range=((0, "0.5"), 1))
    assert (box.lower[1], box.upper[0]) == (Fraction(1, 2), Fraction(1))


@pytest.mark.parametrize(("limits", "message"), [
    ((1, (2, 0)), "the range is empty for input 1: 1 is above 0"),
    (((0, 0), (1, 1, 1)), "2 low and 3 high ends"),
    ((0, (1, 1, 1)), "the range has 3 ends, expected one for each of 2 inputs"),
    ((0,), "range has 1 parts"),
    ((0, ("a", 1)), "'a'"),
])
def test_ranges_that_make_no_sense(limits, message):
    for ask in (lambda: verdict.robust("xor", [0, 0], 1, range=limits), lambda: verdict.region("xor", range=limits)):
        with pytest.raises(verdict.InputError, match=message):
            ask()


def test_a_perturbation_has_one_range():
    with pytest.raises(verdict.InputError, match="with a perturbation the valid range is one for all inputs"):
        verdict.robust("digits-mlp", np.zeros(64), "0.1", perturbation="brightness", range=(0, np.ones(64)))
