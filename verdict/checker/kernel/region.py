"""Proved bounds of all neurons on a batch of boxes, or of boxes cut by splits of neurons."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..functions.planes import Ends, Planes, planes
from ..network import Product
from ..readers.ball import Ball
from .tree import Leaves

# A factor above the rounding of any sum of fewer than 2**30 non-negative floats.
MORE = 1 + 2.0**-20


@dataclass(frozen=True, eq=False)
class Pieces:
    """A batch of boxes [low, high] (batch, inputs), cut by splits of neurons to `cuts` (2, batch, neurons; None: by
    none) and by an L1 or L2 `ball`. A `reduction` (`small/`) grows with the bounds of one box, and finds them as far as
    it goes."""

    low: Any
    high: Any
    cuts: Any = None
    ball: Ball | None = None
    reduction: Any = None


@dataclass(eq=False)
class Region:
    """`low[i]`, `high[i]`: float64 (batch, size of node i), proved. `empty` (batch,): nothing lies in it. With a `ball`
    of the L1 or L2 norm only the inputs in it count."""

    low: dict[int, Any]
    high: dict[int, Any]
    empty: Any
    ball: Ball | None = None
    _sizes: dict[int, Any] = field(default_factory=dict)
    _totals: dict[int, Any] = field(default_factory=dict)
    _planes: dict[int, Planes] = field(default_factory=dict)

    def size(self, number: int) -> Any:
        """The largest magnitudes (batch, size)."""
        if number not in self._sizes:
            self._sizes[number] = np.maximum(np.abs(self.low[number]), np.abs(self.high[number]))
        return self._sizes[number]

    def total(self, number: int) -> Any:
        """The sum of the largest magnitudes (batch,), not below the exact one."""
        if number not in self._totals:
            self._totals[number] = self.size(number).sum(axis=1) * MORE
        return self._totals[number]

    def factors(self, node: Product) -> tuple[Ends, Ends]:
        """The ends of both factors of a product."""
        return (self.low[node.left], self.high[node.left]), (self.low[node.right], self.high[node.right])

    def planes(self, number: int, node: Product) -> Planes:
        """The planes of node `number`, a product."""
        if number not in self._planes:
            self._planes[number] = planes(*self.factors(node))
        return self._planes[number]

    def within(self, low: Any, high: Any) -> Region:
        """A region of its own, to be cut further, on a box [low, high] (inputs,) within it."""
        return Region({**self.low, 0: low[None]}, {**self.high, 0: high[None]}, self.empty.copy(), self.ball)

    def on(self, leaves: Leaves) -> Region:
        """The region cut to the boxes of leaves within it."""
        if leaves.whole:
            return self
        return Region({**self.low, 0: leaves.low}, {**self.high, 0: leaves.high}, self.empty, self.ball)

    def set(self, number: int, low: Any, high: Any) -> None:
        """Replace the bounds of a node."""
        self.low[number], self.high[number] = low, high
        self._sizes.pop(number, None)
        self._totals.pop(number, None)
        self._planes.clear()

    def meet(self, number: int, low: Any, high: Any) -> None:
        """Sharpen the bounds of a node by others that are proved too."""
        low, high, crossed = meet((self.low[number], self.high[number]), (low, high))
        self.empty |= crossed
        self.set(number, low, high)


def meet(one: tuple[Any, Any], other: tuple[Any, Any]) -> tuple[Any, Any, Any]:
    """What two pairs of bounds (batch, size) say together, and where they leave nothing, (batch,).

    Bounds that cross are put in order: of nothing, any bounds are true.
    """
    low, high = np.maximum(one[0], other[0]), np.minimum(one[1], other[1])
    return np.minimum(low, high), np.maximum(low, high), (low > high).any(axis=1)
