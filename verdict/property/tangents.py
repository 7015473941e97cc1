"""Balls of the L1 and L2 norm as linear constraints, with one auxiliary number t_i >= 0 for each coordinate.

With v = x - center, sum t_i <= r and t_i >= |v_i| is the L1 ball of radius r, and t_i >= v_i^2 / r the L2 ball. The
parabola is the envelope of its tangents t_i >= 2 a v_i - a^2 r, which are linear in v, t and r together: any of them
contain the ball, and those at a point outside cut it off, coordinate by coordinate instead of by one plane (Vielma,
Dunning, Huchette, Lubin 1505.07857). So a proof over the tangents is one over the ball, and a point may need more.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isqrt

from .rows import RadiusRow

# Slopes are multiples of this: what a tangent then misses of the parabola is below any gap that counts.
GRAIN = Fraction(1, 2**20)


class Tangents:
    """The constraints of all balls of a norm, "l1" or "l2", around a centre; for L2 as many as were asked for."""

    def __init__(self, norm: str, center: Sequence[Fraction]) -> None:
        self.norm, self.center = norm, tuple(center)
        # The ends of the box, and steps of equal size in all coordinates.
        equal = Fraction(1, max(1, isqrt(len(self.center))))
        start = [Fraction(1)] if norm == "l1" else [Fraction(1), equal]
        self._slopes = [sorted({sign * a for a in start for sign in (-1, 1)}) for _ in self.center]

    def rows(self) -> list[RadiusRow]:
        """The constraints; column i is x_i, column size + i is t_i."""
        size, one = len(self.center), Fraction(1)
        found = [RadiusRow(tuple(range(size, 2 * size)), (one,) * size, -one, Fraction(0))]
        for i, (slopes, c) in enumerate(zip(self._slopes, self.center, strict=True)):
            for a in slopes:
                factor, shift = (a, Fraction(0)) if self.norm == "l1" else (2 * a, a * a)
                found.append(RadiusRow((i, size + i), (factor, -one), -shift, factor * c))
        return found

    def cut_off(self, x: Sequence[Fraction], radius: Fraction) -> bool:
        """Add the tangents at a point; False where it lies in the ball of this radius, or too near to it to tell."""
        steps = [value - c for value, c in zip(x, self.center, strict=True)]
        excess = sum(v * v for v in steps) - radius * radius
        if self.norm == "l1" or radius <= 0 or excess <= 0:
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
