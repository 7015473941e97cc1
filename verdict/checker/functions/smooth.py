"""Functions that are convex up to one point and concave from there, or convex everywhere: sigmoid, tanh, exp, squares.

How far f lies above a line of slope s is largest at an end of an interval where f is convex. Where it is concave, f
lies below its tangent at any t, and the tangent's distance to the line is largest at an end: a t where the slopes agree
makes that small, and any other t is as sound. So nothing that is guessed, a slope or a t, can make a bound wrong.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from fractions import Fraction
from typing import Any

import numpy as np

from ..errors import OutOfRangeError, UnreadableError

# Shares of a sum of magnitudes and a number that cover the rounding of sums and products of a few floats.
SHARE, LITTLE = 2.0**-48, 2.0**-1000
# Where chords are looked at, as shares of half an interval's width.
PLACES = np.array([1.0, 0.75, 0.5, 0.25])
# Binary digits of values in rationals.
BITS = 100
# What is not below is out of range.
MOST = 2.0**400


class Smooth(ABC):
    """f with f'' >= 0 up to `bend` and f'' <= 0 from there; increasing, unless it has an `interval` of its own."""

    name: str
    bend: float = math.inf
    is_rational = False

    @abstractmethod
    def around(self, z: Any) -> tuple[Any, Any]:
        """Floats around f(z), entry by entry."""

    @abstractmethod
    def steepness(self, z: Any) -> tuple[Any, Any]:
        """Floats around f'(z)."""

    @abstractmethod
    def place(self, slope: Any, left: bool) -> Any:
        """About the z with that slope, on the left or the right of `bend`, or anything."""

    @abstractmethod
    def rational(self, z: Fraction, bits: int) -> tuple[Fraction, Fraction]:
        """Rationals around f(z)."""

    @abstractmethod
    def derived(self, z: Fraction) -> tuple[Fraction, Fraction]:
        """Rationals around f'(z)."""

    def value(self, top: Any, under: int) -> tuple[Any, int]:
        raise UnreadableError(f"{self.name} has no rational values")

    def between(self, low: Fraction, high: Fraction, bits: int) -> tuple[Fraction, Fraction]:
        return self.rational(low, bits)[0], self.rational(high, bits)[1]

    def interval(self, low: Any, high: Any) -> tuple[Any, Any]:
        return self.around(low)[0], self.around(high)[1]

    def worth(self, low: Any, high: Any, also: Any) -> Any:
        return low < high

    def slopes(self, low: Any, high: Any, below: Any, above: Any, split: Any) -> tuple[Any, Any]:
        """CROWN's choice is the line that is closest in the middle of the interval, as far as a few chords show."""
        floor, ceiling = -self._closest(-1, low, high), self._closest(1, low, high)
        if above is not None:
            ceiling = np.where(~(np.isnan(above) | split), above, ceiling)
        if below is not None:
            floor = np.where(~(np.isnan(below) | split), below, floor)
        return floor, ceiling

    def _closest(self, sign: int, low: Any, high: Any) -> Any:
        """The slope of a line above sign f that is low in the middle."""
        middle, half = (low + high) / 2, (high - low) / 2
        steps = half[..., None] * PLACES
        with np.errstate(all="ignore"):
            here, slope = (sign * np.mean(pair(middle), axis=0) for pair in (self.around, self.steepness))
            left, right = (sign * self.around(middle[..., None] + way * steps)[0] for way in (-1, 1))
            for i, a in enumerate(PLACES):
                for j, b in enumerate(PLACES):
                    chord = (b * left[..., i] + a * right[..., j]) / (a + b)
                    better = (chord > here) & (half > 0)
                    here = np.where(better, chord, here)
                    slope = np.where(better, (right[..., j] - left[..., i]) / ((a + b) * half), slope)
        return np.nan_to_num(slope, nan=0.0, posinf=0.0, neginf=0.0)

    def gap(self, low: Any, high: Any, above: Any) -> Any:
        return self._highest(1, low, high, above)

    def rise(self, low: Any, high: Any, below: Any) -> Any:
        return -self._highest(-1, low, high, -below)

    def _highest(self, sign: int, low: Any, high: Any, slope: Any) -> Any:
        """max of sign f(z) - slope z, or more."""
        # What is empty is an end of the interval instead.
        middle = np.clip(self.bend, low, high)
        left, right = (low, middle), (middle, high)
        convex, concave = (left, right) if sign > 0 else (right, left)
        with np.errstate(all="ignore"):
            at_ends = np.maximum(*(self._over(sign, z, slope) for z in convex))
            # Any place will do, a good one is where the slopes agree.
            t = np.clip(np.nan_to_num(self.place(sign * slope, sign < 0)), *concave)
            low_slope, high_slope = self.steepness(t)
            least, most = (low_slope, high_slope) if sign > 0 else (-high_slope, -low_slope)
            rises = (slope - least) * (t - concave[0]), (most - slope) * (concave[1] - t)
            size = (np.abs(slope) + np.abs(least) + np.abs(most)) * (concave[1] - concave[0])
            tangent = self._over(sign, t, slope) + np.maximum(np.maximum(*rises), 0) + SHARE * size
            found = np.maximum(at_ends, tangent)
        return np.where(np.isnan(found), np.inf, found)

    def _over(self, sign: int, z: Any, slope: Any) -> Any:
        """sign f(z) - slope z, or a little more."""
        value = self.around(z)[1] if sign > 0 else -self.around(z)[0]
        return value - slope * z + SHARE * (np.abs(value) + np.abs(slope * z)) + LITTLE

    def least(self, nu: Fraction, mu: Fraction, low: Fraction, high: Fraction) -> Fraction:
        """In rationals, by the same reasoning: |nu| times the least of +-(f(z) - (mu / nu) z)."""
        if nu == 0:
            return min(-mu * low, -mu * high)
        # The largest of sign f(z) - slope z.
        sign, found = -1 if nu > 0 else 1, []
        slope = sign * mu / nu
        bend = high if self.bend == math.inf else Fraction(self.bend)
        for a, b, is_left in ((low, min(high, bend), True), (max(low, bend), high, False)):
            if a > b:
                continue
            if is_left == (sign > 0):
                found += [self._above(sign, z) - slope * z for z in (a, b)]
                continue
            t = min(max(self._near(sign * slope, is_left), a), b)
            pair = self.derived(t)
            least, most = pair if sign > 0 else (-pair[1], -pair[0])
            here = self._above(sign, t) - slope * t
            found.append(here + max((slope - least) * (t - a), (most - slope) * (b - t), Fraction(0)))
        return -abs(nu) * max(found)

    def _above(self, sign: int, z: Fraction) -> Fraction:
        low, high = self.rational(z, BITS)
        return high if sign > 0 else -low

    def _near(self, slope: Fraction, left: bool) -> Fraction:
        if abs(slope) > 2**60:
            return Fraction(0)
        with np.errstate(all="ignore"):
            return Fraction(float(np.nan_to_num(self.place(np.float64(float(slope)), left))))

    def is_exact(self, below: Fraction, above: Fraction) -> bool:
        return False


def held(low: Any, high: Any) -> tuple[Any, Any]:
    """The numbers, unless arithmetics cannot hold them."""
    if not ((low > -MOST) & (high < MOST)).all():
        raise OutOfRangeError
    return low, high
