"""Functions that rise from one limit to another, convex up to 0 and concave from there: sigmoid, tanh and their kin.

How far f lies above a line of slope s is largest at an end of an interval where f is convex. Where it is concave, f
lies below its tangent at any t, and the tangent's distance to the line is largest at an end: a t where the slopes agree
makes that small, and any other t is as sound. So nothing that is guessed, a slope or a t, can make a bound wrong.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from typing import Any

import numpy as np

from ..errors import UnreadableError

# Shares of a sum of magnitudes and a number that cover the rounding of sums and products of a few floats.
SHARE, LITTLE = 2.0**-48, 2.0**-1000
# Where chords are looked at, as shares of half an interval's width.
PLACES = np.array([1.0, 0.75, 0.5, 0.25])
# Binary digits of values in rationals.
BITS = 100


class SShaped(ABC):
    """f with f'' > 0 below 0 and f'' < 0 above."""

    name: str
    is_rational = False

    @abstractmethod
    def around(self, z: Any) -> tuple[Any, Any]:
        """Floats around f(z), entry by entry."""

    @abstractmethod
    def steepness(self, z: Any) -> tuple[Any, Any]:
        """Floats around f'(z)."""

    @abstractmethod
    def place(self, slope: Any) -> Any:
        """About the z >= 0 with that slope, or anything."""

    @abstractmethod
    def rational(self, z: Fraction, bits: int) -> tuple[Fraction, Fraction]:
        """Rationals around f(z)."""

    @abstractmethod
    def derived(self, low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
        """Rationals around f'(z) where f(z) lies between two."""

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
        """The convex part reaches up to 0, the concave part from there."""
        return self._highest(1, low, high, above)

    def rise(self, low: Any, high: Any, below: Any) -> Any:
        """-f is concave up to 0 and convex from there."""
        return -self._highest(-1, low, high, -below)

    def _highest(self, sign: int, low: Any, high: Any, slope: Any) -> Any:
        """max of sign f(z) - slope z, or more."""
        convex = (low, np.minimum(high, 0)) if sign > 0 else (np.maximum(low, 0), high)
        concave = (np.maximum(low, 0), high) if sign > 0 else (low, np.minimum(high, 0))
        with np.errstate(all="ignore"):
            at_ends = np.maximum(*(self._over(sign, z, slope) for z in convex))
            # Any place will do, a good one is where the slopes agree.
            t = np.clip(np.nan_to_num(sign * self.place(sign * slope)), *concave)
            low_slope, high_slope = self.steepness(t)
            least, most = (low_slope, high_slope) if sign > 0 else (-high_slope, -low_slope)
            left, right = (slope - least) * (t - concave[0]), (most - slope) * (concave[1] - t)
            size = (np.abs(slope) + np.abs(least) + np.abs(most)) * (concave[1] - concave[0])
            tangent = self._over(sign, t, slope) + np.maximum(np.maximum(left, right), 0) + SHARE * size
            found = np.maximum(np.where(convex[0] <= convex[1], at_ends, -np.inf),
                               np.where(concave[0] <= concave[1], tangent, -np.inf))
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
        sign, zero, found = -1 if nu > 0 else 1, Fraction(0), []
        slope = sign * mu / nu
        for a, b, bulges in ((low, min(high, zero), sign < 0), (max(low, zero), high, sign > 0)):
            if a > b:
                continue
            if not bulges:
                found += [self._above(sign, z) - slope * z for z in (a, b)]
                continue
            t = min(max(self._near(sign * slope, b <= 0), a), b)
            pair = self.derived(*self.rational(t, BITS))
            least, most = pair if sign > 0 else (-pair[1], -pair[0])
            here = self._above(sign, t) - slope * t
            found.append(here + max((slope - least) * (t - a), (most - slope) * (b - t), zero))
        return -abs(nu) * max(found)

    def _above(self, sign: int, z: Fraction) -> Fraction:
        low, high = self.rational(z, BITS)
        return high if sign > 0 else -low

    def _near(self, slope: Fraction, left: bool) -> Fraction:
        if abs(slope) > 2**60:
            return Fraction(0)
        with np.errstate(all="ignore"):
            place = float(np.nan_to_num(self.place(np.float64(float(slope))), posinf=700.0))
        return Fraction(-place if left else place)

    def is_exact(self, below: Fraction, above: Fraction) -> bool:
        return False
