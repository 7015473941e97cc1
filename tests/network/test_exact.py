"""Exact numbers: no float is read as anything but itself, and no rational loses a digit."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verdict.base.errors import ModelError
from verdict.network.exact import Coefficients, ExactVector, dyadic_integers, float_above, float_below
from verdict.network.functions import RELU

finite = st.floats(allow_nan=False, allow_infinity=False)
rationals = st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=10**6)


@given(st.lists(finite, max_size=8))
def test_floats_are_exact(values: list[float]) -> None:
    numerators, denominator = dyadic_integers(np.array(values, dtype=np.float64))
    assert [Fraction(int(n), denominator) for n in numerators] == [Fraction(v) for v in values]


@pytest.mark.parametrize("value", [5e-324, 2.0**-1022, 1.7976931348623157e308, -0.0, 0.1, 1e-310, 3.0, -1.5])
def test_extreme_floats_are_exact(value: float) -> None:
    for others in ([], [1e300, 5e-324]):
        assert ExactVector.of(np.array([value, *others])).fractions()[0] == Fraction(value)
        assert Coefficients([value, *others]).fractions()[0] == Fraction(value)


def test_short_numbers_stay_short() -> None:
    assert dyadic_integers(np.array([0.5, 3.0, -2.0]))[1] == 2
    assert dyadic_integers(np.array([4.0, 1024.0]))[1] == 1


@given(st.lists(rationals, min_size=1, max_size=6))
def test_rationals_are_kept(values: list[Fraction]) -> None:
    constants = Coefficients.from_fractions(values)
    assert list(constants.fractions()) == values
    assert constants.is_dyadic == all(Fraction(float(v)) == v for v in values)
    for value, nearest in zip(values, constants.values, strict=True):
        assert abs(Fraction(nearest) - value) <= abs(value) / 2**53


def test_ninth() -> None:
    ninth = Coefficients.from_fractions([Fraction(1, 9)])
    assert not ninth.is_dyadic
    assert ninth.integers[1] == 9
    assert Coefficients.from_fractions([Fraction(1, 8)]).is_dyadic


@pytest.mark.parametrize("value", [Fraction(10**400), Fraction(1, 10**400), Fraction(1, 3) / 2**1030])
def test_out_of_range_is_refused(value: Fraction) -> None:
    with pytest.raises(ModelError, match="outside the range of float64"):
        Coefficients.from_fractions([value])


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=5))
def test_sums_are_exact(pairs: list[tuple[float, float]]) -> None:
    a, b = (Coefficients(list(side)) for side in zip(*pairs, strict=True))
    expected = [Fraction(x) + Fraction(y) for x, y in pairs]
    try:
        assert list((a + b).fractions()) == expected
    except ModelError:
        assert max(map(abs, expected)) > Fraction(2) ** 1023


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
def test_shapes(shape: tuple[int, ...]) -> None:
    size = math.prod(shape)
    array = np.empty(size, dtype=object)
    array[:] = [Fraction(i, 3) for i in range(size)]
    constants = Coefficients.from_fractions(array.reshape(shape))
    assert constants.shape == shape == constants.fractions().shape
    assert constants.reshape(-1).reshape(*shape).shape == shape
    assert constants.map(np.transpose).shape == shape[::-1]


@given(st.lists(rationals, max_size=6), st.lists(rationals, max_size=6))
def test_vectors(left: list[Fraction], right: list[Fraction]) -> None:
    n = min(len(left), len(right))
    a, b = ExactVector.of(left[:n]), ExactVector.of(right[:n])
    assert (a + b).fractions() == [x + y for x, y in zip(left[:n], right[:n], strict=True)]
    assert RELU.exact(a).fractions() == [max(x, Fraction(0)) for x in left[:n]]
    assert a.reduced().fractions() == left[:n]


@given(rationals)
def test_directed_rounding(value: Fraction) -> None:
    below, above = float_below(value), float_above(value)
    assert Fraction(below) <= value <= Fraction(above)
    assert above == below or math.nextafter(below, math.inf) == above
