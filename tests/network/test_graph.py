"""The graph's own checks, the builder's merges, and evaluation: exact, in floats, and backwards."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from network.random_graphs import graphs

from verdict.base.errors import ModelError
from verdict.network.builder import Builder, scaling
from verdict.network.evaluate import (
    evaluate,
    evaluate_all,
    evaluate_exact,
    evaluate_exact_all,
    float32_error,
    vjp,
)
from verdict.network.exact import Coefficients, ExactVector
from verdict.network.functions import RELU
from verdict.network.graph import Affine, Graph, Input, Pointwise, sequential
from verdict.network.maps import Dense, Diagonal, Index, identity


def zeros(size: int) -> Coefficients:
    return Coefficients(np.zeros(size))


@pytest.mark.parametrize(
    ("nodes", "output", "message"),
    [
        ((Pointwise(RELU, 0, 2),), 0, "the input must be node 0"),
        ((Input(2), Input(2)), 1, "the input must be node 0"),
        ((Input(2), Pointwise(RELU, 1, 2)), 1, "not in topological order"),
        ((Input(2), Pointwise(RELU, -1, 2)), 1, "not in topological order"),
        ((Input(2), Pointwise(RELU, 0, 3)), 1, "a Relu of 3 on 2"),
        ((Input(2), Affine(((identity(3), 0),), zeros(3))), 1, "a map 3 -> 3 between vectors of 2 and 3"),
        ((Input(2), Affine(((identity(2), 0),), zeros(3))), 1, "a map 2 -> 2 between vectors of 2 and 3"),
        ((Input(2),), 1, "no output node 1"),
    ],
)
def test_validation(nodes: Any, output: int, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Graph(nodes, output)


def test_facts_about_a_graph() -> None:
    layers = [(Coefficients(np.ones((3, 2))), zeros(3)), (Coefficients(np.ones((1, 3))), zeros(1))]
    graph = sequential(layers)
    assert graph.pointwise == (2,)
    assert graph.neuron_count == 3
    assert graph.consumers == ((1,), (2,), (3,), ())
    assert graph.ancestors(2) == (0, 1, 2)
    assert graph.to_networkx().number_of_edges() == 3


def test_identities_cost_nothing() -> None:
    builder = Builder(3)
    assert builder.affine([(identity(3), 0)]) == 0
    assert builder.affine([(Index(np.arange(3), 3), 0)]) == 0
    assert builder.affine([(identity(3), 0)], zeros(3)) == 0


def test_bias_joins_a_node_without_one() -> None:
    builder = Builder(2)
    product = builder.affine([(Dense(Coefficients([[1.0, 2.0]])), 0)])
    graph = builder.finish(builder.affine([(identity(1), product)], Coefficients([5.0])))
    assert len(graph.nodes) == 2
    assert evaluate(graph, np.array([[1.0, 1.0]])).tolist() == [[8.0]]


def test_index_of_index_is_one_index() -> None:
    builder = Builder(4)
    first = builder.affine([(Index(np.array([3, -1, 0]), 4), 0)])
    graph = builder.finish(builder.affine([(Index(np.array([2, 1, 0, -1]), 3), first)]))
    assert len(graph.nodes) == 2
    assert evaluate(graph, np.array([[1.0, 2, 3, 4]])).tolist() == [[1, 0, 4, 0]]


def test_sum_reads_through_an_index() -> None:
    builder = Builder(4)
    left = builder.affine([(Index(np.array([0, 1]), 4), 0)])
    right = builder.affine([(Index(np.array([3, 2]), 4), 0)])
    graph = builder.finish(builder.add(left, right))
    assert len(graph.nodes) == 2
    assert evaluate(graph, np.array([[1.0, 2, 3, 4]])).tolist() == [[5, 5]]


def test_constants_are_folded_exactly() -> None:
    builder = Builder(1)
    third = builder.constant(Coefficients.from_fractions([Fraction(1, 3)]))
    scaled = builder.affine([(scaling(-0.1, 1), third)], Coefficients([1.0]))
    value = builder.constant_value(builder.relu(scaled))
    assert value is not None
    assert value.fractions()[0] == 1 - Fraction(0.1) / 3
    graph = builder.finish(builder.add(0, scaled))
    assert isinstance(graph.nodes[graph.output], Affine)
    assert len(graph.nodes) == 2


def test_unneeded_nodes_are_dropped() -> None:
    builder = Builder(2)
    builder.relu(0)
    kept = builder.affine([(scaling(2.0, 2), 0)])
    builder.relu(kept)
    assert len(builder.finish(kept).nodes) == 2


@pytest.mark.parametrize(("a", "b"), [(1.0, 2.0), (2.0, 1.0), (-1.0, -1.0), (0.1, -0.3)])
def test_extrema(a: float, b: float) -> None:
    builder = Builder(2)
    x = builder.affine([(Index(np.array([0]), 2), 0)])
    y = builder.affine([(Index(np.array([1]), 2), 0)])
    point = ExactVector.of([Fraction(a), Fraction(b)])
    assert evaluate_exact(builder.finish(builder.maximum(x, y)), point).fractions() == [Fraction(max(a, b))]
    assert evaluate_exact(builder.finish(builder.minimum(x, y)), point).fractions() == [Fraction(min(a, b))]


@settings(max_examples=60, deadline=None)
@given(graphs, st.integers(0, 1000))
def test_floats_follow_the_exact_values(graph: Graph, seed: int) -> None:
    x = np.random.default_rng(seed).standard_normal((3, graph.input_size))
    floats = evaluate_all(graph, x)
    for i, point in enumerate(x):
        for value, exact in zip(floats, evaluate_exact_all(graph, ExactVector.of(point)), strict=True):
            np.testing.assert_allclose(value[i], exact.floats(), rtol=1e-9, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(graphs, st.integers(0, 1000))
def test_gradient(graph: Graph, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, direction = rng.standard_normal((2, 1, graph.input_size))
    cotangent = rng.standard_normal((1, graph.output_size))
    step = 1e-6
    ahead, behind = evaluate_all(graph, x + step * direction), evaluate_all(graph, x - step * direction)
    # Where a kink lies between the two points the difference quotient says nothing.
    befores = [graph.nodes[i].source for i in graph.pointwise]
    assume(not any(((ahead[i] > 0) != (behind[i] > 0)).any() for i in befores))
    slope = ((ahead[graph.output] - behind[graph.output]) * cotangent).sum() / (2 * step)
    gradient = vjp(graph, evaluate_all(graph, x), cotangent)
    scale = 1 + abs(slope) + np.abs(ahead[graph.output]).max()
    assert abs((gradient * direction).sum() - slope) <= 1e-4 * scale


@settings(max_examples=60, deadline=None)
@given(graphs, st.integers(0, 1000))
def test_float32_stays_within_its_error(graph: Graph, seed: int) -> None:
    x = (np.random.default_rng(seed).standard_normal((2, graph.input_size)) * 3).astype(np.float32)
    rounded = evaluate(graph, x)
    assert rounded.dtype == np.float32
    errors = float32_error(graph, x.astype(np.float64))
    for point, value, error in zip(x, rounded, errors, strict=True):
        exact = evaluate_exact(graph, ExactVector.of(point)).floats()
        assert (np.abs(value - exact) <= error).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000))
def test_any_order_of_summation_stays_within_the_error(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Large numbers that cancel: the order decides much of what is left.
    weight = (rng.standard_normal((1, 200)) * 10.0 ** rng.integers(-3, 4, 200)).astype(np.float32)
    x = rng.standard_normal((1, 200)).astype(np.float32)
    graph = Builder(200)
    found = graph.finish(graph.affine([(Dense(Coefficients(weight)), 0)], Coefficients([0.1])))
    exact = evaluate_exact(found, ExactVector.of(x[0])).floats()[0]
    error = float32_error(found, x.astype(np.float64))[0, 0]
    products = np.append(weight[0] * x[0], np.float32(0.1))
    for _ in range(5):
        total = np.float32(0)
        for product in rng.permutation(products):
            total += product
        assert abs(float(total) - exact) <= error


def test_vjp_of_a_constant_is_zero() -> None:
    builder = Builder(3)
    graph = builder.finish(builder.constant(Coefficients([1.0, 2.0])))
    x = np.ones((2, 3))
    assert not vjp(graph, evaluate_all(graph, x), np.ones((2, 2))).any()
    assert evaluate(graph, x).tolist() == [[1, 2], [1, 2]]


def test_diagonal_of_rationals_is_rounded_once() -> None:
    builder = Builder(1)
    factor = Diagonal(Coefficients.from_fractions([Fraction(1, 3)]))
    graph = builder.finish(builder.affine([(factor, 0)]))
    assert evaluate_exact(graph, ExactVector.of([3])).fractions() == [Fraction(1)]
