"""1 / (1 + exp(-z)): convex up to 0, concave from 0 on."""

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

SLOPE = (Fraction(0), Fraction(1), Fraction(-1))


class Sigmoid(Smooth):
    name = "Sigmoid"
    inflections = ((0.0, 0.0),)
    steepest = 0.25

    def value(self, z: Any) -> Any:
        xp = namespace(z)
        fading = xp.exp(-xp.abs(z))
        return xp.where(z < 0, fading, 1.0) / (1 + fading)

    def derivative(self, z: Any) -> Any:
        value = self.value(z)
        return value * (1 - value)

    def between(self, z: Any) -> tuple[Any, Any]:
        """exp(-|z|) is off by WRONG of itself, so is the quotient, which two more operations round; beyond FARTHEST a
        monotone function lies between its value there and its limit."""
        xp = namespace(z)
        fading = exponential(-xp.clip(xp.abs(z), None, FARTHEST))
        value = xp.where(z < 0, fading, 1.0) / (1 + fading)
        low = xp.where(z < -FARTHEST, 0.0, value * (1 - 4 * WRONG))
        return low, xp.where(z > FARTHEST, 1.0, xp.clip(value * (1 + 4 * WRONG), None, 1.0))

    def slope_between(self, z: Any) -> tuple[Any, Any]:
        """f(|z|) f(-|z|)"""
        size = namespace(z).abs(z)
        (a, b), (c, d) = self.between(size), self.between(-size)
        return a * c * (1 - WRONG), b * d * (1 + WRONG) + 2.0**-1000

    def touching(self, slope: Any, low: Any, high: Any) -> Any:
        """f (1 - f) = s for f = (1 +- sqrt(1 - 4 s)) / 2"""
        xp = namespace(low)
        root = xp.sqrt(xp.clip(1 - 4 * slope, 0.0, 1 - 2.0**-50))
        size = xp.log((1 + root) / (1 - root))
        return xp.where(high <= 0, -size, size)

    def expansion(self, around: Around, degree: int) -> Expansion:
        """f' = f - f^2"""
        over = self.range_between(around.low, around.high)
        return autonomous(SLOPE, self.between(around.middle), over, around, degree)

    def at(self, z: Fraction, bits: int) -> Between:
        low, high = exact_exponential(abs(z), bits)
        if z < 0:
            return low / (1 + low), high / (1 + high)
        return 1 / (1 + high), 1 / (1 + low)


SIGMOID = Sigmoid()
OPERATORS = (plain("Sigmoid", 6, SIGMOID),)
