"""ln (1 + exp(z)): convex, its slope is Sigmoid."""

from __future__ import annotations

from typing import Any

from ..maps.namespace import namespace
from .expansion import Around, Expansion, integrated
from .formula import Formula
from .onnx_operator import plain
from .sigmoid import SIGMOID


class Softplus(Formula):
    name = "Softplus"
    steepest = 1.0

    def value_in(self, a: Any, z: Any) -> Any:
        """max(z, 0) + ln (1 + exp(-|z|))"""
        return a.positive(z) + a.log1p(a.falling(a.size(z)))

    def slope_in(self, a: Any, z: Any) -> Any:
        fading = a.falling(a.size(z))
        return a.where(self.is_negative(z), fading, fading * 0 + 1) / (1 + fading)

    def expansion(self, around: Around, degree: int) -> Expansion:
        """f' is Sigmoid."""
        return integrated(self.between(around.middle), SIGMOID.expansion(around, degree - 1), around)

    def touching(self, slope: Any, low: Any, high: Any) -> Any:
        """Where Sigmoid is the slope; beyond its range the farthest point."""
        xp = namespace(low)
        return xp.log(xp.clip(slope, 1e-300, None) / xp.clip(1 - slope, 1e-300, None))


SOFTPLUS = Softplus()
OPERATORS = (plain("Softplus", 1, SOFTPLUS),)
