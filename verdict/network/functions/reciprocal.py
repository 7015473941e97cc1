"""1 / z: falling, concave below 0 and convex above, undefined at 0."""

from __future__ import annotations

from typing import Any

from ..maps.namespace import namespace
from .formula import Formula


class Reciprocal(Formula):
    name = "Reciprocal"
    convex_first = False
    inflections = ((0.0, 0.0),)
    is_rational = True

    def inside(self, low: Any, high: Any) -> Any:
        return (low > 0) | (high < 0)

    def value_in(self, a: Any, z: Any) -> Any:
        return 1 / z

    def slope_in(self, a: Any, z: Any) -> Any:
        return -1 / (z * z)

    def touching(self, slope: Any, low: Any, high: Any) -> Any:
        xp = namespace(low)
        size = xp.sqrt(-1 / xp.clip(slope, None, -1e-300))
        return xp.where(high <= 0, -size, size)


RECIPROCAL = Reciprocal()
