"""1 / (1 + exp(-z))."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from .exponential import ERROR, FARTHEST, falling, falling_between
from .smooth import BITS, LITTLE, Smooth


class Sigmoid(Smooth):
    """Of e = exp(-|z|) it is 1 / (1 + e) or e / (1 + e), which moves relatively by less than e does."""

    name, bend = "Sigmoid", 0.0
    law = (0, 1, -1)

    def around(self, z: Any) -> tuple[Any, Any]:
        e = falling(np.minimum(np.abs(z), FARTHEST))
        found = np.where(z < 0, e, 1.0) / (1 + e)
        # Beyond FARTHEST it is between what it is there and 0, or 1.
        low = np.where(z < -FARTHEST, 0.0, found * (1 - 2 * ERROR))
        return low, np.where(z > FARTHEST, 1.0, np.minimum(found * (1 + 2 * ERROR), 1))

    def steepness(self, z: Any) -> tuple[Any, Any]:
        """f(z) f(-z)"""
        (a, b), (c, d) = self.around(z), self.around(-z)
        return a * c * (1 - ERROR), b * d * (1 + ERROR) + LITTLE

    def place(self, slope: Any, left: bool) -> Any:
        """f (1 - f) = s where 2 f - 1 = sqrt(1 - 4 s)."""
        size = 2 * np.arctanh(np.minimum(np.sqrt(np.maximum(1 - 4 * slope, 0)), 1 - 2.0**-50))
        return -size if left else size

    def rational(self, z: Fraction, bits: int) -> tuple[Fraction, Fraction]:
        low, high = falling_between(abs(z), bits)
        return (low / (1 + low), high / (1 + high)) if z < 0 else (1 / (1 + high), 1 / (1 + low))

    def derived(self, z: Fraction) -> tuple[Fraction, Fraction]:
        low, high = self.rational(z, BITS)
        return low * (1 - high), high * (1 - low)


SIGMOID = Sigmoid()
