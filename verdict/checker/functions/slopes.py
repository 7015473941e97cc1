"""The derivatives of tanh and of the logistic function, up to the third."""

from __future__ import annotations

from typing import Any

from .balls import Ball
from .formula import Formula
from .sigmoid import SIGMOID, Sigmoid
from .tanh import TANH, Tanh

# Where |z| is in tanh^(k)(z) for k = 3, 4 and 5, between two numbers each.
_THIRD = (0.658478948462, 0.658478948463)
_FOURTH = (1.146215834780, 1.146215834781)
_FIFTHS = ((0.421316474064, 0.421316474065), (1.572159203077, 1.572159203078))
_ZERO = ((0.0, 0.0),)


def _both(right: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    return tuple(sorted([*right, *((-b, -a) for a, b in right)]))


# The order of a derivative: where its second derivative and where its first one change their signs.
_SHAPES = {1: (_both((_THIRD,)), _ZERO), 2: (tuple(sorted([*_both((_FOURTH,)), *_ZERO])), _both((_THIRD,))),
           3: (_both(_FIFTHS), tuple(sorted([*_both((_FOURTH,)), *_ZERO])))}


class Slope(Formula):
    """tanh^(order)(z), or s^(order)(z) = tanh^(order)(z / 2) / 2^(order + 1). With t = tanh z and g = 1 - t^2 these are
    g, -2 t g, (6 t^2 - 2) g, (16 - 24 t^2) t g, and the fifth is 8 g (2 - 15 g + 15 g^2). All are convex far out on the
    left."""

    curve = True

    def __init__(self, base: Tanh | Sigmoid, order: int) -> None:
        self.name, self.base, self.order = base.name + "'" * order, base, order
        self.half = base is SIGMOID
        self.pairs, self.turns = (
            tuple((2 * a, 2 * b) if self.half else (a, b) for a, b in pairs) for pairs in _SHAPES[order]
        )

    def of(self, kind: Any, z: Ball, at: Any) -> Any:
        return self._derivative(kind, at, self.order)

    def rising(self, kind: Any, z: Ball, at: Any) -> Any:
        return self._derivative(kind, at, self.order + 1)

    def _derivative(self, kind: Any, at: Any, order: int) -> Any:
        """1 - t^2 = 4 e / (1 + e)^2 with e = exp(-2 |z|), or exp(-|z|), which fades where z is large."""
        e = kind.falling(kind.ball(abs(at) if self.half else 2 * abs(at)))
        g, size = e * 4 / ((e + 1) * (e + 1)), (1 - e) / (1 + e)
        t = kind.choose(at > 0, size, -size)
        square = size * size
        factor = {1: 1, 2: t * -2, 3: square * 6 - 2, 4: t * (16 - square * 24)}[order]
        return g * factor / (2 ** (order + 1) if self.half else 1)


TANH_SLOPES = TANH_1, TANH_2, TANH_3 = tuple(Slope(TANH, order) for order in (1, 2, 3))
SIGMOID_SLOPES = SIGMOID_1, SIGMOID_2, SIGMOID_3 = tuple(Slope(SIGMOID, order) for order in (1, 2, 3))
