"""1 from 0 on, and 0 before: what Sign, comparisons and binarised layers are sums of.

z > 0 is 1 - step(-z), and the sign of z is step(z) - step(-z): 0 at 0, where both are 1. A split at 0 leaves nothing of
the jump: one half is z >= 0 with the value 1, the other z < 0 with the value 0. An upper end between the largest
float32 number below 0 and 0 stands for that open end, and lines and brackets then count as on [low, 0) all the same.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ..maps.namespace import cast, namespace
from .stairs import Stairs

# Half of the slope that gradients are given at the jump is left so far from it, as a share of the layer's root mean
# square, and a number that keeps that above 0.
NEAR, TINY = 0.3, 1e-30
# The largest number below 0 that both float types have.
BELOW = -(2.0**-149)


class Step(Stairs):
    name = "Step"

    def value(self, z: Any) -> Any:
        return cast(z >= 0, z.dtype)

    def from_left(self, z: Any) -> Any:
        return cast(z > 0, z.dtype)

    def from_right(self, z: Any) -> Any:
        return self.value(z)

    def derivative(self, z: Any) -> Any:
        """The nearer a neuron is to its jump, as its layer goes, the more it counts: a hint, as in any network of signs
        (Bengio et al. 1308.3432)."""
        xp = namespace(z)
        near = NEAR * xp.sqrt(xp.mean(z * z, axis=-1, keepdims=True)) + TINY
        return 1 / (near * (1 + xp.abs(z) / near) ** 2)

    def after(self, z: Any) -> Any:
        return namespace(z).where(z < 0, 0 * z, np.inf)

    def before(self, z: Any) -> Any:
        return namespace(z).where(z > 0, 0 * z, -np.inf)

    def of_rational(self, z: Fraction) -> int:
        return int(z >= 0)

    def cut(self, low: float, high: float, wanted: float) -> float:
        return 0.0

    def below(self, at: float) -> float:
        return BELOW if at == 0 else at

    def is_zero(self, low: Any, high: Any) -> Any:
        return high < 0

    def corners(self, low: Any, high: Any) -> list[tuple[Any, Any]]:
        """Short of 0 the upper end is 0 too, with the value that is there before the jump."""
        is_open = (high < 0) & (high >= BELOW)
        return [*super().corners(low, high), (namespace(low).where(is_open, 0 * high, high), self.value(high))]


STEP = Step()
