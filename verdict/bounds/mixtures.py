"""Planes around products that climb: mixtures of McCormick's two planes of each side, optimised like slopes of lines.

Below x y on a box lie the planes that touch it at both lower ends and at both upper ends, and so does every mixture of
them; above it those that touch it at the two other corners. A plane with share s turns as s grows, and the bound gains
nu (x - p) (d slope / d s) for each unit of s, summed over both factors, where x is where the relaxed network has the
factor and p the corner at which the plane meets the product: the gradient of `tangents.py`, for two variables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..network.graph import Graph
from ..network.maps.namespace import namespace, negative, positive
from .adam import Adam
from .bounds import Bounds
from .planes import Ends, Planes, mixed_planes

# Adam's first rate, of shares in [0, 1].
RATE = 0.25
# Shares are multiples of 1/255, which a certificate stores as bytes.
GRID = 255


class Mixture:
    """The planes of one product node for a batch of bounds, each with shares (batch, size) of its own; `shares` are
    those to begin with, below and above."""

    def __init__(self, factors: tuple[Ends, Ends], shares: tuple[Any, Any]) -> None:
        self._factors, self.below, self.above = factors, *shares
        self._adam = Adam(self.below, RATE), Adam(self.above, RATE)

    def resume(self, states: Sequence[tuple[Any, ...] | None]) -> None:
        """Begin with these shares, by member of the batch, where they are known; NumPy."""
        for k, state in enumerate(states):
            if state is not None:
                self.below[k], self.above[k] = state[:2]

    @property
    def state(self) -> tuple[Any, ...]:
        """The shares below and above."""
        return self.below, self.above

    def planes(self) -> Planes:
        """As they are now: they hold the product."""
        return mixed_planes(*self._factors, self.below, self.above)

    def step(self, nu: Any, pre: tuple[Any, Any]) -> None:
        """One step uphill; `nu` (batch, size) met the product, `pre` are the minimiser's factors, both of the `planes`
        that were asked for last."""
        planes = self.planes()
        self.below = self._moved(0, self.below, positive(nu), planes.below, pre)
        self.above = self._moved(1, self.above, negative(nu), planes.above, pre)

    def _moved(self, which: int, shares: Any, nu: Any, slopes: tuple[Any, Any], pre: tuple[Any, Any]) -> Any:
        (left, right), (x, y), sign, xp = self._factors, pre, 1 - 2 * which, namespace(nu)
        with np.errstate(invalid="ignore", over="ignore"):
            touched: Any = None
            for p in left:
                for q in right:
                    height = sign * (p * q - slopes[0] * p - slopes[1] * q)
                    if touched is None:
                        touched = height, p + 0 * height, q + 0 * height
                        continue
                    nearer = height < touched[0]
                    corner = zip((height, p, q), touched, strict=True)
                    touched = tuple(xp.where(nearer, new, old) for new, old in corner)
            _, p, q = touched
            gradient = nu * (sign * (right[1] - right[0]) * (x - p) + (left[1] - left[0]) * (y - q))
        step = self._adam[which].step(xp.where(xp.isfinite(gradient), gradient, 0.0))
        return (shares + step).clip(0, 1)


def first_shares(factors: tuple[Ends, Ends], planes: Planes, batch: int) -> tuple[Any, Any]:
    """About the shares that planes have, (batch, size)."""
    (low, high), (bottom, top) = factors
    xp, found = namespace(low), []
    for (a, b), start, end in ((planes.below, bottom, top), (planes.above, top, bottom)):
        with np.errstate(all="ignore"):
            share = xp.where(high > low, (b - low) / (high - low), (a - start) / (end - start))
        share = xp.where(xp.isfinite(share), share, 0.5).clip(0, 1)
        found.append(xp.broadcast_to(share, (batch, share.shape[1])) + 0)
    return found[0], found[1]


def mixtures(graph: Graph, bounds: Bounds, products: list[int], batch: int) -> dict[int, Mixture]:
    """The planes of some products, which begin as CROWN's."""
    return {i: Mixture(factors, first_shares(factors, bounds.planes(graph, i), batch))
            for i, factors in ((i, bounds.factors(graph, i)) for i in products)}  # fmt: skip


def mixed(graph: Graph, bounds: Bounds, shares: Mapping[int, tuple[Any, ...]]) -> Bounds:
    """The bounds with planes that have these shares, by product node: sound whatever they are."""
    return bounds.with_planes({i: mixed_planes(*bounds.factors(graph, i), *pair[:2]) for i, pair in shares.items()})


def on_grid(shares: Any) -> Any:
    """The nearest shares that are stored as they are, in float64."""
    return np.rint(np.asarray(shares, np.float64) * GRID) / GRID
