"""Dear bounds of the first box, left to the searches that rest on them; float32 given up where rounding spoils it."""

from __future__ import annotations

import numpy as np
import pytest
from support.two_inputs import BOX, INPUTS, network

from verdict.base.deadline import Deadline
from verdict.base.workers import Workers
from verdict.bounds.combined import combined_bounds
from verdict.bounds.forward import Forward, forward_bounds
from verdict.network.evaluate import evaluate_all
from verdict.network.exact import Coefficients
from verdict.network.graph import Graph, sequential
from verdict.property import Polytope, UnsafeSet
from verdict.search.boxes.boxes import is_spoilt
from verdict.search.boxes.input_split import InputSplit
from verdict.search.effort import Effort
from verdict.search.engines.parts.bab import branch_and_bound
from verdict.search.first_box import FirstBox
from verdict.search.observer import Watch
from verdict.search.rows import Rows


def unsafe_below(graph: Graph, room: float) -> UnsafeSet:
    """Outputs below what a fine grid reaches, less some room: unreachable unless the grid has missed it."""
    axis = np.linspace(-1, 1, 201)
    points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    least = float(evaluate_all(graph, points)[graph.output].min())
    return UnsafeSet((Polytope(Coefficients(np.ones((1, 1))), Coefficients([least - room]), "below"),), 1)


@pytest.mark.parametrize("seed", range(4))
def test_combined_bounds_hold_and_are_tighter(seed: int) -> None:
    graph = network(seed)
    forward, found = forward_bounds(graph, *BOX).bounds, combined_bounds(graph, INPUTS).bounds
    values = evaluate_all(graph, np.random.default_rng(0).uniform(-1, 1, (500, 2)))
    for number, value in enumerate(values):
        assert ((found.lower[number] <= value) & (value <= found.upper[number])).all()
        assert (found.lower[number] >= forward.lower[number] - 1e-9).all()
    assert found.upper[-1] - found.lower[-1] < forward.upper[-1] - forward.lower[-1]
    assert found.unstable(graph) <= forward.unstable(graph)
    again = forward_bounds(graph, *BOX, Forward(known=found)).bounds
    assert again.unstable(graph) == found.unstable(graph)


def test_combined_bounds_stop_with_forward_ones() -> None:
    graph = network(0)
    forward, found = forward_bounds(graph, *BOX).bounds, combined_bounds(graph, INPUTS, stop=lambda: True).bounds
    for own, other in zip(found.lower, forward.lower, strict=True):
        np.testing.assert_array_equal(own, other)


def test_the_first_box_is_bounded_once_when_it_is_asked_for() -> None:
    graph = network(1)
    rough = forward_bounds(graph, *BOX).bounds
    first = FirstBox(graph, rough, Deadline(60), is_rough=True)
    assert first.bounds is rough
    with Workers(2) as workers:
        better = first.completed(workers)
        assert better.upper[-1] - better.lower[-1] < rough.upper[-1] - rough.lower[-1]
        assert first.completed(workers) is better
        assert FirstBox(graph, rough, Deadline(60)).completed(workers) is rough


@pytest.mark.parametrize("seed", range(3))
def test_boxes_from_a_first_box_find_the_same(seed: int) -> None:
    graph = network(seed)
    rough = forward_bounds(graph, *BOX).bounds
    ends = BOX[0][0], BOX[1][0]
    for unsafe, expected in ((unsafe_below(graph, 0.05), True), (unsafe_below(graph, -0.05), False)):
        watch = Watch(lambda points: True)
        search = InputSplit(graph, unsafe, *ends, watch).inside(FirstBox(graph, rough, Deadline(60), is_rough=True))
        assert search.run(Deadline(60)).proved == expected
        polytopes, effort = list(unsafe.polytopes), Effort(Deadline(60))
        assert branch_and_bound(graph, rough, polytopes, effort, watch, is_rough=True).proved == expected


def test_float32_is_given_up_where_it_is_spoilt() -> None:
    graph = network(2)
    unsafe = unsafe_below(graph, 0.5)
    assert not is_spoilt(graph, Rows(unsafe), *BOX)
    # Weights that cancel: what float32 charges is relative to their sizes.
    weight, large = np.array([[1.0], [1.0]]), np.array([[2.0**22, -(2.0**22)]])
    steep = sequential(
        [(Coefficients(weight), Coefficients(np.full(2, 4.0))), (Coefficients(large), Coefficients(np.zeros(1)))]
    )
    unsafe = UnsafeSet((Polytope(Coefficients(np.ones((1, 1))), Coefficients([-1.0]), "below"),), 1)
    low, high = np.array([-1.0]), np.array([1.0])
    assert is_spoilt(steep, Rows(unsafe), low[None], high[None])
    search = InputSplit(steep, unsafe, low, high)
    assert search.run(Deadline(30)).proved
    assert search.rows.quick is np.float64
