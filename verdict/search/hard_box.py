"""One box of an input split worked on hard: its hidden neurons sharpened, its ReLUs split.

That costs as much as bounding dozens of boxes and replaces whole subtrees where halving makes no progress, as around
points where the unsafe set is almost touched. Whether it pays depends on how many ReLUs are unstable, and is measured
as the search goes on.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from ..bounds.linear import linear_bounds
from ..deadline import Deadline
from ..network.exact import FloatArray
from ..network.graph import Graph
from ..property import UnsafeSet
from .relu_split import ReluSplit
from .sharpen import sharpen
from .workers import Workers

# How hard: splits per hidden neuron, gradient steps at the roots, seconds for splitting ReLUs.
ROUNDS, STEPS, SECONDS = 2, 8, 0.03
# Boxes whose numbers of unstable ReLUs differ by less than this are taken to be alike; the share of them that must
# close for the work to pay; with more unstable ReLUs than that it is not even tried.
SIMILAR, WORTH, MOST = 16, 0.4, 400


class HardBox:
    """Works on boxes of one network and unsafe set, and remembers for which it was worth while."""

    def __init__(self, graph: Graph, unsafe: UnsafeSet) -> None:
        self.graph, self.unsafe = graph, unsafe
        self._tried: Counter[int] = Counter()
        self._closed: Counter[int] = Counter()

    def is_promising(self, low: FloatArray, high: FloatArray) -> bool:
        """Whether boxes with as many unstable ReLUs have closed often enough; untried sizes go by smaller ones."""
        unstable = linear_bounds(self.graph, low[None], high[None]).unstable(self.graph)
        if unstable > MOST:
            return False
        size = unstable // SIMILAR
        while size > 0 and not self._tried[size]:
            size -= 1
        return self._closed[size] + 1 >= WORTH * (self._tried[size] + 1)

    def work(self, low: FloatArray, high: FloatArray, deadline: Deadline) -> tuple[bool, FloatArray]:
        """Whether the box [low, high] is proved safe, and points of it that look unsafe, (k, input_size)."""
        bounds = linear_bounds(self.graph, low[None], high[None])
        size = bounds.unstable(self.graph) // SIMILAR
        points = [low[None][:0]]

        def note(suspects: FloatArray) -> bool:
            points.append(suspects)
            return True

        alone = Workers(1)
        bounds = sharpen(self.graph, bounds, ROUNDS, alone, deadline.passed, root_steps=STEPS)
        search = ReluSplit(self.graph, bounds, list(self.unsafe.polytopes), alone, note)
        outcome = search.run(deadline.share(1.0, SECONDS))
        self._tried[size] += 1
        self._closed[size] += outcome.proved
        return outcome.proved, np.concatenate(points)
