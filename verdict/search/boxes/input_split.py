"""Branch and bound on the input box, for networks with few inputs.

A box whose bounds do not exclude the unsafe set is halved, and every bound is computed anew for the halves, which
shrinks all layers at once; `coordinate` says along which input, `ways` how the halves are bounded. Where that is slow
single boxes are worked on by `hard_box`, as long as many of them close. The halvings are a proof's tree, for who
listens.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np

from ...answer.credit import BOXES, RELUS, Credit, Credits
from ...base.deadline import Deadline
from ...base.device import CPU
from ...network.evaluate import evaluate
from ...network.exact import FloatArray
from ...network.graph import Graph
from ...property import UnsafeSet
from ..first_box import FirstBox
from ..means import Means
from ..observer import Watch
from ..outcome import Outcome
from ..points.attack import refine
from ..rows import Rows
from .boxes import Boxes, Way, bound_boxes, is_spoilt
from .halving import halve
from .hard_box import HardBox, Turns, Work
from .open_boxes import OpenBoxes
from .ways import Ways

# What boxes are taken by: the least slack first, and so on.
WORST, NEAREST, LARGEST, SMALLEST = "worst", "nearest", "largest", "smallest"


class InputSplit:
    """The search for inputs of the box [lower, upper], each (input_size,), that reach the unsafe set.

    Which coordinate to halve is found on the device of `means`; `watch` has the listeners.
    """

    name = BOXES
    needs = 0.0

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
        most = options.batch if self.means.device.is_rigorous else options.device_batch
        self._batch = max(1, min(most, options.work // max(1, self._products())))
        self._observer = self.watch.proof.boxes(graph, unsafe, self.rows)
        self._width = np.where(upper > lower, upper - lower, 1.0)
        self._open = OpenBoxes(WORST, NEAREST, LARGEST, SMALLEST)
        self._ways, self._visited = Ways(Way(device=self.means.device), graph, lower, upper), 0
        self._first: FirstBox | None = None
        self._hard = HardBox(graph, unsafe, self.rows, self.means.options)
        # Seconds spent on halving, and on hard work; how often that has closed a box of late.
        self._spent, self._success = {False: 0.0, True: 0.0}, 0.5
        self._closed = 0.0
        # What splits of ReLUs have closed, and the wall seconds that they took.
        self._by_relus, self._in_relus = 0.0, 0.0

    def inside(self, first: FirstBox) -> InputSplit:
        """This search with all boxes bounded backwards, starting from what is known of the `first` one, and not as the
        search finds best."""
        self._first = first
        return self

    def run(self, deadline: Deadline) -> Outcome:
        """Search until no box is left, a counterexample is found, or `deadline` has passed; then it may go on."""
        found = False
        if not self._visited:
            # The first box is bounded rigorously, on the CPU.
            if self._first is not None:
                self._ways.keep_to(replace(self._ways.way, known=self._first.completed(self.means.workers)))
            if self.rows.is_single:
                self.rows.is_single = not is_spoilt(self.graph, self.rows, self.lower[None], self.upper[None])
            way = replace(self._ways.way, device=CPU)
            found = self._keep(bound_boxes(self.graph, self.rows, self.lower[None], self.upper[None], way))
        while len(self._open) and not found:
            self.watch.on_progress(self._open.least(WORST), len(self._open), self._visited)
            if deadline.passed():
                return self._outcome("the time limit was reached", resumable=True)
            started, is_hard = time.process_time(), self._works_hard()
            if is_hard:
                hardest = self._open.take({LARGEST: self.options.hard_batch})
                found, batch = self._work(hardest, deadline, self.options.turns)
            else:
                batch = self._urgent()
            divisible = batch.divisible
            if not (found or divisible.all()):
                # Boxes no larger than a float's neighbourhood: splitting ReLUs has all the time there is.
                found, left = self._work(batch.take(~divisible), deadline)
                if len(left) and not found:
                    return self._outcome("a box that has no float inside is left open", least=float(left.slack.min()))
            found = found or self._halve(batch.take(divisible))
            self._spent[is_hard] += time.process_time() - started
        if found:
            ways = self._credits()
            return Outcome(False, -np.inf, self._visited, "a counterexample was found", refuted=True, ways=ways)
        self._observer.proved()
        return Outcome(True, 0.0, self._visited, share=1.0, ways=self._credits())

    def _products(self) -> int:
        """About how many multiplications one box takes: a forward pass for each free input, a backward one each row."""
        return self.graph.work * (2 * int(np.count_nonzero(self.upper > self.lower)) + len(self.rows.limits) + 3)

    def _outcome(self, reason: str, least: float = math.inf, resumable: bool = False) -> Outcome:
        least = min(least, self._open.least(WORST))
        return Outcome(False, least, self._visited, reason, self._closed, resumable, ways=self._credits())

    def _credits(self) -> Credits:
        """What halving has closed, and splits of ReLUs."""
        ways = {BOXES: Credit(0.0, self._closed - self._by_relus)}
        return {**ways, RELUS: Credit(self._in_relus, self._by_relus)} if self._in_relus else ways

    def _works_hard(self) -> bool:
        """Whether single boxes are worked on: half of the time while many of them close, all of it where halving has
        come to nothing, and now and then to see whether they do."""
        if self._visited < self.options.patience or not self._hard.can_work:
            return False
        share = self.options.least_hard
        if self._success >= self.options.worth:
            share = 1.0 if self._visited < self.options.stubborn else math.inf
        return self._spent[True] < share * self._spent[False]

    def _urgent(self) -> Boxes:
        """The boxes to halve next: the worst bounds, which close the gap, and those nearest to a counterexample."""
        half = -(-self._batch // 2)
        if len(self._open) > self.options.most_open:
            # Memory is short: the smallest ones, so that the search goes depth first.
            return self._open.take({SMALLEST: self._batch})
        key = WORST if self._visited < self.options.patience else LARGEST
        return self._open.take({key: half, NEAREST: self._batch - half})

    def _keep(self, boxes: Boxes) -> bool:
        """Queue the boxes that are open; True if a counterexample was found in one."""
        self._visited += len(boxes)
        boxes = self._observer.judge(boxes)
        closed, volumes = boxes.slack > 0, self._volumes(boxes)
        self._observer.close(boxes.take(closed))
        self._closed += float(volumes[closed].sum())
        if closed.all():
            return False
        boxes, volumes = boxes.take(~closed), volumes[~closed]
        points, reached = boxes.points, self._reached(boxes)
        nearest = reached.reshape(2, len(boxes)).min(axis=0)
        best = reached.argsort()[: self.options.refined]
        box = best % len(boxes)
        refined, near = refine(
            self.graph, self.unsafe, points[best], boxes.low[box], boxes.high[box], self.options.refine_steps
        )
        np.minimum.at(nearest, box, near)
        keys = {WORST: boxes.slack, NEAREST: nearest, LARGEST: -volumes, SMALLEST: volumes}
        self._open.add(boxes.bare(), keys)
        suspects = np.concatenate([refined[near <= 0], points[reached <= 0]])
        return len(suspects) > 0 and self.watch.try_points(suspects)

    def _reached(self, boxes: Boxes) -> FloatArray:
        """The slack at the points of the boxes, (2 batch,)."""
        return self.unsafe.slack(evaluate(self.graph, boxes.points))

    def _halve(self, batch: Boxes) -> bool:
        """Split a batch and queue what stays open; True if a counterexample was found."""
        self._ways.measure(self.graph, self.rows, batch, self._reached, self._visited)
        parts = [batch.take(share) for share in self.means.workers.shares(len(batch))]
        found = False
        for part, halves in zip(parts, self.means.workers.map(self._halves, parts), strict=True):
            # Linear bounds of a part may be worse than those of the whole, which hold for it too.
            halves = replace(halves, slack=np.maximum(halves.slack, np.tile(part.slack, 2)))
            found = found or self._keep(self._observer.split(part, halves))
        return found

    def _halves(self, boxes: Boxes) -> Boxes:
        return halve(self.graph, self.rows, boxes, self._ways.way)

    def _work(self, batch: Boxes, deadline: Deadline, turns: float = math.inf) -> tuple[bool, Boxes]:
        """Work hard on boxes, so many turns on each; whether a counterexample was found, and the boxes left open."""
        def one(i: int) -> Work:
            return self._hard.work(batch.low[i], batch.high[i], Turns(turns, deadline), self._observer.inside())

        left, began = [], time.monotonic()
        for i, work in enumerate(self.means.workers.map(one, range(len(batch)))):
            if len(work.points) and self.watch.try_points(work.points):
                return True, batch
            self._success += self.options.memory * (work.closed - self._success)
            if not work.closed:
                left.append(i)
            else:
                volume = float(self._volumes(batch.take(slice(i, i + 1)))[0])
                self._closed, self._by_relus = self._closed + volume, self._by_relus + volume
                self._observer.close_inside(int(batch.node[i]), work.observer)
        self._in_relus += time.monotonic() - began
        return False, batch.take(left)

    def _volumes(self, boxes: Boxes) -> FloatArray:
        """The share of the whole box that each is, over the coordinates that can move, (batch,)."""
        shares: FloatArray = np.where(self.upper > self.lower, (boxes.high - boxes.low) / self._width, 1.0)
        result: FloatArray = shares.prod(axis=1)
        return result
