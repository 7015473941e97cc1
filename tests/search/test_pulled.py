"""The unsafe set pulled back: the same inputs reach it, and of lattices above a bound nothing bends."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.lattice import lattice
from support.repeated import repeated_rows

from verdict.bounds import Bounds, linear_bounds
from verdict.network.builder import Builder
from verdict.network.evaluate import evaluate_exact
from verdict.network.exact import Coefficients, ExactVector
from verdict.network.graph import Graph, sequential
from verdict.network.maps import Dense
from verdict.property import Polytope
from verdict.search.pulled import MOST_PARTS, pulled


def _box(graph: Graph, reach: float = 2.0) -> Bounds:
    low = np.full((1, graph.input_size), -reach)
    return linear_bounds(graph, low, -low)


def _at_most(row: list[float], limit: float | Fraction) -> Polytope:
    """The outputs of which a sum is at most that."""
    return Polytope(Coefficients(np.array([row])), Coefficients.from_fractions([Fraction(limit)]))


def _reached(graph: Graph, polytopes: list[Polytope], x: ExactVector) -> bool:
    y = evaluate_exact(graph, x)
    return any(polytope.contains(y) for polytope in polytopes)


def _points(seed: int, inputs: int, count: int = 60) -> list[ExactVector]:
    rng = np.random.default_rng(seed)
    return [ExactVector.of([Fraction(int(n), 8) for n in rng.integers(-16, 17, inputs)]) for _ in range(count)]


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize(("seed", "functions"), [(0, 4), (1, 8), (2, 8), (3, 16)])
def test_of_a_lattice_above_a_bound_linear_programs_are_left(seed: int, functions: int, folded: bool) -> None:
    made = lattice(seed, functions, folded=folded)
    bounds = _box(made.graph)
    points = _points(seed, 2)
    values = made.value(np.array([x.floats() for x in points]))
    limit = float(np.median(values))
    # Unsafe is what is at least the limit, which half of the points are.
    found = pulled(made.graph, bounds, [_at_most([-1], -limit)])
    assert found is not None
    graph, inside, parts = found
    # As many polytopes as there are sets, but those that are others' or can not be the largest.
    assert (inside.unstable(graph), 1 <= len(parts) <= functions) == (0, True)
    reached = [_reached(graph, parts, x) for x in points]
    assert (reached, any(reached), all(reached)) == ((values >= limit).tolist(), True, False)


@given(seed=st.integers(0, 10**6), sizes=st.sampled_from([[2, 3, 1], [2, 4, 2], [3, 4, 3, 2], [2, 6, 4, 3, 1]]))
def test_the_same_inputs_are_unsafe(seed: int, sizes: list[int]) -> None:
    graph, rng = repeated_rows(seed, sizes), np.random.default_rng(seed)
    polytopes = []
    for _ in range(rng.integers(1, 3)):
        count = rng.integers(1, 3)
        limits = [Fraction(int(n), 3) for n in rng.integers(-6, 7, count)]
        rows = Coefficients(rng.integers(-2, 3, (count, graph.output_size)).astype(float))
        polytopes.append(Polytope(rows, Coefficients.from_fractions(limits)))
    found = pulled(graph, _box(graph), polytopes)
    if found is None:
        return
    other, bounds, parts = found
    # Many points lie on the boundaries of what is linear, where ends of intervals count.
    for x in _points(seed, graph.input_size, 30):
        assert _reached(other, parts, x) == _reached(graph, polytopes, x)
        y = evaluate_exact(other, x).floats()
        assert (y >= bounds.lower[-1][0]).all()
        assert (y <= bounds.upper[-1][0]).all()


def test_a_clip_is_asked_for_what_it_clips() -> None:
    builder = Builder(2)
    inner = builder.affine([(Dense(Coefficients(np.array([[1.0, 2], [-1, 1]]))), 0)], Coefficients(np.zeros(2)))
    both = builder.maximum(
        builder.minimum(inner, builder.constant(Coefficients(np.ones(2)))),
        builder.constant(Coefficients(-np.ones(2))),
    )
    graph = builder.finish(both)
    half, far = _at_most([1, 0], 0.5), _at_most([1, 0], -1.5)
    found = pulled(graph, _box(graph), [half])
    assert found is not None
    other, _, parts = found
    assert [len(part.offset.values) for part in parts] == [1]
    assert evaluate_exact(other, ExactVector.of([Fraction(1), Fraction(3)])).fractions() == [7]
    assert parts[0].offset.fractions().tolist() == [Fraction(1, 2)]
    # Nothing is below -1: there is no polytope to ask about, and the question stays what it was.
    assert pulled(graph, _box(graph), [far]) is None


def test_a_network_that_ends_in_relus_and_relus_of_relus() -> None:
    builder = Builder(2)
    inner = builder.affine([(Dense(Coefficients(np.array([[1.0, 2], [-1, 1]]))), 0)], Coefficients(np.zeros(2)))
    graph = builder.finish(builder.relu(builder.relu(inner)))
    found = pulled(graph, _box(graph), [_at_most([1, 1], 0.5), _at_most([-1, 0], -1)])
    assert found is not None
    other, bounds, parts = found
    assert bounds.unstable(other) == 0
    for x in _points(3, 2):
        assert _reached(other, parts, x) == _reached(graph, [_at_most([1, 1], 0.5), _at_most([-1, 0], -1)], x)


def test_a_network_of_many_narrow_layers() -> None:
    # Deeper than Python calls itself, and each layer has rows of two numbers.
    layers = [(Coefficients(np.array([[1.0, -0.5], [-0.5, 1.0]])), Coefficients(np.array([0.25, 0.25])))] * 600
    graph = sequential(layers)
    rows = [_at_most([1, 1], -100.0)]
    found = pulled(graph, _box(graph), rows)
    assert found is None or _reached(found[0], found[2], _points(4, 2, 1)[0]) is False


def test_of_wide_rows_nothing_is_made() -> None:
    rng = np.random.default_rng(0)
    graph = sequential([(Coefficients(rng.normal(size=(s, b))), Coefficients(rng.normal(size=s)))
                        for b, s in ((4, 30), (30, 20), (20, 2))])  # fmt: skip
    assert pulled(graph, _box(graph), [_at_most([1, -1], 0)]) is None


def test_a_union_that_grows_is_left_at_what_is_small() -> None:
    # Below a bound is what all minima are, and each is if one of its arguments is: 2^16 ways at least.
    made = lattice(5, 16)
    bounds = _box(made.graph)
    found = pulled(made.graph, bounds, [_at_most([1], -3)])
    assert found is None or (len(found[2]) <= MOST_PARTS and found[1].unstable(found[0]) > 0)


def test_where_splits_are_done_at_once_it_is_not_looked_at() -> None:
    made = lattice(0, 4)
    bounds = _box(made.graph)
    unstable, row = bounds.unstable(made.graph), [_at_most([-1], 0)]
    assert pulled(made.graph, bounds, row, few=unstable) is None
    assert pulled(made.graph, bounds, row, few=unstable - 1) is not None


def test_coefficients_that_no_float_equals_are_left_alone() -> None:
    made = lattice(0, 4)
    third = np.array([[Fraction(-1, 3)]], dtype=object)
    polytope = Polytope(Coefficients.from_fractions(third), Coefficients(np.zeros(1)))
    assert pulled(made.graph, _box(made.graph), [polytope]) is None
