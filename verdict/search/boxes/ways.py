"""Forwards or backwards: how a search over boxes bounds hidden neurons, as it measures on its own boxes.

Bounds pushed forward cost a fraction of those substituted backwards and are looser, on some networks by a hair, on
others by a factor. So now and then some boxes and their halves are bounded in both ways. How much the error of the
bounds shrinks in a halving tells how many more of them the looser bounds need, each twice as many boxes, and that is
weighed against the cost.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ...base.deadline import ProcessorTime
from ...bounds.forward import forward_bounds
from ...network.exact import FloatArray
from ...network.graph import Graph
from ..rows import Rows
from .boxes import Boxes, Way, bound_boxes
from .halving import halved

# Boxes to measure on, at least and at most; so many times as many are bounded forwards, since few of these cost what
# one does. After how many times as many boxes to measure again.
FIRST, SAMPLE, MORE, GROWTH = 2, 24, 16, 4
# What the first measurement may take of the time so far, about, and each other one of the time since.
SOON, SHARE = 0.3, 0.1
# Boxes bounded before the first measurement, and the seconds that one may take backwards with its halves before it.
BEGIN, CHEAP = 16, 0.02
# Multiplications in a second, roughly.
SPEED = 5e9
# The most halvings that forward bounds are said to need more: errors shrink the faster the smaller boxes are, so more
# than that is a guess, which came to twice what it was where both ways were gone to the end.
FAR = 4.0

# So many halvings the other way has to be better by, or the way stays what it is: it goes to and fro by less.
CLEAR = 0.7

Reach = Callable[[Boxes], FloatArray]


class Ways:
    """The `way` to bound boxes of [low, high], (inputs,): until it is measured backwards only where that is cheap."""

    def __init__(self, way: Way, graph: Graph, low: FloatArray, high: FloatArray) -> None:
        self._cost = _guess(graph, low[None], high[None])
        self.way = replace(way, backward=3 * self._cost < CHEAP)
        self._due: float = BEGIN
        self._since = ProcessorTime()

    def keep_to(self, way: Way) -> None:
        """Bound backwards whatever it costs, with what this way knows."""
        self.way, self._due = replace(way, backward=True), math.inf

    def measure(self, graph: Graph, rows: Rows, boxes: Boxes, reach: Reach, visited: int) -> None:
        """Choose between the two ways on some of these boxes, of those that can be halved, if it is time to.

        `reach` is what the network really comes down to at points of boxes, (points of each, batch) in one row.
        """
        if visited < self._due:
            return
        boxes = boxes.take(boxes.divisible)
        if not len(boxes):
            return
        share = SOON if self._due == BEGIN else SHARE
        budget = max(share * self._since.elapsed(), CHEAP * FIRST)
        if 3 * FIRST * self._cost > budget:
            return
        backward, forward = replace(self.way, backward=True), replace(self.way, backward=False)
        size, most = min(FIRST, len(boxes)), min(SAMPLE, len(boxes))
        seconds, errors = _tried(graph, rows, boxes.take(slice(0, size)), reach, backward)
        each = self._cost = seconds / (3 * size)
        if 2 * seconds < budget and size < most:
            # That may be what array operations take before they see a number: what does one more box take?
            more = int(min(most, budget / (3 * each)))
            longer, errors = _tried(graph, rows, boxes.take(slice(0, more)), reach, backward)
            each, size = max(0.0, longer - seconds) / (3 * (more - size)), more
        many = boxes.take(slice(0, MORE * size))
        seconds, looser = _tried(graph, rows, many, reach, forward)
        quick = seconds / (3 * len(many))
        least = math.log2(max(each, quick) / quick) + (-CLEAR if self.way.backward else CLEAR)
        self.way = replace(self.way, backward=min(more_halvings(looser, errors), FAR) > least)
        self._due, self._since = GROWTH * visited, ProcessorTime()


def _tried(graph: Graph, rows: Rows, boxes: Boxes, reach: Reach, way: Way) -> tuple[float, FloatArray]:
    """The seconds of processor time for these boxes and their halves, and the errors (3, boxes) of their bounds: of
    the boxes' own, of those of the lower halves and of the upper ones."""
    lower, upper = halved(boxes)
    started = time.process_time()
    found = bound_boxes(graph, rows, np.concatenate([boxes.low, lower]), np.concatenate([boxes.high, upper]), way)
    spent = time.process_time() - started
    errors = reach(found).reshape(-1, len(found)).min(axis=0) - found.slack
    return spent, errors.reshape(3, len(boxes))


def _guess(graph: Graph, low: FloatArray, high: FloatArray) -> float:
    """About the seconds that it takes to bound a box [low, high], (1, inputs), backwards.

    Each neuron that bends takes two products with half of the layers.
    """
    return graph.work * (1 + forward_bounds(graph, low, high).bounds.unstable(graph)) / SPEED


def more_halvings(forward: FloatArray, backward: FloatArray) -> float:
    """How many halvings make up for forward bounds, by the errors of both, (3, boxes): on boxes, and on both their
    halves. Backward ones are of the first few boxes only.

    Sums of logarithms: the errors of all boxes shrink alike, however large they are.
    """
    with np.errstate(all="ignore"):
        looser = np.log(forward[1:, : backward.shape[1]] / backward[1:])
        shrunk = np.log(forward[:1] / forward[1:])
    looser, shrunk = looser[np.isfinite(looser)], shrunk[np.isfinite(shrunk)]
    if not len(looser) or not len(shrunk) or shrunk.mean() <= 0:
        return math.inf
    return max(0.0, float(looser.mean() / shrunk.mean()))
