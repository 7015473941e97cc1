"""Sine and cosine."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from .balls import Ball
from .formula import Formula
from .onnx import Form
from .tables import FARTHEST

# As wide as the pieces that are looked at reach, from the first on; a wider interval is the whole range.
_WIDTH, _PIECES = 12.0, 6


class Circular(Formula):
    """sin(z + shift pi): positive and concave, negative and convex in turn, half a turn each."""

    def __init__(self, name: str, shift: float) -> None:
        self.name, self.shift, self.quarters = name, shift, int(2 * shift)

    def of(self, kind: Any, z: Ball, at: Any) -> Any:
        return kind.cos(z) if self.shift else kind.sin(z)

    def rising(self, kind: Any, z: Ball, at: Any) -> Any:
        return -kind.sin(z) if self.shift else kind.cos(z)

    def bends(self, low: Any) -> tuple[Any, list[tuple[Any, Any]]]:
        """Zeros from the one beside `low` on, with room for the roundings of multiples of pi."""
        first = np.floor(low / math.pi + self.shift) - 1
        room = (np.abs(low) + 40) * 2.0**-49
        zeros = [(first + k - self.shift) * math.pi for k in range(_PIECES)]
        return np.asarray(first % 2 == 0), [(z - room, z + room) for z in zeros]

    def _narrow(self, low: Any, high: Any) -> Any:
        return (high - low <= _WIDTH) & (np.abs(low) <= FARTHEST) & (np.abs(high) <= FARTHEST)

    def _highest(self, sign: int, low: Any, high: Any, slope: Any) -> Any:
        narrow = self._narrow(low, high)
        near = super()._highest(sign, np.where(narrow, low, 0.0), np.where(narrow, high, 0.0), slope)
        return np.where(narrow, near, self._apart(sign, low, high, slope))

    def _closest(self, sign: int, low: Any, high: Any) -> Any:
        return np.where(self._narrow(low, high), super()._closest(sign, low, high), 0.0)

    def least(self, nu: Fraction, mu: Fraction, low: Fraction, high: Fraction) -> Fraction:
        if self._narrow(float(low), float(high)):
            return super().least(nu, mu, low, high)
        return -abs(nu) + min(-mu * low, -mu * high)

    def interval(self, low: Any, high: Any) -> tuple[Any, Any]:
        least, most = super().interval(low, high)
        near = [np.where(self._narrow(low, high), end, offset) for end, offset in ((low, 0.0), (high, 10.0))]
        # Tops are where z / 2 pi + shift / 2 is 1/4 beyond a whole number, bottoms where it is 3/4.
        phases = [z / (2 * math.pi) + self.shift / 2 for z in near]
        top, bottom = (np.floor(phases[1] - part + 2.0**-30) >= np.ceil(phases[0] - part - 2.0**-30)
                       for part in (0.25, 0.75))
        return np.where(bottom, -1.0, least), np.where(top, 1.0, most)

    def between(self, low: Fraction, high: Fraction, bits: int) -> tuple[Fraction, Fraction]:
        """No steeper than 1."""
        bottom, top = self.rational((low + high) / 2, bits)
        reach = (high - low) / 2
        return max(bottom - reach, Fraction(-1)), min(top + reach, Fraction(1))

    def touching(self, slope: Any, number: int, low: Any, high: Any) -> Any:
        """cos u = (-1)^k slope, u from the zero in front of the middle on."""
        k = np.floor((low + high) / 2 / math.pi + self.shift)
        return (k - self.shift) * math.pi + np.arccos(np.clip(np.where(k % 2 == 0, slope, -slope), -1, 1))


SIN, COS = Circular("Sin", 0.0), Circular("Cos", 0.5)
FORMS = {"Sin": Form((7, 22), lambda: SIN), "Cos": Form((7, 22), lambda: COS)}
