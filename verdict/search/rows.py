"""The rows of all polytopes of an unsafe set in one matrix, and which polytopes a batch of bounds excludes.

A polytope is excluded when one of its rows is positive on the whole box; an unsafe set when all its polytopes are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..bounds.walk import LinearBound
from ..property import UnsafeSet
from .relus.mean_row import best_mean

# Polytopes with more rows are excluded by single rows only.
MOST_ROWS = 32


class Rows:
    """The rows of all polytopes of an unsafe set, stacked, and which polytopes a batch of bounds excludes."""

    def __init__(self, unsafe: UnsafeSet) -> None:
        self.matrix = np.concatenate([p.matrix.values for p in unsafe.polytopes])
        # An exclusion must hold against the exact offset, of which the float is a rounding.
        self.limits = np.nextafter(np.concatenate([p.offset.values for p in unsafe.polytopes]), np.inf)
        self.counts = np.array([len(p.offset.values) for p in unsafe.polytopes])
        self.starts = np.cumsum(self.counts) - self.counts
        # The polytope that each row belongs to.
        self.owner = np.repeat(np.arange(len(self.counts)), self.counts)
        # Whether float32 is worth a look; see `boxes.is_spoilt`.
        self.is_single = bool((self.matrix == self.matrix.astype(np.float32)).all())
        # What float32's rounding takes away from a slack, as far as the search has seen; see `boxes.bound_boxes`.
        self.rounding = 0.0

    def limits_in(self, dtype: Any) -> Any:
        """The limits in another float type, rounded up."""
        return np.nextafter(self.limits.astype(dtype), dtype.type(np.inf))

    @property
    def quick(self) -> Any:
        """The float type for the first look: float32 where it holds the rows exactly and its rounding is small."""
        return np.float32 if self.is_single else np.float64

    def slack(self, lower: Any) -> Any:
        """For bounds (batch, rows): the least over polytopes of the best row's margin; > 0 excludes all."""
        return self._best(self._margins(lower)).min(axis=1)

    def margins(self, bound: LinearBound, low: Any, high: Any) -> tuple[Any, Any]:
        """Of each polytope (batch, polytopes) what its best row, or weighted mean of rows, exceeds 0 by at least on the
        boxes [low, high], and the weights (batch, rows) of the means; 0 for polytopes that a single row excludes.

        Inside a polytope all rows are at most 0, and so is every mean with weights >= 0: one that is positive on the
        box excludes the polytope where no single row does. The bound's own linear functions are averaged, in
        float64, so no pass through the network is needed.
        """
        best = self._best(self._margins(bound.lower)).astype(np.float64)
        weights = np.zeros(bound.lower.shape)
        for polytope, count in enumerate(self.counts):
            at = np.flatnonzero(best[:, polytope] <= 0)
            if not 1 < count <= MOST_ROWS or not len(at):
                continue
            mean, shares = self.best_mean(polytope, bound, low, high, at)
            best[at, polytope] = np.maximum(best[at, polytope], mean)
            weights[at, self.of(polytope)] = shares
        return best, weights

    def best_mean(self, polytope: int, bound: LinearBound, low: Any, high: Any, boxes: Any) -> tuple[Any, Any]:
        """See `mean_row`: for one polytope, on some of the boxes [low, high] that `bound` is about."""
        own = self.of(polytope)
        part = LinearBound(bound.lower[boxes, own], bound.slope[boxes, own], bound.constant[boxes, own])
        return best_mean(part, self.limits[own], low[boxes], high[boxes])

    def of(self, polytope: int) -> slice:
        """The places of one polytope's rows."""
        return slice(self.starts[polytope], self.starts[polytope] + self.counts[polytope])

    def _margins(self, lower: Any) -> Any:
        """How far bounds (batch, rows) exceed their limits."""
        return lower - self.limits_in(lower.dtype)

    def _best(self, margins: Any) -> Any:
        """The margin of each polytope's best row, (batch, polytopes)."""
        return np.maximum.reduceat(margins, self.starts, axis=1)

    def decisive(self, lower: Any) -> Any:
        """For each box the row of the polytope that is hardest to exclude, its best one."""
        return self.best_rows(lower, self._best(self._margins(lower)).argmin(axis=1))

    def best_rows(self, lower: Any, polytope: Any) -> Any:
        """For each box the best row of its polytope, both (batch,)."""
        return np.where(self.owner == polytope[:, None], self._margins(lower), -np.inf).argmax(axis=1)
