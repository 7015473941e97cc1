"""Functions given by a formula of their value and one of their slope, in numbers with errors (`balls.py`)."""

from __future__ import annotations

import math
from abc import abstractmethod
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import OutOfRangeError, UnreadableError
from .balls import FLOATS, Ball, Rationals
from .smooth import BITS, Smooth, held

# Points at which slopes are looked up, and how far out.
_POINTS, _FARTHEST = 12001, 36.0
_NEAR = 2.0 ** -np.linspace(5, 30, 101)
# What has more digits in front of the point is not written down.
_MOST = 2**40


class Formula(Smooth):
    """`curve` is whether f is convex in front of the first of `pairs`, between whose two numbers f'' changes its sign;
    a kink counts as in front, and a line as convex or concave. `turns` hold where f' does so, within one piece."""

    curve = True
    pairs: tuple[tuple[float, float], ...] = ()
    turns: tuple[tuple[float, float], ...] = ()
    has_exact_values = False

    @abstractmethod
    def of(self, kind: Any, z: Ball, at: Any) -> Any:
        """f(z) with numbers of `kind`; z is the number `at`, without error."""

    @abstractmethod
    def rising(self, kind: Any, z: Ball, at: Any) -> Any:
        """f'(z), at a kink the one from the left."""

    def inside(self, low: Any, high: Any) -> Any:
        """Where f is defined on all of [low, high]."""
        return low <= high

    def bends(self, low: Any) -> tuple[Any, list[tuple[Any, Any]]]:
        return self.curve, list(self.pairs)

    def around(self, z: Any) -> tuple[Any, Any]:
        return self._ends(self.of, z)

    def steepness(self, z: Any) -> tuple[Any, Any]:
        return self._ends(self.rising, z)

    def _ends(self, formula: Any, z: Any) -> tuple[Any, Any]:
        z = np.asarray(z, np.float64)
        self._defined(z, z)
        with np.errstate(all="ignore"):
            return held(*formula(FLOATS, FLOATS.ball(z), z).ends())

    def rational(self, z: Fraction, bits: int) -> tuple[Fraction, Fraction]:
        return self._close(self.of, z, bits)

    def derived(self, z: Fraction) -> tuple[Fraction, Fraction]:
        return self._close(self.rising, z, BITS)

    def _close(self, formula: Any, z: Fraction, bits: int) -> tuple[Fraction, Fraction]:
        """With as many digits as it takes. Raises UnreadableError where f is not defined."""
        if not self.inside(z, z):
            raise UnreadableError(f"{self.name} of {float(z):.4g}, where it is not defined")
        if abs(z) > _MOST:
            raise UnreadableError(f"{self.name} of a number too large to be written down")
        digits = bits + 20
        while True:
            kind = Rationals(digits)
            found = kind.ball(formula(kind, kind.ball(z), z))
            if found.err * 2 ** (bits + 1) <= 1:
                return found.mid - found.err, found.mid + found.err
            digits *= 2

    def _turning(self, low: Any, high: Any) -> list[tuple[Any, Any, Any]]:
        """For each turn where [low, high] may have it, and what holds f there."""
        return [((low <= b) & (high >= a), *ends) for (a, b), ends in zip(self.turns, self._at_turns, strict=True)]

    @cached_property
    def _at_turns(self) -> list[tuple[float, float]]:
        """f' is between its values at the two numbers, so f leaves those no farther than the larger one reaches."""
        found = []
        for pair in self.turns:
            ends = np.array(pair)
            (low, high), slopes = self.around(ends), self.steepness(ends)
            reach = float(np.abs(slopes).max() * (ends[1] - ends[0]) * (1 + 2.0**-40)) + 2.0**-900
            found.append((float(low.min()) - reach, float(high.max()) + reach))
        return found

    def _defined(self, low: Any, high: Any) -> None:
        """Raises OutOfRangeError unless f is defined on all of it: a tangent would be, where f is not."""
        if not np.all(self.inside(low, high)):
            raise OutOfRangeError

    def _highest(self, sign: int, low: Any, high: Any, slope: Any) -> Any:
        self._defined(low, high)
        return super()._highest(sign, low, high, slope)

    def least(self, nu: Fraction, mu: Fraction, low: Fraction, high: Fraction) -> Fraction:
        self._defined(low, high)
        return super().least(nu, mu, low, high)

    def interval(self, low: Any, high: Any) -> tuple[Any, Any]:
        self._defined(low, high)
        ends = self.around(low), self.around(high)
        least, most = np.minimum(ends[0][0], ends[1][0]), np.maximum(ends[0][1], ends[1][1])
        for has, bottom, top in self._turning(low, high):
            least, most = np.where(has, np.minimum(least, bottom), least), np.where(has, np.maximum(most, top), most)
        return least, most

    def between(self, low: Fraction, high: Fraction, bits: int) -> tuple[Fraction, Fraction]:
        if not self.inside(low, high):
            raise UnreadableError(f"{self.name} from {float(low):.4g} to {float(high):.4g}, where it is not defined")
        ends = [self.rational(z, bits) for z in (low, high)]
        for a, b in self.turns:
            if low <= b and high >= a:
                slopes = [abs(s) for z in (a, b) for s in self._close(self.rising, Fraction(z), bits)]
                reach = max(slopes) * (Fraction(b) - Fraction(a))
                ends += [(p - reach, q + reach) for p, q in (self.rational(Fraction(z), bits) for z in (a, b))]
        return min(p for p, _ in ends), max(q for _, q in ends)

    def place(self, slope: Any, left: bool) -> Any:
        return 0 * slope

    def touching(self, slope: Any, number: int, low: Any, high: Any) -> Any:
        """Looked up, then moved by the slope's slope."""
        points, slopes, way = self._tables[number]
        t = np.interp(way * slope, slopes, points)
        i = np.clip(np.searchsorted(slopes, way * slope), 1, len(slopes) - 1)
        bent = np.maximum((slopes[i] - slopes[i - 1]) / (points[i] - points[i - 1]), 1e-30)
        with np.errstate(all="ignore"):
            return t - (np.mean(self.steepness(t), axis=0) - slope) / (way * bent)

    @cached_property
    def _tables(self) -> list[tuple[Any, Any, int]]:
        """For each piece points, slopes there, rising, and whether they rise with the points."""
        share = np.linspace(-1, 1, _POINTS)
        grid = _FARTHEST * share**3
        found, start, way = [], -math.inf, 1 if self.curve else -1
        for a, b in (*self.pairs, (math.inf, math.inf)):
            # Denser near the piece's own ends, where slopes hardly change.
            points = np.concatenate([grid, [start, a], start + _NEAR, a - _NEAR])
            points = np.unique(points[(points >= start) & (points <= a) & np.isfinite(points)])
            points = points[self.inside(points, points)]
            slopes = way * np.mean(self.steepness(points), axis=0)
            found.append((points, np.maximum.accumulate(slopes), way))
            start, way = b, -way
        return found
