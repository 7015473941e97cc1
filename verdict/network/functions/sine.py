"""Sine and cosine: concave and convex in turn, from one multiple of pi to the next, or pi / 2 beside it."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from ..maps.namespace import namespace
from .error_function import FARTHEST_SINE, sine_between
from .expansion import Around, Expansion, periodic
from .formula import Formula
from .onnx_operator import plain
from .series import Between

# Wider intervals than this are the whole range; as many multiples of pi are looked at from one on.
WIDEST, COUNT = 12.0, 5
# A turn nearer to an end than this share of a turn counts as inside.
NEAR = 2.0**-30


class Sine(Formula):
    """sin(z + quarters pi / 2)."""

    steepest = 1.0

    def __init__(self, name: str, quarters: int) -> None:
        self.name, self.quarters = name, quarters

    def value_in(self, a: Any, z: Any) -> Any:
        return a.sin(z, self.quarters)

    def slope_in(self, a: Any, z: Any) -> Any:
        return a.sin(z, self.quarters + 1)

    def breaks(self, low: Any) -> tuple[Any, Any]:
        """The zeros from about `low` on, each off by a few roundings of its size."""
        shift, xp = self.quarters / 2, namespace(low)
        first = xp.floor(low / math.pi + shift)
        zeros = [(first + j - shift) * math.pi for j in range(COUNT)]
        wide = (xp.abs(low) + 32) * 2.0**-50
        # In front of an even multiple sine is below 0, and convex.
        return first - 2 * xp.floor(first / 2) == 0, [(z - wide, z + wide) for z in zeros]

    def _bridge(self, number: int, sign: int, slope: Any, interval: tuple[Any, Any], pair: tuple[Any, Any]) -> Any:
        """Around a zero, with a slope of at most 1."""
        (low, high), (a, b) = interval, pair
        xp = namespace(low)
        size = xp.abs(slope) * xp.maximum(xp.abs(a), xp.abs(b))
        return (b - a) + xp.maximum(-slope * low, -slope * high) + 2.0**-50 * (size + 1)

    def most(self, sign: int, slope: Any, low: Any, high: Any) -> Any:
        xp = namespace(low)
        narrow = self._is_narrow(low, high)
        found = super().most(sign, slope, xp.where(narrow, low, 0.0), xp.where(narrow, high, 0.0))
        return xp.where(narrow, found, self._apart(sign, slope, low, high))

    def _support(self, sign: int, low: Any, high: Any) -> Any:
        return namespace(low).where(self._is_narrow(low, high), super()._support(sign, low, high), 0.0)

    def _is_narrow(self, low: Any, high: Any) -> Any:
        return (high - low <= WIDEST) & (low >= -FARTHEST_SINE) & (high <= FARTHEST_SINE)

    def range_between(self, low: Any, high: Any) -> tuple[Any, Any]:
        xp = namespace(low)
        least, most = super().range_between(low, high)
        narrow = self._is_narrow(low, high)
        for top in (True, False):
            # In turns, from the place of a top or a bottom on.
            shift = self.quarters / 4 - (0.25 if top else 0.75)
            turns = [xp.where(narrow, z, 0.0) / (2 * math.pi) + shift for z in (low, high)]
            has = ~narrow | (xp.floor(turns[1] + NEAR) > xp.floor(turns[0] - NEAR))
            if top:
                most = xp.where(has, 1.0, most)
            else:
                least = xp.where(has, -1.0, least)
        return least, most

    def enclosed(self, low: Fraction, high: Fraction, bits: int) -> Between:
        """|f'| <= 1."""
        middle, half = (low + high) / 2, (high - low) / 2
        least, most = self.at(middle, bits)
        return max(least - half, Fraction(-1)), min(most + half, Fraction(1))

    def expansion(self, around: Around, degree: int) -> Expansion:
        return periodic(lambda z, k: sine_between(z, self.quarters + k), around, degree)

    def touching(self, slope: Any, low: Any, high: Any) -> Any:
        """u from the last zero on, in the half turn of the middle: (-1)^h cos u is the slope there."""
        xp, shift = namespace(low), self.quarters * (math.pi / 2)
        half = xp.floor(((low / 2 + high / 2) + shift) / math.pi)
        wanted = xp.clip(xp.where(half - 2 * xp.floor(half / 2) == 0, slope, -slope), -1.0, 1.0)
        return half * math.pi + (np.arccos if xp is np else xp.acos)(wanted) - shift


SIN, COS = Sine("Sin", 0), Sine("Cos", 1)
OPERATORS = (plain("Sin", 7, SIN), plain("Cos", 7, COS))
