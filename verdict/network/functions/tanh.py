"""The hyperbolic tangent, (1 - e) / (1 + e) with e = exp(-2 z): convex up to 0, concave from 0 on."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ..maps.namespace import namespace
from .elementary import FARTHEST, WRONG, exponential
from .expansion import Around, Expansion, autonomous
from .onnx_operator import plain
from .series import Between
from .series import exponential as exact_exponential
from .smooth import Smooth

SLOPE = (Fraction(1), Fraction(0), Fraction(-1))
# The least number above 0.
SMALLEST = 2.0**-1074


class Tanh(Smooth):
    name = "Tanh"
    inflections = ((0.0, 0.0),)
    steepest = 1.0

    def value(self, z: Any) -> Any:
        return namespace(z).tanh(z)

    def derivative(self, z: Any) -> Any:
        """4 e / (1 + e)^2 with e = exp(-2 |z|), which does not cancel."""
        xp = namespace(z)
        fading = xp.exp(-2 * xp.abs(z))
        return 4 * fading / (1 + fading) ** 2

    def between(self, z: Any) -> tuple[Any, Any]:
        """e is off by WRONG of itself, which moves the quotient by less than 2 WRONG, and three operations round; |z| -
        |z|^3 / 3 <= tanh |z| <= |z| is closer near 0, where a product may be a subnormal number, rounded up."""
        xp = namespace(z)
        size = xp.abs(z)
        fading = exponential(-2 * xp.clip(size, None, FARTHEST / 2))
        value = (1 - fading) / (1 + fading)
        near = xp.clip(size, None, 1.0)
        low = xp.maximum(value - 4 * WRONG, (near - near * near * near / 3) * (1 - WRONG) - SMALLEST)
        low = xp.clip(low, 0.0, None)
        high = xp.clip(xp.minimum(value + 4 * WRONG, size), None, 1.0)
        return xp.where(z < 0, -high, low), xp.where(z < 0, -low, high)

    def slope_between(self, z: Any) -> tuple[Any, Any]:
        xp = namespace(z)
        fading = exponential(-2 * xp.clip(xp.abs(z), None, FARTHEST / 2))
        slope = 4 * fading / ((1 + fading) * (1 + fading))
        low = xp.where(xp.abs(z) > FARTHEST / 2, 0.0, slope * (1 - 4 * WRONG))
        return low, xp.clip(slope * (1 + 4 * WRONG), None, 1.0)

    def touching(self, slope: Any, low: Any, high: Any) -> Any:
        """1 - f^2 = s"""
        xp = namespace(low)
        root = xp.sqrt(xp.clip(1 - slope, 0.0, 1 - 2.0**-50))
        size = xp.log((1 + root) / (1 - root)) / 2
        return xp.where(high <= 0, -size, size)

    def expansion(self, around: Around, degree: int) -> Expansion:
        """f' = 1 - f^2"""
        over = self.range_between(around.low, around.high)
        return autonomous(SLOPE, self.between(around.middle), over, around, degree)

    def at(self, z: Fraction, bits: int) -> Between:
        low, high = exact_exponential(2 * abs(z), bits)
        ends = (1 - high) / (1 + high), (1 - low) / (1 + low)
        return (-ends[1], -ends[0]) if z < 0 else ends


TANH = Tanh()
OPERATORS = (plain("Tanh", 6, TANH),)
