"""Numbers handed on through two ReLUs, and ReLUs that repeat others: no value changes, and what can go is gone."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.repeated import repeated_rows

from verdict.bounds import linear_bounds, output_bounds
from verdict.network.evaluate import evaluate_exact
from verdict.network.exact import Coefficients, ExactVector
from verdict.network.functions import RELU, STEP
from verdict.network.graph import Affine, Graph, Input, Node, Pointwise, sequential
from verdict.network.maps import Conv, Dense, Sparse, matrix_map
from verdict.network.mirrored import mirrored


def _folded(rng: np.random.Generator, size: int) -> tuple[Coefficients, Coefficients]:
    """Rows (size, 4) of which some repeat others, some their negatives."""
    weight, bias = rng.integers(-3, 4, (size, 4)) / 2, rng.integers(-3, 4, size) / 4
    for row in range(size // 3, size):
        other, side = rng.integers(0, row), rng.choice([-1, 1])
        weight[row], bias[row] = side * weight[other], side * bias[other]
    return Coefficients(weight), Coefficients(bias)


def _plain(rng: np.random.Generator, size: int, inputs: int) -> tuple[Coefficients, Coefficients]:
    return Coefficients(rng.integers(-3, 4, (size, inputs)) / 2), Coefficients(rng.integers(-3, 4, size) / 4)


@pytest.mark.parametrize("seed", range(20))
def test_no_value_changes(seed: int) -> None:
    rng = np.random.default_rng([seed, 91])
    graph = sequential([_folded(rng, 12), _plain(rng, 4, 12), _folded(rng, 9), _plain(rng, 3, 9)])
    found = mirrored(graph)
    assert found.neuron_count < graph.neuron_count
    for _ in range(20):
        x = ExactVector.of([Fraction(int(n), 7) for n in rng.integers(-20, 21, 4)])
        assert evaluate_exact(found, x).fractions() == evaluate_exact(graph, x).fractions()
    assert mirrored(found).neuron_count == found.neuron_count


@given(seed=st.integers(0, 10**6), sizes=st.lists(st.integers(1, 6), min_size=3, max_size=6))
@example(seed=3, sizes=[2, 6, 4, 3, 1])  # layers that are all rewritten, one behind the other
@example(seed=0, sizes=[1, 1, 4, 4, 1])  # and constant ones, of which nothing stays
def test_layers_behind_one_another_are_all_rewritten(seed: int, sizes: list[int]) -> None:
    graph, rng = repeated_rows(seed, sizes), np.random.default_rng(seed)
    found = mirrored(graph)
    for _ in range(5):
        x = ExactVector.of([Fraction(int(n), 8) for n in rng.integers(-16, 17, sizes[0])])
        assert evaluate_exact(found, x).fractions() == evaluate_exact(graph, x).fractions()


def _handed_on(last: list[list[float]], weight: list[list[float]] | None = None) -> Graph:
    """relu(x), relu(-x), relu(y), relu(-y) and what is made of them."""
    first = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]]) if weight is None else np.array(weight)
    matrix = np.array(last)
    return sequential(
        [(Coefficients(first), Coefficients(np.zeros(4))), (Coefficients(matrix), Coefficients(np.zeros(len(matrix))))]
    )


def test_a_number_handed_on_needs_no_relu() -> None:
    graph = _handed_on([[1, -1, 0.5, 0.5]])
    found = mirrored(graph)
    # Of x nothing is left to bend; |y| / 2 stays two ReLUs, whose lines are chosen apart.
    assert found.neuron_count == 2
    low, high = np.full((1, 2), -1.0), np.full((1, 2), 2.0)
    row = np.eye(1)
    before, after = (output_bounds(g, linear_bounds(g, low, high), row).lower[0, 0] for g in (graph, found))
    # What is lost of |y| / 2 is half, of x nothing.
    assert (before < -2.4, after > -1.501) == (True, True)


def test_of_two_readers_both_have_to_hand_it_on() -> None:
    assert mirrored(_handed_on([[1, -1, 3, -3], [-2, 2, 1, 1]])).neuron_count == 2
    assert mirrored(_handed_on([[1, -1, 3, -3], [-2, 2, 1, -1]])).neuron_count == 0


def test_what_differs_in_one_bit_stays() -> None:
    near = float(np.nextafter(1, 2))
    graph = _handed_on([[1, -1, 1, -1]], [[1.0, 0], [-near, 0], [0, 1], [0, -1 / near]])
    assert mirrored(graph) is graph


def test_sums_that_would_be_rounded_stay() -> None:
    same = [[1.0, 0], [1.0, 0], [0, 1], [0, 1]]
    assert mirrored(_handed_on([[1, 0.5, 1, 2]], same)).neuron_count == 2
    assert mirrored(_handed_on([[1, 2.0**-60, 1, 2]], same)).neuron_count == 4
    assert mirrored(_handed_on([[1e308, 1e308, 1, 2]], same)).neuron_count == 4


def test_zeros_of_both_signs_are_one_zero() -> None:
    graph = _handed_on([[1, -1, 1, -1]], [[1.0, -0.0], [-1.0, -0.0], [0.0, 1.0], [-0.0, -1.0]])
    assert mirrored(graph).neuron_count == 0


def test_what_is_no_matrix_stays() -> None:
    """Convolutions, other functions, outputs, and ReLUs that other functions read."""
    weight, zero = Coefficients(np.array([[1.0], [-1.0]])), Coefficients(np.zeros(2))
    kernel = Coefficients(np.array([1.0, -1.0]).reshape(2, 1, 1))
    image = Conv(kernel, (1, 1), strides=(1,), pads=((0, 0),), dilations=(1,))
    for linear, rest in (
        (Dense(weight), [Pointwise(STEP, 1, 2)]),
        (Dense(weight), [Pointwise(RELU, 1, 2)]),
        (Dense(weight), [Pointwise(RELU, 1, 2), Pointwise(RELU, 2, 2), _out(3)]),
        (image, [Pointwise(RELU, 1, 2), _out(2)]),
    ):
        nodes: list[Node] = [Input(1), Affine(((linear, 0),), zero), *rest]
        graph = Graph(tuple(nodes), len(nodes) - 1)
        assert mirrored(graph) is graph


def test_large_matrices_stay_sparse() -> None:
    size, first = 400, np.zeros((400, 4))
    half = np.arange(size) % 200
    first[np.arange(size), half % 4] = np.repeat([1, -1], 200) * (1.0 + half)
    last = np.hstack([np.eye(size // 2), -np.eye(size // 2)])
    bias = Coefficients(np.zeros(size // 2))
    nodes: list[Node] = [Input(4), Affine(((Dense(Coefficients(first)), 0),), Coefficients(np.zeros(size)))]
    nodes += [Pointwise(RELU, 1, size), Affine(((matrix_map(Coefficients(last)), 2),), bias)]
    graph = Graph(tuple(nodes), 3)
    assert isinstance(graph.affine[3].terms[0][0], Sparse)
    found = mirrored(graph)
    assert found.neuron_count == 0
    assert any(isinstance(linear, Sparse) for node in found.affine.values() for linear, _ in node.terms)
    x = ExactVector.of([Fraction(1, 3), Fraction(-2), Fraction(5, 7), Fraction(0)])
    assert evaluate_exact(found, x).fractions() == evaluate_exact(graph, x).fractions()


def _out(source: int) -> Affine:
    return Affine(((Dense(Coefficients(np.array([[1.0, -1.0]]))), source),), Coefficients(np.zeros(1)))
