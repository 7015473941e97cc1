"""Branch and bound on the input box, for networks with few inputs.

A box whose bounds do not exclude the unsafe set is halved, and every bound is computed anew for the halves, which
shrinks all layers at once; `halving` chooses the coordinate. Where thousands of boxes do not end it, single boxes are
worked on by `hard_box`. The halvings are the proof's tree, which `box_tree` keeps.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...base.deadline import Deadline
from ...base.device import CPU, Device
from ...base.workers import Workers
from ...certificate.recording import Recording
from ...network.evaluate import evaluate
from ...network.exact import FloatArray
from ...network.graph import Graph
from ...property import UnsafeSet
from ..points.attack import refine
from ..relus.relu_split import Outcome
from ..rows import Rows
from .boxes import Boxes, bound_boxes, confirmed
from .halving import halve
from .hard_box import HardBox, Turns, Work
from .options import DEFAULTS, BoxOptions
from .tree import BoxTree


class InputSplit:
    """The search for inputs of the box [lower, upper], each (input_size,), that reach the unsafe set.

    `try_points` is given candidate counterexamples (k, input_size) that look unsafe and returns True to stop. Which
    coordinate to halve is found on `device`. A proof is recorded in `proof`.
    """

    def __init__(
        self,
        graph: Graph,
        unsafe: UnsafeSet,
        lower: FloatArray,
        upper: FloatArray,
        workers: Workers,
        try_points: Callable[[FloatArray], bool],
        device: Device = CPU,
        proof: Recording | None = None,
        options: BoxOptions | None = None,
    ) -> None:
        self.options = options = options or DEFAULTS
        self.graph, self.unsafe, self.workers, self.try_points = graph, unsafe, workers, try_points
        self.rows, self.lower, self.upper = Rows(unsafe), lower, upper
        self.device, self._batch = device, options.batch if device.is_rigorous else options.device_batch
        self._tree = None if proof is None else BoxTree(proof, unsafe, self.rows)
        self._width = np.where(upper > lower, upper - lower, 1.0)
        # The open boxes by number, and their numbers in three orders: the worst bound first, which closes the gap, the
        # nearest to a counterexample first, which finds one, and the largest first, which are worth hard work.
        self._open: dict[int, tuple[Boxes, int]] = {}
        self._worst: list[tuple[float, int]] = []
        self._nearest: list[tuple[float, int]] = []
        self._largest: list[tuple[float, int]] = []
        self._ticket, self._visited = itertools.count(), 0
        self._hard = HardBox(graph, unsafe, self.rows, None if proof is None else proof.neurons)
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
        if self._tree is not None:
            self._tree.finish()
        return Outcome(True, 0.0, self._visited, share=1.0)

    def _keep(self, boxes: Boxes) -> bool:
        """Queue the boxes that are open; True if a counterexample was found in one."""
        self._visited += len(boxes)
        if self._tree is not None:
            boxes = confirmed(self.graph, self.rows, boxes)
        closed = boxes.slack > 0
        if self._tree is not None:
            self._tree.close(boxes.take(closed))
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
        parts = [batch.take(share) for share in self.workers.shares(len(batch))]
        found = False
        for part, (halves, coordinates) in zip(parts, self.workers.map(self._halves, parts), strict=True):
            if self._tree is not None:
                halves = self._tree.split(part, halves, coordinates)
            found = found or self._keep(halves)
        return found

    def _halves(self, boxes: Boxes) -> tuple[Boxes, Any]:
        return halve(self.graph, self.rows, self._width, boxes, self.device)

    def _work(self, batch: Boxes, deadline: Deadline, turns: float = math.inf) -> tuple[bool, Boxes]:
        """Work hard on boxes, so many turns on each; whether a counterexample was found, and the boxes left open."""
        def one(i: int) -> Work:
            return self._hard.work(batch.low[i], batch.high[i], Turns(turns, deadline))

        left = []
        for i, work in enumerate(self.workers.map(one, range(len(batch)))):
            if len(work.points) and self.try_points(work.points):
                return True, batch
            self._success += self.options.memory * (work.closed - self._success)
            if not work.closed:
                left.append(i)
            elif self._tree is not None and work.proof is not None:
                self._tree.graft(int(batch.node[i]), work.proof)
        return False, batch.take(left)

    def _volumes(self, boxes: Boxes) -> FloatArray:
        """The share of the whole box that each is, over the coordinates that can move, (batch,)."""
        shares: FloatArray = np.where(self.upper > self.lower, (boxes.high - boxes.low) / self._width, 1.0)
        result: FloatArray = shares.prod(axis=1)
        return result
