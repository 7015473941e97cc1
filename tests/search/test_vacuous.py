"""Sets without a point: never said of a set that has one, and said of every set that clearly has none."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import verdict
from verdict import models
from verdict.network.exact import ExactVector
from verdict.property import LinfBall, NormBall
from verdict.search.vacuous import excludes

EMPTY = "the input set is empty"


def _family(norm, center):
    ends = Fraction(0), Fraction(1)
    return LinfBall(center, *ends) if norm == "linf" else NormBall(norm, center, *ends)


@pytest.mark.parametrize("norm", ["linf", "l1", "l2"])
def test_random_half_spaces(norm):
    rng = np.random.default_rng(7)
    for size in (1, 2, 3, 8, 8, 8):
        ball = _family(norm, ExactVector.of(rng.integers(0, 17, size) / 16)).at(Fraction(3, 8))
        rows = [[Fraction(v) for v in row] for row in (rng.integers(-9, 10, (size + 2, size)) / 4).tolist()]
        weights = [Fraction(int(w), 3) for w in rng.integers(1, 9, size + 2)]
        form = [sum(w * row[j] for w, row in zip(weights, rows, strict=True)) for j in range(size)]
        # Limits with a known point of the ball, on some of the half-spaces.
        middle = [(a + b) / 2 for a, b in zip(ball.lower, ball.upper, strict=True)]
        point = middle if norm == "linf" else ball.family.points
        values = [sum(c * v for c, v in zip(row, point, strict=True)) for row in rows]
        slack = [Fraction(int(s)) for s in rng.integers(0, 2, len(rows))]
        assert not excludes(ball, rows, [v + s for v, s in zip(values, slack, strict=True)], ball)
        # Limits that these weights leave no point for: by half, and by a hair.
        for gap in (Fraction(1, 2), Fraction(1, 10**6)):
            total = ball.minimum(form) - gap
            shares = [total / len(rows) / w for w in weights]
            assert excludes(ball, rows, shares, ball)


def test_a_ball_and_the_side_of_its_box():
    """Each with the half-space has points, the three together have none."""
    ball = NormBall("l2", ExactVector.of([0.0, 0.0]), [None, None], [Fraction(1, 2), None]).at(Fraction(1))
    rows, limits = [[Fraction(-4), Fraction(-1)]], [Fraction(-3)]
    # x1 <= 1/2 leaves x2 at most sqrt(3)/2 and 4 x1 + x2 at most 2 + sqrt(3)/2 = 2.87.
    assert excludes(ball, rows, limits, ball)
    assert not excludes(ball, rows, [Fraction(-28, 10)], ball)


CORNER = "(x[0] + x[1] >= 1.8) & (x[0] - x[1] >= 0.5)"
NOT_EMPTY = "(x[0] + x[1] >= 1) & (x[0] - x[1] <= 0.5)"


def _query(tmp_path: Path, version: int, given: str):
    text = {
        CORNER: "(assert (>= (+ {0} {1}) 1.8))(assert (>= (- {0} {1}) 0.5))",
        NOT_EMPTY: "(assert (>= (+ {0} {1}) 1.0))(assert (<= (- {0} {1}) 0.5))",
    }[given]
    names = ("X_0", "X_1", "Y_0") if version == 1 else ("X[0,0]", "X[0,1]", "Y[0,0]")
    head = "(vnnlib-version <2.0>)(declare-network f (declare-input X real [1,2])(declare-output Y real [1,2]))"
    if version == 1:
        head = "".join(f"(declare-const {n} Real)" for n in (*names, "Y_1"))
    ends = "".join(f"(assert (>= {n} 0.0))(assert (<= {n} 1.0))" for n in names[:2])
    path = tmp_path / "q.vnnlib"
    path.write_text(f"{head}{ends}{text.format(*names)}(assert (>= {names[2]} 1000.0))")
    return verdict.verify(path, models.model("xor").path)


WAYS = {
    "robust": lambda folder, given: verdict.robust("xor", [0.5, 1.0], "0.4", range=(0, 1), given=given),
    "robust l2": lambda folder, given: verdict.robust("xor", [0.5, 1], "0.4", norm="l2", range=(0, 1), given=given),
    "maxeps": lambda folder, given: verdict.maxeps("xor", [0, 1.0], range=(0, 1), that="y[0] <= 1000", given=given),
    "prove": lambda folder, given: verdict.prove("xor", "y[0] <= 1000", f"box(0, 1) & {given}"),
    "of the inputs": lambda folder, given: verdict.prove("xor", "x[0] <= 2", f"box(0, 1) & {given}"),
    "version 1": lambda folder, given: _query(folder, 1, given),
    "version 2": lambda folder, given: _query(folder, 2, given),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_state_a_set_says_that_it_is_empty(way, tmp_path):
    answer = WAYS[way](tmp_path, CORNER)
    assert answer.status in ("robust", "safe")
    assert answer.reason.startswith(EMPTY)
    assert EMPTY not in WAYS[way](tmp_path, NOT_EMPTY).reason
