"""Functions that are written once, as a formula for the value and one for the slope, and evaluated in three ways: in
plain floats, between two floats, and between two rationals as close as is asked.

What else a function says is where it bends from convex to concave, where it turns, and where it is defined: all else
follows (`smooth.py`). A formula has no cancellation that matters where its point is one number.
"""

from __future__ import annotations

from abc import abstractmethod
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from ...base.errors import UnsupportedError
from ..exact import ExactVector
from ..maps.namespace import Constant, namespace
from .ends import FLOATS, Ends
from .plain import PLAIN
from .series import Between
from .smooth import LIBRARY, ROUNDED, Smooth
from .spans import Rationals, Span

# Points at which slopes are looked up, as far out as FARTHEST_POINT, denser around 0.
POINTS, FARTHEST_POINT = 4097, 40.0
# Beyond these numbers nothing is written down in rationals.
LARGEST = 2**40


class Formula(Smooth):
    """`turns` are intervals with one place each where f turns from falling to rising or back, within one piece. |f'| is
    at most `steepest` where that is a number. `domain` is an open interval on which f is defined."""

    turns: tuple[tuple[float, float], ...] = ()
    domain: tuple[float, float] = (-np.inf, np.inf)
    steepest = float(np.inf)
    # Whether values of rationals are rational.
    is_rational: bool = False

    @abstractmethod
    def value_in(self, a: Any, z: Any) -> Any:
        """f(z) in the arithmetic `a`."""

    @abstractmethod
    def slope_in(self, a: Any, z: Any) -> Any:
        """f'(z), at a kink from the left."""

    def is_negative(self, z: Any) -> Any:
        """Which entries of `z`, each one number in any arithmetic, are below zero."""
        return (z.low if isinstance(z, Ends | Span) else z) < 0

    def is_above(self, z: Any, number: float) -> Any:
        """Which entries of `z`, each one number in any arithmetic, are above a number."""
        return (z.low if isinstance(z, Ends | Span) else z) > number

    def value(self, z: Any) -> Any:
        with np.errstate(all="ignore"):
            return self.value_in(PLAIN, z)

    def derivative(self, z: Any) -> Any:
        with np.errstate(all="ignore"):
            return self.slope_in(PLAIN, z)

    def between(self, z: Any) -> tuple[Any, Any]:
        return self._ends(self.value_in, z)

    def slope_between(self, z: Any) -> tuple[Any, Any]:
        return self._ends(self.slope_in, z)

    def _ends(self, formula: Any, z: Any) -> tuple[Any, Any]:
        xp = namespace(z)
        with np.errstate(all="ignore"):
            found = formula(FLOATS, Ends(z, z))
        low = xp.where(self.inside(z, z) & ~xp.isnan(found.low), found.low, -np.inf)
        return low, xp.where(self.inside(z, z) & ~xp.isnan(found.high), found.high, np.inf)

    def inside(self, low: Any, high: Any) -> Any:
        """Whether f is defined on all of [low, high]."""
        return (low > self.domain[0]) & (high < self.domain[1])

    def at(self, z: Fraction, bits: int) -> Between:
        """On finer and finer grids. Raises UnsupportedError outside the domain, and for numbers of too many digits."""
        if not self.inside(z, z):
            raise self._undefined(z)
        if self.is_rational:
            exact: Fraction = self.value_in(PLAIN_RATIONALS, z)
            return exact, exact
        if abs(z) > LARGEST:
            raise UnsupportedError(f"{self.name} of {float(z):.4g} has too many digits")
        places = bits + 16
        while True:
            a = Rationals(places)
            found = self.value_in(a, a.span(z, z))
            if found.high - found.low <= Fraction(1, 2**bits):
                return found.low, found.high
            places *= 2

    def exact(self, z: ExactVector) -> ExactVector:
        if not self.is_rational:
            return super().exact(z)
        return ExactVector.of([self.at(v, 0)[0] for v in z.fractions()]).reduced()

    def _undefined(self, z: Fraction) -> UnsupportedError:
        return UnsupportedError(f"the network has no value there: {self.name} of {float(z):.4g}, outside its domain")

    def range_between(self, low: Any, high: Any) -> tuple[Any, Any]:
        """At an end, or where the function turns; unknown outside the domain."""
        least, most = super().range_between(low, high)
        xp = namespace(low)
        for (a, b), (bottom, top) in zip(self.turns, self._turning, strict=True):
            has = (low <= b) & (high >= a)
            least, most = xp.where(has, xp.minimum(least, bottom), least), xp.where(has, xp.maximum(most, top), most)
        inside = self.inside(low, high)
        return xp.where(inside, least, -np.inf), xp.where(inside, most, np.inf)

    @cached_property
    def _turning(self) -> list[tuple[float, float]]:
        """Floats around f on the intervals of `turns`: the tangents at their ends hold it there."""
        found = []
        for a, b in self.turns:
            ends = np.array([a, b])
            (low, high), slopes = self.between(ends), np.abs(self.slope_between(ends)).max()
            reach = float(slopes * (b - a)) * (1 + 2.0**-50) + 2.0**-1000
            found.append((float(low.min()) - reach, float(high.max()) + reach))
        return found

    def enclosed(self, low: Fraction, high: Fraction, bits: int) -> Between:
        if not self.inside(low, high):
            raise self._undefined(low)
        least, most = super().enclosed(low, high, bits)
        for a, b in self.turns:
            if low <= b and high >= a:
                # The slopes at both ends of an interval around a turn bound the slope on it.
                ends = [self.at(Fraction(z), bits) for z in (a, b)]
                slopes = np.abs(self.slope_between(np.array([a, b]))).max()
                reach = Fraction(float(slopes)) * (Fraction(b) - Fraction(a))
                least, most = min(least, *(e[0] - reach for e in ends)), max(most, *(e[1] + reach for e in ends))
        return least, most

    def most(self, sign: int, slope: Any, low: Any, high: Any) -> Any:
        found = super().most(sign, slope, low, high)
        return namespace(low).where(self.inside(low, high), found, np.inf)

    def _bridge(self, number: int, sign: int, slope: Any, interval: tuple[Any, Any], pair: tuple[Any, Any]) -> Any:
        """f is hardly another there than at both ends."""
        (low, high), (bottom, top) = interval, self._bridges[number]
        xp = namespace(low)
        size = xp.abs(slope) * max(abs(pair[0]), abs(pair[1]))
        return (top if sign > 0 else -bottom) + xp.maximum(-slope * low, -slope * high) + 2.0**-50 * size

    @cached_property
    def _bridges(self) -> list[tuple[float, float]]:
        """Floats around f between the two numbers of each pair, which are close to each other."""
        found = []
        for a, b in self.inflections:
            low, high = self.between(np.array([a, b]))
            reach = (b - a) * self.steepest * (1 + 2.0**-50) + 2.0**-1000 if b > a else 0.0
            found.append((float(low.min()) - 2 * reach - ROUNDED, float(high.max()) + 2 * reach + ROUNDED))
        return found

    def touching(self, slope: Any, low: Any, high: Any) -> Any:
        """Where f' is `slope`: in a table, and by one step of Newton's method behind it."""
        xp = namespace(low)
        found, size = low / 2 + high / 2, xp.broadcast_to(slope, (slope + low).shape)
        for start, points, slopes, rise in self._tables:
            t, steep = _looked_up(xp, size, points.like(low), slopes.like(low), rise)
            found = xp.where(low >= start, t - (self.derivative(t) - slope) / steep, found)
        return found

    @cached_property
    def _tables(self) -> list[tuple[float, Constant, Constant, int]]:
        """For each piece where it starts, points in ascending order of slopes, these, and +-1 as they ascend with z."""
        share = np.linspace(-1, 1, POINTS)
        grid, start, found, convex = FARTHEST_POINT * share * np.abs(share), -np.inf, [], self.convex_first
        for a, b in (*self.inflections, (np.inf, np.inf)):
            left, right = max(start, self.domain[0], -FARTHEST_POINT), min(a, self.domain[1], FARTHEST_POINT)
            inner = grid[(grid > left) & (grid < right)]
            points = np.concatenate([[left] if left > self.domain[0] else [], inner, [right]])
            slopes = self.derivative(points) if convex else -self.derivative(points)
            found.append((start, Constant(points), Constant(np.maximum.accumulate(slopes)), 1 if convex else -1))
            start, convex = b, not convex
        return found

    def carried(self, error: Any, size: Any, unit: float, smallest: float) -> Any:
        """By the steepest slope; a library computes with numbers of the size of z and f."""
        xp = namespace(size)
        with np.errstate(all="ignore"):
            values = [xp.abs(self.value(sign * size)) for sign in (-1, 1)]
            steepest = self.steepest if np.isfinite(self.steepest) else self._steepest(size, error)
            known = [xp.where(xp.isfinite(v), v, 0.0) for v in values]
            reach = xp.maximum(*known) + (xp.abs(size) if self.grows else 0.0)
            # Beyond any bound it stays so, whatever the slope out there.
            error = xp.where(xp.isfinite(error), xp.where(error == 0, 0.0, error * steepest), np.inf)
            return error + LIBRARY * unit * (1 + reach) + smallest

    # Whether a library's intermediate numbers grow with |z|.
    grows: bool = False

    def _steepest(self, size: Any, error: Any) -> Any:
        """The largest |f'| within `error` of +-size, for whoever has no bound of it: at an end, or without bound where
        f may be asked outside its domain."""
        xp = namespace(size)
        slopes = [xp.abs(self.derivative(sign * size + way * error)) for sign in (-1, 1) for way in (-1, 1)]
        known = [xp.where(xp.isnan(s), 0.0, s) for s in slopes]
        outside = ~self.inside(size - error, size + error)
        return xp.where(outside, np.inf, xp.maximum(xp.maximum(known[0], known[1]), xp.maximum(known[2], known[3])))


def _looked_up(xp: Any, slope: Any, points: Any, slopes: Any, rise: int) -> tuple[Any, Any]:
    """A point with about that slope, and the slope of slopes there."""
    wanted = rise * slope
    i = xp.clip(xp.searchsorted(slopes, wanted.reshape(-1)), 1, len(slopes) - 1).reshape(wanted.shape)
    width = points[i] - points[i - 1]
    steep = xp.clip((slopes[i] - slopes[i - 1]) / width, 1e-30, None)
    t = points[i - 1] + xp.clip((wanted - slopes[i - 1]) / steep, 0.0, width)
    return t, rise * steep


class _Exact:
    """Formulas of functions with rational values, of one Fraction."""

    def of(self, numerator: int, denominator: int) -> Fraction:
        return Fraction(numerator, denominator)

    def where(self, condition: bool, one: Fraction, other: Fraction) -> Fraction:
        return one if condition else other


PLAIN_RATIONALS = _Exact()
