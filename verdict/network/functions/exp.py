"""exp(z): convex, its own derivative."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from ...base.errors import UnsupportedError
from ..maps.namespace import namespace
from .elementary import FARTHEST, WRONG, exponential
from .expansion import Around, Expansion, autonomous
from .onnx_operator import plain
from .series import Between
from .series import exponential as exact_exponential
from .smooth import LIBRARY, Smooth

# Beyond this exp has too many digits to be written down.
LARGEST = 2**14


class Exp(Smooth):
    name = "Exp"

    def value(self, z: Any) -> Any:
        with np.errstate(over="ignore"):
            return namespace(z).exp(z)

    def derivative(self, z: Any) -> Any:
        return self.value(z)

    def between(self, z: Any) -> tuple[Any, Any]:
        xp = namespace(z)
        value = exponential(xp.clip(z, -FARTHEST, FARTHEST))
        low = xp.where(z < -FARTHEST, 0.0, value * (1 - 2 * WRONG))
        return low, xp.where(z > FARTHEST, np.inf, value * (1 + 2 * WRONG))

    def slope_between(self, z: Any) -> tuple[Any, Any]:
        return self.between(z)

    def touching(self, slope: Any, low: Any, high: Any) -> Any:
        return namespace(slope).log(slope)

    def expansion(self, around: Around, degree: int) -> Expansion:
        """f' = f"""
        over = self.range_between(around.low, around.high)
        return autonomous((Fraction(0), Fraction(1)), self.between(around.middle), over, around, degree)

    def at(self, z: Fraction, bits: int) -> Between:
        if z <= 0:
            return exact_exponential(-z, bits)
        if z > LARGEST:
            raise UnsupportedError(f"exp of {float(z):.4g} has too many digits")
        # The error of 1 / y is that of y divided by y^2, and 1 / y < 2^(3 z / 2).
        low, high = exact_exponential(z, bits + 3 * math.ceil(z) + 2)
        return 1 / high, 1 / low

    def carried(self, error: Any, size: Any, unit: float, smallest: float) -> Any:
        steepest = self.value(size + error)
        return error * steepest + LIBRARY * unit * (1 + size) * steepest + smallest


EXP = Exp()
OPERATORS = (plain("Exp", 6, EXP),)
