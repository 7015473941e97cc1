"""What the `bounds` case times: every kind of bound and search, each one entry of `KINDS`.

A kind is given boxes and returns the work to time and how many domains it bounds; a new kind is one function with
`@kind`. Searches are cut off after `SECONDS` and count for themselves.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SECONDS = 1.0
STEPS = 12


@dataclass(frozen=True)
class Boxes:
    """A network's graph and boxes [lower, upper], each (batch, inputs), float64; `row` (outputs,) is the linear
    function of the outputs that searches bound."""

    graph: Any
    lower: Array
    upper: Array
    row: Array


# Work that is timed from outside and bounds so many domains, or that measures its own domains per second.
Work = Callable[[], object] | Callable[[], float]
Kind = Callable[[Boxes], tuple[Work, int]]
KINDS: dict[str, Kind] = {}
BATCHES: dict[str, tuple[int, ...]] = {}


def kind(name: str, *batches: int) -> Callable[[Kind], Kind]:
    """Decorator: register a kind for these batch sizes. A kind that says 0 domains measures its own rate."""

    def add(function: Kind) -> Kind:
        KINDS[name], BATCHES[name] = function, batches
        return function

    return add


@kind("interval", 1, 64)
def _interval(boxes: Boxes) -> tuple[Work, int]:
    from verdict.bounds import interval_bounds

    return lambda: interval_bounds(boxes.graph, boxes.lower, boxes.upper), len(boxes.lower)


@kind("zonotope", 1, 64)
def _zonotope(boxes: Boxes) -> tuple[Work, int]:
    from verdict.bounds.zonotope import zonotope_bounds

    return lambda: zonotope_bounds(boxes.graph, boxes.lower, boxes.upper), len(boxes.lower)


@kind("linear", 1, 64)
def _linear(boxes: Boxes) -> tuple[Work, int]:
    from verdict.bounds import linear_bounds

    return lambda: linear_bounds(boxes.graph, boxes.lower, boxes.upper), len(boxes.lower)


@kind("linear-float32", 64)
def _linear_float32(boxes: Boxes) -> tuple[Work, int]:
    from verdict.bounds import linear_bounds

    lower: Any = boxes.lower.astype(np.float32)
    upper: Any = boxes.upper.astype(np.float32)
    return lambda: linear_bounds(boxes.graph, lower, upper), len(lower)


@kind("alpha", 1)
def _alpha(boxes: Boxes) -> tuple[Work, int]:
    """Optimised slopes for the intermediate layers: one box, `STEPS` steps for every unstable neuron."""
    from verdict.bounds import linear_bounds
    from verdict.bounds.alpha import alpha_bounds

    start = linear_bounds(boxes.graph, boxes.lower[:1], boxes.upper[:1])
    return lambda: alpha_bounds(boxes.graph, start, STEPS), 1


@kind("alpha-step", 64)
def _alpha_step(boxes: Boxes) -> tuple[Work, int]:
    """One gradient step on the output's slopes; domains times steps per second."""
    from verdict.bounds import linear_bounds
    from verdict.bounds.alpha import Ascent, ascend_slopes
    from verdict.bounds.lines import crown_lines

    graph = boxes.graph
    bounds = linear_bounds(graph, boxes.lower.astype(np.float32), boxes.upper.astype(np.float32))
    lines = {i: crown_lines(graph, bounds, i) for i in graph.pointwise if i in graph.ancestors(graph.output)}
    rows = np.repeat(boxes.row.astype(np.float32)[None, None], len(boxes.lower), axis=0)

    def work() -> object:
        return ascend_slopes(graph, bounds, graph.output, rows, lines, Ascent(STEPS))

    return work, len(rows) * STEPS


@kind("relu-split", 1)
def _relu_split(boxes: Boxes) -> tuple[Work, int]:
    return lambda: _search(boxes, {"few_inputs": -1}), 0


@kind("input-split", 1)
def _input_split(boxes: Boxes) -> tuple[Work, int]:
    return lambda: _search(boxes, {"few_inputs": 10**9, "few_relus": -1}), 0


def _search(boxes: Boxes, forced: dict[str, int]) -> float:
    """Domains per second of branch and bound after its first batch, with one kind of split forced; what looks like
    a counterexample does not end it. 0 where the first batch decides."""
    from verdict.base.deadline import Deadline
    from verdict.bounds import linear_bounds
    from verdict.network.exact import Coefficients
    from verdict.property import Polytope
    from verdict.search.effort import Effort
    from verdict.search.engines.parts.bab import branch_and_bound
    from verdict.search.observer import Watch
    from verdict.search.options import SearchOptions

    marks: list[tuple[float, int]] = []
    bounds = linear_bounds(boxes.graph, boxes.lower[:1], boxes.upper[:1])
    # A little below what CROWN proves: open at the root, never proved soon.
    polytope = Polytope(Coefficients(boxes.row[None]), Coefficients(np.array([_hard_offset(boxes)])))
    watch = Watch(on_progress=lambda lower, waiting, visited: marks.append((time.perf_counter(), visited)))
    effort = Effort(Deadline(SECONDS), options=SearchOptions(**forced))
    branch_and_bound(boxes.graph, bounds, [polytope], effort, watch)
    (start, first), (end, last) = (marks[0], marks[-1]) if marks else ((0.0, 0), (0.0, 0))
    return (last - first) / (end - start) if end > start else 0.0


def _hard_offset(boxes: Boxes) -> float:
    """The least value of the row that samples reach: a question just this side of unsafe."""
    from verdict.network.evaluate import evaluate

    low, high = boxes.lower[0], boxes.upper[0]
    points = np.random.default_rng(0).uniform(low, high, (256, len(low)))
    corners = np.where(np.random.default_rng(1).random((256, len(low))) < 0.5, low, high)
    values = evaluate(boxes.graph, np.concatenate([points, corners])) @ boxes.row
    return float(values.min())
