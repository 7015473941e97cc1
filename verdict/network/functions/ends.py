"""Numbers known to lie between two floats, array by array: the arithmetic in which formulas of functions are rigorous.

Every operation is rounded to nearest by IEEE 754 and then moved to the next float outward. What is unknown, infinity
minus infinity or a quotient by zero, is not a number at one end, and whoever asks takes it for infinite.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..maps.namespace import namespace, next_above, next_below
from .elementary import FARTHEST, WRONG, exponential, logarithm_between
from .error_function import erf_between, sine_between


@dataclass(frozen=True, eq=False)
class Ends:
    """Arrays of float64 numbers, or for constants two numbers, with low <= x <= high."""

    low: Any
    high: Any

    def __add__(self, other: Any) -> Ends:
        low, high = _pair(other)
        return _outward(self.low + low, self.high + high)

    __radd__ = __add__

    def __neg__(self) -> Ends:
        return Ends(-self.high, -self.low)

    def __sub__(self, other: Any) -> Ends:
        low, high = _pair(other)
        return _outward(self.low - high, self.high - low)

    def __rsub__(self, other: Any) -> Ends:
        return (-self).__add__(other)

    def __mul__(self, other: Any) -> Ends:
        low, high = _pair(other)
        if _not_negative(self.low) and _not_negative(low):
            return _outward(self.low * low, self.high * high)
        ends = [a * b for a in (self.low, self.high) for b in (low, high)]
        if isinstance(ends[0], float):
            return _outward(min(ends), max(ends))
        xp = namespace(ends[0])
        return _outward(_least(xp, ends), _most(xp, ends))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Ends:
        return self * _reciprocal(self, *_pair(other))

    def __rtruediv__(self, other: Any) -> Ends:
        return _reciprocal(self, self.low, self.high).__mul__(other)


def _not_negative(x: Any) -> bool:
    return bool((x >= 0).all()) if hasattr(x, "shape") else x >= 0


def _pair(x: Any) -> tuple[Any, Any]:
    return (x.low, x.high) if isinstance(x, Ends) else (x, x)


def _outward(low: Any, high: Any) -> Ends:
    if isinstance(low, float):
        return Ends(math.nextafter(low, -math.inf), math.nextafter(high, math.inf))
    return Ends(next_below(low), next_above(high))


def _least(xp: Any, ends: list[Any]) -> Any:
    return xp.minimum(xp.minimum(ends[0], ends[1]), xp.minimum(ends[2], ends[3]))


def _most(xp: Any, ends: list[Any]) -> Any:
    return xp.maximum(xp.maximum(ends[0], ends[1]), xp.maximum(ends[2], ends[3]))


def _reciprocal(like: Ends, low: Any, high: Any) -> Ends:
    """1 / [low, high], which is anything if 0 is in it."""
    xp = namespace(like.low)
    low, high = low + 0 * like.low, high + 0 * like.low
    known = (low > 0) | (high < 0)
    ends = _outward(1 / xp.where(known, high, 1.0), 1 / xp.where(known, low, 1.0))
    return Ends(xp.where(known, ends.low, -np.inf), xp.where(known, ends.high, np.inf))


class Floats:
    """What formulas ask for beyond the four operations, of Ends."""

    def of(self, numerator: int, denominator: int) -> Ends:
        """A rational constant."""
        return _outward(*[numerator / denominator] * 2)

    def root(self, numerator: int, denominator: int, over_pi: bool = False) -> Ends:
        """The root of a rational constant, or of one over pi: four roundings."""
        value = math.sqrt(numerator / denominator / (math.pi if over_pi else 1.0))
        return Ends(value * (1 - 2.0**-50), value * (1 + 2.0**-50))

    def where(self, condition: Any, one: Any, other: Any) -> Ends:
        (a, b), (c, d) = _pair(one), _pair(other)
        xp = namespace(condition)
        return Ends(xp.where(condition, a, c), xp.where(condition, b, d))

    def size(self, x: Ends) -> Ends:
        """|x|, of numbers that are exact."""
        size = namespace(x.low).abs(x.low)
        return Ends(size, size)

    def positive(self, x: Ends) -> Ends:
        """max(x, 0)"""
        xp = namespace(x.low)
        return Ends(xp.clip(x.low, 0.0, None), xp.clip(x.high, 0.0, None))

    def falling(self, x: Ends) -> Ends:
        """exp(-x) for x >= 0; it falls by at most the width of x, relatively, which is narrow."""
        xp = namespace(x.low)
        value = exponential(-xp.clip(x.low, 0.0, FARTHEST))
        low = value * (1 - 2 * WRONG) * xp.clip(1 - (x.high - x.low), 0.0, 1.0)
        return Ends(xp.where(x.high >= FARTHEST, 0.0, low), value * (1 + 2 * WRONG))

    def log(self, x: Ends) -> Ends:
        """ln x where x > 0."""
        return Ends(logarithm_between(x.low)[0], logarithm_between(x.high)[1])

    def log1p(self, x: Ends) -> Ends:
        """ln (1 + x) for 0 <= x <= 1: 2 artanh s with s = x / (2 + x) <= 1/3, a series of positive terms of which
        s^33 / 33 and what follows are less than s 2^-55."""
        s = x / (2 + x)
        square = s * s
        total = 1.0 / 31 + 0 * square
        for n in range(29, 0, -2):
            total = total * square + self.of(1, n)
        total = 2 * s * total
        return Ends(total.low, total.high * (1 + 2.0**-50))

    def sqrt(self, x: Ends) -> Ends:
        """IEEE 754 rounds roots to nearest."""
        xp = namespace(x.low)
        ends = _outward(xp.sqrt(xp.clip(x.low, 0.0, None)), xp.sqrt(xp.clip(x.high, 0.0, None)))
        return Ends(xp.clip(ends.low, 0.0, None), ends.high)

    def erf(self, x: Ends) -> Ends:
        """For x >= 0."""
        return Ends(erf_between(x.low)[0], erf_between(x.high)[1])

    def erfc(self, x: Ends) -> Ends:
        """1 - erf for x >= 0, which is below exp(-x^2)."""
        xp, rest, above = namespace(x.low), 1 - self.erf(x), self.falling(x * x).high
        return Ends(xp.clip(rest.low, 0.0, None), xp.minimum(rest.high, above))

    def sin(self, x: Ends, quarters: int = 0) -> Ends:
        """sin(x + quarters pi / 2), of numbers that are exact."""
        return Ends(*sine_between(x.low, quarters))


FLOATS = Floats()
