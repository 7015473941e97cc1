"""Engines that put lines around functions, against branch and bound and a grid, a little inside and outside the radius.

The gradient finds most violations before an engine is asked, so what is unsafe is asked without it too.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.seeds import seeds
from support.smooth import smooth_network

import verdict
from verdict.answer.replay import replay_exactly
from verdict.base.errors import VerdictError
from verdict.network.exact import Coefficients, ExactVector
from verdict.property import UnsafeSet
from verdict.property.unsafe import Polytope
from verdict.search.decision import Decision

ENGINES = ("smt", "milp")
# A network that is safe up to here is asked about here.
FARTHEST = Fraction(2)


def margins(model: Any, center: Any, eps: float, label: int) -> Any:
    line = np.linspace(-eps, eps, 41)
    scores = model.evaluate(np.asarray(center) + np.stack(np.meshgrid(line, line), -1).reshape(-1, 2))
    return scores[:, label] - scores[:, 1 - label]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", seeds(4, 1000))
def test_verdicts_beside_the_radius(seed: int, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, rng = verdict.load(smooth_network(tmp_path, seed)), np.random.default_rng(seed)
    x = rng.uniform(-1, 1, 2).round(2)
    label = int(model.evaluate(x[None])[0].argmax())
    radius = verdict.maxeps(model, x, engine="bab", timeout=10)
    inside = min(radius.lower, FARTHEST) * Fraction(9, 10)
    found = verdict.robust(model, x, eps=inside, label=label, engine=engine, timeout=5)
    assert found.status in ("robust", "unknown")
    assert margins(model, x, float(inside), label).min() > 0
    if radius.upper is None or radius.upper > FARTHEST:
        return
    outside = radius.upper * Fraction(11, 10)
    monkeypatch.setattr(Decision, "attack", lambda run: False)
    for eps in (outside, outside * 2):
        found = verdict.robust(model, x, eps=eps, label=label, engine=engine, timeout=5)
        assert found.status in ("violated", "unknown")
        if found.witness is not None:
            y = model.evaluate_enclosed(found.witness.point, 100)
            scores = y.centre.fractions()
            assert scores[label] - scores[1 - label] <= Fraction(2 * y.radius.max())


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", seeds(2, 300))
def test_intervals_of_the_radius_meet(seed: int, engine: str, tmp_path: Path) -> None:
    model = verdict.load(smooth_network(tmp_path, seed + 20))
    x = np.random.default_rng(seed).uniform(-1, 1, 2).round(2)
    truth = verdict.maxeps(model, x, range=(-2, 2), engine="bab", timeout=10)
    found = verdict.maxeps(model, x, range=(-2, 2), engine=engine, timeout=3)
    assert truth.upper is None or found.lower <= truth.upper
    assert found.upper is None or truth.lower <= found.upper
    assert found.status != "exact"


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_point_of_which_nothing_can_be_told_is_no_witness(sign: float, tmp_path: Path) -> None:
    """Gelu of numbers with too many digits: Z3 offers such points of sets without an end."""
    model = verdict.load(smooth_network(tmp_path, 2))
    polytope = Polytope(Coefficients(np.array([[sign, -sign]])), Coefficients(np.zeros(1)))
    point = ExactVector.of([10**15, -(10**15)])
    with pytest.raises(VerdictError, match="too many digits"):
        model.evaluate_enclosed(point, 64)
    assert replay_exactly(model, UnsafeSet((polytope,), 2), point) is None
