"""z / (1 + exp(-z)), or Swish."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ..errors import UnreadableError
from .balls import Ball
from .formula import Formula
from .onnx import Form
from .sigmoid import SIGMOID


class Silu(Formula):
    """With the logistic s: f' = s (1 + z (1 - s)) and f'' = s (1 - s) (2 - z tanh(z / 2)), so f bends twice."""

    name = "Silu"
    factor = SIGMOID
    curve = False
    pairs = ((-2.39935728053, -2.39935728052), (2.39935728052, 2.39935728053))
    turns = ((-1.278464542762, -1.278464542761),)

    def of(self, kind: Any, z: Ball, at: Any) -> Any:
        return z * self._logistic(kind, at)

    def rising(self, kind: Any, z: Ball, at: Any) -> Any:
        return self._logistic(kind, at) * (z * self._logistic(kind, -at) + 1)

    def _logistic(self, kind: Any, at: Any) -> Any:
        fading = kind.falling(kind.ball(abs(at)))
        return kind.choose(at > 0, 1, fading) / (fading + 1)


SILU = Silu()


def _swish(alpha: float) -> Any:
    if not alpha > 0:
        raise UnreadableError(f"alpha {alpha:g}, where only numbers above 0 are read")
    return Fraction(alpha), SILU, 1 / Fraction(alpha)


FORMS = {"Swish": Form((24,), _swish, {"alpha": 1.0})}
TIMES = {(SIGMOID,): SILU}
