"""z tanh(ln (1 + exp(z)))."""

from __future__ import annotations

from typing import Any

from .balls import Ball
from .formula import Formula
from .onnx import Form
from .softplus import SOFTPLUS
from .tanh import TANH


class Mish(Formula):
    """z (1 - 2 / d) with d = (1 + w)^2 + 1 and w = exp(z); f' = 1 - 2 / d + 4 z w (1 + w) / d^2. f'' has two zeros: the
    sign of 2 (w^3 + 3 w^2 + 4 w + 2) + z (2 + 2 w - 3 w^2 - 2 w^3), see the engine's own file for why."""

    name = "Mish"
    curve = False
    pairs = ((-2.25637639637, -2.25637639636), (1.49057117948, 1.49057117949))
    turns = ((-1.192431214516, -1.192431214515),)

    def of(self, kind: Any, z: Ball, at: Any) -> Any:
        return z * self._parts(kind, at)[0]

    def rising(self, kind: Any, z: Ball, at: Any) -> Any:
        share, steep = self._parts(kind, at)
        return share + z * steep

    def _parts(self, kind: Any, at: Any) -> tuple[Any, Any]:
        """(d - 2) / d and 4 w (1 + w) / d^2, above 0 both with d and w (1 + w) divided by w^2, in e = exp(-|z|)."""
        e = kind.falling(kind.ball(abs(at)))
        square = e * e
        below, above = square + 2 * e, 2 * e + 1
        top, d = kind.choose(at > 0, above, below), kind.choose(at > 0, above + 2 * square, below + 2)
        return top / d, 4 * kind.choose(at > 0, square * (e + 1), e + square) / (d * d)


MISH = Mish()
FORMS = {"Mish": Form((18, 22), lambda: MISH)}
TIMES = {(TANH, SOFTPLUS): MISH}
