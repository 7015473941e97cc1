"""Branch and bound on the input box, for networks with few inputs.

A box whose bounds do not exclude the unsafe set is halved along the coordinate that the bound itself is most
sensitive to, and every bound is computed anew for the halves, which shrinks all layers at once. Boxes are
bounded in batches, in float32 with its rounding charged, and again in float64 where only rounding stands
between the bound and a proof.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..bounds.alpha import ascend_slopes
from ..bounds.bounds import Bounds
from ..bounds.linear import backward, linear_bounds
from ..bounds.lines import Lines, crown_lines
from ..deadline import Deadline
from ..network.evaluate import evaluate
from ..network.exact import FloatArray
from ..network.graph import Graph
from ..property import UnsafeSet
from .relu_split import Outcome

BATCH = 128
# Gradient steps on the output's lines for boxes that plain bounds leave open.
STEPS, RATE = 5, 0.3
MOST_BOXES = 2_000_000


class Rows:
    """The rows of all polytopes of an unsafe set, stacked, and which polytopes a batch of bounds excludes."""

    def __init__(self, unsafe: UnsafeSet) -> None:
        self.matrix = np.concatenate([p.matrix.values for p in unsafe.polytopes])
        # An exclusion must hold against the exact offset, of which the float is a rounding.
        self.limits = np.nextafter(np.concatenate([p.offset.values for p in unsafe.polytopes]), np.inf)
        self.starts = np.cumsum([0, *(len(p.offset.values) for p in unsafe.polytopes)])[:-1]

    def limits_in(self, dtype: Any) -> Any:
        """The limits in another float type, rounded up."""
        return np.nextafter(self.limits.astype(dtype), dtype.type(np.inf))

    @property
    def quick(self) -> Any:
        """The float type for the first look: float32 where it holds the rows exactly."""
        return np.float32 if (self.matrix == self.matrix.astype(np.float32)).all() else np.float64

    def slack(self, lower: Any) -> Any:
        """For bounds (batch, rows): the least over polytopes of the best row's margin; > 0 excludes all."""
        margins = lower - self.limits_in(lower.dtype)
        best: Any = np.maximum.reduceat(margins, self.starts, axis=1)
        return best.min(axis=1)

    def decisive(self, lower: Any) -> Any:
        """For each box the row of the polytope that is hardest to exclude, its best one."""
        margins = lower - self.limits_in(lower.dtype)
        best = np.maximum.reduceat(margins, self.starts, axis=1)
        worst = best.argmin(axis=1)
        ends = np.append(self.starts[1:], margins.shape[1])
        inside = (np.arange(margins.shape[1]) >= self.starts[worst][:, None]) & (
            np.arange(margins.shape[1]) < ends[worst][:, None]
        )
        return np.where(inside, margins, -np.inf).argmax(axis=1)


def input_split(
    graph: Graph,
    unsafe: UnsafeSet,
    lower: FloatArray,
    upper: FloatArray,
    deadline: Deadline,
    try_points: Callable[[FloatArray], bool],
    on_progress: Callable[[float, int, int], object] = lambda lower, open_, visited: None,
    most: int | None = None,
) -> Outcome:
    """Prove that no input of the box [lower, upper], each (input_size,), reaches the unsafe set.

    `try_points` is given candidate counterexamples (k, input_size) that look unsafe and returns True to stop.
    `most` ends the search after so many boxes.
    """
    rows = Rows(unsafe)
    # Slack and width break ties; the counter keeps arrays from being compared.
    queue: list[tuple[float, int, FloatArray, FloatArray]] = []
    ticket, visited = itertools.count(), 0
    lows, highs = lower[None], upper[None]
    while True:
        visited += len(lows)
        slack, slope, x = _bound(graph, rows, lows, highs)
        points = np.concatenate([x, (lows + highs) / 2])
        outputs = evaluate(graph, points)
        suspects = points[unsafe.slack(outputs) <= 0]
        if len(suspects) and try_points(suspects):
            return Outcome(False, -np.inf, visited, "a counterexample was found")
        left = np.flatnonzero(~(slack > 0))
        if len(left):
            low, high = _halve(lows[left], highs[left], slope[left])
            doubled = np.concatenate([slack[left]] * 2)
            for i in range(len(low)):
                heapq.heappush(queue, (float(doubled[i]), next(ticket), low[i], high[i]))
        if not queue:
            return Outcome(True, 0.0, visited)
        on_progress(queue[0][0], len(queue), visited)
        if deadline.passed() or (most is not None and visited >= most):
            return Outcome(False, queue[0][0], visited, "the time limit was reached")
        if len(queue) > MOST_BOXES:
            return Outcome(False, queue[0][0], visited, f"more than {MOST_BOXES} open boxes")
        batch = [heapq.heappop(queue) for _ in range(min(BATCH, len(queue)))]
        lows, highs = np.stack([b[2] for b in batch]), np.stack([b[3] for b in batch])


def _halve(low: FloatArray, high: FloatArray, slope: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Both halves of each box, along the coordinate whose width times sensitivity is largest."""
    width = high - low
    # A little of the width alone, so that a coordinate with a vanishing slope is split in the end.
    score = np.abs(slope) * width + 1e-3 * width / np.maximum(width.max(axis=1, keepdims=True), 1e-300)
    at = (np.arange(len(low)), np.where(width > 0, score, -1).argmax(axis=1))
    middle = low[at] / 2 + high[at] / 2
    left_high, right_low = high.copy(), low.copy()
    left_high[at], right_low[at] = middle, middle
    return np.concatenate([low, right_low]), np.concatenate([left_high, high])


def _bound(graph: Graph, rows: Rows, lows: FloatArray, highs: FloatArray) -> tuple[Any, Any, Any]:
    """Rigorous slack of each box, the sensitivity of the decisive row, and its minimiser."""
    slack, slope, x = _bound_in(graph, rows, lows, highs, rows.quick)
    # Within float32's rounding of a proof: look again in float64.
    close = np.flatnonzero((slack <= 0) & (slack > -0.05 * np.abs(slack).mean()))
    if len(close):
        again, _, _ = _bound_in(graph, rows, lows[close], highs[close], np.float64)
        slack = slack.astype(np.float64)
        slack[close] = np.maximum(slack[close], again)
    return slack, slope, x


def _bound_in(graph: Graph, rows: Rows, lows: FloatArray, highs: FloatArray, dtype: Any) -> tuple[Any, Any, Any]:
    low = np.nextafter(lows.astype(dtype), dtype(-np.inf)) if dtype is np.float32 else lows
    high = np.nextafter(highs.astype(dtype), dtype(np.inf)) if dtype is np.float32 else highs
    bounds = linear_bounds(graph, low, high)
    lines = {i: crown_lines(*bounds.of_relu(graph, i)) for i in graph.relus}
    bound = backward(graph, bounds, graph.output, rows.matrix.astype(dtype), lines)
    slack, which = rows.slack(bound.lower), rows.decisive(bound.lower)
    at = np.arange(len(low))
    slope = bound.slope[at, which]
    left = np.flatnonzero(slack <= 0)
    if len(left) and STEPS:
        improved = _optimise(graph, bounds, lines, rows, which, left)
        if len(rows.starts) == 1:
            slack[left] = np.maximum(slack[left], improved)
        else:
            # Only the decisive row was improved: the others must have been excluded already.
            others = _others(rows, bound.lower[left], which[left])
            slack[left] = np.maximum(slack[left], np.minimum(improved, others))
    x = np.where(slope > 0, lows, highs)
    return slack, slope, x


def _others(rows: Rows, lower: Any, which: Any) -> Any:
    """The least slack over the polytopes other than the one that row `which` belongs to."""
    margins = lower - rows.limits_in(lower.dtype)
    best = np.maximum.reduceat(margins, rows.starts, axis=1)
    own = np.searchsorted(rows.starts, which, side="right") - 1
    best[np.arange(len(best)), own] = np.inf
    return best.min(axis=1)


def _optimise(graph: Graph, bounds: Bounds, lines: dict[int, Lines], rows: Rows, which: Any, left: Any) -> Any:
    """Rigorous margins of the decisive row of the boxes `left`, with optimised slopes."""
    part = Bounds(tuple(a[left] for a in bounds.lower), tuple(a[left] for a in bounds.upper))
    dtype = part.lower[0].dtype
    row = rows.matrix[which[left]][:, None, :].astype(dtype)
    limits = rows.limits_in(dtype)[which[left]]
    fixed = {i: Lines(a.slope_below[left], a.slope_above[left], a.offset_above[left]) for i, a in lines.items()}
    best, _ = ascend_slopes(
        graph,
        part,
        graph.output,
        row,
        fixed,
        STEPS,
        RATE,
        rigorous=True,
        done=lambda best: bool((best > limits).all()),
    )
    return best - limits
