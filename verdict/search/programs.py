"""Linear programs for domains with most of their ReLUs split, where gradient steps no longer find good multipliers.

Near a tie dozens of splits leave bounds a little below zero: their multipliers would have to balance exactly, and the
bounds of split neurons away from zero count too, which no beta uses. The program over the triangles of the ReLUs that
are left (Ehlers 1705.01320) costs as much as some hundred splits, and closes what thousands of them would not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from ..property import Polytope
from .leaf import Multipliers, close_leaf
from .space import Domains, Space

# The share of the ReLUs that may be left unsplit at first; by how many more they may be after a program that closed its
# domain, and fewer after one that did not.
REACH, LONGER, SHORTER = 0.5, 1, 3


class Programs:
    """The linear programs of one search; which domains are worth one follows from what the last ones achieved."""

    def __init__(self, space: Space) -> None:
        # No linear program says what a ball is.
        self._space, self._reach = space, int(REACH * space.size) if space.bounds.ball is None else 0
        # The solver works in this process, on one domain at a time.
        self._lock = threading.Lock()

    def close(
        self, domains: Domains, polytopes: list[Polytope], stop: Callable[[], bool]
    ) -> dict[int, Multipliers]:
        """Proofs of some of the open domains, by their number and ascending, until `stop` returns True; domain i is
        about `polytopes[i]`."""
        # Sides that follow from bounds come by the dozen: only halvings count.
        left, proofs = self._space.size - domains.depth, {}
        unsplit = (domains.signs == 0).any(axis=1)
        for at in np.flatnonzero(~(domains.lower > 0) & unsplit).tolist():
            if left[at] > self._reach:
                continue
            with self._lock:
                if stop():
                    break
                proof, _ = close_leaf(self._space, domains.signs[at], polytopes[at])
                self._reach = max(0, self._reach + (-SHORTER if proof is None else LONGER))
                if proof is not None:
                    proofs[at] = proof
        return proofs
