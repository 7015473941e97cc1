"""z tanh(z + k z^3) with k > 0, which is left of Gelu in the way that it is exported, with tanh.

With t the tanh and s = 1 + 3 k z^2, f'' = 2 (1 - t^2) (1 + 6 k z^2 - z t s^2): even, above 0 at 0, and 0 once on each
side, for z t s^2 / (1 + 6 k z^2) = z t (1 + 9 k^2 z^4 / (1 + 6 k z^2)) rises with |z|.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from typing import Any

from ..errors import UnreadableError
from .balls import Ball, Rationals
from .formula import Formula

# The factors that are read, and how far, as a share, the two numbers around a bend lie from about where it is.
LEAST, MOST, APART = Fraction(1, 2**20), Fraction(2**20), 2.0**-42
_BITS = 120


class CubicTanh(Formula):
    curve = False
    turns = ((0.0, 0.0),)

    def __init__(self, share: Fraction) -> None:
        self.share, self.name = share, f"x Tanh(x + {float(share)!r} x^3)"
        about = self._about()
        low, high = about * (1 - APART), about * (1 + APART)
        if not self._bent(low) < 0 < self._bent(high):
            raise UnreadableError(f"{self.name} bends where nobody knows")
        self.pairs = ((-high, -low), (low, high))

    def of(self, kind: Any, z: Ball, at: Any) -> Any:
        return z * self._tanh(kind, at, self._faded(kind, at))

    def rising(self, kind: Any, z: Ball, at: Any) -> Any:
        """t + z (1 - t^2) s, and 1 - t^2 = 4 e / (1 + e)^2"""
        e = self._faded(kind, at)
        rest = e + 1
        return self._tanh(kind, at, e) + z * (e * 4 / (rest * rest)) * (z * z * self._factor(kind) * 3 + 1)

    def _factor(self, kind: Any) -> Any:
        return kind.fraction(self.share.numerator, self.share.denominator)

    def _faded(self, kind: Any, at: Any) -> Any:
        """exp(-2 (|z| + k |z|^3))"""
        size = kind.ball(abs(at))
        return kind.falling((size * size * self._factor(kind) + 1) * size * 2)

    def _tanh(self, kind: Any, at: Any, e: Any) -> Any:
        size = (1 - e) / (1 + e)
        return kind.choose(at > 0, size, -size)

    def _about(self) -> float:
        """Where z t (1 + 9 k^2 z^4 / (1 + 6 k z^2)) is about 1, between 0 and 2."""
        low, high, k = 0.0, 2.0, float(self.share)
        for _ in range(60):
            z = (low + high) / 2
            square = k * z * z
            below = z * math.tanh(z + square * z) * (1 + 9 * square * square / (1 + 6 * square)) < 1
            low, high = (z, high) if below else (low, z)
        return low

    def _bent(self, at: float) -> int:
        """The sign of z t s^2 - 1 - 6 k z^2 at a number above 0; 0: not known."""
        kind, z = Rationals(_BITS), Fraction(at)
        square = self.share * z * z
        found = kind.ball(z * (1 + 3 * square) ** 2) * self._tanh(kind, z, self._faded(kind, z)) - (1 + 6 * square)
        low, high = found.ends()
        return 1 if low > 0 else -1 if high < 0 else 0


@cache
def cubic_tanh(share: Fraction) -> CubicTanh:
    return CubicTanh(share)


# Of Gelu with the constants sqrt(2 / pi) and 0.044715 as float32 has them.
GELU_CHAIN = cubic_tanh(Fraction(12003091 * 2**18, 6693141**2))
