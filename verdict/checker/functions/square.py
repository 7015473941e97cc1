"""z^2."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from .smooth import LITTLE, Smooth, held

# The share of a product that covers its rounding.
ROUNDED = 2.0**-50


class Square(Smooth):
    """Least at 0, and exact in rationals."""

    name = "Square"
    exponent = 2

    def around(self, z: Any) -> tuple[Any, Any]:
        with np.errstate(over="ignore"):
            found = z * z
        return held(np.maximum(found * (1 - ROUNDED) - LITTLE, 0), found * (1 + ROUNDED) + LITTLE)

    def steepness(self, z: Any) -> tuple[Any, Any]:
        return 2 * z, 2 * z

    def place(self, slope: Any, left: bool) -> Any:
        return slope / 2

    def rational(self, z: Fraction, bits: int) -> tuple[Fraction, Fraction]:
        return z * z, z * z

    def derived(self, z: Fraction) -> tuple[Fraction, Fraction]:
        return 2 * z, 2 * z

    def between(self, low: Fraction, high: Fraction, bits: int) -> tuple[Fraction, Fraction]:
        squares = low * low, high * high
        return Fraction(0) if low <= 0 <= high else min(squares), max(squares)

    def interval(self, low: Any, high: Any) -> tuple[Any, Any]:
        (a, b), (c, d) = self.around(low), self.around(high)
        return np.where((low <= 0) & (high >= 0), 0.0, np.minimum(a, c)), np.maximum(b, d)


SQUARE = Square()
POWERS = {Fraction(2): (SQUARE,)}
