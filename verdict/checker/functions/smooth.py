"""Functions that are convex and concave in turn, from one known point to the next: sigmoid, tanh, exp, squares, sine.

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
    """f with f'' >= 0 up to `bend` and f'' <= 0 from there, or with `bends` of its own; increasing, unless it has an
    `interval` of its own."""

    name: str
    bend: float = math.inf
    is_rational = False
    rounds = True
    jumps = False

    def bends(self, low: Any) -> tuple[Any, list[tuple[Any, Any]]]:
        """Whether f'' >= 0 from `low` on (or from the left) up to the first of some points, and pairs around these,
        floats or arrays of the shape of `low`: from pair to pair the sign of f'' changes."""
        return True, [] if self.bend == math.inf else [(self.bend, self.bend)]

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
        """CROWN's choice is the line that is closest in the middle of the interval, as far as a few chords show. What
        is stored is taken of split neurons too: a split leaves something to relax."""
        floor, ceiling = -self._closest(-1, low, high), self._closest(1, low, high)
        if above is not None:
            ceiling = np.where(np.isnan(above), ceiling, above)
        if below is not None:
            floor = np.where(np.isnan(below), floor, below)
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
        """max of sign f(z) - slope z, or more: piece by piece, and between the two numbers of a pair."""
        convex, bends = self.bends(low)
        found, start = np.full(np.shape(low + slope), -np.inf), -np.inf
        with np.errstate(all="ignore"):
            for number, (near, far) in enumerate([*bends, (np.inf, np.inf)]):
                # A piece that is empty is an end of the interval instead, which does no harm.
                piece = np.clip(start, low, high), np.clip(near, low, high)
                is_convex = convex if sign > 0 else np.logical_not(convex)
                found = np.maximum(found, self._on_piece(sign, number, piece, slope, is_convex))
                if np.any(np.asarray(near) < far):
                    between = np.clip(near, low, high), np.clip(far, low, high)
                    found = np.maximum(found, self._apart(sign, *between, slope))
                start, convex = far, np.logical_not(convex)
        return np.where(np.isnan(found), np.inf, found)

    def _on_piece(self, sign: int, number: int, piece: tuple[Any, Any], slope: Any, convex: Any) -> Any:
        """The same where sign f is convex, or is not."""
        if np.ndim(convex):
            return np.where(convex, *(self._on_piece(sign, number, piece, slope, c) for c in (True, False)))
        if convex:
            return np.maximum(*(self._over(sign, z, slope) for z in piece))
        # Any place will do, a good one is where the slopes agree.
        t = np.clip(np.nan_to_num(self.touching(sign * slope, number, *piece)), *piece)
        low_slope, high_slope = self.steepness(t)
        least, most = (low_slope, high_slope) if sign > 0 else (-high_slope, -low_slope)
        rises = (slope - least) * (t - piece[0]), (most - slope) * (piece[1] - t)
        size = (np.abs(slope) + np.abs(least) + np.abs(most)) * (piece[1] - piece[0])
        return self._over(sign, t, slope) + np.maximum(np.maximum(*rises), 0) + SHARE * size

    def _apart(self, sign: int, low: Any, high: Any, slope: Any) -> Any:
        """The same without a look at how the two terms depend on each other."""
        bottom, top = self.interval(low, high)
        value, size = top if sign > 0 else -bottom, np.abs(slope) * np.maximum(np.abs(low), np.abs(high))
        return value + np.maximum(-slope * low, -slope * high) + SHARE * (np.abs(value) + size) + LITTLE

    def touching(self, slope: Any, number: int, low: Any, high: Any) -> Any:
        """About where f' is `slope` on the piece of that number, or anything."""
        return self.place(slope, number == 0)

    def _over(self, sign: int, z: Any, slope: Any) -> Any:
        """sign f(z) - slope z, or a little more."""
        value = self.around(z)[1] if sign > 0 else -self.around(z)[0]
        return value - slope * z + SHARE * (np.abs(value) + np.abs(slope * z)) + LITTLE

    def least(self, nu: Fraction, mu: Fraction, low: Fraction, high: Fraction) -> Fraction:
        """In rationals, by the same reasoning: |nu| times the least of +-(f(z) - (mu / nu) z)."""
        if nu == 0:
            return min(-mu * low, -mu * high)
        # The largest of sign f(z) - slope z.
        sign: int = -1 if nu > 0 else 1
        slope, found = sign * mu / nu, []
        convex, bends = self.bends(np.float64(float(low)))
        start = low
        for number, (near, far) in enumerate([*bends, (math.inf, math.inf)]):
            end, then = (high if end == math.inf else Fraction(float(end)) for end in (near, far))
            if start <= high and end >= low:
                piece = max(low, start), min(high, end)
                found.append(self._most_on_piece(sign, number, piece, slope, bool(convex) == (sign > 0)))
            if end < then and end <= high and then >= low:
                a, b = max(low, end), min(high, then)
                bottom, top = self.between(a, b, BITS)
                found.append((top if sign > 0 else -bottom) + max(-slope * a, -slope * b))
            start, convex = then, not convex
        return -abs(nu) * max(found)

    def _most_on_piece(self, sign: int, number: int, piece: tuple[Fraction, Fraction], slope: Fraction,
                       convex: bool) -> Fraction:
        a, b = piece
        if convex:
            return max(self._above(sign, z) - slope * z for z in piece)
        t = min(max(self._near(sign * slope, number, a, b), a), b)
        pair = self.derived(t)
        least, most = pair if sign > 0 else (-pair[1], -pair[0])
        return self._above(sign, t) - slope * t + max((slope - least) * (t - a), (most - slope) * (b - t), Fraction(0))

    def _above(self, sign: int, z: Fraction) -> Fraction:
        low, high = self.rational(z, BITS)
        return high if sign > 0 else -low

    def _near(self, slope: Fraction, number: int, low: Fraction, high: Fraction) -> Fraction:
        if max(abs(slope), abs(low), abs(high)) > 2**60:
            return low
        with np.errstate(all="ignore"):
            ends = (np.array([float(end)]) for end in (low, high))
            return Fraction(float(np.nan_to_num(self.touching(np.array([float(slope)]), number, *ends))[0]))

    def is_exact(self, below: Fraction, above: Fraction) -> bool:
        return False


def held(low: Any, high: Any) -> tuple[Any, Any]:
    """The numbers, unless arithmetics cannot hold them."""
    if not ((low > -MOST) & (high < MOST)).all():
        raise OutOfRangeError
    return low, high
