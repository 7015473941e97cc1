"""A ball of the L1 or L2 norm around the inputs, which cuts the corners off the box that the bounds are about.

A linear function is least on a ball at its centre minus eps times the dual norm of its slope: the largest entry for L1,
the Euclidean length for L2. Backward substitution ends in exactly such a function, so a ball costs one line there and
tightens every layer (Zhang et al. 1811.00866, section 3). On ball and box together, as a valid range makes them, the
slope is divided between the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..network.maps.namespace import Constant, cast, namespace, next_above, product

NORMS = ("l1", "l2")
# Rounds of finding which coordinates the box stops.
ROUNDS = 8


@dataclass(frozen=True, eq=False)
class Ball:
    """{x : |x - center| <= eps} in the norm "l1" or "l2"; `center` is float64 (size,), `eps` a float64 that is large
    enough for the ball to contain the exact one."""

    center: Any
    eps: float
    norm: str

    def least(self, slope: Any) -> tuple[Any, Any]:
        """(values, magnitudes), each (batch, rows): the least of slope . x for slopes (batch, rows, size), up to
        rounding errors of at most gamma times the magnitudes, gamma counting 2 size + 8 operations."""
        xp, center = namespace(slope), Constant(self.center).like(slope)
        reach = self._dual(slope) * self.eps
        middle = product(slope, center)
        return middle - reach, product(xp.abs(slope), xp.abs(center)) + reach

    def share(self, slope: Any, low: Any, high: Any) -> Any:
        """The part of each slope (..., size) that is best left to the ball, the rest being left to the box [low, high].

        On both together a linear function is at least the least of one part on the box plus the least of the other on
        the ball, for any two parts. The best are those of the minimiser, which moves against the slope until the radius
        is used up: in L2 in proportion to it, in L1 along the steepest coordinates, and nowhere out of the box.
        """
        size, room, _ = self._moves(slope, low, high)
        if self.norm == "l1":
            return slope.clip(-self._price(size, room), self._price(size, room))
        xp, pace = namespace(slope), self._pace(size, room)
        return xp.where(size * pace > room, xp.sign(slope) * room / xp.where(pace > 0, pace, 1), slope)

    def least_within(self, slope: Any, low: Any, high: Any) -> tuple[Any, Any]:
        """As `least`, on the ball within the box [low, high], each (batch, size): at most the least, by the parts of
        `share`."""
        xp = namespace(slope)
        middle, radius = low / 2 + high / 2, next_above(high / 2 - low / 2)
        share = cast(self.share(slope, low[:, None], high[:, None]), slope.dtype)
        rest = slope - share
        size = xp.abs(rest)
        values, sizes = self.least(share)
        largest = xp.maximum(xp.abs(low), xp.abs(high))[:, :, None]
        values = values + (product(rest, middle[:, :, None]) - product(size, radius[:, :, None]))[:, :, 0]
        return values, sizes + 2 * product(size, largest)[:, :, 0]

    def argmin(self, slope: Any, low: Any, high: Any) -> Any:
        """Where each slope (batch, size) is about least on the ball within the box: a hint, (batch, size)."""
        size, room, center = self._moves(slope, low, high)
        xp = namespace(slope)
        if self.norm == "l1":
            step = xp.where(size > self._price(size, room), room, 0)
            # What is left of the radius goes to the coordinate at the price.
            left = (self.eps - xp.sum(step, axis=-1, keepdims=True)).clip(0, None)
            step = xp.where(size == self._price(size, room), xp.minimum(room, left), step)
        else:
            step = xp.minimum(size * self._pace(size, room), room)
        return center - xp.sign(slope) * step

    def _moves(self, slope: Any, low: Any, high: Any) -> tuple[Any, Any, Any]:
        """|slope|, how far the box lets each coordinate move against the slope, and the centre."""
        xp, center = namespace(slope), Constant(self.center).like(slope)
        return xp.abs(slope), xp.where(slope > 0, center - low, high - center).clip(0, None), center

    def _price(self, size: Any, room: Any) -> Any:
        """L1: the steepness of the coordinate at which the radius is used up, (..., 1); 0 if it never is."""
        xp = namespace(size)
        order = xp.argsort(-size, axis=-1)
        used = xp.cumsum(xp.take_along_axis(room, order, axis=-1), axis=-1) if size.shape[-1] else room
        at = xp.sum(used < self.eps, axis=-1, keepdims=True)
        steepest = xp.take_along_axis(size, order, axis=-1)
        last = size.shape[-1] - 1
        return xp.where(at > last, 0, xp.take_along_axis(steepest, at.clip(0, last), axis=-1))

    def _pace(self, size: Any, room: Any) -> Any:
        """L2: the factor t with sum of min(t |slope|, room)^2 = radius^2, about, (..., 1)."""
        xp = namespace(size)
        scale = xp.max(size, axis=-1, keepdims=True)
        part = size / xp.where(scale > 0, scale, 1)
        pace = xp.zeros_like(scale)
        for _ in range(ROUNDS):
            stuck = part * pace >= room
            left = self.eps**2 - xp.sum(xp.where(stuck, room * room, 0), axis=-1, keepdims=True)
            free = xp.sum(xp.where(stuck, 0, part * part), axis=-1, keepdims=True)
            pace = xp.sqrt(left.clip(0, None) / free.clip(1e-30, None))
        return pace / xp.where(scale > 0, scale, 1)

    def inward(self, x: Any, room: float = 0.0) -> Any:
        """Points (batch, size) moved towards the centre as far as the ball needs it, up to rounding; `room` is the
        share of the radius that they keep from its surface."""
        xp, center, eps = namespace(x), Constant(self.center).like(x), self.eps * (1 - room)
        step = x - center
        length = xp.sum(xp.abs(step), axis=1) if self.norm == "l1" else xp.sqrt(xp.sum(step * step, axis=1))
        return center + step * (eps / length.clip(max(eps, 1e-300), None))[:, None]

    def _dual(self, slope: Any) -> Any:
        xp = namespace(slope)
        largest = xp.max(xp.abs(slope), axis=-1)
        if self.norm == "l1":
            return largest
        # Scaled, so that no square overflows, and what underflows is nothing beside the largest.
        scale = xp.where(largest > 0, largest, 1)
        part = slope / scale[..., None]
        return scale * xp.sqrt(xp.sum(part * part, axis=-1))


def ball_around(center: Any, eps: float, norm: str) -> Ball:
    """A ball of floats."""
    if norm not in NORMS:
        raise ValueError(f"norm {norm!r}, expected one of {', '.join(NORMS)}")
    return Ball(np.asarray(center, np.float64), float(eps), norm)
