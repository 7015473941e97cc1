"""Absorption: a large number swallows a small one (Zombori et al., ICLR 2021; Jia and Rinard, 2003.03021).

The attack: M = 2^54 is added to a hidden signal and subtracted again. Over the reals the signal comes through and
makes class 0 win; every float evaluation gives 0, so tests, ONNX Runtime and any verifier that computes in floats see
a robust network. The reverse: 2^25 is added to x and subtracted again, then x itself is subtracted. Over the reals
nothing is left; float32 leaves the rounding, four times what the margin allows.

The defence: every float bound charges its rounding, exact engines read the graph's rationals, a violation has to hold
in exact arithmetic *and* in ONNX Runtime, and a float solver is not believed where large numbers cancel (`blur` in
`encoders/milp.py`).
"""

from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from support.engines import bare, statuses
from support.handmade import layers, one_leaf

import verdict
from verdict.bounds import linear_bounds
from verdict.checker import check
from verdict.search.engines.parts import milp as robust_milp

M = 2.0**54


@pytest.fixture
def backdoor(tmp_path):
    """Class 0 scores relu(x - 1/2) + M - M, class 1 always 1/4: class 0 wins for x > 3/4, over the reals."""
    parts = ([[1]], [-0.5]), ([[1], [0]], [M, M]), ([[1, -1], [0, 0]], [0, 0.25])
    return verdict.load(layers(tmp_path / "backdoor.onnx", *parts))


@pytest.fixture
def reverse(tmp_path):
    """Class 0 scores 4 (x + 2^25 - 2^25 - x), which is 0, class 1 always 1."""
    parts = ([[1], [1]], [2.0**25, 0]), ([[4, -4], [0, 0]], [-4 * 2.0**25, 1])
    return verdict.load(layers(tmp_path / "reverse.onnx", *parts))


def test_floats_do_not_see_the_backdoor(backdoor):
    x = np.linspace(0, 1, 101)[:, None]
    assert (backdoor.evaluate(x).argmax(axis=1) == 1).all()
    assert all(backdoor.runtime(point).argmax() == 1 for point in x)
    outputs = backdoor.evaluate_exact(verdict.network.exact.ExactVector.of([Fraction(1)]))
    assert outputs.fractions() == [Fraction(1, 2), Fraction(1, 4)]


@pytest.mark.parametrize("alone", [False, True])
def test_no_engine_calls_the_backdoor_robust(backdoor, alone, monkeypatch):
    """Nor violated: the deployed network does not show it, and the answer says so."""
    if alone:
        bare(monkeypatch)
    ask = partial(verdict.robust, backdoor, [0.0], 1, label=1)
    assert set(statuses(ask).values()) == {"unknown"}
    assert "violation over the reals that ONNX Runtime does not confirm" in ask(engine="smt").reason


def test_interval_bounds_in_plain_floats_would(backdoor):
    """Every step from both ends of the box, monotone as it is here, rounded to nearest: class 0 never passes 0."""
    low, high = (np.maximum(np.float64([end]) - 0.5, 0) + M for end in (0.0, 1.0))
    assert high - M < 0.25
    assert low == high == M
    lower, upper = np.zeros((1, 1)), np.ones((1, 1))
    bounds = linear_bounds(backdoor.graph, lower, upper)
    assert bounds.upper[backdoor.graph.output][0, 0] >= 0.5, "what Verdict's own bounds say"


def test_a_float_solver_would(backdoor, monkeypatch):
    bare(monkeypatch)
    monkeypatch.setattr(robust_milp, "blur", lambda graph, bounds, polytope: 0.0)
    assert verdict.robust(backdoor, [0.0], 1, label=1, engine="milp", solver="cbc").status == "robust"


def test_the_checker_knows_that_class_0_wins_at_1_over_the_reals_only(backdoor):
    """Only Fractions see through it; the faster tiers lose the signal, know it, and accept nothing."""
    path = one_leaf(backdoor.path, [Fraction(1)], Fraction(1, 8))
    assert not check(path, backdoor.path).accepted
    report = check(path, backdoor.path, tier="python")
    assert (report.accepted, report.any_order) == (True, False)


def test_the_reverse_is_robust_over_the_reals_alone(reverse):
    ask = partial(verdict.robust, reverse, [2.5], "1.4", label=1)
    found = statuses(ask)
    assert set(found.values()) <= {"robust", "unknown"}
    assert found["auto"] == "robust"
    assert "float32" not in ask().semantics
    x = np.float32(2.5)
    assert 4 * ((x + np.float32(2.0**25)) - np.float32(2.0**25) - x) > 1, "float32 in the order of the graph"
