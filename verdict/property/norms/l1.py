"""The norm L1: the sum of all entries. Its dual is the largest one.

With v = x - center and auxiliary numbers t_i >= |v_i|, sum t_i <= r is the ball of radius r.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from ...network.exact import FloatArray
from ...network.maps.namespace import namespace
from ..rows import RadiusRow
from .norm import Cuts, Norm, register

# How much less steep than the steepest a coordinate may be, relatively, to have a share of the radius in `spread`.
SOFT = 0.1


@register
class L1(Norm):
    """sum |x_i|."""

    name = "l1"
    title = "L1"
    aliases = ("1", "l_1")
    is_certified = True

    def length(self, steps: Sequence[Fraction]) -> Fraction:
        return sum(map(abs, steps), Fraction(0))

    def dual(self, slope: Sequence[Fraction]) -> Fraction:
        return max(map(abs, slope), default=Fraction(0))

    def lengths(self, steps: Any) -> Any:
        xp = namespace(steps)
        return xp.sum(xp.abs(steps), axis=-1)

    def duals(self, slope: Any) -> Any:
        xp = namespace(slope)
        return xp.max(xp.abs(slope), axis=-1)

    def steepest(self, slope: Any) -> Any:
        xp = namespace(slope)
        at = xp.argmax(xp.abs(slope), axis=-1, keepdims=True)
        number = xp.cumsum(xp.ones_like(slope), axis=-1) - 1
        return xp.where(number == at, xp.sign(slope), 0)

    def share(self, slope: Any, size: Any, room: Any, eps: float) -> Any:
        price = self._price(size, room, eps)
        return slope.clip(-price, price)

    def step(self, size: Any, room: Any, eps: float) -> Any:
        xp, price = namespace(size), self._price(size, room, eps)
        step = xp.where(size > price, room, 0)
        # What is left of the radius goes to the coordinate at the price.
        left = (eps - xp.sum(step, axis=-1, keepdims=True)).clip(0, None)
        return xp.where(size == price, xp.minimum(room, left), step)

    def spread(self, size: Any, room: Any, eps: float) -> Any:
        xp = namespace(size)
        can = xp.where(room > 0, size, 0)
        most = xp.max(can, axis=-1, keepdims=True)
        weight = xp.where(can > 0, xp.exp((can - most) / (SOFT * xp.where(most > 0, most, 1))), 0)
        total = xp.sum(weight, axis=-1, keepdims=True)
        return xp.minimum(eps * weight / xp.where(total > 0, total, 1), room)

    def _price(self, size: Any, room: Any, eps: float) -> Any:
        """The steepness of the coordinate at which the radius is used up, the steepest moving first, (..., 1); 0 if it
        never is."""
        xp = namespace(size)
        order = xp.argsort(-size, axis=-1)
        used = xp.cumsum(xp.take_along_axis(room, order, axis=-1), axis=-1) if size.shape[-1] else room
        at = xp.sum(used < eps, axis=-1, keepdims=True)
        steepest = xp.take_along_axis(size, order, axis=-1)
        last = size.shape[-1] - 1
        return xp.where(at > last, 0, xp.take_along_axis(steepest, at.clip(0, last), axis=-1))

    def cuts(self, center: Sequence[Fraction]) -> Cuts:
        size, one = len(center), Fraction(1)
        rows = [RadiusRow(tuple(range(size, 2 * size)), (one,) * size, -one, Fraction(0))]
        for i, c in enumerate(center):
            rows += [RadiusRow((i, size + i), (a, -one), Fraction(0), a * c) for a in (-one, one)]
        return Cuts(rows)

    def nearest(self, rows: FloatArray, ends: FloatArray) -> tuple[FloatArray | None, FloatArray]:
        from .nearest import by_parts

        return by_parts(rows, ends)

    def nearest_within(
        self, rows: FloatArray, ends: FloatArray, low: FloatArray, high: FloatArray
    ) -> tuple[FloatArray | None, FloatArray]:
        from .nearest import by_parts

        return by_parts(rows, ends, low, high)

    def deepest(
        self, rows: FloatArray, ends: FloatArray, lengths: FloatArray, low: FloatArray, high: FloatArray
    ) -> FloatArray | None:
        from .nearest import deepest_by_parts

        return deepest_by_parts(rows, ends, lengths, low, high)
