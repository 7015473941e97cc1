"""Smooth functions, the engine's and the checker's, against mpmath and against dense samples.

What is rigorous holds at every point, and is close enough to be of use.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import Any

import mpmath
import numpy as np
import pytest
from support.seeds import seeds

from verdict.base.errors import UnsupportedError
from verdict.checker.errors import OutOfRangeError, UnreadableError
from verdict.checker.functions import (
    cubic,
    exp,
    gelu,
    hard_swish,
    mish,
    positive,
    sigmoid,
    silu,
    sine,
    slopes,
    softplus,
    square,
    tanh,
    times,
)
from verdict.checker.functions import elu as other_elu
from verdict.checker.functions import erf as other_erf
from verdict.checker.functions import power as other_power
from verdict.checker.functions.exponential import falling_between
from verdict.checker.functions.series import log_between, pi_between
from verdict.network.functions import SQUARE, registry
from verdict.network.functions.cubic_tanh import GELU_CHAIN, cubic_tanh
from verdict.network.functions.elu import Elu
from verdict.network.functions.exp import EXP
from verdict.network.functions.power import power
from verdict.network.functions.series import exponential
from verdict.network.functions.spans import Rationals


def _normal(z: Any) -> Any:
    return mpmath.erfc(-z / mpmath.sqrt(2)) / 2


def _logistic(z: Any) -> Any:
    return 1 / (1 + mpmath.exp(-z))


def _cubic(z: Any) -> Any:
    return mpmath.sqrt(8 / mpmath.pi) * (z + mpmath.mpf(44715) / 10**6 * z**3)


def _mish_slope(z: Any) -> Any:
    t = mpmath.tanh(mpmath.log1p(mpmath.exp(z)))
    return t + z * (1 - t * t) * _logistic(z)


def _gelu_tanh_slope(z: Any) -> Any:
    s, steep = _logistic(_cubic(z)), mpmath.sqrt(8 / mpmath.pi) * (1 + mpmath.mpf(3 * 44715) / 10**6 * z * z)
    return s + z * s * _logistic(-_cubic(z)) * steep


def _elu(alpha: float) -> tuple[Any, Any]:
    def slope(z: Any) -> Any:
        return alpha * mpmath.exp(z) if z <= 0 else mpmath.mpf(1)

    return lambda z: alpha * mpmath.expm1(z) if z < 0 else z, slope


def _tanh_slope(order: int, z: Any) -> Any:
    """By its exponentials: tanh is odd, and even derivatives are too."""
    e = mpmath.exp(-2 * abs(z))
    g, t = 4 * e / (1 + e) ** 2, (1 - e) / (1 + e) * mpmath.sign(z)
    return {1: g, 2: -2 * t * g, 3: 4 * g - 6 * g * g, 4: -2 * t * g * (4 - 12 * g)}[order]


def _sigmoid_slope(order: int, z: Any) -> Any:
    return _tanh_slope(order, mpmath.mpf(z) / 2) / 2 ** (order + 1)


def _slopes(name: str, of: Any) -> dict[str, tuple[Any, Any]]:
    return {name + "'" * k: (partial(of, k), partial(of, k + 1)) for k in (1, 2, 3)}


def _cubic_tanh(k: Fraction) -> tuple[Any, Any]:
    def inner(z: Any) -> Any:
        return z + mpmath.mpf(k.numerator) / k.denominator * z**3

    def slope(z: Any) -> Any:
        return mpmath.tanh(inner(z)) + z * mpmath.sech(inner(z)) ** 2 * (
            1 + 3 * mpmath.mpf(k.numerator) / k.denominator * z * z)

    return lambda z: z * mpmath.tanh(inner(z)), slope


# The one of Gelu as it is exported is the engine's own example; and others, steep and flat.
CUBICS = [GELU_CHAIN.factor, Fraction(1, 1000), Fraction(37)]
TRUE: dict[str, tuple[Any, Any]] = {
    **_slopes("Tanh", _tanh_slope), **_slopes("Sigmoid", _sigmoid_slope),
    "Sigmoid": (_logistic, lambda z: 1 / (2 + mpmath.exp(z) + mpmath.exp(-z))),
    "Tanh": (mpmath.tanh, lambda z: mpmath.sech(z) ** 2),
    "Exp": (mpmath.exp, mpmath.exp),
    "Square": (lambda z: z * z, lambda z: 2 * z),
    "Softplus": (lambda z: mpmath.log1p(mpmath.exp(z)), _logistic),
    "Elu": _elu(1.0), "Elu(1.7)": _elu(1.7), "Elu(0.5)": _elu(0.5),
    "Silu": (lambda z: z * _logistic(z), lambda z: _logistic(z) * (1 + z * _logistic(-z))),
    "Gelu": (lambda z: z * _normal(z), lambda z: _normal(z) + z * mpmath.npdf(z)),
    "Gelu(tanh)": (lambda z: z * _logistic(_cubic(z)), _gelu_tanh_slope),
    "Mish": (lambda z: z * mpmath.tanh(mpmath.log1p(mpmath.exp(z))), _mish_slope),
    "HardSwish": (lambda z: z * max(0, min(6, z + 3)) / 6,
                  lambda z: mpmath.mpf(0 if z <= -3 else 1) if not -3 < z <= 3 else (2 * z + 3) / 6),
    "Log": (mpmath.log, lambda z: 1 / z),
    "Sqrt": (mpmath.sqrt, lambda z: 1 / (2 * mpmath.sqrt(z))),
    "Reciprocal": (lambda z: 1 / z, lambda z: -1 / z**2),
    "Erf": (mpmath.erf, lambda z: 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-z * z)),
    "Sin": (mpmath.sin, mpmath.cos), "Cos": (mpmath.cos, lambda z: -mpmath.sin(z)),
    "x Erf(x)": (lambda z: z * mpmath.erf(z),
                 lambda z: mpmath.erf(z) + 2 * z / mpmath.sqrt(mpmath.pi) * mpmath.exp(-z * z)),
    "x Tanh(x)": (lambda z: z * mpmath.tanh(z), lambda z: mpmath.tanh(z) + z * mpmath.sech(z) ** 2),
    **{f"x Tanh(x + {float(k)!r} x^3)": _cubic_tanh(k) for k in CUBICS},
    "Pow(3)": (lambda z: z**3, lambda z: 3 * z * z), "Pow(4)": (lambda z: z**4, lambda z: 4 * z**3),
}
OTHERS: dict[str, Any] = {
    **{f.name: f for f in (*slopes.TANH_SLOPES, *slopes.SIGMOID_SLOPES)},
    "Sigmoid": sigmoid.SIGMOID, "Tanh": tanh.TANH, "Exp": exp.EXP, "Square": square.SQUARE,
    "Softplus": softplus.SOFTPLUS, "Elu": other_elu.ELU, "Elu(1.7)": other_elu.Elu(1.7), "Elu(0.5)": other_elu.Elu(0.5),
    "Silu": silu.SILU,
    "Gelu": gelu.GELU, "Gelu(tanh)": gelu.GELU_TANH, "Mish": mish.MISH, "HardSwish": hard_swish.HARD_SWISH,
    "Log": positive.LOG, "Sqrt": positive.SQRT, "Reciprocal": positive.RECIPROCAL, "Erf": other_erf.ERF,
    "Sin": sine.SIN, "Cos": sine.COS, "x Erf(x)": times.TIMES_ERF, "x Tanh(x)": times.TIMES_TANH,
    **{cubic.cubic_tanh(k).name: cubic.cubic_tanh(k) for k in CUBICS},
    "Pow(3)": other_power.power(3), "Pow(4)": other_power.power(4),
}
FAMILIES = [*map(cubic_tanh, CUBICS), Elu(1.7), Elu(0.5), power(4)]
MINE: dict[str, Any] = {f.name: f for f in [*registry.functions(), *FAMILIES]}
PAIRS = {name: (MINE[name], OTHERS[name]) for name in OTHERS}
# How far out the checker goes.
MOST = {"Exp": 270.0, "Square": 1e60, "Pow(3)": 1e30, "Pow(4)": 1e25}
ALGEBRAIC = ("Square", "Pow(3)", "Pow(4)", "Log", "Sqrt", "Reciprocal", "HardSwish")
KINKS = ("Elu(1.7)", "Elu(0.5)", "HardSwish")
# Beyond this width sine is no longer looked at piece by piece.
WIDEST = 11
# Where others than all numbers are defined, what is looked at.
POSITIVE = ("Log", "Sqrt")
CORNERS = [0.0, -0.0, 5e-324, -5e-324, 1e-300, 1e-160, 2.0**-30, 0.5, 0.34657359, 19.1, 36.7, 40, 349.9, 350.1, 699.9]
CORNERS += [700.1, 745.2, 1e4, 3.5e38, 1.7976931348623157e308, 3.0, 6.0, 6.1, 1.0000001, 1.4142135623730951]
CORNERS += [1.2784645427610738, 2.39935728052, 0.75179152469, 2.0**20, 1048577.0, 3.141592653589793]
CORNERS += [1.5707963267948966, 22.0]
# Where products underflow to the wrong side.
CORNERS += [5 * 5e-324, 30 * 5e-324, 1.730541e-317, 2.2250738585072014e-308]


def test_every_function_has_a_twin_and_a_truth() -> None:
    # Those that jump have a test of their own (test_stairs.py).
    assert {f.name for f in registry.functions()} - {"Relu", "Step", "Floor", "Round"} <= set(PAIRS)
    assert TRUE.keys() == PAIRS.keys()


def defined(name: str, z: Any) -> Any:
    """Of these numbers those at which a function is defined, and not steeper than the checker's arithmetics hold."""
    if name in POSITIVE:
        z = abs(z)
    return z[abs(z) >= 1e-60] if name in (*POSITIVE, "Reciprocal") else z


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
    z, (mine, other) = defined(name, z[abs(z) <= MOST.get(name, 1e100)]), PAIRS[name]
    ends = [mine.between(z), mine.slope_between(z), other.around(z), other.steepness(z)]
    for low, high in ends:
        assert (low <= high).all()
        # What is computed with z is off by a share of z.
        near = abs(z) < 1e3
        assert (high - low <= 2e-12 * np.maximum(1, abs(low)))[near].all()
    with mpmath.workprec(400):
        for i, number in enumerate(z.tolist()):
            point = mpmath.mpf(number)
            # Beyond the exponents of mpmath's patience there are bounds.
            if abs(number) > 1e6 and name not in ALGEBRAIC:
                continue
            v, s = value(point), slope(point)
            for (low, high), wanted in zip(ends, (v, s, v, s), strict=True):
                assert inside(low[i], wanted, high[i]), (number, low[i], high[i])


@pytest.mark.parametrize("name", PAIRS)
def test_enclosures_of_numbers_next_to_zero(name: str) -> None:
    """Where a share of a number rounds to nothing: it takes thousands of digits to see tanh(z) below z."""
    (value, slope), (mine, other) = TRUE[name], PAIRS[name]
    sizes = np.concatenate([[1, 2, 3, 7, 1001, 2.0**40 + 5], [2.0**52, 2.0**53 + 3, 1.3 * 2.0**60]]) * 5e-324
    sizes = np.concatenate([sizes, [1e-300, 1e-200, 1e-162, 1.5e-154, 1e-80, 3.3e-20, 1.1e-16, 1e-8]])
    for z in sizes.tolist() if name in POSITIVE else [*sizes.tolist(), *(-sizes).tolist()]:
        with mpmath.workprec(5000):
            wanted = value(mpmath.mpf(z)), slope(mpmath.mpf(z))
            asked = [(mine.between, 0), (mine.slope_between, 1)]
            # The checker refuses what is too steep for its arithmetics.
            asked += [(other.around, 0), (other.steepness, 1)] if name not in ("Sqrt", "Reciprocal", "Log") else []
            for ask, which in asked:
                low, high = ask(np.array([z]))
                assert inside(low[0], wanted[which], high[0]), (z, low[0], high[0])


@pytest.mark.parametrize("name", PAIRS)
def test_rationals_contain_what_mpmath_computes(name: str) -> None:
    mine, other = PAIRS[name]
    with mpmath.workprec(900):
        for number in [*numbers(6)[::5].tolist(), Fraction(1, 3), Fraction(-22, 7)]:
            z = abs(Fraction(number)) if name in POSITIVE else Fraction(number)
            small = name in (*POSITIVE, "Reciprocal") and abs(z) < Fraction(1, 10**20)
            if abs(z) > min(MOST.get(name, 10**6), 10**6) or small:
                continue
            wanted, room = TRUE[name][0](exactly(z)), mpmath.mpf(2) ** -450
            for bits in (64, 200):
                for low, high in (mine.at(z, bits), other.rational(z, bits), other.between(z, z, bits)):
                    assert exactly(low) - room <= wanted <= exactly(high) + room
                    assert high - low < Fraction(1, 2 ** (bits - 4))


def test_exponentials_of_both_twins_agree() -> None:
    for z in (Fraction(0), Fraction(1, 10**9), Fraction(1, 2), Fraction(7, 3), Fraction(63), Fraction(65)):
        (a, b), (c, d) = exponential(z, 64), falling_between(z, 64)
        assert max(a, c) <= min(b, d)


def test_what_is_too_large_is_out_of_range() -> None:
    """Rather than infinite, or not a number, in a proof."""
    for name, z in (("Exp", 300.0), ("Exp", np.inf), ("Square", 1e70), ("Square", np.inf), ("Exp", np.nan),
                    ("Pow(3)", 1e70), ("Gelu", np.nan), ("Log", 0.0), ("Log", -1.0), ("Sqrt", -1e-300),
                    ("Reciprocal", 0.0)):
        with pytest.raises(OutOfRangeError):
            PAIRS[name][1].around(np.array([0.5, z]))
    low, high = EXP.enclosure(np.array([-1e308, 800.0]), np.array([1e308, 900.0]))
    assert low[0] == 0
    assert low[1] > 1e300
    assert np.isinf(high).all()
    low, high = SQUARE.enclosure(np.array([-1e200, 1e200]), np.array([1e200, 2e200]))
    assert low.tolist() == [0, pytest.approx(np.finfo(float).max)]
    assert np.isinf(high).all()


def test_outside_its_domain_nothing_is_known_of_a_function() -> None:
    """Neither ends, nor lines, nor brackets, nor rationals: an interval that reaches out of it proves nothing."""
    for name, a, b in (("Log", 0.0, 1.0), ("Log", -1.0, 1.0), ("Sqrt", -1e-9, 1.0), ("Reciprocal", -1.0, 2.0),
                       ("Reciprocal", 0.0, 1.0), ("Reciprocal", -1.0, 0.0)):
        (mine, other), low, high = PAIRS[name], np.array([[a]]), np.array([[b]])
        assert [float(e[0, 0]) for e in mine.enclosure(low, high)] == [-np.inf, np.inf]
        _, under, _, over = mine.lines(low, high)
        assert under[0, 0] == -np.inf
        assert over[0, 0] == np.inf
        for nu in (-1.0, 0.0, 2.0):
            assert not mine.least(np.array([[nu]]), np.array([[0.5]]), low, high)[0, 0] > -np.inf
            with pytest.raises((OutOfRangeError, UnreadableError)):
                other.least(Fraction(nu), Fraction(1), Fraction(a), Fraction(b))
        for ask in (other.interval, lambda low, high, f=other: f.gap(low, high, low)):  # type: ignore[misc]
            with pytest.raises(OutOfRangeError):
                ask(low, high)
        with pytest.raises(UnsupportedError, match="outside its domain"):
            mine.enclosed(Fraction(a), Fraction(b), 64)
        with pytest.raises(UnreadableError, match="not defined"):
            other.between(Fraction(a), Fraction(b), 64)


@pytest.mark.parametrize("name", [n for n in OTHERS if n not in ("Sin", "Cos")])
def test_what_is_said_of_bends_and_turns_is_true(name: str) -> None:
    """f'' changes its sign within each pair that both twins name, f' within each turn, and f'' nowhere else."""
    mine, other = PAIRS[name]
    with mpmath.workprec(300):
        def bent(z: Any, way: int) -> Any:
            """f'' from one side."""
            h = way * mpmath.mpf(2) ** -60
            return (TRUE[name][1](z + 2 * h) - TRUE[name][1](z + h)) / h

        first, others = other.bends(0.0)
        for pairs, is_convex in ((mine.inflections, mine.convex_first), (others, bool(first))):
            edges = [-8.0, *(z for pair in pairs for z in pair), 8.0]
            for i in range(0, len(edges), 2):
                a, b = mpmath.mpf(edges[i]), mpmath.mpf(edges[i + 1])
                if name in POSITIVE:
                    a, b = mpmath.mpf("0.1"), mpmath.mpf(8)
                way = (1 if is_convex else -1) * (-1) ** (i // 2)
                inner = [a + (b - a) * mpmath.mpf(j) / 40 for j in range(41)]
                signs = [way * bent(z, 1 if j == 0 else -1) for j, z in enumerate(inner)]
                assert min(signs) >= -mpmath.mpf(2) ** -40, edges[i]
        for turns in (getattr(mine, "turns", ()), getattr(other, "turns", ())):
            for a, b in turns:
                ends = sorted(TRUE[name][1](mpmath.mpf(z)) for z in (a, b))
                assert ends[0] <= 0 <= ends[1]


def test_rational_constants_of_both_twins_agree_with_mpmath() -> None:
    with mpmath.workprec(400):
        for bits in (20, 300):
            for low, high in (pi_between(bits), (Rationals(bits).pi().low, Rationals(bits).pi().high)):
                assert exactly(low) < mpmath.pi < exactly(high)
                assert high - low < Fraction(1, 2 ** (bits - 1))
        for x in (Fraction(1, 10**30), Fraction(1), Fraction(3, 2), Fraction(2) ** 90):
            low, high = log_between(x, 100)
            assert exactly(low) <= mpmath.log(exactly(x)) <= exactly(high)
            assert high - low < Fraction(1, 2**98)


def samples(name: str, seed: int) -> tuple[Any, Any, Any]:
    """Intervals of all sizes, some of which touch or hold bends, or begin far out."""
    rng = np.random.default_rng(seed)
    low = rng.normal(0, 4, 300)
    high = low + np.exp(rng.uniform(-14, 3, 300))
    inner = PAIRS[name][0].inflections
    for i, (z, _) in enumerate(inner):
        low[i :: 40], high[i :: 40] = z, z + np.exp(rng.uniform(-14, 2, len(low[i :: 40])))
        low[i + 5 :: 40], high[i + 5 :: 40] = z - np.exp(rng.uniform(-14, 2, len(low[i + 5 :: 40]))), z
    if name in (*POSITIVE, "Reciprocal"):
        size = high - low
        low = abs(low) + 0.3
        high = low + size
        if name == "Reciprocal":
            low[::2], high[::2] = -high[::2], -low[::2]
    return low, high, low + np.linspace(0, 1, 101)[:, None] * (high - low)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", PAIRS)
def test_lines_and_brackets_hold_and_are_close(name: str, dtype: Any) -> None:
    """Below and above f on dense samples; a chord or a tangent touches it, so a sample comes close to each line."""
    mine = PAIRS[name][0]
    for seed in seeds(1, 30):
        low, high, z = samples(name, seed)
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
        bend, kink = scale * (2 if name in ("Exp", "Sqrt", "Log", "Reciprocal") else 1), width * (name in KINKS)
        for least in (beneath.min(axis=0), atop.min(axis=0), (half - abs(f - slope * z - centre)).min(axis=0), bracket):
            assert (least >= -(1e-5 if dtype is np.float32 else 1e-12) * scale * (1 + width)).all()
            # The samples are a hundredth of the width apart.
            room = bend * (1e-4 * width**2 + 1e-5 * (1 + width)) + 0.01 * kink
            assert (least <= room)[width < WIDEST].all()


@pytest.mark.parametrize("name", PAIRS)
def test_the_checkers_gaps_hold_for_any_slope(name: str) -> None:
    mine, other = PAIRS[name]
    for seed in seeds(1, 30):
        low, high, z = samples(name, seed)
        f, rng = mine.value(z), np.random.default_rng(seed)
        own = other.slopes(low, high, None, None, False)
        for slope in (*own, rng.normal(0, 0.5, 300), np.zeros(300), np.full(300, 1e6), np.full(300, -1e-18)):
            over, under = other.gap(low, high, slope), other.rise(low, high, slope)
            size = 1e-12 * (1 + abs(f).max(axis=0) + abs(slope) * abs(z).max(axis=0))
            assert (over >= (f - slope * z).max(axis=0) - size).all()
            assert (under <= (f - slope * z).min(axis=0) + size).all()
            room = 1e-3 * (1 + abs(f).max(axis=0)) * (high - low) ** 2 + 0.02 * (high - low) * (name in KINKS)
            assert (over - under - np.ptp(f - slope * z, axis=0) <= room + 10 * size)[high - low < WIDEST].all()
        for i in range(0, 300, 25):
            nu, mu, a, b = map(Fraction, (*rng.standard_normal(2), low[i], high[i]))
            least = float(other.least(nu, mu, a, b))
            sampled = (float(nu) * f[:, i] - float(mu) * z[:, i]).min()
            size = 1 + abs(f[:, i]).max()
            # Between the two numbers of a pair, 1e-11 apart, both terms count one by one.
            assert -1e-12 * size <= sampled - least <= size * (1e-3 * (high[i] - low[i]) ** 2 + 2e-11)
