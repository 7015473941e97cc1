"""1 / z: falling, concave below 0 and convex above, undefined at 0."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ...base.errors import UnsupportedError
from ..maps.namespace import namespace
from .base import Feature, Form
from .expansion import Around, Expansion, autonomous
from .formula import Formula
from .root import SQRT
from .square import SQUARE

_SLOPE = (Fraction(0), Fraction(0), Fraction(-1))


class Reciprocal(Formula):
    name = "Reciprocal"
    convex_first = False
    inflections = ((0.0, 0.0),)
    is_rational = True
    features = frozenset({Feature.POLYNOMIAL})

    def inside(self, low: Any, high: Any) -> Any:
        return (low > 0) | (high < 0)

    def value_in(self, a: Any, z: Any) -> Any:
        return 1 / z

    def slope_in(self, a: Any, z: Any) -> Any:
        return -1 / (z * z)

    def formula(self, y: str, z: str, low: float, high: float, form: Form) -> list[str]:
        """Of bounds that leave 0 out, where there is a y for each z."""
        if not self.inside(low, high):
            raise UnsupportedError(f"{self.name} of numbers between {low:.4g} and {high:.4g}, which may be 0")
        return [f"(= (* {y} {z}) 1.0)"]

    def expansion(self, around: Around, degree: int) -> Expansion:
        """f' = -f^2"""
        over = self.range_between(around.low, around.high)
        return autonomous(_SLOPE, self.between(around.middle), over, around, degree)

    def touching(self, slope: Any, low: Any, high: Any) -> Any:
        xp = namespace(low)
        size = xp.sqrt(-1 / xp.clip(slope, None, -1e-300))
        return xp.where(high <= 0, -size, size)


RECIPROCAL = Reciprocal()
POWERS = {Fraction(-1): (RECIPROCAL,), Fraction(-1, 2): (SQRT, RECIPROCAL), Fraction(-2): (SQUARE, RECIPROCAL)}
