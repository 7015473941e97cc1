"""Every bound must contain what the network really does: sampled points, corners and exact evaluation."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from support.networks import KINDS, random_network

from verdict.bounds import Bounds, interval_bounds, linear_bounds, output_bounds
from verdict.bounds.forward import Forward, forward_bounds
from verdict.bounds.zonotope import zonotope_bounds
from verdict.network.evaluate import evaluate_all, evaluate_exact_all
from verdict.network.exact import Coefficients, ExactVector
from verdict.network.functions import RELU, SQUARE
from verdict.network.functions.exp import EXP
from verdict.network.functions.sigmoid import SIGMOID
from verdict.network.functions.tanh import TANH
from verdict.network.graph import Affine, Graph, Input, Pointwise
from verdict.network.maps import Dense
from verdict.ops.importer.onnx_import import load_onnx


def forward(graph, lower, upper):
    return forward_bounds(graph, lower, upper).bounds


METHODS = [interval_bounds, zonotope_bounds, forward, linear_bounds]


def fetched(device, bounds):
    return Bounds(tuple(map(device.fetch, bounds.lower)), tuple(map(device.fetch, bounds.upper)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(8))
def test_samples_lie_inside(kind, method, seed, device, tmp_path):
    rng = np.random.default_rng(seed)
    graph = load_onnx(random_network(rng, kind, tmp_path)).graph
    center = rng.uniform(-1, 1, (3, graph.input_size))
    radius = rng.uniform(0, 2, (3, 1))
    lower, upper = center - radius, center + radius
    bounds = fetched(device, method(graph, device.put(lower), device.put(upper)))
    for box in range(3):
        points = rng.uniform(lower[box], upper[box], (200, graph.input_size))
        points[:50] = np.where(rng.random((50, graph.input_size)) < 0.5, lower[box], upper[box])
        for node, values in enumerate(evaluate_all(graph, points)):
            slack = 1e-9 * (1 + np.abs(values))
            assert (values >= bounds.lower[node][box] - slack).all()
            assert (values <= bounds.upper[node][box] + slack).all()


@pytest.mark.parametrize("method", METHODS)
def test_degenerate_boxes_contain_the_exact_value(method, tmp_path):
    """A box of one point leaves no slack but rounding: the exact value must still be inside."""
    rng = np.random.default_rng(3)
    for kind in KINDS:
        graph = load_onnx(random_network(rng, kind, tmp_path)).graph
        x = rng.normal(size=graph.input_size) * 10.0 ** rng.integers(-20, 20)
        bounds = method(graph, x[None], x[None])
        for node, exact in enumerate(evaluate_exact_all(graph, ExactVector.of(x))):
            for value, low, high in zip(
                exact.fractions(), bounds.lower[node][0], bounds.upper[node][0], strict=True
            ):
                assert Fraction(low) <= value <= Fraction(high)


def test_linear_bounds_are_at_least_as_tight(device, tmp_path):
    rng = np.random.default_rng(5)
    for kind in KINDS:
        graph = load_onnx(random_network(rng, kind, tmp_path)).graph
        lower, upper = -np.ones((1, graph.input_size)), np.ones((1, graph.input_size))
        box = device.put(lower), device.put(upper)
        loose, tight = fetched(device, interval_bounds(graph, *box)), fetched(device, linear_bounds(graph, *box))
        for node in range(len(graph.nodes)):
            assert (tight.lower[node] >= loose.lower[node] - 1e-12).all()
            assert (tight.upper[node] <= loose.upper[node] + 1e-12).all()


def test_output_rows_are_below_samples(device, tmp_path):
    rng = np.random.default_rng(7)
    for kind in KINDS:
        graph = load_onnx(random_network(rng, kind, tmp_path)).graph
        lower, upper = -np.ones((1, graph.input_size)), np.ones((1, graph.input_size))
        bounds = linear_bounds(graph, device.put(lower), device.put(upper))
        rows = rng.normal(size=(5, graph.output_size))
        bound = output_bounds(graph, bounds, device.put(rows))
        lowest, slope, constant = (device.fetch(a)[0] for a in (bound.lower, bound.slope, bound.constant))
        x = rng.uniform(-1, 1, (500, graph.input_size))
        values = evaluate_all(graph, x)[graph.output] @ rows.T
        assert (values >= lowest - 1e-9).all()
        # The linear function itself is below too, not only its minimum.
        assert (values >= x @ slope.T + constant - 1e-9).all()


def test_absorption_is_charged():
    """x + 2^54 - 2^54 in float64 forgets x; the bounds must not claim otherwise."""
    from verdict.network.exact import Coefficients
    from verdict.network.graph import Affine, Graph, Input
    from verdict.network.maps import Dense

    big = 2.0**54
    first = Affine(((Dense(Coefficients([[1.0], [0.0]])), 0),), Coefficients([big, big]))
    second = Affine(((Dense(Coefficients([[1.0, -1.0]])), 1),), Coefficients([0.0]))
    graph = Graph((Input(1), first, second), 2)
    for method in METHODS:
        bounds = method(graph, np.array([[0.3]]), np.array([[0.3]]))
        exact = evaluate_exact_all(graph, ExactVector.of([Fraction(0.3)]))[2].fractions()[0]
        assert Fraction(bounds.lower[2][0, 0]) <= exact <= Fraction(bounds.upper[2][0, 0])


def test_overflow_gives_no_bound_instead_of_nan(device):
    from verdict.network.exact import Coefficients
    from verdict.network.graph import Affine, Graph, Input
    from verdict.network.maps import Dense

    node = Affine(((Dense(Coefficients([[1e200, -1e200]])), 0),), Coefficients([0.0]))
    graph = Graph((Input(2), node), 1)
    for method in METHODS:
        bounds = method(graph, device.put(np.full((1, 2), 1e200)), device.put(np.full((1, 2), 2e200)))
        assert bounds.lower[1][0, 0] == -np.inf
        assert bounds.upper[1][0, 0] == np.inf


@pytest.mark.parametrize("kind", KINDS)
def test_forward_functions_of_some_inputs(kind, device, tmp_path):
    """Inputs that functions are not of count by their intervals, in float32 too; the spread is how far each moves a
    neuron at most."""
    rng = np.random.default_rng(11)
    graph = load_onnx(random_network(rng, kind, tmp_path)).graph
    center = rng.uniform(-1, 1, (2, graph.input_size)).astype(np.float32)
    free = np.sort(rng.permutation(graph.input_size)[: max(1, graph.input_size // 2)])
    radius = np.full_like(center, 2.0**-10)
    radius[:, free] = 0.5
    lower, upper = center - radius, center + radius
    found = forward_bounds(graph, device.put(lower), device.put(upper), Forward(device.put(free), spread=True))
    bounds, spread = fetched(device, found.bounds), {i: device.fetch(s) for i, s in found.spread.items()}
    for box in range(2):
        points = rng.uniform(lower[box], upper[box], (200, graph.input_size))
        for node, values in enumerate(evaluate_all(graph, points)):
            slack = 1e-5 * (1 + np.abs(values))
            assert (values >= bounds.lower[node][box] - slack).all()
            assert (values <= bounds.upper[node][box] + slack).all()
    first = graph.nodes[min(graph.pointwise)].sources[0]
    end = np.where(np.arange(graph.input_size) == free[0], upper[0], center[0])
    ends = evaluate_all(graph, np.stack([center[0], end]))
    if first in spread:
        moved = np.abs(ends[first][1] - ends[first][0])
        assert (spread[first][0, 0] >= moved - 1e-4 * (1 + np.abs(ends[first][0]))).all()


@pytest.mark.parametrize("function", [RELU, SIGMOID, TANH, EXP, SQUARE], ids=lambda f: f.name)
@pytest.mark.parametrize("method", [forward, linear_bounds])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_function_is_contained(method, function, dtype):
    """Lines that fall, and lines with an offset below, as smooth functions have them."""
    rng = np.random.default_rng(13)
    for _ in range(6):
        sizes, nodes = [3, 6, 5, 2], [Input(3)]
        for before, after in itertools.pairwise(sizes):
            weight = Dense(Coefficients(rng.normal(size=(after, before)) / 2))
            nodes.append(Affine(((weight, len(nodes) - 1),), Coefficients(rng.normal(size=after) / 2)))
            if after != sizes[-1]:
                nodes.append(Pointwise(function, len(nodes) - 1, after))
        graph = Graph(tuple(nodes), len(nodes) - 1)
        lower = rng.uniform(-2, 1, (4, 3)).astype(dtype)
        upper = lower + rng.uniform(0, 2, (4, 1)).astype(dtype)
        bounds = method(graph, lower, upper)
        for box in range(4):
            points = rng.uniform(lower[box], upper[box], (300, 3)).clip(lower[box], upper[box])
            points[:20] = np.where(rng.random((20, 3)) < 0.5, lower[box], upper[box])
            for node, values in enumerate(evaluate_all(graph, points)):
                slack = 1e-9 * (1 + np.abs(values))
                assert (values >= bounds.lower[node][box] - slack).all()
                assert (values <= bounds.upper[node][box] + slack).all()
