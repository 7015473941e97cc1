"""z tanh(z): f'' = 2 (1 - tanh^2) (1 - z tanh(z)), so it bends at two places, since z tanh(z) rises with |z|."""

from __future__ import annotations

from typing import Any

from .expansion import Around, Expansion, multiplied
from .formula import Formula
from .tanh import TANH


class TimesTanh(Formula):
    name = "x Tanh(x)"
    steepest = 1.2
    grows = True
    convex_first = False
    inflections = ((-1.1996786402578, -1.1996786402577), (1.1996786402577, 1.1996786402578))
    turns = ((0.0, 0.0),)

    def value_in(self, a: Any, z: Any) -> Any:
        """|z| (1 - e) / (1 + e) with e = exp(-2 |z|)"""
        size = a.size(z)
        fading = a.falling(size * 2)
        return size * ((1 - fading) / (1 + fading))

    def expansion(self, around: Around, degree: int) -> Expansion:
        return multiplied(TANH.expansion(around, degree), around)

    def slope_in(self, a: Any, z: Any) -> Any:
        """tanh + z (1 - tanh^2), and 1 - tanh^2 = 4 e / (1 + e)^2"""
        fading = a.falling(a.size(z) * 2)
        rest = 1 + fading
        value = (1 - fading) / rest
        return a.where(self.is_negative(z), -value, value) + z * (4 * fading / (rest * rest))


TIMES_TANH = TimesTanh()
TIMES = {(TANH,): TIMES_TANH}
