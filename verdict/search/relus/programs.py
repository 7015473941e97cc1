"""Linear programs for domains with most of their ReLUs split, where gradient steps no longer find good multipliers.

Near a tie dozens of splits leave bounds a little below zero: their multipliers would have to balance exactly, and the
bounds of split neurons away from zero count too, which no beta uses. The program over the triangles of the ReLUs that
are left (Ehlers 1705.01320) costs as much as some hundred splits, and closes what thousands of them would not.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from ...property import Polytope
from ...property.norms import norm_of
from .leaf import Multipliers, close_leaf
from .space import Domains, Space

# The share of the ReLUs that may be left unsplit at first; by how many more they may be after a program that closed its
# domain, and fewer after one that did not.
REACH, LONGER, SHORTER = 0.5, 1, 3
# What programs that closed nothing may take: so many seconds, or this share of the search's time if that is more.
LEAST_SECONDS, MOST_SHARE = 0.05, 0.1
# Where sides have followed a program is worth it if no more than this share of what the worst bound missed is missing.
NEAR = 0.01


class Programs:
    """The linear programs of one search; which domains are worth one follows from what the last ones achieved."""

    def __init__(self, space: Space) -> None:
        # No linear program says what a round ball is.
        ball = space.bounds.ball
        can_say = ball is None or norm_of(ball.norm).is_polyhedral
        self._space, self._reach = space, int(REACH * space.size) if can_say else 0
        # What the worst bound has missed zero by.
        self._missing = 0.0
        # When the search began, and what was spent in vain.
        self._began, self._wasted = time.monotonic(), 0.0
        # The solver works in this process, on one domain at a time.
        self._lock = threading.Lock()

    def close(
        self, domains: Domains, polytopes: list[Polytope], stop: Callable[[], bool]
    ) -> dict[int, Multipliers]:
        """Proofs of some of the open domains, by their number and ascending, until `stop` returns True; domain i is
        about `polytopes[i]`."""
        left, proofs = np.count_nonzero(domains.signs == 0, axis=1), {}
        # Sides that follow from bounds come by the dozen: without halvings only a small miss tells of a tie.
        self._missing = max(self._missing, float(-domains.lower.min(initial=0)))
        near, unhalved = -domains.lower <= NEAR * self._missing, self._space.size - domains.depth
        for at in np.flatnonzero(~(domains.lower > 0) & (left > 0)).tolist():
            if (left if near[at] else unhalved)[at] > self._reach:
                continue
            with self._lock:
                began = time.monotonic()
                if stop() or self._wasted > max(LEAST_SECONDS, MOST_SHARE * (began - self._began)):
                    break
                proof, _ = close_leaf(self._space, domains.signs[at], polytopes[at])
                if proof is None:
                    self._wasted += time.monotonic() - began
                self._reach = max(0, self._reach + (-SHORTER if proof is None else LONGER))
                if proof is not None:
                    proofs[at] = proof
        return proofs
