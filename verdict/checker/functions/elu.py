"""z above 0, alpha (exp(z) - 1) below."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ..errors import UnreadableError
from .balls import Ball
from .formula import Formula
from .onnx import Form


class Elu(Formula):
    """Convex below 0, straight above: one of the pieces, whichever way the slope jumps at 0."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha, self.name = alpha, "Elu" if alpha == 1 else f"Elu with alpha {alpha:g}"
        if alpha != 1:
            self.pairs = ((0.0, 2.0**-1074),)

    def of(self, kind: Any, z: Ball, at: Any) -> Any:
        return kind.choose(at > 0, z, (kind.falling(kind.ball(abs(at))) - 1) * self.alpha)

    def rising(self, kind: Any, z: Ball, at: Any) -> Any:
        return kind.choose(at > 0, 1, kind.falling(kind.ball(abs(at))) * self.alpha)

    def touching(self, slope: Any, number: int, low: Any, high: Any) -> Any:
        return np.where(slope < self.alpha, np.log(np.maximum(slope, 1e-300) / self.alpha), 0.0)


ELU = Elu()


def _positive(value: float) -> Fraction:
    if not value > 0:
        raise UnreadableError(f"a parameter {value:g}, where only numbers above 0 are read")
    return Fraction(value)


def _selu(alpha: float, gamma: float) -> Any:
    return Fraction(1), Elu(float(_positive(alpha))), _positive(gamma)


def _celu(alpha: float) -> Any:
    return 1 / _positive(alpha), ELU, Fraction(alpha)


FORMS = {
    "Elu": Form((6, 22), lambda alpha: Elu(float(_positive(alpha))), {"alpha": 1.0}),
    "Selu": Form((6, 22), _selu, {"alpha": float(np.float32(1.67326319217681884765625)),
                                  "gamma": float(np.float32(1.05070102214813232421875))}),
    "Celu": Form((12, 28), _celu, {"alpha": 1.0}),
}
