"""Numbers with a bound of their error, of floats or of rationals: the arithmetic in which the formulas are proved.

A ball is all that lies within `err` of `mid`. An operation takes its errors along, by the triangle inequality, and adds
what its own rounding can have got wrong.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ..errors import UnreadableError
from .exponential import ERROR, FARTHEST, falling, falling_between
from .series import cosine_between, erf_between, log_between, pi_between, root_between, sine_between
from .tables import FARTHEST as FARTHEST_SINE
from .tables import WRONG_ERF, WRONG_LOG, WRONG_SINE, cosine, erf, log, sine

# What one operation on floats rounds by: a share of the result, and a number where that underflows. Errors are computed
# with roundings of their own.
SHARE, LITTLE, MORE = 2.0**-52, 2.0**-1060, 1 + 2.0**-48


@dataclass(frozen=True, eq=False)
class Ball:
    """`mid` and `err` are arrays or numbers of `kind`."""

    mid: Any
    err: Any
    kind: Any

    def __add__(self, other: Any) -> Ball:
        other = self.kind.ball(other)
        return self._rounded(self.mid + other.mid, self.err + other.err)

    __radd__ = __add__

    def __neg__(self) -> Ball:
        return Ball(-self.mid, self.err, self.kind)

    def __sub__(self, other: Any) -> Ball:
        negative: Ball = -self.kind.ball(other)
        return self + negative

    def __rsub__(self, other: Any) -> Ball:
        return (-self).__add__(other)

    def __mul__(self, other: Any) -> Ball:
        other = self.kind.ball(other)
        wrong = abs(self.mid) * other.err + self.err * (abs(other.mid) + other.err)
        return self._rounded(self.mid * other.mid, wrong)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Ball:
        """|a / b - a' / b'| <= (|a - a'| + |a / b| |b - b'|) / |b'|"""
        other = self.kind.ball(other)
        least = self.kind.positive_only(abs(other.mid) * (1 - self.kind.share) - other.err)
        ratio = self.mid / other.mid
        return self._rounded(ratio, (self.err + abs(ratio) * (1 + self.kind.share) * other.err) / least)

    def __rtruediv__(self, other: Any) -> Ball:
        top: Ball = self.kind.ball(other)
        return top / self

    def _rounded(self, mid: Any, err: Any) -> Ball:
        mid, err = self.kind.rounded(mid, err)
        return Ball(mid, err, self.kind)

    def ends(self) -> tuple[Any, Any]:
        low, high = self.kind.outward(self.mid - self.err, self.mid + self.err)
        return low, high


class Floats:
    """Arrays of float64."""

    share = SHARE

    def ball(self, x: Any) -> Ball:
        return x if isinstance(x, Ball) else Ball(np.asarray(x, np.float64), 0.0, self)

    def rounded(self, mid: Any, err: Any) -> tuple[Any, Any]:
        return mid, (err + np.abs(mid) * SHARE) * MORE + LITTLE

    def positive_only(self, x: Any) -> Any:
        """What is not above zero is not known to be any number."""
        return np.where(x > 0, x, np.nan)

    def outward(self, low: Any, high: Any) -> tuple[Any, Any]:
        return np.nextafter(low, -np.inf), np.nextafter(high, np.inf)

    def fraction(self, numerator: int, denominator: int) -> Ball:
        return Ball(*self.rounded(np.float64(numerator / denominator), 0.0), self)

    def root_over(self, numerator: int, pi: bool) -> Ball:
        """sqrt(numerator / 2), or over pi too: a few roundings."""
        mid = math.sqrt(numerator / 2 / (math.pi if pi else 1))
        return Ball(np.float64(mid), 4 * SHARE * mid, self)

    def choose(self, condition: Any, one: Any, other: Any) -> Ball:
        a, b = self.ball(one), self.ball(other)
        return Ball(np.where(condition, a.mid, b.mid), np.where(condition, a.err, b.err), self)

    def falling(self, x: Ball) -> Ball:
        """exp(-x), x >= 0, which an error below 1/2 moves by less than twice of it. Beyond FARTHEST it lies between 0
        and what it is there; where nothing else is known, between 0 and 1."""
        mid = falling(np.clip(x.mid, 0, FARTHEST))
        wrong = np.where((x.err < 0.5) & (x.mid <= FARTHEST), mid * (ERROR + 2 * x.err), 1.0)
        return Ball(mid, np.where(x.mid - x.err > FARTHEST, mid, wrong) * MORE + LITTLE, self)

    def log(self, x: Ball) -> Ball:
        least = self.positive_only(x.mid - x.err)
        mid = log(np.where(x.mid > 0, x.mid, 1.0))
        return Ball(mid, (WRONG_LOG * (1 + np.abs(mid)) + x.err / least) * MORE, self)

    def sqrt(self, x: Ball) -> Ball:
        """Rounded as IEEE 754 says; a root's error is the number's over the root."""
        mid = np.sqrt(np.maximum(x.mid, 0))
        wrong = np.where(x.err == 0, 0.0, x.err / self.positive_only(mid))
        return Ball(*self.rounded(mid, wrong), self)

    def erf(self, x: Ball) -> Ball:
        """Its slope is below 1.13; beyond 6 it is 1 within 2^-54, of which the float is one too."""
        wrong = np.where(np.abs(x.mid) - x.err > 6, 2.0**-53, WRONG_ERF + 1.13 * x.err)
        return Ball(erf(x.mid), wrong * MORE, self)

    def sin(self, x: Ball) -> Ball:
        return self._turned(sine(x.mid), x)

    def cos(self, x: Ball) -> Ball:
        return self._turned(cosine(x.mid), x)

    def _turned(self, mid: Any, x: Ball) -> Ball:
        known = np.abs(x.mid) <= FARTHEST_SINE
        return Ball(np.where(known, mid, 0.0), np.where(known, WRONG_SINE + x.err * MORE, 1.0), self)


class Rationals:
    """Fractions, rounded to multiples of 2^-bits."""

    share = 0

    def __init__(self, bits: int) -> None:
        self.bits, self.grid = bits, 1 << bits

    def ball(self, x: Any) -> Ball:
        return x if isinstance(x, Ball) else Ball(Fraction(x), Fraction(0), self)

    def rounded(self, mid: Fraction, err: Fraction) -> tuple[Fraction, Fraction]:
        near = Fraction(math.floor(mid * self.grid), self.grid)
        return near, Fraction(math.ceil((err + mid - near) * self.grid), self.grid)

    def positive_only(self, x: Fraction) -> Fraction:
        if x <= 0:
            raise UnreadableError("a quotient by a number that may be 0")
        return x

    def outward(self, low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
        return low, high

    def fraction(self, numerator: int, denominator: int) -> Fraction:
        return Fraction(numerator, denominator)

    def _around(self, ends: tuple[Fraction, Fraction]) -> Ball:
        return Ball((ends[0] + ends[1]) / 2, (ends[1] - ends[0]) / 2, self)

    def root_over(self, numerator: int, pi: bool) -> Ball:
        number = Fraction(numerator, 2)
        return self.sqrt(number / self._around(pi_between(self.bits)) if pi else self.ball(number))

    def choose(self, condition: bool, one: Any, other: Any) -> Any:
        return one if condition else other

    def falling(self, x: Ball) -> Ball:
        low, high = (max(end, Fraction(0)) for end in x.ends())
        return self._around((falling_between(high, self.bits)[0], falling_between(low, self.bits)[1]))

    def log(self, x: Ball) -> Ball:
        low, high = x.ends()
        self.positive_only(low)
        return self._around((log_between(low, self.bits)[0], log_between(high, self.bits)[1]))

    def sqrt(self, x: Ball) -> Ball:
        low, high = (max(end, Fraction(0)) for end in x.ends())
        return self._around((root_between(low, self.bits)[0], root_between(high, self.bits)[1]))

    def _lipschitz(self, ends: tuple[Fraction, Fraction], x: Ball) -> Ball:
        """Around a value at `mid`, of a function whose slope is below 2."""
        found = self._around(ends)
        return Ball(found.mid, found.err + 2 * x.err, self)

    def erf(self, x: Ball) -> Ball:
        return self._lipschitz(erf_between(x.mid, self.bits), x)

    def sin(self, x: Ball) -> Ball:
        return self._lipschitz(sine_between(x.mid, self.bits), x)

    def cos(self, x: Ball) -> Ball:
        return self._lipschitz(cosine_between(x.mid, self.bits), x)


FLOATS = Floats()
