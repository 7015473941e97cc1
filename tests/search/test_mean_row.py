"""Weighted means of rows: never above what they stand for, and better than single rows where these tie."""

from fractions import Fraction

import numpy as np
import pytest

from verdict.bounds.walk import LinearBound
from verdict.network.exact import Coefficients, ExactVector
from verdict.property import Polytope
from verdict.search.relus.mean_row import best_mean, with_mean


@pytest.mark.parametrize("seed", range(20))
def test_a_mean_is_never_above_the_greatest_row(seed):
    """min over the box of max over rows is at least every mean's minimum; sampled, and at the corners."""
    rng = np.random.default_rng(seed)
    slope, constant = rng.normal(size=(5, 4, 3)), rng.normal(size=(5, 4))
    low, high = -rng.random((5, 3)), rng.random((5, 3))
    limits = rng.normal(size=4)
    least = np.where(slope > 0, low[:, None], high[:, None])
    bound = LinearBound((slope * least).sum(axis=2) + constant - 1e-9, slope, constant)
    lower, weights = best_mean(bound, limits, low, high)
    assert (weights >= 0).all()
    corners = np.stack(np.meshgrid(*[[0, 1]] * 3), -1).reshape(-1, 3)
    for t in [*corners, *rng.random((500, 3))]:
        x = low + t * (high - low)
        values = (np.einsum("brn,bn->br", slope, x) + constant - limits).max(axis=1)
        assert (lower <= values).all()


def test_a_mean_excludes_what_no_single_row_does():
    """Rows x + 1/4 and 1/4 - x on [-1, 1]: each is negative somewhere, their mean is 1/4 everywhere."""
    slope, constant = np.array([[[1.0], [-1.0]]]), np.array([[0.25, 0.25]])
    bound = LinearBound(np.array([[-0.75, -0.75]]), slope, constant)
    lower, _ = best_mean(bound, np.zeros(2), np.array([[-1.0]]), np.array([[1.0]]))
    assert 0.2 < lower[0] <= 0.25


@pytest.mark.parametrize("seed", range(20))
def test_the_added_row_is_implied_exactly(seed):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(-3, 4, (3, 2)) / 4
    polytope = Polytope(Coefficients(matrix), Coefficients(rng.integers(-4, 5, 3) / 8), "p")
    more, shares = with_mean(polytope, rng.dirichlet(np.ones(3)))
    assert len(more.offset.values) == 4
    assert (more.matrix.values == shares @ matrix).all()
    for _ in range(200):
        y = ExactVector.of([Fraction(int(v), 16) for v in rng.integers(-40, 41, 2)])
        assert more.contains(y) == polytope.contains(y)


def test_a_mean_of_one_row_adds_nothing():
    polytope = Polytope(Coefficients([[1.0, 0.0], [0.0, 1.0]]), Coefficients([0.0, 0.0]))
    assert with_mean(polytope, np.array([1.0, 0.0]))[0] is polytope


def test_rows_far_below_zero_and_rows_that_know_nothing():
    """Weights stay finite where all values are huge and alike, and where a bound overflowed."""
    slope = np.array([[[1e-9], [-1e-9]], [[1.0], [np.inf]]])
    constant = np.array([[-1e6, -1e6], [0.5, 0.0]])
    bound = LinearBound(np.array([[-1e6 - 1, -1e6 - 1], [-0.5, -np.inf]]), slope, constant)
    box = np.full((2, 1), -1.0), np.full((2, 1), 1.0)
    lower, weights = best_mean(bound, np.zeros(2), *box)
    assert np.isfinite(weights).all()
    assert lower[0] <= -1e6
    assert lower[1] <= 0.5
