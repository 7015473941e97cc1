"""z above 0 and alpha (exp(z) - 1) below, alpha > 0: convex up to 0, and a line from there on.

Selu is a multiple of it, and Celu is alpha Elu(z / alpha) with the slope 1 at 0.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ..maps.namespace import namespace
from .formula import Formula
from .onnx_operator import Operator, Scaled, finite

# Exclusive: alpha = 0 is Relu.
LEAST_ALPHA = 0.0


class Elu(Formula):
    def __init__(self, alpha: float = 1.0) -> None:
        self.name = "Elu" if alpha == 1 else f"Elu({alpha:.6g})"
        self.alpha = alpha
        self.steepest = max(1.0, alpha)
        # A kink belongs to the left; the line on the right counts as concave.
        self.inflections = ((0.0, float(np.nextafter(0.0, 1.0))),) if alpha != 1 else ()

    def value_in(self, a: Any, z: Any) -> Any:
        return a.where(self.is_negative(z), (a.falling(a.size(z)) - 1) * self.alpha, z)

    def slope_in(self, a: Any, z: Any) -> Any:
        falling = a.falling(a.size(z)) * self.alpha
        return a.where(self.is_above(z, 0), falling * 0 + 1, falling)

    def touching(self, slope: Any, low: Any, high: Any) -> Any:
        """Above 0 only the slope 1 is met, everywhere; below it alpha exp(z)."""
        xp = namespace(low)
        return xp.where(slope < self.alpha, xp.log(xp.clip(slope, 1e-300, None) / self.alpha), 0.0)


ELU = Elu()


def _elu(alpha: Any) -> Scaled:
    return Scaled(Elu(float(finite("alpha", alpha, LEAST_ALPHA))))


def _selu(alpha: Any, gamma: Any) -> Scaled:
    scale = finite("gamma", gamma, 0.0)
    return Scaled(Elu(float(finite("alpha", alpha, LEAST_ALPHA))), outer=scale)


def _celu(alpha: Any) -> Scaled:
    size = finite("alpha", alpha, 0.0)
    return Scaled(ELU, inner=Fraction(1) / size, outer=size)


OPERATORS = (
    Operator("Elu", 6, _elu, {"alpha": 1.0}),
    Operator("Selu", 6, _selu, {"alpha": 1.67326319217681884765625, "gamma": 1.05070102214813232421875}),
    Operator("Celu", 12, _celu, {"alpha": 1.0}),
)
