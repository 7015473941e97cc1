"""Single neurons by LP and MILP: the optimum of the triangle relaxation, proved; MILP's at the true range."""

import itertools

import numpy as np
import pytest
from scipy.optimize import linprog
from support.networks import KINDS, random_network

from verdict.base.deadline import Deadline
from verdict.bounds import linear_bounds
from verdict.bounds.layers import open_ends, substituted, target_nodes
from verdict.network.evaluate import evaluate_all
from verdict.network.exact import Coefficients
from verdict.network.graph import sequential
from verdict.ops.importer.onnx_import import load_onnx
from verdict.search.neurons.tighten_milp import milp_bounds
from verdict.search.neurons.triangle import tighten_layer, triangle_bounds


def drawn(kind, seed, tmp_path):
    rng = np.random.default_rng([seed, 41])
    graph = load_onnx(random_network(rng, kind, tmp_path)).graph
    center = rng.integers(-4, 5, graph.input_size) / 4
    return rng, graph, (center - 0.8)[None], (center + 0.8)[None]


@pytest.mark.parametrize("kind", KINDS)
def test_never_looser_than_linear(kind, tmp_path):
    tighter = 0
    for seed in range(5):
        _, graph, lower, upper = drawn(kind, seed, tmp_path)
        loose = substituted(graph, linear_bounds(graph, lower, upper), graph.output)
        tight = triangle_bounds(graph, lower, upper)
        for i in range(len(graph.nodes)):
            # Up to the rounding that each charges.
            assert (tight.lower[i] >= loose.lower[i] - 1e-12 * (1 + np.abs(loose.lower[i]))).all()
            assert (tight.upper[i] <= loose.upper[i] + 1e-12 * (1 + np.abs(loose.upper[i]))).all()
        tighter += int((tight.upper[graph.output] < loose.upper[graph.output] - 1e-6).sum())
    assert tighter


@pytest.mark.parametrize("seed", range(4))
def test_equals_the_triangle_lp_written_by_hand(seed):
    """A dense network 2-3-3-2: columns x, h1, h2; z is substituted, each unstable ReLU is its three inequalities."""
    rng = np.random.default_rng([seed, 43])
    layers = [(rng.integers(-8, 9, (b, a)) / 4, rng.integers(-4, 5, b) / 4) for a, b in ((2, 3), (3, 3), (3, 2))]
    graph = sequential([(Coefficients(w), Coefficients(b)) for w, b in layers])
    lower, upper = -np.ones((1, 2)), np.ones((1, 2))
    bounds = linear_bounds(graph, lower, upper)
    found = tighten_layer(graph, substituted(graph, bounds, graph.output), graph.output, Deadline())
    rows, limits, equal, values = [], [], [], []
    ranges = [(-1, 1)] * 2 + [(0, None)] * 6
    places = [np.arange(2), np.arange(2, 5), np.arange(5, 8)]
    for (w, b), before, after, node in zip(layers[:2], places[:2], places[1:], (1, 3), strict=True):
        for i in range(3):
            low, high = bounds.lower[node][0, i], bounds.upper[node][0, i]
            z, h = np.zeros(8), np.zeros(8)
            z[before], h[after[i]] = w[i], 1
            if high <= 0:
                equal.append(h)
                values.append(0.0)
            elif low >= 0:
                equal.append(h - z)
                values.append(b[i])
            else:
                chord = high / (high - low)
                rows += [z - h, h - chord * z]
                limits += [-b[i], chord * (b[i] - low)]
            # The bounds at hand on z take part, as in the encoding.
            rows += [z, -z]
            limits += [high - b[i], b[i] - low]
    for i, sign in itertools.product(range(2), (1, -1)):
        cost = np.zeros(8)
        cost[places[2]] = sign * layers[2][0][i]
        best = linprog(
            cost, np.array(rows), np.array(limits), np.array(equal) if equal else None, values or None, ranges
        )
        expected = best.fun + sign * layers[2][1][i]
        end = found.lower[graph.output][0, i] if sign > 0 else -found.upper[graph.output][0, i]
        assert end == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_milp_finds_the_range(kind, tmp_path):
    """With binaries nothing is relaxed: the ends are attained, up to tolerances, and contain every sample."""
    rng, graph, lower, upper = drawn(kind, 2, tmp_path)
    found = milp_bounds(graph, lower, upper)
    loose = triangle_bounds(graph, lower, upper)
    corners = np.array(list(itertools.product(*zip(lower[0], upper[0], strict=True))))
    points = np.concatenate([corners, rng.uniform(lower, upper, (3000, graph.input_size))])
    values = evaluate_all(graph, points)
    for i in range(len(graph.nodes)):
        assert (values[i] >= found.bounds.lower[i] - 1e-5).all()
        assert (values[i] <= found.bounds.upper[i] + 1e-5).all()
        assert (found.bounds.lower[i] >= loose.lower[i]).all()
    assert found.count.cut == 0
    if found.count.tried:
        reached = values[graph.output].max(axis=0)
        assert (found.bounds.upper[graph.output][0] <= reached + 0.15 * (1 + np.abs(reached))).all()


def test_without_time_the_linear_bounds_remain(tmp_path):
    _, graph, lower, upper = drawn("dense", 0, tmp_path)
    clock = Deadline(0.0)
    for bounds in (triangle_bounds(graph, lower, upper, clock), milp_bounds(graph, lower, upper, clock).bounds):
        expected = linear_bounds(graph, lower, upper, clock.passed)
        for i in range(len(graph.nodes)):
            assert bounds.lower[i].tolist() == expected.lower[i].tolist()


def test_unstable_neurons_come_largest_triangle_first(tmp_path):
    for seed in range(6):
        _, graph, lower, upper = drawn("residual", seed, tmp_path)
        bounds = linear_bounds(graph, lower, upper)
        for number in target_nodes(graph):
            ends = open_ends(graph, bounds, number)
            low, high = bounds.lower[number][0], bounds.upper[number][0]
            if number == graph.output:
                assert {n for n, _ in ends} == set(range(graph.output_size))
            else:
                area = [-low[n] * high[n] for n, _ in ends]
                assert area == sorted(area, reverse=True)
                assert {n for n, _ in ends} == set(np.flatnonzero((low < 0) & (high > 0)).tolist())
