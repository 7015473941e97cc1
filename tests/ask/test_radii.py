"""`verdict.maxeps` beyond the plain ball: scales, formulas, conditions, whole numbers; closed forms and brute force."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.networks import KINDS, random_network
from support.seeds import IS_LONG

import verdict
from verdict.base.errors import InputError
from verdict.network.exact import ExactVector
from verdict.property.language import properties as say
from verdict.property.language import sets
from verdict.search.engines.registry import engines

ENGINES = tuple(engines())
X, Y = verdict.variables("xor")
# The shipped network is exactly xor: class 1 leads by 2 |x0 - x1| - 1, so that at (0, 1) radii are plain geometry.
CLOSED_FORMS: list[tuple[dict[str, Any], float]] = [
    ({}, 1 / 4),
    ({"scales": [1, "1/2"]}, 1 / 3),
    ({"scales": [1, 0]}, 1 / 2),
    ({"given": X[0] <= "0.1"}, 2 / 5),
    ({"given": (X[0] <= "0.1") | (X[0] - X[1] >= "0.2")}, 2 / 5),
    ({"given": X[0] + X[1] >= "1.2"}, 7 / 20),
    ({"that": say.margin(Y, 1, "0.3")}, 7 / 40),
    ({"that": (Y[1] > Y[0]) | (X[0] > "0.2")}, 3 / 10),
    ({"integers": [0]}, 1 / 2),
    ({"integers": [0, 1]}, 1),
    ({"integers": [1], "given": X[0] <= "0.3", "that": say.margin(Y, 1, "0.5")}, 1 / 4),
    ({"norm": "l1", "given": X[0] <= "0.1"}, 1 / 2),
    ({"norm": "l2", "given": X[0] <= "0.1"}, 0.17**0.5),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("asked", "truth"), CLOSED_FORMS)
def test_closed_forms(asked: dict[str, Any], truth: float, engine: str) -> None:
    found = verdict.maxeps("xor", [0.0, 1.0], range=(0, 1), engine=engine, timeout=60, **asked)
    assert found.upper is not None
    assert float(found.lower) <= truth * (1 + 1e-9)
    assert float(found.upper) >= truth * (1 - 1e-9)
    if (engine, asked.get("norm")) != ("bab", "l2"):
        assert found.status in ("closed", "exact")
        assert float(found.upper - found.lower) <= 2e-6
    assert found.closest is not None
    point = found.closest.point.fractions()
    assert all(point[i].denominator == 1 for i in asked.get("integers", ()))
    given = asked.get("given")
    assert given is None or given.holds(point, ())


@pytest.mark.parametrize("seed", [0, 1, 2, 5] if IS_LONG else [0, 5])
@pytest.mark.parametrize("engine", ENGINES)
def test_whole_numbers_by_brute_force(seed: int, engine: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    network = verdict.load(random_network(rng, KINDS[seed % len(KINDS)], tmp_path))
    size = network.input_size
    center = rng.integers(-1, 2, size)
    label = int(network.evaluate(center[None].astype(float))[0].argmax())
    grid = [p for p in itertools.product(range(-3, 4), repeat=size) if p[0] + p[1] <= 3]
    values = [network.evaluate_exact(ExactVector.of(list(p))).fractions() for p in grid]
    wrong = [
        max(abs(a - int(b)) for a, b in zip(p, center, strict=True)) for p, y in zip(grid, values, strict=True)
        if max(v for i, v in enumerate(y) if i != label) >= y[label]
    ]
    x, _ = verdict.variables(network)
    found = verdict.maxeps(
        network, center, range=(-3, 3), label=label, engine=engine, given=x[0] + x[1] <= 3, integers=range(size),
        timeout=60,
    )
    if not wrong:
        assert (found.upper, found.status) == (None, "safe")
        return
    assert found.upper == min(wrong)
    assert found.status in ("exact", "closed", "wrong-label")
    assert found.lower <= min(wrong)


@pytest.mark.parametrize("engine", ENGINES)
def test_robust_under_a_condition(engine: str) -> None:
    center, rng = [0.0, 1.0], (0, 1)
    held = verdict.robust("xor", center, "0.39", range=rng, given=X[0] <= "0.1", engine=engine)
    broken = verdict.robust("xor", center, "0.41", range=rng, given=X[0] <= "0.1", engine=engine)
    assert (held.status, held.label, broken.status, broken.target) == ("robust", 1, "violated", 0)
    moved = verdict.robust("xor", center, "0.3", range=rng, scales=[1, "1/2"], engine=engine)
    said = verdict.robust("xor", center, "0.17", range=rng, that=say.margin(Y, 1, "0.3"), engine=engine)
    assert (moved.status, said.status, said.label) == ("robust", "robust", None)


def test_a_condition_that_the_input_itself_fails() -> None:
    # The nearest input as given is itself far away.
    found = verdict.maxeps("xor", [0.0, 1.0], range=(0, 1), given=X[0] >= "0.6", engine="smt")
    assert found.exact == Fraction(6, 10)
    here = verdict.maxeps("xor", [0.0, 1.0], range=(0, 1), that=X[0] >= "0.6")
    assert (here.status, here.reason) == ("wrong-label", "the property does not hold at the input itself")


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"given": sets.box(X, 1, 0)}, "the input set is empty: the condition contradicts itself"),
        ({"that": Y[0] <= Y[0]}, "the property holds for all numbers x and y"),
    ],
)
def test_what_holds_everywhere_is_safe(asked: dict[str, Any], why: str) -> None:
    found = verdict.maxeps("xor", [0.0, 1.0], range=(0, 1), **asked)
    assert (found.status, found.upper, found.reason) == ("safe", None, why)


@pytest.mark.parametrize(
    ("asked", "error", "why"),
    [
        ({"scales": [1]}, InputError, "1 scales, expected one for each of 2"),
        ({"scales": [1, -1]}, InputError, "at least 0"),
        ({"scales": [1, 1], "norm": "l2"}, InputError, "norm linf"),
        ({"given": X[0] > 0, "perturbation": "path"}, InputError, "outputs only"),
        ({"integers": [2]}, InputError, "inputs 0 to 1"),
        ({"integers": [0], "certificate": "x.vcert"}, InputError, "whole numbers"),
        ({"given": X[0] > 0, "norm": "l1", "certificate": "x.vcert"}, InputError, "norm l1 or l2"),
        ({"that": Y[0] > 0, "norm": "l2", "certificate": "x.vcert"}, InputError, "norm l1 or l2"),
    ],
)
def test_nonsense_is_refused(asked: dict[str, Any], error: type[Exception], why: str) -> None:
    with pytest.raises(error, match=why):
        verdict.maxeps("xor", [0.0, 1.0], range=(0, 1), **asked)


def test_a_piece_with_the_centre_is_a_valid_range_and_a_far_one_is_not_asked() -> None:
    from verdict.ask.integers import smaller_range
    from verdict.property import LinfBall

    half, one, nothing = Fraction(1, 2), Fraction(1), Fraction(0)
    ball = LinfBall(ExactVector.of([nothing, half]), nothing, one)
    assert smaller_range(ball, {0: (None, nothing)}) == ((0, 0), (0, 1))
    assert smaller_range(ball, {0: (None, nothing), 1: (half, one)}) == ((0, half), (0, 1))
    assert smaller_range(ball, {0: (one, None)}) is None
    assert smaller_range(LinfBall(ball.center), {0: (None, nothing)}) is None
    # x[0] would have to go to 1, and the network breaks before.
    found = verdict.maxeps("xor", [0, 1], range=(0, 1), integers=[0], engine="smt")
    assert found.exact == Fraction(1, 2)
    assert found.closest is not None
    assert found.closest.point.fractions()[0] == 0
