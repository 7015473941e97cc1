"""L1 and L2 balls: membership is exact, radii are never too small, the float ball contains the exact one."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest

from verdict.base.errors import InputError
from verdict.network.exact import ExactVector
from verdict.property.norm_ball import NormBall
from verdict.property.norms.l2 import root_above
from verdict.property.rows import RadiusRow

NORMS = ("l1", "l2")


def family(norm: str) -> NormBall:
    return NormBall(norm, ExactVector.of([Fraction(1, 3), Fraction(1, 2), Fraction(0)]), Fraction(0), Fraction(1))


@pytest.mark.parametrize("norm", NORMS)
def test_membership_and_radius(norm: str) -> None:
    ball, rng = family(norm), np.random.default_rng(0)
    center = np.array([1 / 3, 1 / 2, 0])
    for x in rng.uniform(-0.1, 1.1, (200, 3)):
        point = ExactVector.of(x)
        radius, length = ball.radius_of(point), np.linalg.norm(x - center, 1 if norm == "l1" else 2)
        if not ((x >= 0) & (x <= 1)).all():
            assert radius is None
            continue
        assert radius is not None
        assert np.isclose(float(radius), length, rtol=1e-12)
        assert ball.at(radius).contains(point)
        assert not ball.at(radius * (1 - Fraction(1, 10**20))).contains(point)
        low, high = ball.floats(float(radius) * (1 + 1e-12))
        assert ((x >= low) & (x <= high)).all()
    # Exactly on the sphere: 3-4-5, and one axis.
    corner = ExactVector.of([Fraction(1, 3) + Fraction(3, 10), Fraction(1, 2) - Fraction(4, 10), Fraction(0)])
    assert ball.radius_of(corner) == (Fraction(7, 10) if norm == "l1" else Fraction(1, 2))


@pytest.mark.parametrize("norm", NORMS)
def test_the_support_function(norm: str) -> None:
    ball, rng = family(norm).at(Fraction(1, 5)), np.random.default_rng(1)
    for _ in range(50):
        slope = [Fraction(float(v)) for v in rng.standard_normal(3)]
        least = ball.minimum(slope)
        points = ball.sample(200, rng)
        assert float(least) <= (points @ np.array([float(s) for s in slope])).min() + 1e-12
    value, _ = family(norm).ball(0.2).least(np.array([[[3.0, 4.0, 0.0]]]))
    assert np.isclose(value[0, 0], 3.0 - 0.2 * (4 if norm == "l1" else 5))


def reached(rows: Sequence[RadiusRow], x: Sequence[Fraction], radius: Fraction) -> bool:
    """Whether rows of a family hold at x for some auxiliary numbers: the least that all rows but the first allow."""
    least = [Fraction(0)] * len(x)
    for row in rows[1:]:
        i = row.columns[0]
        least[i] = max(least[i], row.coefficients[0] * x[i] + row.slope * radius - row.constant)
    return sum(least) + rows[0].slope * radius <= rows[0].constant


@pytest.mark.parametrize("norm", NORMS)
def test_rows_contain_the_ball_and_cut_off_what_is_outside(norm: str) -> None:
    ball, rng = family(norm), np.random.default_rng(2)
    for _ in range(40):
        radius = Fraction(float(rng.uniform(0.01, 1)))
        step = rng.standard_normal(3)
        length = np.linalg.norm(step, 1 if norm == "l1" else 2)
        for share in (0.9, 1 - 1e-9, 1 + 1e-4, 2.0):
            moved = step * float(radius) * share / length
            x = [p + Fraction(float(s)) for p, s in zip(ball.points, moved, strict=True)]
            inside = ball.reaches(x, radius)
            assert inside == (share < 1)
            before = reached(ball.rows(), x, radius)
            assert before or not inside
            # All that is to be said of an L1 ball is said at once.
            assert ball.refine(ExactVector.of(x), radius) or inside or not before
            assert reached(ball.rows(), x, radius) == inside
            assert not ball.refine(ExactVector.of(x), radius)


def test_roots_are_above_and_near() -> None:
    for value in (Fraction(2), Fraction(1, 3), Fraction(10**40, 7), Fraction(1, 10**90), Fraction(0), Fraction(9, 16)):
        root = root_above(value)
        assert root * root >= value
        assert (root * (1 - Fraction(1, 2**78))) ** 2 <= value
    assert root_above(Fraction(9, 16)) == Fraction(3, 4)


def test_nonsense_is_refused() -> None:
    with pytest.raises(InputError, match="l1, l2"):
        NormBall("l3", ExactVector.of([Fraction(0)]))
    with pytest.raises(InputError, match="outside the valid range"):
        NormBall("l2", ExactVector.of([Fraction(2)]), Fraction(0), Fraction(1))
