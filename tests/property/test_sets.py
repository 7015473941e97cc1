"""Input sets, families and unsafe sets: exact ends, exact membership, sound float ends."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verdict.base.errors import InputError, PropertyError
from verdict.network.exact import ExactVector
from verdict.property import Box, LinfBall, misclassification

rationals = st.fractions(min_value=-5, max_value=5, max_denominator=997)


@given(st.lists(rationals, min_size=1, max_size=4), st.fractions(0, 3, max_denominator=997))
def test_ball_is_the_box_of_its_radius(center, radius):
    family = LinfBall(ExactVector.of(center), Fraction(-5), Fraction(5))
    box = family.at(radius)
    for c, low, high in zip(center, box.lower, box.upper, strict=True):
        assert low == max(Fraction(-5), c - radius)
        assert high == min(Fraction(5), c + radius)
    below, above = family.floats(float(radius) + 1e-12)
    assert all(Fraction(b) <= low for b, low in zip(below, box.lower, strict=True))
    assert all(Fraction(a) >= high for a, high in zip(above, box.upper, strict=True))
    corner = ExactVector.of(box.upper)
    assert box.contains(corner)
    assert family.radius_of(corner) <= radius


@given(st.lists(st.tuples(rationals, rationals), min_size=1, max_size=4), st.data())
def test_support_function(ends, data):
    box = Box([min(e) for e in ends], [max(e) for e in ends])
    a = data.draw(st.lists(rationals, min_size=len(ends), max_size=len(ends)))
    minimum = box.minimum(a)
    sides = [[float(low), float(high)] for low, high in zip(box.lower, box.upper, strict=True)]
    corners = np.stack(np.meshgrid(*sides), -1)
    values = corners.reshape(-1, len(ends)) @ np.array([float(c) for c in a])
    assert float(minimum) == pytest.approx(values.min(), abs=1e-9)


def test_radius_of_leaves_the_valid_range():
    family = LinfBall(ExactVector.of([Fraction(1, 2)]), Fraction(0), Fraction(1))
    assert family.radius_of(ExactVector.of([Fraction(3, 2)])) is None
    assert family.limit == Fraction(1, 2)
    assert LinfBall(ExactVector.of([0])).limit is None


def test_errors_name_the_place():
    with pytest.raises(PropertyError, match="coordinate 1 has lower end 2"):
        Box([Fraction(0), Fraction(2)], [Fraction(1), Fraction(1)])
    with pytest.raises(InputError, match="coordinate 0 is 2"):
        LinfBall(ExactVector.of([2]), Fraction(0), Fraction(1))
    with pytest.raises(PropertyError, match="label 3 is out of range"):
        misclassification(3, 3)
    with pytest.raises(PropertyError, match="the target 1 is the label itself"):
        misclassification(1, 3, 1)


def test_a_tie_is_unsafe():
    unsafe = misclassification(0, 3)
    assert unsafe.containing(ExactVector.of([1, 1, 0])).name == "class 1"
    assert unsafe.containing(ExactVector.of([1, 0.5, 0])) is None
    tiny = Fraction(1, 10**40)
    assert unsafe.containing(ExactVector.of([1, 1 - tiny, 0])) is None
