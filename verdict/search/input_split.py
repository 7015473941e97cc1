"""Branch and bound on the input box, for networks with few inputs.

A box whose bounds do not exclude the unsafe set is halved, and every bound is computed anew for the halves, which
shrinks all layers at once. Which coordinate to halve decides everything, and no cheap score tells it: so the halves
along every coordinate are bounded, and the pair that comes nearest to a proof is kept (strong branching). Boxes are
bounded in batches, in float32 with its rounding charged, and again in float64 where only rounding stands between
the bound and a proof. Where thousands of boxes do not end it, single boxes are worked on by `hard_box`.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..bounds.linear import linear_bounds, output_bounds
from ..deadline import Deadline
from ..network.evaluate import evaluate
from ..network.exact import FloatArray
from ..network.graph import Graph
from ..property import UnsafeSet
from .attack import refine
from .hard_box import HardBox
from .relu_split import Outcome
from .rows import Rows
from .workers import Workers

# Boxes split at once, and along how many coordinates each is tried.
BATCH, TRIALS = 48, 8
# Open boxes in memory, beyond which the search goes depth first.
MOST_BOXES = 2_000_000
# Boxes to visit before single ones are worked on, and how many of them at a time; the share of them that must close
# for the work to pay, and the weight of the latest one in that share.
PATIENCE, HARD_BATCH, WORTH, MEMORY = 1200, 4, 0.3, 0.05
# Bounds nearer to 0 than this share of the typical one are looked at in float64 too.
NEAR = 0.02
# How much the relative width of a coordinate counts against the relative gain in slack.
LEANING = 0.02
# Of each batch's points, so many nearest to a counterexample take so many gradient steps towards it.
REFINED, REFINE_STEPS = 8, 4


@dataclass(frozen=True, eq=False)
class Boxes:
    """A batch of boxes: ends and the bound's slope in each input, (batch, input_size); slack (batch,), > 0 closes."""

    low: FloatArray
    high: FloatArray
    slope: FloatArray
    slack: FloatArray

    def __len__(self) -> int:
        return len(self.slack)

    def take(self, index: Any) -> Boxes:
        return Boxes(self.low[index], self.high[index], self.slope[index], self.slack[index])

    @property
    def points(self) -> FloatArray:
        """Of each box the bound's minimiser and the middle, (2 batch, input_size)."""
        return np.concatenate([np.where(self.slope > 0, self.low, self.high), (self.low + self.high) / 2])


class InputSplit:
    """The search for inputs of the box [lower, upper], each (input_size,), that reach the unsafe set.

    `try_points` is given candidate counterexamples (k, input_size) that look unsafe and returns True to stop.
    """

    def __init__(
        self,
        graph: Graph,
        unsafe: UnsafeSet,
        lower: FloatArray,
        upper: FloatArray,
        workers: Workers,
        try_points: Callable[[FloatArray], bool],
    ) -> None:
        self.graph, self.unsafe, self.workers, self.try_points = graph, unsafe, workers, try_points
        self.rows, self.lower, self.upper = Rows(unsafe), lower, upper
        self._width = np.where(upper > lower, upper - lower, 1.0)
        # The open boxes by number, and their numbers in three orders: the worst bound first, which closes the gap, the
        # nearest to a counterexample first, which finds one, and the largest first, which are worth hard work.
        self._open: dict[int, tuple[Boxes, int]] = {}
        self._worst: list[tuple[float, int]] = []
        self._nearest: list[tuple[float, int]] = []
        self._largest: list[tuple[float, int]] = []
        self._ticket, self._visited = itertools.count(), 0
        self._hard = HardBox(graph, unsafe)
        # How often hard work has closed a box of late.
        self._success = 0.5

    def run(
        self, deadline: Deadline, on_progress: Callable[[float, int, int], object] = lambda lower, open_, visited: None
    ) -> Outcome:
        """Search until no box is left, a counterexample is found, or `deadline` has passed.

        `on_progress` receives the least slack, the number of open boxes and of visited ones.
        """
        found = self._keep(bound_boxes(self.graph, self.rows, self.lower[None], self.upper[None]))
        while self._open and not found:
            on_progress(self.least, len(self._open), self._visited)
            if deadline.passed():
                return Outcome(False, self.least, self._visited, "the time limit was reached")
            if self._visited < PATIENCE:
                found = self._halve(self._pop(BATCH, self._worst, self._nearest))
            elif self._success < WORTH:
                found, self._success = self._halve(self._pop(BATCH, self._largest, self._nearest)), 0.5
            else:
                found = self._work(self._pop(HARD_BATCH, self._largest), deadline)
        if found:
            return Outcome(False, -np.inf, self._visited, "a counterexample was found")
        return Outcome(True, 0.0, self._visited, share=1.0)

    def _keep(self, boxes: Boxes) -> bool:
        """Queue the boxes that are open; True if a counterexample was found in one."""
        self._visited += len(boxes)
        boxes = boxes.take(~(boxes.slack > 0))
        if not len(boxes):
            return False
        points = boxes.points
        reached = self.unsafe.slack(evaluate(self.graph, points))
        nearest = reached.reshape(2, len(boxes)).min(axis=0)
        best = reached.argsort()[:REFINED]
        box = best % len(boxes)
        refined, near = refine(self.graph, self.unsafe, points[best], boxes.low[box], boxes.high[box], REFINE_STEPS)
        np.minimum.at(nearest, box, near)
        volumes = self._volumes(boxes)
        for i, (slack, reach) in enumerate(zip(boxes.slack.tolist(), nearest.tolist(), strict=True)):
            number = next(self._ticket)
            self._open[number] = boxes, i
            heapq.heappush(self._worst, (slack, number))
            heapq.heappush(self._nearest, (reach, number))
            heapq.heappush(self._largest, (-float(volumes[i]), number))
        suspects = np.concatenate([refined[near <= 0], points[reached <= 0]])
        return len(suspects) > 0 and self.try_points(suspects)

    @property
    def least(self) -> float:
        """The least slack of the open boxes; infinite when there are none."""
        while self._worst and self._worst[0][1] not in self._open:
            heapq.heappop(self._worst)
        return self._worst[0][0] if self._worst else float("inf")

    def _pop(self, count: int, *orders: list[tuple[float, int]]) -> Boxes:
        """Up to `count` boxes, removed, of these orders in turn; the latest, smallest ones when memory is short."""
        picked: list[tuple[Boxes, int]] = []
        heaps = itertools.cycle(orders)
        while self._open and len(picked) < count:
            if len(self._open) > MOST_BOXES:
                picked.append(self._open.popitem()[1])
                continue
            heap = next(heaps)
            while heap[0][1] not in self._open:
                heapq.heappop(heap)
            picked.append(self._open.pop(heapq.heappop(heap)[1]))
        fields = zip(*((b.low[i], b.high[i], b.slope[i], b.slack[i]) for b, i in picked), strict=True)
        return Boxes(*(np.array(values) for values in fields))

    def _halve(self, batch: Boxes) -> bool:
        """Split a batch and queue what stays open; True if a counterexample was found."""
        parts = [batch.take(share) for share in self.workers.shares(len(batch))]
        found = False
        for halves in self.workers.map(self._split, parts):
            found = found or self._keep(halves)
        return found

    def _work(self, batch: Boxes, deadline: Deadline) -> bool:
        """Work hard on a few boxes and halve those left open; True if a counterexample was found."""
        open_ = []
        for i in range(len(batch)):
            closed, points = self._hard.work(batch.low[i], batch.high[i], deadline)
            if len(points) and self.try_points(points):
                return True
            self._success += MEMORY * (closed - self._success)
            if not closed:
                open_.append(i)
        return self._halve(batch.take(open_)) if open_ else False

    def _volumes(self, boxes: Boxes) -> FloatArray:
        """The share of the whole box that each is, over the coordinates that can move, (batch,)."""
        shares: FloatArray = np.where(self.upper > self.lower, (boxes.high - boxes.low) / self._width, 1.0)
        result: FloatArray = shares.prod(axis=1)
        return result

    def _split(self, boxes: Boxes) -> Boxes:
        """Both halves of every box, along the coordinate whose halves together come nearest to a proof."""
        wide = boxes.high - boxes.low
        effect = np.abs(boxes.slope) * wide
        # A little of the width alone, so that no coordinate is left out for ever.
        score = effect / np.maximum(effect.sum(axis=1, keepdims=True), 1e-300) + 0.3 * wide / self._width
        score = np.where(wide > 0, score, -1.0)
        tried = min(TRIALS, int(np.count_nonzero(self.upper > self.lower)))
        chosen = np.argsort(-score, axis=1)[:, :tried]
        count, at = len(boxes), np.arange(len(boxes))
        lows, highs = [], []
        for coordinate in chosen.T:
            middle = boxes.low[at, coordinate] / 2 + boxes.high[at, coordinate] / 2
            left_high, right_low = boxes.high.copy(), boxes.low.copy()
            left_high[at, coordinate], right_low[at, coordinate] = middle, middle
            lows += [boxes.low, right_low]
            highs += [left_high, boxes.high]
        halves = bound_boxes(self.graph, self.rows, np.concatenate(lows), np.concatenate(highs))
        # Linear bounds of a part may be worse than those of the whole, which hold for it too.
        slack = np.maximum(halves.slack.reshape(tried, 2, count), boxes.slack)
        gain = np.minimum(slack, 0).sum(axis=1) / np.maximum(-boxes.slack, 1e-300)
        # Where nothing is gained the widest coordinate is halved, so that boxes shrink in the end.
        shares = np.take_along_axis(wide / self._width, chosen, axis=1)
        best = (gain + LEANING * shares.T).argmax(axis=0)
        both = np.concatenate([best * 2 * count + at, (best * 2 + 1) * count + at])
        kept = halves.take(both)
        return Boxes(kept.low, kept.high, kept.slope, slack.reshape(-1)[both])


def bound_boxes(graph: Graph, rows: Rows, low: FloatArray, high: FloatArray) -> Boxes:
    """The boxes [low, high], each (batch, input_size), with rigorous bounds of their slack."""
    dtype = rows.quick
    slack, slope = _bound(graph, rows, low, high, dtype)
    if dtype is np.float32:
        # Within float32's rounding of a proof: look again in float64.
        close = np.flatnonzero((slack <= 0) & (slack > -NEAR * np.abs(slack).mean()))
        if len(close):
            again, _ = _bound(graph, rows, low[close], high[close], np.float64)
            slack = slack.astype(np.float64)
            slack[close] = np.maximum(slack[close], again)
    return Boxes(low, high, slope, slack)


def _bound(graph: Graph, rows: Rows, low: FloatArray, high: FloatArray, dtype: Any) -> tuple[Any, Any]:
    """The slack (batch,) of each box by linear bounds, and the slope (batch, input_size) of its decisive row."""
    if dtype is np.float32:
        low, high = np.nextafter(low.astype(dtype), dtype(-np.inf)), np.nextafter(high.astype(dtype), dtype(np.inf))
    bounds = linear_bounds(graph, low, high)
    bound = output_bounds(graph, bounds, rows.matrix.astype(dtype))
    slope = bound.slope[np.arange(len(low)), rows.decisive(bound.lower)]
    return rows.mixed_slack(bound, low, high).astype(dtype), slope
