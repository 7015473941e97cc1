"""The open domains, worst first; depth first once there are too many of them.

A domain is kept as its place in the batch that it came in, so nothing is copied until it is taken out.
"""

from __future__ import annotations

import heapq
import itertools

import numpy as np

from .space import Domains


class DomainQueue:
    """Open domains of at most `most` numbers in all; beyond it the deepest of the best are taken first.

    Best-first search keeps the least lower bound honest, but its frontier grows without end. Taking the domains with
    the greatest bounds first empties the queue instead. With `by_radius` domains are ordered by the radius that they
    reach, and by their bounds where that is the same.
    """

    def __init__(self, most: int, by_radius: bool = False) -> None:
        self._most, self._by_radius, self._ticket = most, by_radius, itertools.count()
        self._heap: list[tuple[float, float, int, Domains, int]] = []

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def least(self) -> float:
        """The least lower bound, or radius, of the open domains; infinite when there are none."""
        return self._heap[0][0] if self._heap else float("inf")

    def push(self, domains: Domains) -> None:
        first = domains.reach if self._by_radius else domains.lower
        for i, (key, lower) in enumerate(zip(first.tolist(), domains.lower.tolist(), strict=True)):
            heapq.heappush(self._heap, (key, lower, next(self._ticket), domains, i))

    def pop(self, count: int) -> Domains:
        """Up to `count` domains, removed."""
        count = min(count, len(self._heap))
        if len(self._heap) * self._heap[0][3].signs.shape[1] > self._most:
            self._heap.sort()
            picked = [self._heap.pop() for _ in range(count)]
        else:
            picked = [heapq.heappop(self._heap) for _ in range(count)]
        taken = ([values[i] for values in domains.fields] for *_, domains, i in picked)
        return Domains(*map(np.array, zip(*taken, strict=True)))
