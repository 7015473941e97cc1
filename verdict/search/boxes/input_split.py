"""Branch and bound on the input box, for networks with few inputs.

A box whose bounds do not exclude the unsafe set is halved, and every bound is computed anew for the halves, which
shrinks all layers at once; `coordinate` says along which input, `ways` how the halves are bounded. Where that is slow
single boxes are worked on by `hard_box`, and `pace` measures which of the two closes more. The halvings are a proof's
tree, for who listens.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ...answer.credit import BOXES, RELUS, Credit, Credits
from ...base.abreast import Abreast
from ...base.deadline import Deadline, ProcessorTime
from ...base.device import CPU
from ...bounds.moving import moving
from ...network.evaluate import evaluate
from ...network.exact import FloatArray
from ...network.graph import Graph
from ...property import UnsafeSet
from ..first_box import FirstBox
from ..means import Means
from ..observer import InsideObserver, Watch
from ..outcome import Outcome
from ..points.attack import refine
from ..rows import Rows
from .boxes import Boxes, Way, bound_boxes, is_spoilt
from .group import Group
from .halving import halve
from .hard_box import HardBox, Turns
from .open_boxes import OpenBoxes
from .pace import HARD, Pace
from .ways import Ways

# What boxes are taken by: the least slack first, and so on.
KEYS = WORST, NEAREST, LARGEST, SMALLEST = "worst", "nearest", "largest", "smallest"


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
        self._open, self._group = OpenBoxes(*KEYS), Group(*KEYS)
        self._ways, self._visited = Ways(Way(device=self.means.device), graph, lower, upper), 0
        self._first: FirstBox | None = None
        self._hard = HardBox(graph, unsafe, self.rows, self.means.options)
        # The slack of boxes that can be neither closed nor halved.
        self._stuck: list[float] = []
        self._pace, self._clock = Pace(options.least, options.memory, options.group), ProcessorTime()
        side = partial(_beside, graph, self.rows, self._hard, self._observer.inside)
        self._side: Callable[[_Halved | _Worked], Any] = side
        self._abreast: Abreast[_Halved | _Worked, Any] = Abreast(self.means.workers)
        # Boxes that turns of hard work were for, and the share of all that is closed.
        self._worked_on, self._closed = 0, 0.0
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
            found = self._keep(bound_boxes(self.graph, self.rows, self.lower[None], self.upper[None], way), self._open)
        while self._waiting and not found:
            self.watch.on_progress(self._least(), self._waiting, self._visited)
            if deadline.passed():
                return self._outcome("the time limit was reached", resumable=True)
            if self._works_hard():
                found = self._work_on_largest(deadline)
            elif self._is_easy:
                batch = self._urgent()
                self._measure(batch)
                found = self._halve(batch, self._open, deadline)
            else:
                found = self._halve_group(deadline)
            if self._stuck and not found:
                return self._outcome("a box that has no float inside is left open", least=min(self._stuck))
        if found:
            ways = self._credits()
            return Outcome(False, -np.inf, self._visited, "a counterexample was found", refuted=True, ways=ways)
        self._observer.proved()
        return Outcome(True, 0.0, self._visited, share=1.0, ways=self._credits())

    def _products(self) -> int:
        """About how many multiplications one box takes: a forward pass for each free input, a backward one each row."""
        return self.graph.work * (2 * int(np.count_nonzero(moving(self.lower, self.upper))) + len(self.rows.limits) + 3)

    def _outcome(self, reason: str, least: float = math.inf, resumable: bool = False) -> Outcome:
        least = min(least, self._least())
        return Outcome(False, least, self._visited, reason, self._closed, resumable, ways=self._credits())

    def _credits(self) -> Credits:
        """What halving has closed, and splits of ReLUs."""
        ways = {BOXES: Credit(0.0, self._closed - self._by_relus)}
        return {**ways, RELUS: Credit(self._in_relus, self._by_relus)} if self._in_relus else ways

    @property
    def _waiting(self) -> int:
        return len(self._open) + len(self._group)

    def _least(self) -> float:
        return min(self._open.least(WORST), self._group.parts.least(WORST))

    @property
    def _is_easy(self) -> bool:
        """Whether boxes are halved only."""
        return self._visited < self.options.patience or not self._hard.can_work

    def _works_hard(self) -> bool:
        """Whether boxes are worked on hard next, and not halved."""
        return not self._is_easy and len(self._open) > 0 and self._pace.next() is HARD

    def _urgent(self) -> Boxes:
        """The boxes to halve next: the worst bounds, which close the gap, and those nearest to a counterexample."""
        half = -(-self._batch // 2)
        if len(self._open) > self.options.most_open:
            # Memory is short: the smallest ones, so that the search goes depth first.
            return self._open.take({SMALLEST: self._batch})
        key = WORST if self._visited < self.options.patience else LARGEST
        return self._open.take({key: half, NEAREST: self._batch - half})

    def _work_on_largest(self, deadline: Deadline) -> bool:
        """Work hard on the largest boxes, some turns on each, and split those that stay open; whether a counterexample
        was found."""
        began, cores = self._clock.elapsed(), self.means.workers.count
        count = min(max(self._worked_on // 4, self.options.hard_batch * cores), self.options.most_hard * cores)
        batch = self._open.take({LARGEST: count})
        found, left = self._work(batch, deadline, self.options.turns)
        self._worked_on += len(batch)
        self._pace.worked(len(batch) - len(left), self._clock.elapsed() - began)
        return found or self._halve(left, self._open, deadline)

    def _halve_group(self, deadline: Deadline) -> bool:
        """Split some of a group's boxes; whether a counterexample was found."""
        if not self._pace.has_group:
            size = min(self._pace.size, self._batch)
            self._group.begin(*self._open.take_keyed({LARGEST: -(-size // 2), NEAREST: size // 2}))
            self._pace.begin(len(self._group))
        # Where memory is short the smallest ones, so that the group goes depth first.
        near = self._batch // 2 if len(self._group) <= self.options.most_open else 0
        batch = self._group.parts.take({SMALLEST: self._batch - near, NEAREST: near})
        # What it takes to choose a way is for all boxes.
        self._measure(batch)
        began = self._clock.elapsed()
        found = self._halve(batch, self._group.parts, deadline)
        if self._pace.halved(len(self._group), self._clock.elapsed() - began):
            left = float(self._volumes(self._group.parts.all()[0]).sum())
            again = self._group.end(self._open)
            if again is not None:
                self._closed -= float(self._volumes(again).sum()) - left
                self._observer.reopen(again)
        return found

    def _keep(self, boxes: Boxes, among: OpenBoxes) -> bool:
        """Let the boxes that are open be among these; True if a counterexample was found in one."""
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
        among.add(boxes.bare(), keys)
        suspects = np.concatenate([refined[near <= 0], points[reached <= 0]])
        return len(suspects) > 0 and self.watch.try_points(suspects)

    def _reached(self, boxes: Boxes) -> FloatArray:
        """The slack at the points of the boxes, (2 batch,)."""
        return self.unsafe.slack(evaluate(self.graph, boxes.points))

    def _halve(self, batch: Boxes, among: OpenBoxes, deadline: Deadline) -> bool:
        """Split a batch and let what stays open be `among` these; True if a counterexample was found."""
        divisible = batch.divisible
        if not divisible.all():
            # Boxes no larger than a float's neighbourhood: splitting ReLUs has all the time there is.
            found, left = self._work(batch.take(~divisible), deadline)
            self._stuck += left.slack.tolist()
            if found or self._stuck:
                return found
            batch = batch.take(divisible)
        parts = [batch.take(share) for share in self.means.workers.shares(len(batch))]
        found = False
        for part, halves in zip(parts, self._all_halves(parts), strict=True):
            # Linear bounds of a part may be worse than those of the whole, which hold for it too.
            halves = replace(halves, slack=np.maximum(halves.slack, np.tile(part.slack, 2)))
            found = found or self._keep(self._observer.split(part, halves), among)
        return found

    def _measure(self, batch: Boxes) -> None:
        """Choose between ways to bound boxes, if it is time to, on some of a batch."""
        self._ways.measure(self.graph, self.rows, batch, self._reached, self._visited)

    def _all_halves(self, parts: list[Boxes]) -> list[Boxes]:
        """The halves of all boxes of each part, each on a core."""
        way = self._ways.way
        if way.known is None and way.device is CPU:
            return self._abreast.map([_Halved(part.bare(), way.backward) for part in parts], self._side)
        return self.means.workers.map(lambda part: halve(self.graph, self.rows, part, way), parts)

    def _work(self, batch: Boxes, deadline: Deadline, turns: float = math.inf) -> tuple[bool, Boxes]:
        """Work hard on boxes, so many turns on each; whether a counterexample was found, and the boxes left open."""
        left, began, seconds = [], time.monotonic(), deadline.remaining()
        shares = self.means.workers.shares(len(batch))
        parts = [_Worked(batch.low[share], batch.high[share], turns, seconds) for share in shares]
        works = [work for part in self._abreast.map(parts, self._side) for work in part]
        for i, work in enumerate(works):
            if len(work.points) and self.watch.try_points(work.points):
                return True, batch
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


@dataclass(frozen=True, eq=False)
class _Halved:
    """Boxes to be halved, forwards or `backward`."""

    boxes: Boxes
    backward: bool


@dataclass(frozen=True, eq=False)
class _Worked:
    """Boxes [low, high], each (batch, input_size), to be worked on hard: so many turns on each, and seconds in all."""

    low: FloatArray
    high: FloatArray
    turns: float
    seconds: float


def _beside(
    graph: Graph, rows: Rows, hard: HardBox, inside: Callable[[], InsideObserver], part: _Halved | _Worked
) -> Any:
    """What is done in a copy of the process, which knows nothing of the search itself."""
    if isinstance(part, _Halved):
        return halve(graph, rows, part.boxes, Way(part.backward))
    deadline = Deadline(part.seconds)
    ends = zip(part.low, part.high, strict=True)
    return [hard.work(low, high, Turns(part.turns, deadline), inside()) for low, high in ends]
