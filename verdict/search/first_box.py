"""The bounds of the box that is asked about, found when a search first needs them.

Where backward bounds of a large network take many seconds, a search over boxes with forward bounds may be done before.
So they are left to the searches that rest on them, which share them.
"""

from __future__ import annotations

from ..base.deadline import Deadline
from ..base.workers import Workers
from ..bounds.bounds import Bounds
from ..bounds.combined import combined_bounds
from ..bounds.forward import Forward
from ..bounds.growing import Growing
from ..bounds.reduce import reduce
from ..bounds.reduced import Reduced
from ..network.exact import FloatArray
from ..network.functions import Feature
from ..network.graph import Graph

# The share of the time left that they may take, and without a time limit the seconds.
SHARE, MOST = 0.25, 60.0


class FirstBox:
    """The `bounds` of all nodes on one box, which are to be completed where they are rough: in a reduced form of at
    most so many coefficients, where there is one."""

    def __init__(
        self, graph: Graph, bounds: Bounds, deadline: Deadline, is_rough: bool = False, most: int = 0
    ) -> None:
        self.bounds, self.is_rough = bounds, is_rough
        self._graph, self._deadline = graph, deadline
        self._most = most
        self._growing: Growing | None = None

    def completed(self, workers: Workers) -> Bounds:
        """The bounds, as good as one pass makes them in a share of the time left."""
        if self.is_rough:
            self.is_rough = False
            clock, how = self._deadline.share(SHARE, MOST), Forward(known=self.bounds)
            if self._most and self._graph.has(Feature.ON_OFF):
                self._growing = Growing(self._graph, self.bounds, self._graph.output, self._most, workers)
            growing = self._growing
            self.bounds = combined_bounds(self._graph, self.bounds, how, clock.passed, workers, growing).bounds
        return self.bounds

    def form(self, rows: FloatArray, most: int, workers: Workers) -> Reduced | None:
        """The reduced form of `rows` of the output over the box; None where it would be too large."""
        bounds = self.completed(workers)
        found = None if self._growing is None else self._growing.finished(bounds, rows)
        if found is not None:
            return found
        return reduce(self._graph, bounds, self._graph.output, rows, most, workers)
