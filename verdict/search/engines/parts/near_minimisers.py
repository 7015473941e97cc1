"""Witnesses near the minimisers of planes, in turn with the proofs that leave them.

Where the latest domains have their minimisers is looked at once enough of them are new, for a share of the time; the
less it finds the longer it waits.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from ....base.deadline import ProcessorTime
from ....network.exact import FloatArray
from ...points.downhill import seek_downhill
from ...radius import RadiusSearch
from ...relus.edge_tree import EdgeTree

# Witnesses are looked for at the minimisers of so many of the latest domains, once so many are new, in this share of
# the time.
REMEMBERED, ENOUGH, SEEKING = 32, 12, 0.25
# One look takes at most this share of the time left.
LOOK_SHARE = 0.1


class NearMinimisers:
    """What is known of minimisers, with the numbers of the polytopes that they are of, and the seconds `spent`."""

    def __init__(self, search: RadiusSearch) -> None:
        self._search, self.spent = search, 0.0
        self._known: deque[tuple[int, FloatArray]] = deque(maxlen=REMEMBERED)
        # How many are new since the last look, and how many have to be for the next.
        self._new, self._wait = 0, ENOUGH

    @property
    def are_enough(self) -> bool:
        """Whether a first look is worth it."""
        return self._new >= ENOUGH

    def learn(self, tree: EdgeTree, numbers: list[int]) -> None:
        """Take the minimisers of a tree about the polytopes with these numbers."""
        for row, point in tree.minimisers():
            self._known.append((numbers[row], point))
            self._new += 1

    def is_due(self, spent: float) -> bool:
        """Whether it is time for a look, where planes have worked for so many seconds."""
        return self._new >= self._wait and self.spent <= SEEKING * spent

    def seek(self) -> bool:
        """Look for a nearer witness; whether one was found."""
        if not self._known:
            return False
        stopwatch = ProcessorTime()
        points = np.array([point for _, point in self._known])
        polytopes = [self._search.unsafe.polytopes[number] for number, _ in self._known]
        clock = self._search.deadline.share(LOOK_SHARE, math.inf)
        is_nearer = seek_downhill(self._search, points, polytopes, clock)
        self._new, self._wait = 0, ENOUGH if is_nearer else 2 * self._wait
        self.spent += stopwatch.elapsed()
        return is_nearer
