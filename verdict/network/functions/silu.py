"""z Sigmoid(z), or Swish: it falls up to about -1.28, and bends where z tanh(z / 2) = 2, at +-2.4.

f'' = s (1 - s) (2 - z tanh(z / 2)) with s = Sigmoid(z), and z tanh(z / 2) rises with |z|: two inflection points.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from .expansion import Around, Expansion, multiplied
from .formula import Formula
from .onnx_operator import Operator, Scaled, finite
from .sigmoid import SIGMOID


class Silu(Formula):
    name = "Silu"
    steepest = 1.1
    grows = True
    convex_first = False
    inflections = ((-2.3993572805154, -2.3993572805153), (2.3993572805153, 2.3993572805154))
    turns = ((-1.2784645427611, -1.278464542761),)

    def value_in(self, a: Any, z: Any) -> Any:
        """max(z, 0) - |z| e / (1 + e) with e = exp(-|z|)"""
        size = a.size(z)
        fading = a.falling(size)
        return a.positive(z) - size * (fading / (1 + fading))

    def expansion(self, around: Around, degree: int) -> Expansion:
        return multiplied(SIGMOID.expansion(around, degree), around)

    def slope_in(self, a: Any, z: Any) -> Any:
        """s + z s (1 - s)"""
        fading = a.falling(a.size(z))
        rest = 1 + fading
        return a.where(self.is_negative(z), fading, fading * 0 + 1) / rest + z * (fading / (rest * rest))


SILU = Silu()
TIMES = {(SIGMOID,): SILU}


def _swish(alpha: Any) -> Scaled:
    """z Sigmoid(alpha z)"""
    scale = finite("alpha", alpha, 0.0)
    return Scaled(SILU, inner=scale, outer=Fraction(1) / scale)


OPERATORS = (Operator("Swish", 24, _swish, {"alpha": 1.0}),)
