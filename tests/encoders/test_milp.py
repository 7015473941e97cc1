"""The linear model must mean exactly what the network does: points in, values out."""

import numpy as np
import pytest
from support.networks import KINDS, random_network

from verdict.bounds import interval_bounds, linear_bounds
from verdict.encoders.milp import encode_margin, encode_radius
from verdict.network.evaluate import evaluate_all
from verdict.network.exact import ExactVector
from verdict.ops.importer.onnx_import import load_onnx
from verdict.property import LinfBall, misclassification
from verdict.solvers import Status, solver


def _instance(kind, seed, tmp_path):
    rng = np.random.default_rng([seed, 17])
    graph = load_onnx(random_network(rng, kind, tmp_path)).graph
    x = rng.integers(-4, 5, graph.input_size) / 4
    return rng, graph, x


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", [interval_bounds, linear_bounds])
def test_every_network_run_is_a_point_of_the_model(kind, method, tmp_path):
    """Fill the columns from a real run: no row may be violated."""
    for seed in range(6):
        rng, graph, x = _instance(kind, seed, tmp_path)
        lower, upper = x - 0.7, x + 0.7
        bounds = method(graph, lower[None], upper[None])
        unsafe = misclassification(0, graph.output_size).polytopes[0]
        encoding = encode_margin(graph, bounds, unsafe)
        model = encoding.model
        for point in rng.uniform(lower, upper, (20, graph.input_size)):
            # The inputs fixed, the rest is determined: the optimum is the slack that the network has.
            fixed = model.fixed(np.arange(graph.input_size), point)
            solution = solver("highs", isolate=False).solve(fixed)
            assert solution.status is Status.OPTIMAL
            outputs = evaluate_all(graph, point[None])[graph.output]
            assert solution.objective == pytest.approx(unsafe.slack(outputs)[0], abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_stable_neurons_cost_no_binary(kind, tmp_path):
    _, graph, x = _instance(kind, 1, tmp_path)
    unsafe = misclassification(0, graph.output_size).polytopes[0]
    bounds = linear_bounds(graph, (x - 1e-9)[None], (x + 1e-9)[None])
    encoding = encode_margin(graph, bounds, unsafe)
    assert encoding.model.integer.sum() == bounds.unstable(graph)


def test_big_m_are_the_bounds(tmp_path):
    _, graph, x = _instance("dense", 2, tmp_path)
    bounds = linear_bounds(graph, (x - 1)[None], (x + 1)[None])
    encoding = encode_margin(graph, bounds, misclassification(0, graph.output_size).polytopes[0])
    matrix = encoding.model.matrix.tocsc()
    for node, columns in encoding.relus.items():
        source = graph.nodes[node].source
        for neuron, binary in zip(columns.neurons, columns.binary, strict=True):
            found = set(np.round(matrix[:, [binary]].toarray().ravel(), 12)) - {0.0}
            low, high = bounds.lower[source][0][neuron], bounds.upper[source][0][neuron]
            assert found == {round(-high, 12), round(-low, 12)}


def test_radius_is_the_distance_of_the_point(tmp_path):
    _, graph, x = _instance("dense", 4, tmp_path)
    family = LinfBall(ExactVector.of(x))
    label = int(evaluate_all(graph, x[None])[graph.output][0].argmax())
    bounds = linear_bounds(graph, *(side[None] for side in family.floats(3.0)))
    unsafe = misclassification(label, graph.output_size).polytopes[0]
    encoding = encode_radius(graph, bounds, unsafe, family, (0.0, 3.0))
    solution = solver("highs", isolate=False).solve(encoding.model)
    if solution.status is Status.OPTIMAL:
        point = solution.point[: graph.input_size]
        assert np.abs(point - x).max() == pytest.approx(solution.objective, abs=1e-7)
        assert unsafe.slack(evaluate_all(graph, point[None])[graph.output])[0] <= 1e-6
    else:
        assert solution.status is Status.INFEASIBLE
