"""One box of an input split worked on hard: its ReLUs are split.

That costs as much as bounding some boxes and replaces whole subtrees where halving makes no progress, as around points
where the unsafe set is almost touched: there few ReLUs are unstable, and the slopes and multipliers of a handful of
splits see what many boxes do not. Whether it pays, `input_split` measures as it goes on.
"""

from __future__ import annotations

import numpy as np

from ..bounds.bounds import Bounds
from ..bounds.linear import linear_bounds, output_bounds
from ..deadline import Deadline
from ..network.exact import FloatArray
from ..network.graph import Graph
from ..property import Polytope, UnsafeSet
from .mean_row import best_mean, with_mean
from .relu_split import ReluSplit
from .workers import Workers


class HardBox:
    """Works on boxes of one network and unsafe set."""

    def __init__(self, graph: Graph, unsafe: UnsafeSet) -> None:
        self.graph, self.unsafe = graph, unsafe

    def work(self, low: FloatArray, high: FloatArray, deadline: Deadline) -> tuple[bool, FloatArray]:
        """Whether the box [low, high] is proved safe, and points of it that look unsafe, (k, input_size)."""
        bounds = linear_bounds(self.graph, low[None], high[None])
        points = [low[None][:0]]

        def note(suspects: FloatArray) -> bool:
            points.append(suspects)
            return True

        polytopes = [self._with_mean(bounds, p) for p in self.unsafe.polytopes]
        outcome = ReluSplit(self.graph, bounds, polytopes, Workers(1), note).run(deadline)
        return outcome.proved, np.concatenate(points)

    def _with_mean(self, bounds: Bounds, polytope: Polytope) -> Polytope:
        """The polytope with the mean of its rows that linear bounds exclude best on the box of `bounds`."""
        if len(polytope.offset.values) == 1:
            return polytope
        bound = output_bounds(self.graph, bounds, polytope.matrix.values)
        _, weights = best_mean(bound, polytope.offset.values, bounds.lower[0], bounds.upper[0])
        return with_mean(polytope, weights[0])
