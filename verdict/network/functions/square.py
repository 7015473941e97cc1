"""z^2: convex, least at 0, and rational where z is."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ..exact import ExactVector
from ..maps.namespace import namespace
from .base import Feature, Form
from .expansion import Around, Expansion, raised
from .series import Between
from .smooth import LIBRARY, Smooth

# The largest float64, and the share of a product that covers its rounding.
LARGEST, ROUNDED = float(np.finfo(np.float64).max), 2.0**-52


class Square(Smooth):
    name = "Square"
    exponent = 2
    features = frozenset({Feature.POLYNOMIAL})

    def value(self, z: Any) -> Any:
        return z * z

    def derivative(self, z: Any) -> Any:
        return 2 * z

    def between(self, z: Any) -> tuple[Any, Any]:
        with np.errstate(over="ignore"):
            value = z * z
            low = namespace(z).clip(value, None, LARGEST) * (1 - ROUNDED) - 2.0**-1070
            return namespace(z).clip(low, 0.0, None), value * (1 + ROUNDED) + 2.0**-1070

    def slope_between(self, z: Any) -> tuple[Any, Any]:
        return 2 * z, 2 * z

    def touching(self, slope: Any, low: Any, high: Any) -> Any:
        return slope / 2

    def expansion(self, around: Around, degree: int) -> Expansion:
        return raised(2, around, degree)

    def at(self, z: Fraction, bits: int) -> Between:
        return z * z, z * z

    def exact(self, z: ExactVector) -> ExactVector:
        return (z * z).reduced()

    def formula(self, y: str, z: str, low: float, high: float, form: Form) -> list[str]:
        return [f"(= {y} (* {z} {z}))"]

    def range_between(self, low: Any, high: Any) -> tuple[Any, Any]:
        least, most = super().range_between(low, high)
        return namespace(low).where((low <= 0) & (high >= 0), 0.0, least), most

    def enclosed(self, low: Fraction, high: Fraction, bits: int) -> Between:
        least, most = super().enclosed(low, high, bits)
        return (Fraction(0) if low <= 0 <= high else least), most

    def carried(self, error: Any, size: Any, unit: float, smallest: float) -> Any:
        return (2 * size + error) * error + LIBRARY * unit * (size * size) + smallest


SQUARE = Square()
POWERS = {Fraction(2): (SQUARE,)}
