"""max(z, 0): off or on.

For z in [l, u] with l < 0 < u it lies above every line a z with a in [0, 1] and below the chord through (l, 0) and
(u, u). Stable neurons, l >= 0 or u <= 0, are linear and have no gap at all.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ..exact import ExactVector
from ..maps.namespace import cast, namespace, negative, positive, zeros_like_shape
from .base import Feature, Form, FourLines, Function, Piece

# A chord with less slope than this is replaced by a constant.
FLAT = 2.0**-60


class Relu(Function):
    name = "Relu"
    features = frozenset({Feature.PIECEWISE_LINEAR, Feature.ON_OFF})

    def value(self, z: Any) -> Any:
        return z * (z > 0)

    def derivative(self, z: Any) -> Any:
        return z > 0

    def enclosure(self, low: Any, high: Any) -> tuple[Any, Any]:
        return positive(low), positive(high)

    def lines(self, low: Any, high: Any) -> FourLines:
        """CROWN's: the line below has slope 0 or 1, whichever leaves the smaller triangle."""
        below, above = negative(low), positive(high)
        steep = ((low >= 0) | (above > -below)) & (high > 0)
        return cast(steep, low.dtype), None, *chord(low, high)

    def least(self, nu: Any, mu: Any, low: Any, high: Any) -> Any:
        """At an end, or at the kink."""
        xp = namespace(nu)
        ends = xp.minimum(nu * xp.clip(low, 0, None) - mu * low, nu * xp.clip(high, 0, None) - mu * high)
        return xp.where((low < 0) & (high > 0), xp.clip(ends, None, 0), ends)

    def bends(self, low: Any, high: Any) -> Any:
        return (low < 0) & (high > 0)

    def threshold(self, low: Any, high: Any) -> Any:
        return zeros_like_shape(low, low.shape)

    def cut(self, low: float, high: float, wanted: float) -> float:
        return 0.0

    def band(self, low: Any, high: Any) -> tuple[Any, Any, Any]:
        """For any slope in [0, 1] the distance from slope z is largest at l or u; with u / (u - l) the two ends agree
        and the band has the least area. A rounded slope is as sound."""
        xp = namespace(low)
        below, above = xp.clip(low, None, 0), xp.clip(high, 0, None)
        with np.errstate(divide="ignore"):
            slope = xp.where(above > 0, above / (above - below), 0)
        half = xp.maximum(-slope * below, (1 - slope) * above) / 2
        return slope, half, half

    def carried(self, error: Any, size: Any, unit: float, smallest: float) -> Any:
        return error

    def exact(self, z: ExactVector) -> ExactVector:
        return ExactVector(np.maximum(z.numerators, 0), z.denominator)

    def is_zero(self, low: Any, high: Any) -> Any:
        return high <= 0

    def formula(self, y: str, z: str, low: float, high: float, form: Form) -> list[str]:
        if low >= 0:
            return [f"(= {y} {z})"]
        if form is Form.ITE:
            return [f"(= {y} (ite (>= {z} 0.0) {z} 0.0))"]
        # The first one is implied; it lets the simplex reason before the phase is known.
        sides = f"(=> (>= {z} 0.0) (<= {y} {z}))", f"(=> (<= {z} 0.0) (<= {y} 0.0))"
        return [f"(and (>= {y} 0.0) (>= {y} {z}))", *sides]

    def pieces(self) -> tuple[Piece, ...]:
        zero, one = Fraction(0), Fraction(1)
        return Piece(None, zero, zero, zero), Piece(zero, None, one, zero)


def chord(low: Any, high: Any) -> tuple[Any, Any]:
    """Slope and offset of the line above: u / (u - l) and -l u / (u - l) where unstable, 1 and 0 where always on, 0 and
    0 where always off.

    A chord so flat that its products might underflow gives way to the constant 2 u.
    """
    xp, below, above = namespace(low), negative(low), positive(high)
    width = above - below
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = xp.where(width > 0, above / width, 0)
        slope = xp.where(high <= 0, 0, xp.where(low >= 0, 1, slope))
        flat = slope < FLAT
        return xp.where(flat, 0, slope), xp.where(flat, 2 * above, -slope * below)


RELU = Relu()
