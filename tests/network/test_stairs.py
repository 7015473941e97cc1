"""Functions that jump, the engine's and the checker's, against their values at and on both sides of jumps."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from verdict.base.errors import UnsupportedError
from verdict.checker.errors import OutOfRangeError
from verdict.checker.functions import stairs, step
from verdict.network.functions.base import Form
from verdict.network.functions.floor import FLOOR
from verdict.network.functions.round import ROUND
from verdict.network.functions.stairs import Stairs
from verdict.network.functions.step import BELOW, STEP

PAIRS: dict[str, tuple[Stairs, Any]] = {
    "Step": (STEP, step.STEP), "Floor": (FLOOR, stairs.FLOOR), "Round": (ROUND, stairs.ROUND),
}
CASES = [(name, *pair) for name, pair in PAIRS.items()]
quarters = st.integers(-24, 24).map(lambda k: k / 4)
ends = st.one_of(quarters, st.floats(-6, 6, allow_subnormal=False), st.just(-(2.0**-149)))
slopes = st.one_of(st.just(0.0), quarters, st.floats(-8, 8, allow_subnormal=False))


def points(low: float, high: float) -> list[Fraction]:
    """Rationals of [low, high]: its ends, and all around every half, as near as one may come."""
    near = [Fraction(k, 2) + d for k in range(-16, 17) for d in (0, Fraction(1, 10**400), -Fraction(1, 10**400))]
    a, b = Fraction(low), Fraction(high)
    return [z for z in [a, b, *(a + (b - a) * Fraction(k, 7) for k in range(8)), *near] if a <= z <= b]


@pytest.mark.parametrize(("name", "mine", "other"), CASES, ids=PAIRS)
def test_values_are_those_of_onnx(name: str, mine: Stairs, other: Any) -> None:
    z = np.array([*np.arange(-12, 13) / 4, 2.0**51, -(2.0**52) - 1, 1e300, -1e300, -5e-324, 0.0, -0.0])
    wanted = {"Step": lambda: (z >= 0) * 1.0, "Floor": lambda: np.floor(z), "Round": lambda: np.rint(z)}[name]()
    assert (mine.value(z) == wanted).all()
    assert [mine.of_rational(Fraction(v)) for v in z.tolist()] == wanted.tolist()
    assert [other.at(Fraction(v))[1] for v in z.tolist()] == wanted.tolist()
    near = z[np.abs(z) < 100]
    assert [(a, b, c) for a, b, c in zip(*other.sides(near), strict=True)] == [other.at(Fraction(v)) for v in near]
    assert [(a, b) for a, b in zip(mine.from_left(near), mine.from_right(near), strict=True)] == [
        other.at(Fraction(v))[::2] for v in near]


@pytest.mark.parametrize(("name", "mine", "other"), CASES, ids=PAIRS)
@settings(max_examples=60, deadline=None)
@given(ends, ends, slopes, slopes)
@example(-2.25, -1.145892160424392e-13, 0.0, 0.0)
def test_lines_and_brackets_hold_the_function(
    name: str, mine: Stairs, other: Any, a: float, b: float, slope: float, nu: float
) -> None:
    """At rationals as near to the jumps as may be, in both twins; and the brackets are the best there are."""
    low, high = np.array([[min(a, b)]]), np.array([[max(a, b)]])
    zs = points(float(low[0, 0]), float(high[0, 0]))
    values = [mine.of_rational(z) for z in zs]
    for ends_of in (mine.enclosure(low, high), other.interval(low, high)):
        assert (float(ends_of[0][0, 0]), float(ends_of[1][0, 0])) == (min(values), max(values))
    given_slope = np.array([[slope]])
    below, floor, above, ceiling = mine.lines(low, high)
    assert floor is not None
    under, over = other.slopes(low, high, None, None, False)
    # Both take the line that is nearest in the middle; of two that are as near, as of slopes 1 and almost 1, either.
    middle = low / 2 + high / 2
    nearest = [floor + below * middle, ceiling + above * middle]
    others = [other.rise(low, high, under) + under * middle, other.gap(low, high, over) + over * middle]
    assert np.ravel(others) == pytest.approx(np.ravel(nearest), abs=1e-9)
    floors, ceilings = mine.offsets(given_slope, given_slope, low, high)
    lines = [
        (below, floor, -1), (above, ceiling, 1), (given_slope, floors, -1), (given_slope, ceilings, 1),
        (under, other.rise(low, high, under), -1), (over, other.gap(low, high, over), 1),
        (given_slope, other.rise(low, high, given_slope), -1), (given_slope, other.gap(low, high, given_slope), 1),
    ]
    centre, half = mine.band(low, high)[1:]
    lines += [(mine.band(low, high)[0], centre - half, -1), (mine.band(low, high)[0], centre + half, 1)]
    for line, offset, sign in lines:
        steep, start = Fraction(float(line[0, 0])), Fraction(float(offset[0, 0]))
        assert all(sign * (f - steep * z - start) <= 0 for z, f in zip(zs, values, strict=True))
    least = min(Fraction(nu) * f - Fraction(slope) * z for z, f in zip(zs, values, strict=True))
    exact = other.least(Fraction(nu), Fraction(slope), Fraction(float(low[0, 0])), Fraction(float(high[0, 0])))
    assert least - Fraction(1, 10**6) <= exact <= least
    found = float(mine.least(np.array([[nu]]), given_slope, low, high)[0, 0])
    assert found == pytest.approx(float(exact), abs=1e-9)


@given(ends.filter(lambda z: z < 0), slopes, slopes)
@settings(max_examples=60, deadline=None)
def test_short_of_its_jump_a_step_is_0(low: float, slope: float, nu: float) -> None:
    """An upper end just below 0 stands for all that is below 0, in both twins."""
    bottom, top = np.array([[min(low, BELOW)]]), np.array([[BELOW]])
    zs = [Fraction(float(bottom[0, 0])), Fraction(BELOW), -Fraction(1, 10**400)]
    given_slope = np.array([[slope]])
    for floor, ceiling in (STEP.offsets(given_slope, given_slope, bottom, top),
                           (step.STEP.rise(bottom, top, given_slope), step.STEP.gap(bottom, top, given_slope))):
        for z in zs:
            assert Fraction(float(floor[0, 0])) <= -Fraction(slope) * z <= Fraction(float(ceiling[0, 0]))
    exact = step.STEP.least(Fraction(nu), Fraction(slope), zs[0], zs[1])
    assert all(exact <= -Fraction(slope) * z for z in zs)
    halves = step.STEP.halves(np.array([-1.0, 0.0, -1.0, -(2.0**-200)]), np.zeros(4), np.array([0.0, 0, 1, 0]))
    assert halves.tolist() == [BELOW, 0, 0, -(2.0**-200)]


def test_what_z3_is_told() -> None:
    from verdict.solvers.z3_session import Session

    with Session() as session:
        session.command("(declare-const y Real)\n(declare-const z Real)")
        for function in (STEP, FLOOR, ROUND):
            (said,) = function.formula("y", "z", -2.5, 2.5, Form.ITE)
            for z in points(-2.5, 2.5)[::5]:
                text = f"(/ {abs(z.numerator)}.0 {z.denominator}.0)"
                session.command(f"(push)\n(assert {said})\n(assert (= z {text if z >= 0 else f'(- {text})'}))")
                value = function.of_rational(z)
                session.command(f"(assert (distinct y {f'(- {-value}.0)' if value < 0 else f'{value}.0'}))")
                assert session.check() == "unsat"
                session.command("(pop)")
    with pytest.raises(UnsupportedError, match="more than 64 jumps"):
        FLOOR.formula("y", "z", 0, 1000, Form.ITE)


def test_far_out_the_checker_says_nothing() -> None:
    with pytest.raises(OutOfRangeError):
        stairs.FLOOR.interval(np.array([2.0**52]), np.array([2.0**53]))
