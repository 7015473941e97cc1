"""Functions that are constant between jumps: a step at 0, rounding down, rounding to the nearest even.

On an interval the graph lies in the hull of its ends and of both limits at the first and at the last jump inside, so
whatever is linear in z and f is largest at one of these points. A neuron of a step that is split at 0 to z <= 0 counts
as z < 0, where the step is 0: its sibling has the rest, z = 0 among it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from fractions import Fraction
from typing import Any

import numpy as np

from ..errors import OutOfRangeError

# A share of magnitudes, and a number, that cover the rounding of a product and a sum of floats.
SHARE, LITTLE = 2.0**-48, 2.0**-1000
# Beyond this floats may have no jumps to look at.
MOST = 2.0**50
# A point and the value there, or one of its limits.
Point = tuple[Any, Any]


class Stairs(ABC):
    """f never falls. Jumps are `phase` + k for whole k, or with `once` `phase` alone."""

    name: str
    is_rational = rounds = True
    # No bound tells how rounding in front moves a value behind a jump.
    jumps = True
    phase = 0.0
    once = False

    @abstractmethod
    def sides(self, z: Any) -> tuple[Any, Any, Any]:
        """The limit from the left, the value, and the limit from the right, of floats below `MOST`, exactly."""

    @abstractmethod
    def at(self, z: Fraction) -> tuple[int, int, int]:
        """The same of a rational."""

    def value(self, top: Any, under: int) -> tuple[Any, int]:
        found = np.empty(np.shape(top), dtype=object)
        found.reshape(-1)[:] = [self.at(Fraction(int(t), under))[1] for t in np.ravel(top)]
        return found, 1

    def between(self, low: Fraction, high: Fraction, bits: int) -> tuple[Fraction, Fraction]:
        return Fraction(self.at(low)[1]), Fraction(self.at(high)[1])

    def interval(self, low: Any, high: Any) -> tuple[Any, Any]:
        return self.sides(held(low))[1], self.sides(held(high))[1]

    def worth(self, low: Any, high: Any, also: Any) -> Any:
        bottom, top = self.interval(low, high)
        return (bottom < top) | (also & (low < high))

    def points(self, low: Any, high: Any) -> list[Point]:
        """Points (z, f) whose hull holds f on [low, high]."""
        first, last = self._next(low, 1), self._next(high, -1)
        none = (first >= high) | (last <= low)
        first, last = np.where(none, low, first), np.where(none, high, last)
        (_, left, beyond), (short, right, _) = self.sides(low), self.sides(high)
        single = low >= high
        found = [(low, left), (high, right)]
        found += [(low, np.where(single, left, beyond)), (high, np.where(single, right, short))]
        for z, end in ((first, left), (last, right)):
            below, _, above = self.sides(z)
            found += [(z, np.where(none, end, below)), (z, np.where(none, end, above))]
        return found

    def _next(self, z: Any, way: int) -> Any:
        """The next jump on the right (1) or on the left of floats; infinite where there is none."""
        if self.once:
            return np.where(way * z < way * self.phase, self.phase, way * np.inf)
        if way > 0:
            k = np.floor(z) + self.phase
            return np.where(k > z, k, k + 1)
        k = np.ceil(z) - self.phase
        return np.where(k < z, k, k - 1)

    def slopes(self, low: Any, high: Any, below: Any, above: Any, split: Any) -> tuple[Any, Any]:
        """Flat, unless an end of the line through an end and a jump is nearer; what is stored counts wherever the
        value is not known."""
        known = self.sides(held(low))[1] == self.sides(held(high))[1]
        floor, ceiling = self._closest(-1, low, high), self._closest(1, low, high)
        if above is not None:
            ceiling = np.where(np.isnan(above) | known, ceiling, above)
        if below is not None:
            floor = np.where(np.isnan(below) | known, floor, below)
        return np.where(known, 0.0, floor), np.where(known, 0.0, ceiling)

    def _closest(self, sign: int, low: Any, high: Any) -> Any:
        middle, slope = low / 2 + high / 2, np.zeros_like(low)
        start, end, _, _, *jumps = self.points(low, high)
        before, after = jumps[::2], jumps[1::2]
        pairs = [(start, after[0]), (start, after[1]), (after[0], after[1])] if sign > 0 else [
            (before[0], end), (before[1], end), (before[0], before[1])]
        lowest = self._highest(sign, low, high, slope)
        for (a, f), (b, g) in pairs:
            with np.errstate(all="ignore"):
                steep = np.where(b > a, (g - f) / (b - a), 0.0)
            steep = np.where(np.isfinite(steep), steep, 0.0)
            there = self._highest(sign, low, high, sign * steep) + sign * steep * middle
            slope, lowest = np.where(there < lowest, steep, slope), np.minimum(there, lowest)
        return slope

    def gap(self, low: Any, high: Any, above: Any) -> Any:
        return self._highest(1, held(low), held(high), above)

    def rise(self, low: Any, high: Any, below: Any) -> Any:
        return -self._highest(-1, held(low), held(high), -below)

    def _highest(self, sign: int, low: Any, high: Any, slope: Any) -> Any:
        """max of sign f(z) - slope z, or more where the slope is not 0."""
        found = np.full(np.shape(low + slope), -np.inf)
        for z, f in self.points(low, high):
            rise = np.where(slope == 0, 0.0, slope * z)
            room = np.where(slope == 0, 0.0, SHARE * (np.abs(f) + np.abs(rise)) + LITTLE)
            found = np.maximum(found, sign * f - rise + room)
        return found

    def least(self, nu: Fraction, mu: Fraction, low: Fraction, high: Fraction) -> Fraction:
        """At one of the same points, exactly."""
        (_, left, beyond), (short, right, _) = self.at(low), self.at(high)
        points = [(low, left), (high, right)]
        if low < high:
            points += [(low, beyond), (high, short)]
        for z in self._between(low, high):
            below, _, above = self.at(z)
            points += [(z, below), (z, above)]
        return min(nu * f - mu * z for z, f in points)

    def _between(self, low: Fraction, high: Fraction) -> list[Fraction]:
        """The first and the last jump inside."""
        phase = Fraction(self.phase)
        if self.once:
            return [phase] if low < phase < high else []
        first, last = math.floor(low - phase) + 1 + phase, math.ceil(high - phase) - 1 + phase
        return [first, last] if first < high and last > low else []

    def is_exact(self, below: Fraction, above: Fraction) -> bool:
        return below == above == 0


def held(z: Any) -> Any:
    """The numbers, unless their jumps are beyond what floats tell."""
    if not (np.abs(z) < MOST).all():
        raise OutOfRangeError
    return z


class Floor(Stairs):
    name = "Floor"

    def sides(self, z: Any) -> tuple[Any, Any, Any]:
        whole = np.floor(z)
        return np.ceil(z) - 1, whole, whole

    def at(self, z: Fraction) -> tuple[int, int, int]:
        whole = math.floor(z)
        return math.ceil(z) - 1, whole, whole


class Round(Stairs):
    """Of halves the even neighbour."""

    name = "Round"
    phase = 0.5

    def sides(self, z: Any) -> tuple[Any, Any, Any]:
        near, whole = np.rint(z), np.floor(z)
        half = z - whole == 0.5
        return np.where(half, whole, near), near, np.where(half, whole + 1, near)

    def at(self, z: Fraction) -> tuple[int, int, int]:
        near, whole = round(z), math.floor(z)
        return (whole, near, whole + 1) if z.denominator == 2 else (near, near, near)


FLOOR, ROUND = Floor(), Round()
