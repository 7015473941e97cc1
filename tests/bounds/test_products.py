"""Products of two tensors in every bound: planes hold their product, and samples lie inside what they lead to."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from support.seeds import seeds

from verdict.base.errors import ModelError, UnsupportedError
from verdict.bounds import interval_bounds, linear_bounds, output_bounds
from verdict.bounds.alpha import alpha_bounds
from verdict.bounds.dual import dual_bound
from verdict.bounds.forward import forward_bounds
from verdict.bounds.planes import band, crown_planes, floor_of, product_interval
from verdict.bounds.zonotope import zonotope_bounds
from verdict.network.builder import Builder
from verdict.network.enclosed import evaluate_enclosed
from verdict.network.evaluate import evaluate, evaluate_all, float32_error, look, vjp
from verdict.network.exact import Coefficients, ExactVector
from verdict.network.functions import RELU, SQUARE, Feature
from verdict.network.functions.sigmoid import SIGMOID
from verdict.network.graph import Affine, Graph, Input, Product
from verdict.network.maps import Dense


def random_products(seed: int) -> Graph:
    """Two inputs; dense layers, functions and products of any two of the nodes so far."""
    rng = np.random.default_rng(seed)
    builder = Builder(2)

    def dense(source: int) -> int:
        weight = rng.normal(size=(3, builder.size(source))).astype(np.float32)
        return builder.affine([(Dense(Coefficients(weight)), source)], Coefficients(rng.normal(size=3)))

    nodes = [dense(0), dense(0)]
    for _ in range(int(rng.integers(2, 5))):
        a, b = (int(n) for n in rng.choice(nodes, 2))
        kind = rng.integers(4)
        node = builder.pointwise((RELU, SIGMOID, SQUARE)[rng.integers(3)], a) if not kind else builder.product(a, b)
        nodes.append(dense(node) if rng.random() < 0.5 else node)
    return builder.finish(dense(builder.product(nodes[-1], nodes[-2])))


METHODS = [
    interval_bounds,
    zonotope_bounds,
    linear_bounds,
    lambda graph, low, high: forward_bounds(graph, low, high).bounds,
    lambda graph, low, high: alpha_bounds(graph, linear_bounds(graph, low, high), 3),
]


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("seed", seeds(12, 600))
def test_samples_lie_inside(seed, kind):
    rng, graph = np.random.default_rng(seed), random_products(seed)
    center, radius = rng.uniform(-1, 1, (1, 2)), rng.uniform(0, 1.5, (1, 2))
    low, high = (center - radius).astype(kind), (center + radius).astype(kind)
    points = rng.uniform(low[0], high[0], (200, 2)).clip(low, high).astype(float)
    points[:4] = list(itertools.product(*zip(low[0], high[0], strict=True)))
    values = evaluate_all(graph, points)
    rows = rng.normal(size=(2, graph.output_size)).astype(kind)
    for method in METHODS if kind is np.float64 else METHODS[:-1]:
        bounds = method(graph, low, high)
        for node, found in enumerate(values):
            slack = 1e-9 * (1 + np.abs(found))
            assert (found >= bounds.lower[node] - slack).all()
            assert (found <= bounds.upper[node] + slack).all()
        least = (values[graph.output] @ rows.T).min(axis=0)
        room = 1e-9 * (1 + np.abs(least))
        bound = output_bounds(graph, bounds, rows)
        assert (bound.lower[0] <= least + room).all()
        assert (dual_bound(graph, bounds, graph.output, rows, {})[0] <= least + room).all()


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_planes_hold_their_product_in_rationals(kind):
    """At the corners, where a plane touches, nothing but outward rounding keeps it on its side."""
    rng = np.random.default_rng(0)
    scale = 10.0 ** rng.integers(-12, 12, (4, 1, 40))
    ends = [np.sort((s * rng.normal(size=(2, 1, 40))).astype(kind), axis=0) for s in scale[:2]]
    ends[0][:, :, :3], ends[1][1, :, 3:6], ends[0][0, :, 6:9] = 0.5, 0, 0
    left, right = ((np.minimum(*e), np.maximum(*e)) for e in ends)
    planes, (a, b, centre, half) = crown_planes(left, right), band(left, right)
    least, most = product_interval(left, right)
    steep = [(s * rng.normal(size=(1, 40))).astype(kind) for s in scale[2:]]
    floor = floor_of(tuple(steep), left, right)
    exact = np.frompyfunc(Fraction, 1, 1)
    for x, y in itertools.product(map(exact, left), map(exact, right)):
        assert (x * y >= exact(planes.below[0]) * x + exact(planes.below[1]) * y + exact(planes.floor)).all()
        assert (x * y <= exact(planes.above[0]) * x + exact(planes.above[1]) * y + exact(planes.ceiling)).all()
        assert (abs(x * y - exact(a) * x - exact(b) * y - exact(centre)) <= exact(half)).all()
        assert (x * y >= exact(steep[0]) * x + exact(steep[1]) * y + exact(floor)).all()
        assert (exact(least) <= x * y).all()
        assert (x * y <= exact(most)).all()


def test_a_known_sign_is_kept_and_an_overflow_knows_nothing():
    low, high = product_interval((np.array([0.0, -2, 0, 1e300]),) * 2, (np.array([1e-320, -1, -0.0, 1e300]),) * 2)
    assert low[0] == 0
    assert 2 <= high[1] < 2.001
    assert high[3] == np.inf
    ends = (np.array([-np.inf]), np.array([np.inf]))
    low, high = product_interval(ends, (np.array([0.0]), np.array([1.0])))
    assert (low, high) == ends


@pytest.mark.parametrize("seed", seeds(3, 100))
def test_values_gradients_and_errors(seed):
    graph, rng = random_products(seed), np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (1, 2)).astype(np.float32).astype(float)
    y = evaluate(graph, x)[0]
    enclosed = evaluate_enclosed(graph, ExactVector.of(x[0]), 64)
    assert np.abs(enclosed.centre.floats() - y).max() <= 1e-9 * (1 + np.abs(y).max())
    assert enclosed.radius.max() < 1e-12 * (1 + np.abs(y).max())
    cotangent = rng.normal(size=(1, 3))
    gradient = vjp(graph, evaluate_all(graph, x), cotangent)[0]
    step = 1e-6
    for i in range(2):
        ends = [evaluate(graph, x + s * step * np.eye(2)[i]) @ cotangent[0] for s in (1, -1)]
        assert abs((ends[0] - ends[1])[0] / (2 * step) - gradient[i]) <= 1e-4 * (1 + abs(gradient[i]))
    # The float32 run is off by less than what is said.
    off = np.abs(evaluate(graph, x.astype(np.float32))[0] - y)
    assert (off <= float32_error(graph, x)[0] + 1e-5 * (1 + np.abs(y))).all()
    seen = look(graph, x, 2.0**-24, 2.0**-126, 1e30)
    assert seen.fits.all()
    assert (seen.errors > 0).all()


def test_enclosures_are_exact_while_numbers_are_short_and_right_when_they_are_not():
    builder, node = Builder(2), 0
    for _ in range(2):
        node = builder.product(node, builder.affine([(Dense(Coefficients(np.array([[0.0, 1], [1, 0]]))), node)]))
    graph = builder.finish(node)
    found = evaluate_enclosed(graph, ExactVector.of([Fraction(1, 3), Fraction(2, 7)]), 64)
    assert found.radius.max() == 0
    assert found.centre.fractions() == [Fraction(2, 21) ** 2] * 2
    for _ in range(12):
        node = builder.product(node, builder.affine([(Dense(Coefficients(np.array([[0.0, 1], [1, 0]]))), node)]))
    found = evaluate_enclosed(builder.finish(node), ExactVector.of([Fraction(9, 8), Fraction(7, 8)]), 64)
    exact = Fraction(63, 64) ** (2**13)
    for centre, radius in zip(found.centre.fractions(), found.radius, strict=True):
        assert 0 < radius < 1e-14
        assert abs(centre - exact) <= Fraction(radius)


def test_what_the_builder_makes_of_it():
    builder = Builder(2)
    assert builder.nodes[builder.product(0, 0)].function is SQUARE
    two, ones = builder.constant(Coefficients(np.array([2.0, 3.0]))), Coefficients(np.ones(3))
    scaled = builder.finish(builder.product(two, 0))
    assert not scaled.bent
    assert evaluate(scaled, np.array([[1.0, -1.0]])).tolist() == [[2.0, -3.0]]
    with pytest.raises(ModelError, match="a Product of 2 on 2 and 3"):
        Graph((Input(2), Affine(((Dense(Coefficients(np.ones((3, 2)))), 0),), ones), Product(0, 1, 2)), 2)


def test_who_needs_features_refuses_products_by_name():
    graph = random_products(1)
    number = next(iter(graph.products))
    assert not graph.has(Feature.ON_OFF)
    assert not graph.has(Feature.PIECEWISE_LINEAR, number)
    with pytest.raises(UnsupportedError, match="the MILP encoding needs functions that are off or on; Product"):
        graph.require(Feature.ON_OFF, "the MILP encoding", number)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_factor_without_bounds_leaves_nothing_known_and_no_warning():
    """A quotient by a sum of squares that may be 0, as bandwidth networks have it."""
    left, right = (np.array([[-np.inf, 0.0]]), np.array([[np.inf, 1.0]])), (np.zeros((1, 2)), np.ones((1, 2)))
    planes = crown_planes(left, right)
    found = planes.extent(np.array([[np.inf, 1.0]]), np.ones((1, 2)))
    assert np.isinf(found[0, 0])
    assert np.isfinite(found[0, 1])
