"""The hyperbolic tangent."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from .exponential import ERROR, FARTHEST, falling, falling_between
from .onnx import Form
from .smooth import BITS, Smooth

# The least float above 0.
SMALLEST = 2.0**-1074


class Tanh(Smooth):
    """Of e = exp(-2 |z|) it is (1 - e) / (1 + e) in size, which moves by less than 2 e times what e does relatively."""

    name, bend = "Tanh", 0.0
    law = (1, 0, -1)

    def around(self, z: Any) -> tuple[Any, Any]:
        size = np.abs(z)
        e = falling(2 * np.minimum(size, FARTHEST / 2))
        found = (1 - e) / (1 + e)
        # Near 0 it lies between |z| - |z|^3 / 3 and |z|; of subnormal numbers the product may be rounded up by half of
        # the least one.
        near = np.minimum(size, 1)
        low = np.maximum(np.maximum(found - 4 * ERROR, (near - near**3 / 3) * (1 - ERROR) - SMALLEST), 0)
        high = np.minimum(np.minimum(found + 4 * ERROR, size), 1)
        return np.where(z < 0, -high, low), np.where(z < 0, -low, high)

    def steepness(self, z: Any) -> tuple[Any, Any]:
        """4 e / (1 + e)^2, which falls to 0."""
        e = falling(2 * np.minimum(np.abs(z), FARTHEST / 2))
        found = 4 * e / (1 + e) ** 2
        return np.where(np.abs(z) > FARTHEST / 2, 0.0, found * (1 - 4 * ERROR)), np.minimum(found * (1 + 4 * ERROR), 1)

    def place(self, slope: Any, left: bool) -> Any:
        """1 - f^2 = s"""
        size = np.arctanh(np.minimum(np.sqrt(np.maximum(1 - slope, 0)), 1 - 2.0**-50))
        return -size if left else size

    def rational(self, z: Fraction, bits: int) -> tuple[Fraction, Fraction]:
        low, high = falling_between(2 * abs(z), bits)
        ends = (1 - high) / (1 + high), (1 - low) / (1 + low)
        return (-ends[1], -ends[0]) if z < 0 else ends

    def derived(self, z: Fraction) -> tuple[Fraction, Fraction]:
        """1 - f^2: around 0 at most 1."""
        low, high = self.rational(z, BITS)
        squares = low * low, high * high
        return 1 - max(squares), Fraction(1) if low <= 0 <= high else 1 - min(squares)


TANH = Tanh()
FORMS = {"Tanh": Form((6, 13), lambda: TANH)}
