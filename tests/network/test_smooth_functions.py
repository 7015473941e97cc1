"""Smooth functions, the engine's and the checker's, against mpmath and against dense samples.

What is rigorous holds at every point, and is close enough to be of use.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from support.seeds import seeds

from verdict.checker.errors import OutOfRangeError
from verdict.checker.functions import exp, sigmoid, square, tanh
from verdict.checker.functions.exponential import falling_between
from verdict.network.functions import EXP, SIGMOID, SQUARE, TANH
from verdict.network.functions.series import exponential

TRUE: dict[str, tuple[Any, Any]] = {
    "Sigmoid": (lambda z: 1 / (1 + mpmath.exp(-z)), lambda z: 1 / (2 + mpmath.exp(z) + mpmath.exp(-z))),
    "Tanh": (mpmath.tanh, lambda z: mpmath.sech(z) ** 2),
    "Exp": (mpmath.exp, mpmath.exp),
    "Square": (lambda z: z * z, lambda z: 2 * z),
}
PAIRS = {"Sigmoid": (SIGMOID, sigmoid.SIGMOID), "Tanh": (TANH, tanh.TANH), "Exp": (EXP, exp.EXP),
         "Square": (SQUARE, square.SQUARE)}
# How far out the checker goes.
MOST = {"Exp": 270.0, "Square": 1e60}
CORNERS = [0.0, -0.0, 5e-324, -5e-324, 1e-300, 1e-160, 2.0**-30, 0.5, 0.34657359, 19.1, 36.7, 40, 349.9, 350.1, 699.9]
CORNERS += [700.1, 745.2, 1e4, 3.5e38, 1.7976931348623157e308]


def numbers(count: int) -> Any:
    rng = np.random.default_rng(1)
    sizes = [rng.normal(0, scale, count) for scale in (1e-9, 1e-3, 1, 10, 200)]
    return np.concatenate([*sizes, CORNERS, np.negative(CORNERS)])


def inside(low: Any, value: Any, high: Any) -> bool:
    return bool(mpmath.mpf(float(low)) <= value <= mpmath.mpf(float(high)))


def exactly(value: Fraction) -> Any:
    return mpmath.mpf(value.numerator) / value.denominator


@pytest.mark.parametrize("name", PAIRS)
def test_enclosures_contain_what_mpmath_computes(name: str) -> None:
    """Values and slopes in float64, of both twins, at random points and at the corners of the float range."""
    z, (value, slope) = numbers(20_000 if len(seeds(1, 2)) > 1 else 100), TRUE[name]
    z, (mine, other) = z[abs(z) <= MOST.get(name, np.inf)], PAIRS[name]
    ends = [mine.between(z), mine.slope_between(z), other.around(z), other.steepness(z)]
    for low, high in ends:
        assert (low <= high).all()
        assert (high - low <= 1e-12 * np.maximum(1, abs(low))).all()
    with mpmath.workprec(200):
        for i, number in enumerate(z.tolist()):
            point = mpmath.mpf(number)
            # Beyond the exponents of mpmath's patience it is its limit.
            far = abs(number) > 1e6 and name != "Square"
            v, s = (value(mpmath.sign(point) * 10**6), mpmath.mpf(0)) if far else (value(point), slope(point))
            for (low, high), wanted in zip(ends, (v, s, v, s), strict=True):
                assert inside(low[i], wanted, high[i]), (number, low[i], high[i])


@pytest.mark.parametrize("name", PAIRS)
def test_rationals_contain_what_mpmath_computes(name: str) -> None:
    mine, other = PAIRS[name]
    with mpmath.workprec(900):
        for number in [*numbers(6)[::3].tolist(), Fraction(1, 3), Fraction(-22, 7)]:
            z = Fraction(number)
            if abs(z) > min(MOST.get(name, 10**6), 10**6):
                continue
            wanted, room = TRUE[name][0](exactly(z)), mpmath.mpf(2) ** -450
            for bits in (64, 300):
                for low, high in (mine.at(z, bits), other.rational(z, bits), other.between(z, z, bits)):
                    assert exactly(low) - room <= wanted <= exactly(high) + room
                    assert high - low < Fraction(1, 2 ** (bits - 4))


def test_exponentials_of_both_twins_agree() -> None:
    for z in (Fraction(0), Fraction(1, 10**9), Fraction(1, 2), Fraction(7, 3), Fraction(63), Fraction(65)):
        (a, b), (c, d) = exponential(z, 64), falling_between(z, 64)
        assert max(a, c) <= min(b, d)


def test_what_is_too_large_is_out_of_range() -> None:
    """Rather than infinite, or not a number, in a proof."""
    for name, z in (("Exp", 300.0), ("Exp", np.inf), ("Square", 1e70), ("Square", np.inf), ("Exp", np.nan)):
        with pytest.raises(OutOfRangeError):
            PAIRS[name][1].around(np.array([0.5, z]))
    low, high = EXP.enclosure(np.array([-1e308, 800.0]), np.array([1e308, 900.0]))
    assert low[0] == 0
    assert low[1] > 1e300
    assert np.isinf(high).all()
    low, high = SQUARE.enclosure(np.array([-1e200, 1e200]), np.array([1e200, 2e200]))
    assert low.tolist() == [0, pytest.approx(np.finfo(float).max)]
    assert np.isinf(high).all()


def samples(seed: int) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    low = rng.normal(0, 4, 300)
    high = low + np.exp(rng.uniform(-14, 3, 300))
    return low, high, low + np.linspace(0, 1, 101)[:, None] * (high - low)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", PAIRS)
def test_lines_and_brackets_hold_and_are_close(name: str, dtype: Any) -> None:
    """Below and above f on dense samples; a chord or a tangent touches it, so a sample comes close to each line."""
    mine = PAIRS[name][0]
    for seed in seeds(1, 30):
        low, high, z = samples(seed)
        low, high = low.astype(dtype), high.astype(dtype)
        z = np.clip(z, low, high)
        f, width = mine.value(z), (high - low).astype(float)
        below, under, above, over = (part.astype(float) for part in mine.lines(low[None], high[None]))
        beneath, atop = f - below * z - under, above * z + over - f
        slope, centre, half = (part.astype(float) for part in mine.band(low[None], high[None]))
        rng = np.random.default_rng(seed)
        nu = rng.standard_normal(300).astype(dtype)
        mu = (nu * rng.standard_normal(300)).astype(dtype)
        bracket = (nu * f - mu * z).min(axis=0) - mine.least(nu[None], mu[None], low[None], high[None])[0]
        scale = 1 + abs(f).max(axis=0) + abs(z).max(axis=0)
        assert (abs(mine.derivative(z)).max(axis=0) < np.inf).all()
        bend = scale * (2 if name == "Exp" else 1)
        for least in (beneath.min(axis=0), atop.min(axis=0), (half - abs(f - slope * z - centre)).min(axis=0), bracket):
            assert (least >= -(1e-5 if dtype is np.float32 else 1e-12) * scale * (1 + width)).all()
            # The samples are a hundredth of the width apart.
            assert (least <= bend * (1e-4 * width**2 + 1e-5 * (1 + width))).all()


@pytest.mark.parametrize("name", PAIRS)
def test_the_checkers_gaps_hold_for_any_slope(name: str) -> None:
    mine, other = PAIRS[name]
    for seed in seeds(1, 30):
        low, high, z = samples(seed)
        f, rng = mine.value(z), np.random.default_rng(seed)
        own = other.slopes(low, high, None, None, False)
        for slope in (*own, rng.normal(0, 0.5, 300), np.zeros(300), np.full(300, 1e6), np.full(300, -1e-18)):
            over, under = other.gap(low, high, slope), other.rise(low, high, slope)
            size = 1e-12 * (1 + abs(f).max(axis=0) + abs(slope) * abs(z).max(axis=0))
            assert (over >= (f - slope * z).max(axis=0) - size).all()
            assert (under <= (f - slope * z).min(axis=0) + size).all()
            room = 1e-3 * (1 + abs(f).max(axis=0)) * (high - low) ** 2
            assert (over - under - np.ptp(f - slope * z, axis=0) <= room + 10 * size).all()
        for i in range(0, 300, 25):
            nu, mu, a, b = map(Fraction, (*rng.standard_normal(2), low[i], high[i]))
            least = float(other.least(nu, mu, a, b))
            sampled = (float(nu) * f[:, i] - float(mu) * z[:, i]).min()
            size = 1 + abs(f[:, i]).max()
            assert -1e-12 * size <= sampled - least <= size * (1e-3 * (high[i] - low[i]) ** 2 + 1e-12)
