"""z Phi(z) with the normal distribution Phi, and z s(2 u) with the logistic function s and a cubic u."""

from __future__ import annotations

from typing import Any

from .balls import Ball
from .formula import Formula
from .onnx import Form


class Gelu(Formula):
    """f'' = phi(z) (2 - z^2)"""

    name = "Gelu"
    curve = False
    pairs = ((-1.41421356238, -1.41421356237), (1.41421356237, 1.41421356238))
    turns = ((-0.751791524694, -0.751791524693),)

    def of(self, kind: Any, z: Ball, at: Any) -> Any:
        return z * self._share(kind, at)

    def rising(self, kind: Any, z: Ball, at: Any) -> Any:
        return self._share(kind, at) + z * kind.falling(z * z / 2) * kind.root_over(1, True)

    def _share(self, kind: Any, at: Any) -> Any:
        return (kind.erf(kind.ball(at) * kind.root_over(1, False)) + 1) / 2


class GeluTanh(Formula):
    """2 u = sqrt(8 / pi) (z + 0.044715 z^3). s'' = - s' tanh(u) and u'' are odd, so f'' is even; f'' / s' is above 0 at
    0, and 0 once on each side: see the engine's own file."""

    name = "Gelu(tanh)"
    curve = False
    pairs = ((-1.418504008791, -1.41850400879), (1.41850400879, 1.418504008791))
    turns = ((-0.752461422072, -0.752461422071),)

    def of(self, kind: Any, z: Ball, at: Any) -> Any:
        return z * self._logistic(kind, at)

    def rising(self, kind: Any, z: Ball, at: Any) -> Any:
        steep = (z * z * 3 * kind.fraction(44715, 10**6) + 1) * kind.root_over(16, True)
        return self._logistic(kind, at) * (z * self._logistic(kind, -at) * steep + 1)

    def _logistic(self, kind: Any, at: Any) -> Any:
        size = kind.ball(abs(at))
        fading = kind.falling((size * size * kind.fraction(44715, 10**6) + 1) * size * kind.root_over(16, True))
        return kind.choose(at > 0, 1, fading) / (fading + 1)


GELU, GELU_TANH = Gelu(), GeluTanh()
FORMS = {"Gelu": Form((20,), lambda approximate: GELU if approximate == b"none" else GELU_TANH,
                      words={"approximate": (b"none", b"tanh")})}
