"""One box of an input split worked on hard: its ReLUs are split.

That costs as much as bounding some boxes and replaces whole subtrees where halving makes no progress, as around points
where the unsafe set is almost touched: there few ReLUs are unstable, and the slopes and multipliers of a handful of
splits see what many boxes do not. Whether it pays, `pace` measures as the search goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...base.deadline import Deadline
from ...bounds.backward import output_bounds
from ...bounds.linear import linear_bounds
from ...network.exact import FloatArray
from ...network.functions import Feature
from ...network.graph import Graph
from ...property import UnsafeSet
from ..means import Means
from ..observer import InsideObserver, Watch
from ..options import DEFAULTS, SearchOptions
from ..relus.mean_row import with_mean
from ..relus.relu_split import ReluSplit
from ..rows import Rows


class Turns(Deadline):
    """So many looks at a clock that also shows `deadline`: a limit that other work on the machine does not move."""

    def __init__(self, turns: float, deadline: Deadline) -> None:
        super().__init__(deadline.remaining())
        self.turns = turns

    def passed(self) -> bool:
        self.turns -= 1
        return self.turns < 0 or super().passed()


@dataclass(frozen=True, eq=False)
class Work:
    """Whether the box is proved safe, points of it that look unsafe, (k, input_size), and who has watched."""

    closed: bool
    points: FloatArray
    observer: InsideObserver


class HardBox:
    """Works on boxes of one network and unsafe set, on which one polytope is left."""

    def __init__(self, graph: Graph, unsafe: UnsafeSet, rows: Rows, options: SearchOptions = DEFAULTS) -> None:
        self.graph, self.unsafe, self.rows = graph, unsafe, rows
        # A linear program costs more than halving the box.
        self.options = replace(options, relus=replace(options.relus, programs=False))

    @property
    def can_work(self) -> bool:
        """Whether splits of neurons leave nothing to relax."""
        return self.graph.has(Feature.ON_OFF)

    def work(self, low: FloatArray, high: FloatArray, deadline: Deadline, observer: InsideObserver) -> Work:
        """Split neurons on the box [low, high] until it is closed or the time is up, where they can be split."""
        if not self.can_work:
            return Work(False, low[None][:0], observer)
        bounds = linear_bounds(self.graph, low[None], high[None])
        bound = output_bounds(self.graph, bounds, self.rows.matrix)
        margins, weights = self.rows.margins(bound, low[None], high[None])
        left = int(margins[0].argmin())
        points = [low[None][:0]]
        if (np.delete(margins[0], left) <= 0).any():
            return Work(False, points[0], observer)

        def note(suspects: FloatArray) -> bool:
            points.append(suspects)
            return True

        polytope, means = with_mean(self.unsafe.polytopes[left], weights[0, self.rows.of(left)])
        search = ReluSplit(self.graph, bounds, [polytope], Watch(note, proof=observer), Means(options=self.options))
        outcome = search.run(deadline)
        closed = outcome.proved
        if closed:
            search.finish(deadline, 0.0)
            closed = observer.closed(self.rows.of(left), means, weights[0])
        return Work(closed, np.concatenate(points), observer)
