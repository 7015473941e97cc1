"""z Phi(z) with the normal distribution Phi, and its approximation z Sigmoid(2 u(z)) with a cubic u.

Gelu has f'' = phi(z) (2 - z^2), so it bends at +-sqrt(2). The approximation bends where h(z) = 1, of an even function
h = z c (1 + 9 a^2 z^4 / (1 + 6 a z^2)) tanh(u) / 2, c = 2 sqrt(2 / pi), a = 0.044715, that rises with |z|: at +-1.4185.
"""

from __future__ import annotations

from typing import Any

from .formula import Formula
from .onnx_operator import Operator, Scaled


class Gelu(Formula):
    name = "Gelu"
    steepest = 1.13
    grows = True
    convex_first = False
    inflections = ((-1.4142135623731, -1.414213562373), (1.414213562373, 1.4142135623731))
    turns = ((-0.7517915246936, -0.7517915246935),)

    def value_in(self, a: Any, z: Any) -> Any:
        """max(z, 0) - |z| Phi(-|z|)"""
        size = a.size(z)
        return a.positive(z) - size * a.erfc(size * a.root(1, 2)) / 2

    def slope_in(self, a: Any, z: Any) -> Any:
        """Phi + z phi"""
        tail = a.erfc(a.size(z) * a.root(1, 2)) / 2
        density = a.falling(z * z / 2) * a.root(1, 2, over_pi=True)
        return a.where(self.is_negative(z), tail, 1 - tail) + z * density


class GeluTanh(Formula):
    """With u(z) = sqrt(2 / pi) (z + 0.044715 z^3)."""

    name = "Gelu(tanh)"
    steepest = 1.13
    grows = True
    convex_first = False
    inflections = ((-1.4185040087909, -1.4185040087908), (1.4185040087908, 1.4185040087909))
    turns = ((-0.7524614220711, -0.752461422071),)

    def value_in(self, a: Any, z: Any) -> Any:
        """max(z, 0) - |z| e / (1 + e) with e = exp(-2 u(|z|))"""
        size = a.size(z)
        fading = a.falling(self._inner(a, size))
        return a.positive(z) - size * (fading / (1 + fading))

    def slope_in(self, a: Any, z: Any) -> Any:
        """s + z s (1 - s) 2 u'"""
        fading = a.falling(self._inner(a, a.size(z)))
        rest = 1 + fading
        steep = 2 * (1 + 3 * a.of(44715, 10**6) * (z * z)) * a.root(2, 1, over_pi=True)
        return a.where(self.is_negative(z), fading, fading * 0 + 1) / rest + z * (fading / (rest * rest)) * steep

    def _inner(self, a: Any, size: Any) -> Any:
        return 2 * (size * (1 + a.of(44715, 10**6) * (size * size))) * a.root(2, 1, over_pi=True)


GELU, GELU_TANH = Gelu(), GeluTanh()


def _gelu(approximate: str) -> Scaled:
    return Scaled(GELU if approximate == "none" else GELU_TANH)


OPERATORS = (Operator("Gelu", 20, _gelu, words={"approximate": ("none", "tanh")}),)
