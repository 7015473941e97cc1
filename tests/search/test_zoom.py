"""Boxes inside the reduced form: their bounds against exact values, and the search over them against a fine grid."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.networks import WALKED, random_network
from support.seeds import seeds
from support.two_inputs import BOX, INPUTS, network

import verdict.bounds.reduce as reducing
from verdict.answer.credit import ZOOM
from verdict.base.deadline import Deadline
from verdict.base.workers import Workers
from verdict.bounds import growing, linear_bounds
from verdict.bounds.bounds import Bounds
from verdict.bounds.combined import combined_bounds
from verdict.bounds.growing import Growing
from verdict.bounds.reduce import reduce
from verdict.bounds.reduced import Reduced, scale_of
from verdict.bounds.zoom import Zoom, narrowed
from verdict.network.evaluate import evaluate, evaluate_exact_all
from verdict.network.exact import Coefficients, ExactVector
from verdict.network.graph import Graph
from verdict.ops.importer.onnx_import import load_onnx
from verdict.property import Polytope, UnsafeSet
from verdict.search.boxes.zoom_split import ZoomSplit
from verdict.search.first_box import FirstBox
from verdict.search.means import Means
from verdict.search.observer import Watch
from verdict.search.outcome import Outcome

SCALES = [(), (1.0,), (1e3, 1e6), (1e-6, 1e-3), (1e-4, 1.0, 1e4)]
MANY = 2**25


@pytest.mark.parametrize("kind", WALKED)
@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 10**6), st.sampled_from(SCALES), st.sampled_from([1e-2, 1.0, 100.0]), st.sampled_from([1, 30]),
    st.booleans(),
)
def test_bounds_of_smaller_boxes_are_below_exact_values(
    kind: str, seed: int, scales: tuple[float, ...], radius: float, pushed: int, grown: bool
) -> None:
    rng = np.random.default_rng([seed, WALKED.index(kind)])
    with tempfile.TemporaryDirectory() as folder:
        graph = load_onnx(random_network(rng, kind, Path(folder), scales)).graph
    center = rng.uniform(-1, 1, graph.input_size)
    ends = (center - radius)[None], (center + radius)[None]
    rows = rng.uniform(-1, 1, (2, graph.output_size))
    with pytest.MonkeyPatch.context() as patch:
        # Groups of a variable or a few, which have to come to the same.
        patch.setattr(reducing, "PUSHED", pushed)
        patch.setattr(growing, "PUSHED", pushed)
        if grown:
            made = Growing(graph, Bounds(*((end,) for end in ends)), graph.output, MANY, Workers(1))
            bounds = combined_bounds(graph, Bounds(*((end,) for end in ends)), growing=made).bounds
            form = made.finished(bounds, rows)
        else:
            bounds = linear_bounds(graph, *ends)
            form = reduce(graph, bounds, graph.output, rows, MANY)
    if form is None:
        return
    columns = unstable(graph, bounds)
    box = Zoom.of(form).bounded()
    for _ in range(4):
        holds(graph, bounds, columns, rows, box, rng)
        if box.form.inputs:
            box = box.half(int(rng.integers(box.form.inputs)), int(rng.choice([-1, 1]))).bounded()
        if rng.random() < 0.5:
            keep = np.flatnonzero((box.low < 0) & (box.high > 0))
            box, columns = narrowed(box), [columns[i] for i in keep]
            assert box.form.count == len(keep)
            assert (box.unstable, box.form.inputs) == (len(keep), form.inputs)


def unstable(graph: Graph, bounds: Any) -> list[tuple[int, int]]:
    """The pre-activation's node and the neuron, for every unstable ReLU, in the form's order."""
    found = []
    for i in graph.pointwise:
        low, high = bounds.in_front(graph, i)
        found += [(graph.nodes[i].sources[0], int(j)) for j in np.flatnonzero((low[0] < 0) & (high[0] > 0))]
    return found


def holds(graph: Graph, bounds: Any, columns: Any, rows: Any, box: Zoom, rng: np.random.Generator) -> None:
    """Pre-activations and rows at points of the box, exactly, lie in its bounds."""
    found, rounding = box.rows(np.arange(len(rows)))
    assert (rounding > 0).all()
    ahead = [box.on_halves(number) for number in range(len(rows))]
    charges = [Fraction(float(charge)) for charge in box.form.charge.values]
    center, width = scale_of(bounds)
    for corner in (False, True, False):
        part = rng.choice([-1.0, 1.0], box.form.inputs) if corner else rng.uniform(-1, 1, box.form.inputs)
        scaled = box.center.astype(float) + box.radius * part
        moved = np.zeros(len(center))
        moved[width > 0] = scaled
        exact = [Fraction(c) + Fraction(w) * Fraction(s) for c, w, s in zip(center, width, moved, strict=True)]
        # The scale's ends are an ulp outside.
        ends = zip(exact, bounds.lower[0][0], bounds.upper[0][0], strict=True)
        exact = [min(max(x, Fraction(low)), Fraction(high)) for x, low, high in ends]
        values = [each.fractions() for each in evaluate_exact_all(graph, ExactVector.of(exact))]
        moving = np.flatnonzero(width)
        variables = [(exact[i] - Fraction(center[i])) / Fraction(width[i]) for i in moving] + [Fraction(1)]
        is_what_it_says(box.form, variables, [values[node][neuron] for node, neuron in columns], charges)
        for number, (node, neuron) in enumerate(columns):
            assert Fraction(float(box.low[number])) <= values[node][neuron] <= Fraction(float(box.high[number]))
        for number, row in enumerate(rows):
            value = sum(Fraction(c) * y for c, y in zip(row.tolist(), values[graph.output], strict=True))
            assert not np.isnan(found.lower[0, number])
            assert not np.isfinite(found.lower[0, number]) or Fraction(float(found.lower[0, number])) <= value
            looks_ahead(ahead[number], float(found.lower[0, number]), part, float(value))


def looks_ahead(ahead: Any, whole: float, part: Any, value: float) -> None:
    """What is expected of a half is no more than the value at a point of it, but for float32's rounding."""
    near = 1e-3 * (1 + abs(whole) + abs(value))
    assert ahead.shape == (len(part), 2)
    for halves, at in zip(ahead, part, strict=True):
        for side, half in zip((-1, 1), halves, strict=True):
            assert not np.isfinite(half) or side * at < 0 or half <= value + near


def is_what_it_says(form: Reduced, variables: list[Fraction], exact: list[Fraction], charges: list[Fraction]) -> None:
    """The form's sums over the true values of its variables, at one point, are pre-activations but for the charges."""
    inputs = form.inputs + 1
    for layer in form.layers:
        for number, row in zip(range(layer.start - inputs, layer.stop - inputs), layer.matrix.values, strict=True):
            value = sum((Fraction(float(m)) * v for m, v in zip(row, variables, strict=True)), Fraction(0))
            assert abs(value - exact[number]) <= charges[number]
        variables = variables + [max(z, Fraction(0)) for z in exact[layer.start - inputs : layer.stop - inputs]]


def search(graph: Graph, offset: float, points: list[Any], deadline: Deadline | None = None) -> Outcome:
    """The search for outputs below an offset on `BOX`, after which `points` holds what looked unsafe."""
    unsafe = UnsafeSet((Polytope(Coefficients(np.ones((1, 1))), Coefficients([offset]), "below"),), 1)
    first = FirstBox(graph, combined_bounds(graph, INPUTS).bounds, Deadline(60))

    def note(found: Any) -> bool:
        points.extend(found)
        return True

    with Workers(2) as workers:
        return ZoomSplit(graph, first, unsafe, Watch(note), Means(workers)).run(deadline or Deadline(60))


@pytest.mark.parametrize("seed", seeds(6, 60))
def test_the_search_agrees_with_a_grid(seed: int) -> None:
    graph, axis = network(seed), np.linspace(-1, 1, 101)
    values = evaluate(graph, np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2))
    points: list[Any] = []
    low = search(graph, float(values.min()) - 0.5, points)
    assert low.proved == (not low.refuted)
    if low.proved:
        assert (low.share, low.ways[ZOOM].closed, points) == (pytest.approx(1.0), pytest.approx(1.0), [])
    high = search(graph, float(values.min()) + 0.05, points)
    assert high.refuted
    assert not high.proved
    assert (evaluate(graph, np.array(points)) <= values.min() + 0.05).any()
    assert all((BOX[0][0] <= point).all() and (point <= BOX[1][0]).all() for point in points)


def test_a_search_that_is_stopped_goes_on_and_says_what_it_expects() -> None:
    graph, points = network(3), []  # type: ignore[var-annotated]
    offset = float(evaluate(graph, np.random.default_rng(0).uniform(-1, 1, (10_000, 2))).min()) - 0.2
    unsafe = UnsafeSet((Polytope(Coefficients(np.ones((1, 1))), Coefficients([offset]), "below"),), 1)
    first = FirstBox(graph, combined_bounds(graph, INPUTS).bounds, Deadline(60))
    way = ZoomSplit(graph, first, unsafe, Watch(lambda found: bool(points.append(found))), Means())
    outcome, turns = way.run(Deadline(0)), 0
    while outcome.resumable:
        assert outcome.ahead is not None
        assert outcome.ahead > 0
        outcome, turns = way.run(Turn()), turns + 1
    assert turns > 1
    assert outcome.proved or points


class Turn(Deadline):
    """One look at the clock."""

    def __init__(self) -> None:
        super().__init__(None)
        self.looks = 0

    def passed(self) -> bool:
        self.looks += 1
        return self.looks > 1


@pytest.mark.parametrize("seed", seeds(4, 40))
def test_bounds_in_the_growing_form_are_those_of_backward_substitution(seed: int) -> None:
    """But for float32's rounding; and the form is the one that is made once all bounds are known."""
    graph = network(seed)
    with Workers(2) as workers:
        made = Growing(graph, INPUTS, graph.output, MANY, workers)
        here, there = combined_bounds(graph, INPUTS, growing=made).bounds, combined_bounds(graph, INPUTS).bounds
        form, other = made.finished(here, np.ones((1, 1))), reduce(graph, here, graph.output, np.ones((1, 1)), MANY)
    for low, high, least, most in zip(here.lower, here.upper, there.lower, there.upper, strict=True):
        assert np.allclose(low, least, atol=1e-2)
        assert np.allclose(high, most, atol=1e-2)
    assert form is not None
    assert other is not None
    assert form.count == other.count > 0
    for layer, same in zip((*form.layers, form), (*other.layers, other), strict=True):
        one, two = (each.rows if isinstance(each, Reduced) else each.matrix for each in (layer, same))
        assert np.allclose(one.values, two.values, atol=1e-6)


def test_a_growing_form_that_is_lost_leaves_the_bounds_to_others() -> None:
    graph = network(1)
    made = Growing(graph, INPUTS, graph.output, 10, Workers(1))
    bounds = combined_bounds(graph, INPUTS, growing=made).bounds
    assert made.is_lost
    assert made.finished(bounds, np.ones((1, 1))) is None
    plain = combined_bounds(graph, INPUTS).bounds
    assert all((a == b).all() for a, b in zip(bounds.lower, plain.lower, strict=True))


def test_a_form_that_is_too_large_gives_up() -> None:
    graph = network(1)
    bounds = combined_bounds(graph, INPUTS).bounds
    assert reduce(graph, bounds, graph.output, np.ones((1, 1)), 10) is None
    form = reduce(graph, bounds, graph.output, np.ones((1, 1)), MANY)
    assert isinstance(form, Reduced)
