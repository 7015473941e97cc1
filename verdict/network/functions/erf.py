"""The error function: convex up to 0, concave from 0 on."""

from __future__ import annotations

import math
from typing import Any

from ..maps.namespace import namespace
from .formula import Formula
from .onnx_operator import plain


class Erf(Formula):
    name = "Erf"
    steepest = 1.13
    inflections = ((0.0, 0.0),)

    def value_in(self, a: Any, z: Any) -> Any:
        value = a.erf(a.size(z))
        return a.where(self.is_negative(z), -value, value)

    def slope_in(self, a: Any, z: Any) -> Any:
        return a.falling(z * z) * a.root(4, 1, over_pi=True)

    def touching(self, slope: Any, low: Any, high: Any) -> Any:
        xp = namespace(low)
        size = xp.sqrt(-xp.log(slope * (math.sqrt(math.pi) / 2)))
        return xp.where(high <= 0, -size, size)


ERF = Erf()
OPERATORS = (plain("Erf", 9, ERF),)
