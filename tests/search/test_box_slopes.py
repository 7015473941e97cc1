"""Better slopes for open boxes: what they close is closed, and the slopes that are kept are the ones that did it."""

from __future__ import annotations

import numpy as np
import pytest
from support.networks import random_network

import verdict
from verdict.base.device import CPU
from verdict.bounds.backward import backward, output_bounds
from verdict.bounds.linear import linear_bounds
from verdict.bounds.lines import Lines, crown_lines
from verdict.network.evaluate import evaluate
from verdict.network.exact import Coefficients
from verdict.property import Polytope, UnsafeSet
from verdict.search.boxes import slopes as box_slopes
from verdict.search.boxes.boxes import bound_boxes
from verdict.search.rows import Rows


def case(seed, tmp_path, polytopes=2):
    """A random network, an unsafe set near what it computes on 40 small boxes, and those boxes."""
    rng = np.random.default_rng([7, seed])
    graph = verdict.load(random_network(rng, "dense", tmp_path)).graph
    center, size = rng.uniform(0, 1, (40, graph.input_size)), rng.uniform(0.02, 0.3, (40, 1))
    low, high = center - size, center + size
    typical = evaluate(graph, center)
    sets = []
    for count in rng.integers(1, 4, polytopes):
        matrix = rng.standard_normal((count, graph.output_size)).astype(np.float32).astype(np.float64)
        offset = np.quantile(typical @ matrix.T, 0.1, axis=0) - 0.1
        sets.append(Polytope(Coefficients(matrix), Coefficients(offset)))
    return rng, graph, UnsafeSet(tuple(sets), graph.output_size), low, high


def margins_at(unsafe, graph, points):
    """What the least excluded polytope's best row exceeds 0 by, at points."""
    y = evaluate(graph, points)
    found = [(y @ p.matrix.values.T - p.offset.values.ravel()).max(axis=1) for p in unsafe.polytopes]
    return np.min(found, axis=0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(8))
def test_no_point_of_a_box_is_below_its_slack(seed, dtype, tmp_path, monkeypatch):
    monkeypatch.setattr(Rows, "quick", dtype)
    rng, graph, unsafe, low, high = case(seed, tmp_path)
    boxes = bound_boxes(graph, Rows(unsafe), low, high)
    for share in [0.0, 1.0, *rng.uniform(0, 1, (40, *low.shape))]:
        assert (margins_at(unsafe, graph, low + share * (high - low)) >= boxes.slack - 1e-9).all()


def test_more_boxes_are_closed_and_the_slopes_kept_close_them(tmp_path, monkeypatch):
    closed = 0
    for seed in range(8):
        _, graph, unsafe, low, high = case(seed, tmp_path, polytopes=1)
        rows = Rows(unsafe)
        boxes = bound_boxes(graph, rows, low, high)
        with monkeypatch.context() as patch:
            patch.setattr(box_slopes, "STEPS", 0)
            before = bound_boxes(graph, rows, low, high)
        assert (boxes.slack >= before.slack - 1e-6).all()
        closed += int((boxes.sloped & (before.slack <= -1e-6)).sum())
        for b in np.flatnonzero(boxes.sloped & (boxes.slack > 1e-4)):
            bounds = linear_bounds(graph, low[b : b + 1], high[b : b + 1])
            lines, start = {}, 0
            for i in graph.pointwise:
                line, size = crown_lines(graph, bounds, i), graph.nodes[i].size
                lines[i] = Lines(boxes.slopes[b : b + 1, start : start + size], line.slope_above, line.offset_above)
                start += size
            found = backward(graph, bounds, graph.output, rows.matrix, lines).lower[0] - rows.limits
            weights = boxes.weights[b]
            # One row alone where no mean is named; a mean's own bound is no worse than the mean of the rows' bounds.
            if not weights.any():
                assert found.max() > 0
            else:
                mean = backward(graph, bounds, graph.output, (weights @ rows.matrix)[None], lines).lower[0, 0]
                assert mean > weights @ rows.limits - 1e-6
    assert closed > 0


def test_only_boxes_with_one_polytope_left_are_worked_on(tmp_path):
    _, graph, unsafe, low, high = case(3, tmp_path)
    rows = Rows(unsafe)
    bounds = linear_bounds(graph, low, high)
    bound = output_bounds(graph, bounds, rows.matrix)
    _, weights = rows.margins(bound, low, high)
    both = np.full((len(low), 2), -1.0)
    after, sloped, _ = box_slopes.ascend(graph, rows, bounds, bound, (both, weights), CPU)
    assert (after == both).all()
    assert not sloped.any()
