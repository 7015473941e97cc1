"""z^n for whole n >= 3."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from .balls import Ball
from .formula import Formula
from .square import SQUARE

MOST = 64


class Power(Formula):
    """Even powers are convex and least at 0, odd ones rise and bend there."""

    def __init__(self, exponent: int) -> None:
        self.exponent, self.name = exponent, f"Pow({exponent})"
        self.curve = exponent % 2 == 0
        if self.curve:
            self.turns = ((0.0, 0.0),)
        else:
            self.pairs = ((0.0, 0.0),)

    def of(self, kind: Any, z: Ball, at: Any) -> Any:
        return self._product(z, self.exponent)

    def rising(self, kind: Any, z: Ball, at: Any) -> Any:
        return self._product(z, self.exponent - 1) * self.exponent

    def _product(self, z: Ball, count: int) -> Any:
        found = z
        for _ in range(count - 1):
            found = found * z
        return found

    def touching(self, slope: Any, number: int, low: Any, high: Any) -> Any:
        share = np.abs(slope) if self.curve else np.maximum(slope, 0)
        size = np.power(share / self.exponent, 1 / (self.exponent - 1))
        return np.copysign(size, slope) if self.curve else (-size if number == 0 else size)


@cache
def power(exponent: int) -> Power:
    return Power(exponent)


CUBE = power(3)
_WHOLE = range(3, MOST + 1)
POWERS = {Fraction(n): (power(n),) for n in _WHOLE}
TIMES: dict[Any, Power] = {(SQUARE,): CUBE, **{(power(n),): power(n + 1) for n in _WHOLE if n < MOST}}
