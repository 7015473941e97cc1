"""Weighted L-infinity balls: scales, fixed coordinates, free ones."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import verdict
from verdict.base.deadline import Deadline
from verdict.base.errors import InputError
from verdict.network.exact import ExactVector
from verdict.property import ScaledBall, misclassification
from verdict.search.engines.registry import find_engine
from verdict.search.points.radius_witness import seek_witness
from verdict.search.radius import RadiusSearch

rationals = st.fractions(min_value=-5, max_value=5, max_denominator=997)
scales = st.one_of(st.none(), st.just(Fraction(0)), st.fractions(0, 3, max_denominator=99))


@given(st.lists(st.tuples(rationals, scales), min_size=1, max_size=4), st.fractions(0, 3, max_denominator=997))
def test_the_set_of_a_radius(coordinates, radius):
    center, scale = zip(*coordinates, strict=True)
    family = ScaledBall(ExactVector.of(center), scale, Fraction(-5), Fraction(5))
    box = family.at(radius)
    for c, s, low, high in zip(center, scale, box.lower, box.upper, strict=True):
        assert low == (Fraction(-5) if s is None else max(Fraction(-5), c - s * radius))
        assert high == (Fraction(5) if s is None else min(Fraction(5), c + s * radius))
    below, above = family.floats(float(radius) + 1e-12)
    assert all(Fraction(b) <= low for b, low in zip(below, box.lower, strict=True))
    assert all(Fraction(a) >= high for a, high in zip(above, box.upper, strict=True))
    # A fixed coordinate is no wider than its rounding.
    assert all(a - b < 1e-14 for a, b, s in zip(above, below, scale, strict=True) if s == 0)
    corner = ExactVector.of(box.upper)
    assert family.radius_of(corner) <= radius
    # The linear rows and the constant ends say the same.
    outside = ExactVector.of([h + Fraction(1, 7) for h in box.upper])
    for point in (corner, outside):
        values, (lows, highs) = point.fractions(), family.bounds()
        inside = all(sum(a * values[i] for i, a in zip(r.columns, r.coefficients, strict=True)) + r.slope * radius
                     <= r.constant for r in family.rows())
        ends = zip(values, lows, highs, strict=True)
        inside &= all((a is None or a <= v) and (b is None or v <= b) for v, a, b in ends)
        assert inside == box.contains(point)


def test_a_float_point_inside_has_a_radius_though_an_end_is_no_float():
    low, high = Fraction(1, 20), Fraction(3, 20)
    family = ScaledBall(ExactVector.of([Fraction(1, 10), 0]), [None, Fraction(1)], [low, Fraction(0)], [high, None])
    for end in (low, high):
        # The float beside the end lies outside on one side of it.
        for point in (np.nextafter(float(end), np.inf), np.nextafter(float(end), -np.inf)):
            x = family.inside(np.array([point, 0.5]))
            assert family.radius_of(x) == Fraction(1, 2)
            assert abs(x.fractions()[0] - Fraction(float(point))) < 1e-16
    assert family.inside(np.array([0.1, 0.25])).fractions() == [Fraction(0.1), Fraction(1, 4)]
    assert family.inside(np.array([7.0, -1.0])).fractions() == [high, 0]


def test_radius_and_limit():
    scale = [Fraction(2), Fraction(0), None]
    family = ScaledBall(ExactVector.of([0, 1, 0]), scale, Fraction(-4), Fraction(4))
    assert family.limit == 2
    assert family.radius_of(ExactVector.of([3, 1, -4])) == Fraction(3, 2)
    assert family.radius_of(ExactVector.of([0, 2, 0])) is None
    np.testing.assert_allclose(family.distances(np.array([[3.0, 9.0, 9.0]])), [1.5])
    np.testing.assert_allclose(family.pushed(np.array([1.0, 1.0, 1.0]), 0.5), [1.5, 1, 1])


def test_errors():
    with pytest.raises(InputError, match="coordinate 1 is free"):
        ScaledBall(ExactVector.of([0, 0]), [Fraction(1), None])
    with pytest.raises(InputError, match="scale of coordinate 0 is -1"):
        ScaledBall(ExactVector.of([0]), [Fraction(-1)])
    with pytest.raises(InputError, match="1 scales"):
        ScaledBall(ExactVector.of([0, 0]), [Fraction(1)])


@pytest.mark.parametrize("engine", ["bab", "milp", "smt"])
def test_the_radius_of_a_linear_classifier_in_closed_form(engine):
    # digits-linear has no ReLU: the margin falls by scale . |w| for each unit of radius, and by all it can where x is
    # free. So the radius to each rival class is margin / (scale . |w|) while nothing leaves the wide range.
    network = verdict.load("digits-linear")
    rng = np.random.default_rng(1)
    x = ExactVector.of(rng.integers(0, 17, 64) / 16)
    scale = [Fraction(int(v), 4) for v in rng.integers(0, 8, 64)]
    scale[5:7] = [None, None]
    far = Fraction(1000)
    low, high = [-far] * 64, [far] * 64
    low[5:7], high[5:7] = [x.fractions()[5], x.fractions()[6] - Fraction(1, 1000)], [
        x.fractions()[5] + Fraction(1, 1000), x.fractions()[6]
    ]
    family = ScaledBall(x, scale, low, high)
    outputs = network.evaluate_exact(x).fractions()
    label = outputs.index(max(outputs))
    weights = [network.evaluate_exact(ExactVector.of([Fraction(int(i == j)) for j in range(64)])).fractions()
               for i in range(64)]
    zero = network.evaluate_exact(ExactVector.of([Fraction(0)] * 64)).fractions()
    expected = []
    for rival in set(range(10)) - {label}:
        slope = [(w[label] - zero[label]) - (w[rival] - zero[rival]) for w in weights]
        worst = min(Fraction(0), slope[5] / 1000) - max(Fraction(0), slope[6] / 1000)
        reach = sum(s * abs(a) for s, a in zip(scale, slope, strict=True) if s)
        expected.append((outputs[label] - outputs[rival] + worst) / reach)
    search = RadiusSearch(network, family, misclassification(label, 10), Deadline(60))
    seek_witness(search)
    search.prove_by_bounds()
    find_engine(engine).close(search, 1)
    assert search.upper == min(expected)
    assert float(search.lower) == pytest.approx(float(min(expected)), rel=1e-6)
