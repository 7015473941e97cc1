"""The norm L2: the Euclidean length, which is its own dual.

With v = x - center and auxiliary numbers t_i >= v_i^2 / r, sum t_i <= r is the ball of radius r. The parabola is the
envelope of its tangents t_i >= 2 a v_i - a^2 r, which are linear in v, t and r together: any of them contain the ball,
and those at a point outside cut it off, coordinate by coordinate instead of by one plane (Vielma, Dunning, Huchette,
Lubin 1505.07857). So a proof over the tangents is one over the ball, and a point may need more. Lengths are irrational;
where one is reported it is a rational above it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isqrt
from typing import TYPE_CHECKING, Any

from ...network.exact import FloatArray
from ...network.maps.namespace import namespace
from ..rows import RadiusRow
from .norm import Cuts, Norm, register

if TYPE_CHECKING:
    from ..formula import Formula

# Square roots are rounded up at this many binary digits.
PRECISION = 80
# Slopes of tangents are multiples of this: what a tangent then misses of the parabola is below any gap that counts.
GRAIN = Fraction(1, 2**20)
# Rounds of finding which coordinates the box stops.
ROUNDS = 8


@register
class L2(Norm):
    """The square root of sum x_i^2."""

    name = "l2"
    title = "L2"
    aliases = ("2", "l_2")
    is_polyhedral = False
    is_certified = True

    def length(self, steps: Sequence[Fraction]) -> Fraction:
        return root_above(sum((s * s for s in steps), Fraction(0)))

    def reaches(self, steps: Sequence[Fraction], radius: Fraction) -> bool:
        return sum((s * s for s in steps), Fraction(0)) <= radius * radius

    def dual(self, slope: Sequence[Fraction]) -> Fraction:
        return self.length(slope)

    def lengths(self, steps: Any) -> Any:
        xp = namespace(steps)
        return xp.sqrt(xp.sum(steps * steps, axis=-1))

    def duals(self, slope: Any) -> Any:
        xp = namespace(slope)
        largest = xp.max(xp.abs(slope), axis=-1)
        # Scaled, so that no square overflows, and what underflows is nothing beside the largest.
        scale = xp.where(largest > 0, largest, 1)
        part = slope / scale[..., None]
        return scale * xp.sqrt(xp.sum(part * part, axis=-1))

    def steepest(self, slope: Any) -> Any:
        xp, length = namespace(slope), self.duals(slope)[..., None]
        return slope / xp.where(length > 0, length, 1)

    def share(self, slope: Any, size: Any, room: Any, eps: float) -> Any:
        xp = namespace(slope)
        part, pace, scale = self._pace(size, room, eps)
        return xp.where(part * pace > room, xp.sign(slope) * (room * scale) / xp.where(pace > 0, pace, 1), slope)

    def step(self, size: Any, room: Any, eps: float) -> Any:
        part, pace, _ = self._pace(size, room, eps)
        return namespace(size).minimum(part * pace, room)

    def _pace(self, size: Any, room: Any, eps: float) -> tuple[Any, Any, Any]:
        """The slopes' sizes in parts of the largest, the factor t with sum of min(t part, room)^2 = radius^2, about,
        and the largest, the last two (..., 1): of tiny slopes the factor itself would overflow."""
        xp = namespace(size)
        scale = xp.max(size, axis=-1, keepdims=True)
        part = size / xp.where(scale > 0, scale, 1)
        pace, before = xp.zeros_like(scale), None
        for _ in range(ROUNDS):
            stuck = part * pace >= room
            if before is not None and bool(xp.all(stuck == before)):
                break
            left = eps**2 - xp.sum(xp.where(stuck, room * room, 0), axis=-1, keepdims=True)
            free = xp.sum(xp.where(stuck, 0, part * part), axis=-1, keepdims=True)
            pace, before = xp.sqrt(left.clip(0, None) / free.clip(1e-30, None)), stuck
        return part, pace, scale

    def cuts(self, center: Sequence[Fraction]) -> Cuts:
        return Tangents(center)

    def formula(self, center: Sequence[Fraction], radius: Fraction) -> Formula:
        from ..formula import Comparison
        from ..polynomial import Polynomial

        total = Polynomial.constant(-radius * radius)
        for i, c in enumerate(center):
            step = Polynomial.variable(i).plus(Polynomial.constant(-c))
            total = total.plus(step.times(step))
        return Comparison(total, "<=")

    def nearest(self, rows: FloatArray, ends: FloatArray) -> tuple[FloatArray | None, FloatArray]:
        from .nearest import by_squares

        return by_squares(rows, ends)

    def nearest_within(
        self, rows: FloatArray, ends: FloatArray, low: FloatArray, high: FloatArray
    ) -> tuple[FloatArray | None, FloatArray]:
        from .nearest import MANY, by_newton

        if (len(ends) + 2 * len(low)) * len(low) <= MANY:
            return super().nearest_within(rows, ends, low, high)
        return by_newton(rows, ends, low, high)


class Tangents(Cuts):
    """The tangents around a centre, as many as were asked for."""

    def __init__(self, center: Sequence[Fraction]) -> None:
        super().__init__([])
        self.center = tuple(center)
        # The ends of the box, and steps of equal size in all coordinates.
        equal = Fraction(1, max(1, isqrt(len(self.center))))
        self._slopes = [sorted({s * a for a in (Fraction(1), equal) for s in (-1, 1)}) for _ in self.center]

    def rows(self) -> list[RadiusRow]:
        size, one = len(self.center), Fraction(1)
        found = [RadiusRow(tuple(range(size, 2 * size)), (one,) * size, -one, Fraction(0))]
        for i, (slopes, c) in enumerate(zip(self._slopes, self.center, strict=True)):
            found += [RadiusRow((i, size + i), (2 * a, -one), -a * a, 2 * a * c) for a in slopes]
        return found

    def cut_off(self, x: Sequence[Fraction], radius: Fraction) -> bool:
        steps = [value - c for value, c in zip(x, self.center, strict=True)]
        excess = sum(v * v for v in steps) - radius * radius
        if radius <= 0 or excess <= 0:
            return False
        added = False
        for v, slopes in zip(steps, self._slopes, strict=True):
            # What the tangents that there are miss, times the radius: little pieces of it leave the point outside.
            known = max(2 * a * v * radius - (a * radius) ** 2 for a in slopes)
            slope = round(v / radius / GRAIN) * GRAIN
            if (v * v - max(known, Fraction(0))) * 2 * len(steps) >= excess and slope not in slopes:
                slopes.append(slope)
                added = True
        return added


def root_above(value: Fraction | int) -> Fraction:
    """At least the square root of a number >= 0, by less than 2**-PRECISION of it."""
    value = Fraction(value)
    if not value:
        return Fraction(0)
    scale = max(0, PRECISION + 1 + (value.denominator.bit_length() - value.numerator.bit_length()) // 2)
    root = isqrt((value.numerator << (2 * scale)) // value.denominator)
    exact = Fraction(root, 1 << scale)
    return exact if exact * exact == value else Fraction(root + 1, 1 << scale)
