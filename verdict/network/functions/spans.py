"""Numbers known to lie between two rationals: the arithmetic in which formulas are replayed as closely as is asked.

Every result is rounded outward to a grid of 2^-places, so numbers stay short; where the ends lie too far apart whoever
asks takes a finer grid. Series are summed until what they leave out is below the grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from ...base.errors import UnsupportedError
from .series import Between, exponential


@dataclass(frozen=True)
class Span:
    """Rationals with low <= x <= high, on a grid of 2^-places where they were computed."""

    low: Fraction
    high: Fraction
    places: int

    def __add__(self, other: Any) -> Span:
        low, high = _pair(other)
        return self._outward(self.low + low, self.high + high)

    __radd__ = __add__

    def __neg__(self) -> Span:
        return Span(-self.high, -self.low, self.places)

    def __sub__(self, other: Any) -> Span:
        low, high = _pair(other)
        return self._outward(self.low - high, self.high - low)

    def __rsub__(self, other: Any) -> Span:
        return (-self).__add__(other)

    def __mul__(self, other: Any) -> Span:
        ends = [a * b for a in (self.low, self.high) for b in _pair(other)]
        return self._outward(min(ends), max(ends))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Span:
        low, high = _pair(other)
        if low <= 0 <= high:
            raise UnsupportedError("a quotient of which nothing is known: the divisor may be 0")
        return self * Span(1 / high, 1 / low, self.places)

    def __rtruediv__(self, other: Any) -> Span:
        return Span(Fraction(other), Fraction(other), self.places) / self

    def _outward(self, low: Fraction, high: Fraction) -> Span:
        grid = 1 << self.places
        return Span(Fraction(math.floor(low * grid), grid), Fraction(math.ceil(high * grid), grid), self.places)


def _pair(x: Any) -> Between:
    return (x.low, x.high) if isinstance(x, Span) else (Fraction(x), Fraction(x))


class Rationals:
    """What formulas ask for beyond the four operations, of Spans on a grid of 2^-places."""

    def __init__(self, places: int) -> None:
        self.places, self.least = places, Fraction(1, 1 << places)

    def span(self, low: Fraction, high: Fraction) -> Span:
        return Span(low, high, self.places)

    def of(self, numerator: int, denominator: int) -> Fraction:
        return Fraction(numerator, denominator)

    def root(self, numerator: int, denominator: int, over_pi: bool = False) -> Span:
        number = self.span(Fraction(numerator, denominator), Fraction(numerator, denominator))
        return self.sqrt(number / self.pi() if over_pi else number)

    def where(self, condition: bool, one: Any, other: Any) -> Any:
        return one if condition else other

    def size(self, x: Span) -> Span:
        return -x if x.high < 0 else x

    def positive(self, x: Span) -> Span:
        return self.span(max(x.low, Fraction(0)), max(x.high, Fraction(0)))

    def falling(self, x: Span) -> Span:
        return self.span(exponential(x.high, self.places)[0], exponential(x.low, self.places)[1])

    def log(self, x: Span) -> Span:
        return self.span(self._log(x.low).low, self._log(x.high).high)

    def _log(self, x: Fraction) -> Span:
        """k ln 2 + ln m with x = 2^k m and m in [1/2, 2]."""
        k = x.numerator.bit_length() - x.denominator.bit_length()
        m = x / Fraction(2) ** k
        return k * self._artanh(self.span(Fraction(1, 3), Fraction(1, 3))) * 2 + self.log1p(self.span(m - 1, m - 1))

    def log1p(self, x: Span) -> Span:
        return 2 * self._artanh(x / (2 + x))

    def _artanh(self, s: Span) -> Span:
        """s + s^3 / 3 + ..., |s| <= 1/3: what follows a term is less than that term."""
        square, power, total, n = s * s, s, s, 1
        while max(power.high, -power.low) > 2 * self.least:
            n += 2
            power = power * square
            total = total + power / n
        return self._within(total, power)

    def _within(self, total: Span, rest: Span) -> Span:
        wrong = max(rest.high, -rest.low)
        return self.span(total.low - wrong, total.high + wrong)

    def sqrt(self, x: Span) -> Span:
        grid = 1 << self.places
        low = math.isqrt(math.floor(max(x.low, Fraction(0)) * grid * grid))
        high = math.isqrt(math.floor(max(x.high, Fraction(0)) * grid * grid)) + 1
        return self.span(Fraction(low, grid), Fraction(high, grid))

    def erf(self, x: Span) -> Span:
        return self.span(self._erf(x.low).low, self._erf(x.high).high)

    def _erf(self, x: Fraction) -> Span:
        """2 / sqrt(pi) exp(-x^2) (x + 2 x^3 / 3 + 4 x^5 / 15 + ...): from where the terms halve what follows a term is
        less than it."""
        square = x * x
        if square > self.places:
            # 1 - erf(x) < exp(-x^2)
            return self.span(1 - self.least, Fraction(1))
        # Products with exp(x^2), which is below 2^(3 x^2 / 2), lose as many digits.
        fine = Rationals(self.places + 2 * math.ceil(square) + 8)
        term = total = fine.span(x, x) + 0
        n = 0
        while n < 2 * square or term.high > 2 * fine.least:
            n += 1
            term = term * (2 * square / (2 * n + 1))
            total = total + term
        total = fine._within(total, term)
        found = fine.falling(fine.span(square, square)) * total * 2 / fine.sqrt(fine.pi())
        return self.span(found.low, min(found.high, Fraction(1)))

    def erfc(self, x: Span) -> Span:
        rest = 1 - self.erf(x)
        return self.span(max(rest.low, Fraction(0)), rest.high)

    def pi(self) -> Span:
        low, high = _pi(self.places)
        return self.span(low, high)

    def sin(self, x: Span, quarters: int = 0) -> Span:
        """By the rest behind whole quarters of a turn, |r| < 0.8."""
        fine = Rationals(self.places + math.ceil(max(abs(x.low), abs(x.high))).bit_length() + 8)
        quarter = fine.pi() / 2
        k = round(x.low / quarter.low)
        r = fine.span(x.low, x.high) - k * quarter
        turn = (k + quarters) % 4
        found = fine._cosine(r) if turn % 2 else fine._sine(r)
        found = -found if turn >= 2 else found
        return self.span(max(found.low, Fraction(-1)), min(found.high, Fraction(1)))

    def _sine(self, r: Span) -> Span:
        return self._alternating(r, r * r, 1)

    def _cosine(self, r: Span) -> Span:
        return self._alternating(r * 0 + 1, r * r, 0)

    def _alternating(self, term: Span, square: Span, n: int) -> Span:
        """term - term r^2 / ((n + 1) (n + 2)) + ...: what follows a term is less than that term."""
        total = term
        while max(term.high, -term.low) > 2 * self.least:
            n += 2
            term = -term * square / (n * (n - 1))
            total = total + term
        return self._within(total, term)


@cache
def _pi(places: int) -> Between:
    """16 arctan(1/5) - 4 arctan(1/239) (Machin)."""
    grid = 1 << (places + 16)

    def arctan(n: int) -> tuple[int, int]:
        total, power, k = 0, grid // n, 0
        while power:
            total += (-1) ** k * (power // (2 * k + 1))
            power //= n * n
            k += 1
        # Each term and each power lost less than 2 by rounding down, and what follows is less than 1.
        return total - 3 * k - 1, total + 3 * k + 1

    (a, b), (c, d) = arctan(5), arctan(239)
    return Fraction(16 * a - 4 * d, grid), Fraction(16 * b - 4 * c, grid)
