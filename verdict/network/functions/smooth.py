"""Smooth functions: whatever has known inflection points needs its value, its derivative and these, and no more.

Between two inflection points f(z) - s z is convex, and largest at an end, or concave, and below every tangent; so for
any slope s the least offset of a line above f is known up to rounding, wherever the tangent touches. Lines, bands and
the least bracket of the rule are all made of that one maximum: a slope may be a guess, its offset never is.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from ..maps.namespace import cast, namespace, next_above, next_below
from .base import FourLines, Function
from .elementary import doubled
from .series import Between

# The share of a sum's magnitudes that covers its rounding in float64.
ROUNDED = 2.0**-48
LEAST = 2.0**-1000
# Steeper lines than this are not looked at: the two terms are bounded one by one.
STEEPEST = 2.0**80
# Where the hull of a function is looked for beside the middle, as shares of half the width.
SHARES = (1.0, 0.75, 0.5, 0.25)
# What a library's float function may be off by, in units of rounding of 1 + |f|: for the importer's self-check alone.
LIBRARY = 16.0
# Up to this share of the entries is computed alone.
FEW = 0.7


class Smooth(Function):
    """A function that is differentiable everywhere; `between` and `slope_between` are rigorous, `value` and
    `derivative` hints.

    `inflections` are intervals that have one inflection point each, in ascending order, points where it is a float; f
    is convex in front of the first if `convex_first`. |f'| is at most `steepest`.
    """

    inflections: tuple[tuple[float, float], ...] = ()
    convex_first: bool = True
    steepest: float

    @abstractmethod
    def between(self, z: Any) -> tuple[Any, Any]:
        """Ends between which f(z) lies, for float64 numbers."""

    @abstractmethod
    def slope_between(self, z: Any) -> tuple[Any, Any]:
        """Ends between which f'(z) lies, for float64 numbers."""

    @abstractmethod
    def touching(self, slope: Any, low: Any, high: Any) -> Any:
        """About where f' is `slope` between two inflection points, or anything: a hint."""

    @abstractmethod
    def at(self, z: Fraction, bits: int) -> Between:
        """Rationals about 2^-bits apart between which f(z) lies."""

    def range_between(self, low: Any, high: Any) -> tuple[Any, Any]:
        """Ends between which f lies on [low, high], float64: those of a monotone function."""
        (a, b), (c, d), xp = self.between(low), self.between(high), namespace(low)
        return xp.minimum(a, c), xp.maximum(b, d)

    def enclosure(self, low: Any, high: Any) -> tuple[Any, Any]:
        least, most = self.range_between(*doubled(low, high))
        return _down(least, low.dtype), _up(most, low.dtype)

    def enclosed(self, low: Fraction, high: Fraction, bits: int) -> Between:
        ends = self.at(low, bits), self.at(high, bits)
        return min(a for a, _ in ends), max(b for _, b in ends)

    def lines(self, low: Any, high: Any) -> FourLines:
        """Of all lines those that are closest in the middle (Zhang et al. 1811.00866, as far as a few samples tell)."""
        bottom, top = doubled(low, high)
        below = cast(-self._support(-1, bottom, top), low.dtype)
        above = cast(self._support(1, bottom, top), low.dtype)
        floor, ceiling = self.offsets(below, above, low, high)
        return below, floor, above, ceiling

    def band(self, low: Any, high: Any) -> tuple[Any, Any, Any]:
        bottom, top = doubled(low, high)
        xp = namespace(bottom)
        with np.errstate(all="ignore"):
            slope = (self.value(top) - self.value(bottom)) / (top - bottom)
        slope = cast(xp.where(xp.isfinite(slope), slope, 0.0), low.dtype)
        wide = cast(slope, np.float64)
        most, least = self.most(1, wide, bottom, top), -self.most(-1, -wide, bottom, top)
        centre = cast(least / 2 + most / 2, low.dtype)
        middle = cast(centre, np.float64)
        half = _up(xp.maximum(most - middle, middle - least) * (1 + 2 * ROUNDED), low.dtype)
        return slope, centre, half

    def least(self, nu: Any, mu: Any, low: Any, high: Any) -> Any:
        """nu times the least of f(z) - (mu / nu) z; or the sum of the least of both terms, which is always sound."""
        kind, (nu, mu, low, high) = nu.dtype, doubled(nu, mu, low, high)
        xp = namespace(nu)
        bottom, top = self.range_between(low, high)
        with np.errstate(all="ignore"):
            apart = xp.minimum(nu * bottom, nu * top) + xp.minimum(-mu * low, -mu * high)
            apart = xp.where(xp.isnan(apart), -np.inf, apart)
        sign = xp.where(nu < 0, 1.0, -1.0)
        with np.errstate(all="ignore"):
            slope = sign * mu / nu
            usable = (nu != 0) & (xp.abs(slope) < STEEPEST)
            slope = xp.where(usable, slope, 0.0)
            both = xp.where(sign > 0, self.most(1, slope, low, high), self.most(-1, slope, low, high))
            together = -xp.abs(nu) * both
        return _down(xp.where(usable & ~xp.isnan(together), xp.maximum(together, apart), apart), kind)

    def bends(self, low: Any, high: Any) -> Any:
        return low < high

    def threshold(self, low: Any, high: Any) -> Any:
        """An inflection point, where it leaves something on both sides, else the middle."""
        xp = namespace(low)
        found = low / 2 + high / 2
        for start, _ in self.inflections:
            inside = (start - low > (high - low) / 8) & (high - start > (high - low) / 8)
            found = xp.where(inside, start, found)
        return found

    def carried(self, error: Any, size: Any, unit: float, smallest: float) -> Any:
        value = namespace(size).abs(self.value(size))
        return error * self.steepest + LIBRARY * unit * (1 + value) + smallest

    def most(self, sign: int, slope: Any, low: Any, high: Any) -> Any:
        """max over z in [low, high] of sign f(z) - slope z, or a little more; float64 arrays that broadcast."""
        xp = namespace(low)
        with np.errstate(all="ignore"):
            result = 0 * (slope + low) - np.inf
            first, breaks = self.breaks(low)
            start, convex = -np.inf, first ^ (sign < 0)
            for number, (a, b) in enumerate((*breaks, (np.inf, np.inf))):
                touched = (low <= a) & (high >= start)
                for kind, mask in ((convex, touched),) if isinstance(convex, bool) else (
                    (True, touched & convex), (False, touched & ~convex)
                ):  # fmt: skip
                    on_piece = _clipped(partial(self._on_piece, sign, kind))
                    result = _met(result, mask, on_piece, slope, low, high, start, a)
                if not (isinstance(a, float) and a == b):
                    bridge = self._bridge(number, sign, slope, (xp.clip(low, a, b), xp.clip(high, a, b)), (a, b))
                    result = xp.where((low <= b) & (high >= a), xp.maximum(result, bridge), result)
                start, convex = b, convex ^ True
            return xp.where(xp.isnan(result), np.inf, result)

    def offsets(self, below: Any, above: Any, low: Any, high: Any) -> tuple[Any, Any]:
        bottom, top, under, over = doubled(low, high, below, above)
        floor, ceiling = -self.most(-1, -under, bottom, top), self.most(1, over, bottom, top)
        return _down(floor, below.dtype), _up(ceiling, above.dtype)

    def touch(self, sign: int, slope: Any, low: Any, high: Any) -> Any:
        xp = namespace(low)
        with np.errstate(all="ignore"):
            best, place = sign * self.value(low) - slope * low, low + 0 * slope
            first, breaks = self.breaks(low)
            found, start, is_convex = [high], -np.inf, first ^ (sign < 0)
            for a, b in (*breaks, (np.inf, np.inf)):
                if is_convex is not True:
                    ends = xp.clip(low, start, a), xp.clip(high, start, a)
                    z = self.touching(sign * slope, *ends)
                    z = xp.clip(xp.where(xp.isnan(z), ends[0], z), *ends)
                    found.append(xp.where((low <= a) & (high >= start), z, low))
                start, is_convex = b, is_convex ^ True
            for z in found:
                there = sign * self.value(z) - slope * z
                place = xp.where(there > best, z, place)
                best = xp.maximum(best, there)
        return cast(place, low.dtype)

    def _bridge(self, number: int, sign: int, slope: Any, interval: tuple[Any, Any], pair: tuple[Any, Any]) -> Any:
        """The same between the two numbers of the `pair` around inflection point `number`, where the interval is."""
        return self._apart(sign, slope, *interval)

    def breaks(self, low: Any) -> tuple[Any, Any]:
        """Whether f is convex in front of the first of some inflection points, and pairs that enclose these, of numbers
        or arrays; between two pairs it is convex and concave in turn, up to the last one or farther than is asked."""
        return self.convex_first, self.inflections

    def _on_piece(self, sign: int, convex: bool, slope: Any, low: Any, high: Any) -> Any:
        """The same where sign f is convex, or concave."""
        xp = namespace(low)
        if convex:
            found = []
            for z in (low, high):
                value, size = self._signed(sign, *self.between(z)), xp.abs(slope * z)
                found.append(value - slope * z + ROUNDED * (xp.abs(value) + size) + LEAST)
            return xp.maximum(*found)
        t = self.touching(sign * slope, low, high)
        t = xp.clip(xp.where(xp.isnan(t), low, t), low, high)
        value = self._signed(sign, *self.between(t))
        total, size = value - slope * t, xp.abs(value) + xp.abs(slope * t)
        flattest, steepest = self.slope_between(t)
        flattest, steepest = (flattest, steepest) if sign > 0 else (-steepest, -flattest)
        # The tangent falls behind the function nowhere: a rise to the right, or to the left.
        rise = xp.maximum((steepest - slope) * (high - t), (slope - flattest) * (t - low))
        wide = (xp.abs(slope) + xp.abs(flattest) + xp.abs(steepest)) * (high - low)
        return total + xp.clip(rise, 0, None) + ROUNDED * (size + wide) + LEAST

    def _apart(self, sign: int, slope: Any, low: Any, high: Any) -> Any:
        """The same, of the two terms one by one."""
        xp = namespace(low)
        value = self._signed(sign, *self.range_between(low, high))
        size = xp.maximum(xp.abs(slope * low), xp.abs(slope * high))
        return value + xp.maximum(-slope * low, -slope * high) + ROUNDED * (xp.abs(value) + size) + LEAST

    def _signed(self, sign: int, low: Any, high: Any) -> Any:
        """The upper end of sign times what lies between two numbers."""
        return high if sign > 0 else -low

    def _support(self, sign: int, low: Any, high: Any) -> Any:
        """About the slope of the line above sign f on [low, high] that is lowest in the middle: the tangent there, or
        that of a chord which passes above it."""
        xp = namespace(low)
        with np.errstate(all="ignore"):
            middle, half = low / 2 + high / 2, high / 2 - low / 2
            best, slope = sign * self.value(middle), sign * self.derivative(middle)
            ends = [[sign * self.value(middle + side * share * half) for share in SHARES] for side in (-1, 1)]
            for a, left in zip(SHARES, ends[0], strict=True):
                for b, right in zip(SHARES, ends[1], strict=True):
                    there = (left * b + right * a) / (a + b)
                    higher = (there > best) & (half > 0)
                    slope = xp.where(higher, (right - left) / (half * (a + b)), slope)
                    best = xp.where(higher, there, best)
        return xp.where(xp.isfinite(slope), slope, 0.0)


def _clipped(compute: Callable[[Any, Any, Any], Any]) -> Callable[..., Any]:
    """Of slopes and the parts of intervals between two numbers."""

    def on_part(slope: Any, low: Any, high: Any, start: Any, end: Any) -> Any:
        xp = namespace(low)
        return compute(slope, xp.clip(low, start, end), xp.clip(high, start, end))

    return on_part


def _met(result: Any, mask: Any, compute: Callable[..., Any], *arrays: Any) -> Any:
    """max(result, compute(arrays)) in the entries of a mask, which NumPy computes alone where they are few."""
    if not isinstance(result, np.ndarray):
        xp = namespace(result)
        return xp.where(mask, xp.maximum(result, compute(*arrays)), result)
    mask = np.broadcast_to(mask, result.shape)
    count = np.count_nonzero(mask)
    if count > FEW * mask.size:
        return np.where(mask, np.maximum(result, compute(*arrays)), result)
    if count:
        few = [np.broadcast_to(v, result.shape)[mask] if np.ndim(v) else v for v in arrays]
        result[mask] = np.maximum(result[mask], compute(*few))
    return result


def _up(x: Any, dtype: Any) -> Any:
    """Float64 numbers in a type, rounded up."""
    return x if x.dtype == dtype else next_above(cast(x, dtype))


def _down(x: Any, dtype: Any) -> Any:
    """The same, rounded down."""
    return x if x.dtype == dtype else next_below(cast(x, dtype))
