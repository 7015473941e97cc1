"""Branch and bound on the input box inside the reduced form, for large networks with few inputs.

Halving a box makes every hidden neuron's interval smaller, which the splits of single neurons cannot do, but bounding
them anew in a large network takes seconds. In the reduced form of the first box (`bounds.zoom`) it takes as long as the
neurons that are unstable ask for, and the deeper a box lies the fewer those are. Depth first, so that few forms are
kept at a time.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...answer.credit import ZOOM, Credit, Credits
from ...base.deadline import Deadline
from ...bounds.reduced import scale_of, unscaled
from ...bounds.walk import LinearBound
from ...bounds.zoom import Zoom, narrowed
from ...network.evaluate import evaluate
from ...network.exact import FloatArray
from ...network.graph import Graph
from ...property import UnsafeSet
from ..first_box import FirstBox
from ..means import Means
from ..observer import Watch
from ..outcome import Outcome
from ..rows import Rows

# A form of its own for a box that leaves at most this share of the ReLUs of its form unstable.
SHRUNK = 0.8
# The most halvings at once; what a halving leaves of a bound's error, before that is known, and the weight of the
# latest one in what is known.
MOST, LEFT, MEMORY = 3, 0.7, 0.1
# An error of so many times what rounding is charged with will not shrink much.
SPOILT = 2.0
# Halvings beyond which it makes no difference how many more there are.
FAR = 60.0


@dataclass(frozen=True, eq=False)
class _Box:
    """A box with bounds: the margins of its polytopes, (polytopes,), of which one above 0 excludes, and the weights
    (rows,) of the means of rows that do; what halving along each input would gain, about, (inputs,); a point that looks
    worst, and how far above the bound the network is there; what rounding has to do with that; its number in a proof
    tree."""

    zoom: Zoom
    margins: FloatArray
    weights: FloatArray
    effect: FloatArray
    point: Any
    error: float
    rounding: float
    node: int = 0

    @property
    def slack(self) -> float:
        return float(self.margins.min())

    @property
    def is_spent(self) -> bool:
        """Whether float32 can tell no more of it."""
        return not self.zoom.divisible.any() or self.error < SPOILT * self.rounding


class ZoomSplit:
    """The search for inputs of the `first` box that reach the `unsafe` set; `watch` has the listeners."""

    name = ZOOM
    needs = 0.0

    def __init__(self, graph: Graph, first: FirstBox, unsafe: UnsafeSet, watch: Watch, means: Means) -> None:
        self.graph, self.unsafe, self.watch, self.means = graph, unsafe, watch, means
        self.rows, self._first = Rows(unsafe), first
        self._open: list[_Box] = []
        self._spent_boxes: list[_Box] = []
        self._visited, self._share, self._left, self._spent = 0, 0.0, LEFT, 0.0
        self._observer = watch.proof.boxes(graph, unsafe, self.rows, again=True)

    def run(self, deadline: Deadline) -> Outcome:
        """Search until no box is left, a counterexample is found, or `deadline` has passed; then it may go on."""
        found = False
        if not self._visited:
            root = self._root()
            if root is None:
                return Outcome(False, -np.inf, 0, "no reduced form of the network is small enough")
            found = self._keep([root])
        while self._open and not found:
            self.watch.on_progress(self._open[-1].slack, len(self._open), self._visited)
            # Before the first cut nobody knows what a halving leaves, so that belongs to the start.
            if self._visited > 1 and deadline.passed():
                return self._outcome("the time limit was reached", resumable=True)
            started = time.process_time()
            # The deepest boxes, one for each core.
            batch = [self._open.pop() for _ in range(min(self.means.workers.count, len(self._open)))]
            parents = self.means.workers.map(_own_form, batch)
            most = MOST if self._visited > 1 else 1
            cuts = [self._cut(parent, min(int(self._needs(parent)), most)) for parent in parents]
            parts = [(parent, *part) for parent, cut in zip(parents, cuts, strict=True) for part in cut]
            boxes = self.means.workers.map(lambda part: self._looked_at(part[1].bounded(), part[0], part[2]), parts)
            self._learn([parent for parent, *_ in parts], boxes)
            found = self._keep(boxes)
            self._spent += time.process_time() - started
        if found:
            ways = self._credits()
            return Outcome(False, -np.inf, self._visited, "a counterexample was found", refuted=True, ways=ways)
        if self._spent_boxes:
            return self._outcome("float32 cannot tell whether some boxes are safe")
        self._observer.proved()
        return Outcome(True, 0.0, self._visited, share=1.0, ways=self._credits())

    def _credits(self) -> Credits:
        return {ZOOM: Credit(0.0, self._share)}

    def _outcome(self, reason: str, resumable: bool = False) -> Outcome:
        least = min(box.slack for box in [*self._open, *self._spent_boxes])
        # Boxes that the open ones will be cut into, counting those on the way.
        ahead = sum(2.0 ** (1 + min(self._needs(box), FAR)) for box in self._open) * self._spent / self._visited
        return Outcome(False, least, self._visited, reason, self._share, resumable, ways=self._credits(), ahead=ahead)

    def _root(self) -> _Box | None:
        """The first box, bounded in its own reduced form; None where that is too large."""
        workers = self.means.workers
        form = self._first.form(self.rows.matrix, self.means.options.relus.most_reduced, workers)
        if form is None:
            return None
        started = time.process_time()
        root = self._looked_at(Zoom.of(form).bounded())
        self._spent = time.process_time() - started
        return root

    def _needs(self, box: _Box) -> float:
        """How often a box has to be halved to come above 0, as its error shrinks; at least once."""
        target = box.slack + box.error
        if not (target > 0 and np.isfinite(box.error)):
            return FAR
        return max(1.0, math.log(box.error / target) / -math.log(self._left))

    def _learn(self, parents: list[_Box], boxes: list[_Box]) -> None:
        """What a halving leaves of the error, from these boxes and those that they are parts of."""
        for parent, box in zip(parents, boxes, strict=True):
            if 0 < box.error < parent.error < math.inf:
                left = (box.error / parent.error) ** (1 / (box.zoom.depth - parent.zoom.depth))
                self._left += MEMORY * (left - self._left)

    def _looked_at(self, zoom: Zoom, parent: _Box | None = None, node: int = 0) -> _Box:
        """The box with its margins, as far as those of the box that it is a part of do not exclude polytopes."""
        # A proof excludes all of them on each box, where CROWN's slopes are others.
        parent = None if self.watch.proof.wants_splits else parent
        known = np.full(len(self.rows.counts), -np.inf) if parent is None else parent.margins
        rows = np.flatnonzero((known <= 0)[self.rows.owner])
        bound, rounding = zoom.rows(rows)
        shape = (1, len(self.rows.limits))
        lower, constant = np.full(shape, np.inf, np.float32), np.zeros(shape, np.float32)
        slope = np.zeros((*shape, zoom.form.inputs), np.float32)
        lower[:, rows], slope[:, rows], constant[:, rows] = bound.lower, bound.slope, bound.constant
        ends = (zoom.center - zoom.radius)[None], (zoom.center + zoom.radius)[None]
        found, weights = (values[0] for values in self.rows.margins(LinearBound(lower, slope, constant), *ends))
        margins = np.maximum(known, found)
        if parent is not None:
            weights = np.where((known > 0)[self.rows.owner], parent.weights, weights)
        decisive = int(self.rows.decisive(lower)[0])
        point = unscaled(self._first.bounds, zoom.least_point(slope[0, decisive]))
        error = float(self.unsafe.slack(evaluate(self.graph, point))[0] - margins.min())
        wrong = float(rounding[rows == decisive].sum())
        effect = np.zeros(zoom.form.inputs)
        if not margins.min() > 0:
            effect = (zoom.on_halves(decisive) - lower[0, decisive]).mean(axis=1)
        return _Box(zoom, margins, weights, effect, point[0], error, wrong, node)

    def _keep(self, boxes: list[_Box]) -> bool:
        """Queue the boxes that are open; True if a counterexample was found in one."""
        self._visited += len(boxes)
        left = [box for box in boxes if not box.slack > 0]
        for box in boxes:
            if box.slack > 0:
                self._share += 0.5**box.zoom.depth
                self._observer.exclude(box.node, box.weights)
        self._spent_boxes += [box for box in left if box.is_spent]
        self._open += [box for box in left if not box.is_spent]
        # The deepest last, and of them the one that is nearest to being closed.
        self._open.sort(key=lambda box: (box.zoom.depth, box.slack))
        near = np.array([box.point for box in boxes if box.slack + box.error <= 0])
        return len(near) > 0 and self.watch.try_points(near)

    def _cut(self, box: _Box, halvings: int) -> list[tuple[Zoom, int]]:
        """The parts of a box that is halved so often, along the inputs where that gains most, and their numbers; fewer
        where these have no float between their ends."""
        effect = np.where(np.isfinite(box.effect), box.effect, 0)
        # Where nothing is known, as after an overflow, the widest one.
        effect = effect if effect.any() else box.zoom.radius.copy()
        parts = [(box.zoom, box.node)]
        for _ in range(halvings):
            able = parts[0][0].divisible
            if not able.any():
                break
            coordinate = int(np.where(able, effect, -1).argmax())
            effect[coordinate] /= 2
            halves = []
            for zoom, node in parts:
                nodes = self._observer.halve(node, *self._place(zoom, coordinate))
                halves += [(zoom.half(coordinate, side), at) for side, at in zip((-1, 1), nodes, strict=True)]
            parts = halves
        return parts

    def _place(self, zoom: Zoom, coordinate: int) -> tuple[int, float]:
        """The input, and its value, at which a box is halved along one of the scaled inputs."""
        center, width = scale_of(self._first.bounds)
        at = int(np.flatnonzero(width > 0)[coordinate])
        return at, float(center[at] + width[at] * zoom.center[coordinate])


def _own_form(box: _Box) -> _Box:
    """The box in a form of its own, where that is much smaller."""
    if box.zoom.unstable > SHRUNK * box.zoom.form.count:
        return box
    return replace(box, zoom=narrowed(box.zoom))
