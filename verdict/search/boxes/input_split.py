"""Branch and bound on the input box, for networks with few inputs.

A box whose bounds do not exclude the unsafe set is halved, and every bound is computed anew for the halves, which
shrinks all layers at once; `halving` chooses the coordinate. Where thousands of boxes do not end it, single boxes are
worked on by `hard_box`. The halvings are a proof's tree, for who listens.
"""

from __future__ import annotations

import heapq
import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np

from ...base.deadline import Deadline
from ...network.evaluate import evaluate
from ...network.exact import FloatArray
from ...network.graph import Graph
from ...property import UnsafeSet
from ..means import Means
from ..observer import Watch
from ..outcome import Outcome
from ..points.attack import refine
from ..rows import Rows
from .boxes import Boxes, bound_boxes
from .halving import halve
from .hard_box import HardBox, Turns, Work


class InputSplit:
    """The search for inputs of the box [lower, upper], each (input_size,), that reach the unsafe set.

    Which coordinate to halve is found on the device of `means`; `watch` has the listeners.
    """

    def __init__(
        self,
        graph: Graph,
        unsafe: UnsafeSet,
        lower: FloatArray,
        upper: FloatArray,
        watch: Watch | None = None,
        means: Means | None = None,
    ) -> None:
        self.watch, self.means = watch or Watch(), means or Means()
        self.options = options = self.means.options.boxes
        self.graph, self.unsafe = graph, unsafe
        self.rows, self.lower, self.upper = Rows(unsafe), lower, upper
        self._batch = options.batch if self.means.device.is_rigorous else options.device_batch
        self._observer = self.watch.proof.boxes(graph, unsafe, self.rows)
        self._width = np.where(upper > lower, upper - lower, 1.0)
        # The open boxes by number, and their numbers in three orders: the worst bound first, which closes the gap, the
        # nearest to a counterexample first, which finds one, and the largest first, which are worth hard work.
        self._open: dict[int, tuple[Boxes, int]] = {}
        self._worst: list[tuple[float, int]] = []
        self._nearest: list[tuple[float, int]] = []
        self._largest: list[tuple[float, int]] = []
        self._ticket, self._visited = itertools.count(), 0
        self._hard = HardBox(graph, unsafe, self.rows, self.means.options)
        # How often hard work has closed a box of late.
        self._success = 0.5

    def run(self, deadline: Deadline) -> Outcome:
        """Search until no box is left, a counterexample is found, or `deadline` has passed."""
        found = self._keep(bound_boxes(self.graph, self.rows, self.lower[None], self.upper[None]))
        while self._open and not found:
            self.watch.on_progress(self.least, len(self._open), self._visited)
            if deadline.passed():
                return Outcome(False, self.least, self._visited, "the time limit was reached")
            if self._visited < self.options.patience:
                batch = self._pop(self._batch, self._worst, self._nearest)
            elif self._success < self.options.worth:
                batch, self._success = self._pop(self._batch, self._largest, self._nearest), 0.5
            else:
                hardest = self._pop(self.options.hard_batch, self._largest)
                found, batch = self._work(hardest, deadline, self.options.turns)
            divisible = batch.divisible.any(axis=1)
            if not (found or divisible.all()):
                # Boxes no larger than a float's neighbourhood: splitting ReLUs has all the time there is.
                found, left = self._work(batch.take(~divisible), deadline)
                if len(left) and not found:
                    least = min(self.least, float(left.slack.min()))
                    return Outcome(False, least, self._visited, "a box that has no float inside is left open")
            found = found or self._halve(batch.take(divisible))
        if found:
            return Outcome(False, -np.inf, self._visited, "a counterexample was found")
        self._observer.proved()
        return Outcome(True, 0.0, self._visited, share=1.0)

    def _keep(self, boxes: Boxes) -> bool:
        """Queue the boxes that are open; True if a counterexample was found in one."""
        self._visited += len(boxes)
        boxes = self._observer.judge(boxes)
        closed = boxes.slack > 0
        self._observer.close(boxes.take(closed))
        if closed.all():
            return False
        boxes = boxes.take(~closed)
        none = np.zeros((len(boxes), 0))
        boxes = replace(boxes, weights=none, slopes=none)
        points = boxes.points
        reached = self.unsafe.slack(evaluate(self.graph, points))
        nearest = reached.reshape(2, len(boxes)).min(axis=0)
        best = reached.argsort()[: self.options.refined]
        box = best % len(boxes)
        refined, near = refine(
            self.graph, self.unsafe, points[best], boxes.low[box], boxes.high[box], self.options.refine_steps
        )
        np.minimum.at(nearest, box, near)
        volumes = self._volumes(boxes)
        for i, (slack, reach) in enumerate(zip(boxes.slack.tolist(), nearest.tolist(), strict=True)):
            number = next(self._ticket)
            self._open[number] = boxes, i
            heapq.heappush(self._worst, (slack, number))
            heapq.heappush(self._nearest, (reach, number))
            heapq.heappush(self._largest, (-float(volumes[i]), number))
        suspects = np.concatenate([refined[near <= 0], points[reached <= 0]])
        return len(suspects) > 0 and self.watch.try_points(suspects)

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
            if len(self._open) > self.options.most_open:
                picked.append(self._open.popitem()[1])
                continue
            heap = next(heaps)
            while heap[0][1] not in self._open:
                heapq.heappop(heap)
            picked.append(self._open.pop(heapq.heappop(heap)[1]))
        return Boxes.join(picked)

    def _halve(self, batch: Boxes) -> bool:
        """Split a batch and queue what stays open; True if a counterexample was found."""
        parts = [batch.take(share) for share in self.means.workers.shares(len(batch))]
        found = False
        for part, (halves, coordinates) in zip(parts, self.means.workers.map(self._halves, parts), strict=True):
            found = found or self._keep(self._observer.split(part, halves, coordinates))
        return found

    def _halves(self, boxes: Boxes) -> tuple[Boxes, Any]:
        return halve(self.graph, self.rows, self._width, boxes, self.means.device)

    def _work(self, batch: Boxes, deadline: Deadline, turns: float = math.inf) -> tuple[bool, Boxes]:
        """Work hard on boxes, so many turns on each; whether a counterexample was found, and the boxes left open."""
        def one(i: int) -> Work:
            return self._hard.work(batch.low[i], batch.high[i], Turns(turns, deadline), self._observer.inside())

        left = []
        for i, work in enumerate(self.means.workers.map(one, range(len(batch)))):
            if len(work.points) and self.watch.try_points(work.points):
                return True, batch
            self._success += self.options.memory * (work.closed - self._success)
            if not work.closed:
                left.append(i)
            else:
                self._observer.close_inside(int(batch.node[i]), work.observer)
        return False, batch.take(left)

    def _volumes(self, boxes: Boxes) -> FloatArray:
        """The share of the whole box that each is, over the coordinates that can move, (batch,)."""
        shares: FloatArray = np.where(self.upper > self.lower, (boxes.high - boxes.low) / self._width, 1.0)
        result: FloatArray = shares.prod(axis=1)
        return result
