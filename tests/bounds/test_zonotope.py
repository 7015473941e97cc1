"""Zonotopes: inside intervals, exact where nothing is relaxed, sound however few symbols there are."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network.random_graphs import graphs
from support.networks import KINDS, random_network

from verdict.bounds import interval_bounds, zonotope
from verdict.bounds.zonotope import zonotope_bounds
from verdict.network.evaluate import evaluate_all, evaluate_exact_all
from verdict.network.exact import Coefficients, ExactVector
from verdict.network.functions import RELU
from verdict.network.graph import Affine, Graph, Input, Pointwise
from verdict.network.maps import Dense, identity
from verdict.ops.importer.onnx_import import load_onnx


def boxes(rng, graph, batch=3):
    center, radius = rng.uniform(-1, 1, (batch, graph.input_size)), rng.uniform(0, 2, (batch, 1))
    return center - radius, center + radius


@pytest.mark.parametrize("kind", KINDS)
def test_never_looser_than_intervals(kind, tmp_path):
    tighter = 0
    for seed in range(8):
        rng = np.random.default_rng([seed, 21])
        graph = load_onnx(random_network(rng, kind, tmp_path)).graph
        lower, upper = boxes(rng, graph)
        loose, tight = interval_bounds(graph, lower, upper), zonotope_bounds(graph, lower, upper)
        for i in range(len(graph.nodes)):
            assert (tight.lower[i] >= loose.lower[i] - 1e-12).all()
            assert (tight.upper[i] <= loose.upper[i] + 1e-12).all()
            tighter += int((tight.upper[i] < loose.upper[i] - 1e-6).sum())
    assert tighter


def test_a_difference_of_equals_is_zero():
    """x - x, which intervals cannot see, over two branches of the graph."""
    two = Affine(((Dense(Coefficients([[2.0]])), 0),), Coefficients([1.0]))
    minus = Affine(((identity(1), 1), (Dense(Coefficients([[-2.0]])), 0)), Coefficients([0.0]))
    graph = Graph((Input(1), two, minus), 2)
    bounds = zonotope_bounds(graph, np.array([[-1.0]]), np.array([[3.0]]))
    assert bounds.lower[2][0, 0] <= 1 <= bounds.upper[2][0, 0]
    assert bounds.upper[2][0, 0] - bounds.lower[2][0, 0] < 1e-12


def test_relu_band_has_the_least_area():
    """relu(x) on [-1, 3] is kept between x 3/4 and x 3/4 + 3/4, so relu(x) - x 3/4 lies in [0, 3/4]."""
    relu = Pointwise(RELU, 0, 1)
    difference = Affine(((identity(1), 1), (Dense(Coefficients([[-0.75]])), 0)), Coefficients([0.0]))
    graph = Graph((Input(1), relu, difference), 2)
    bounds = zonotope_bounds(graph, np.array([[-1.0]]), np.array([[3.0]]))
    assert bounds.lower[2][0, 0] == pytest.approx(0, abs=1e-12)
    assert bounds.upper[2][0, 0] == pytest.approx(0.75, abs=1e-12)
    assert Fraction(bounds.upper[2][0, 0]) >= Fraction(3, 4)


@settings(max_examples=80, deadline=None)
@given(graph=graphs, seed=st.integers(0, 10**6), power=st.sampled_from([-300, -20, 0, 20]))
def test_exact_values_lie_inside(graph, seed, power):
    """Every kind of node and map, boxes down to a point and numbers of all sizes; compared as rationals."""
    rng = np.random.default_rng(seed)
    center = rng.normal(size=graph.input_size) * 10.0**power
    radius = np.abs(center) * rng.choice([0, 1e-15, 1.0], graph.input_size)
    lower, upper = center - radius, center + radius
    bounds = zonotope_bounds(graph, lower[None], upper[None])
    for part in (0.0, 1.0, rng.random(graph.input_size)):
        point = np.clip(lower + part * (upper - lower), lower, upper)
        for node, values in enumerate(evaluate_exact_all(graph, ExactVector.of(point))):
            ends = zip(values.fractions(), bounds.lower[node][0], bounds.upper[node][0], strict=True)
            assert all(float(low) <= value <= float(high) for value, low, high in ends)


@pytest.mark.parametrize("entries", [1, 20, 60])
@pytest.mark.parametrize("kind", KINDS)
def test_sound_without_room_for_symbols(kind, entries, tmp_path, monkeypatch):
    rng = np.random.default_rng(4)
    graph = load_onnx(random_network(rng, kind, tmp_path)).graph
    lower, upper = boxes(rng, graph, 2)
    full = zonotope_bounds(graph, lower, upper)
    monkeypatch.setattr(zonotope, "MOST_ENTRIES", entries)
    bounds = zonotope_bounds(graph, lower, upper)
    for box in range(2):
        points = rng.uniform(lower[box], upper[box], (300, graph.input_size))
        for node, values in enumerate(evaluate_all(graph, points)):
            slack = 1e-9 * (1 + np.abs(values))
            assert (values >= bounds.lower[node][box] - slack).all()
            assert (values <= bounds.upper[node][box] + slack).all()
    widths = [(b.upper[graph.output] - b.lower[graph.output]).sum() for b in (full, bounds)]
    assert widths[0] <= widths[1] + 1e-9
