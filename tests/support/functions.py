"""Pointwise functions that Verdict does not have, for tests of what a new one can expect."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from verdict.network.exact import ExactVector
from verdict.network.functions import Feature
from verdict.network.functions.base import FourLines, Function, Piece
from verdict.network.maps.namespace import namespace, next_above


class Vee(Function):
    """|z - 1/2|, which is piecewise linear, convex, nowhere off, and has its kink beside zero."""

    name = "Vee"
    features = frozenset({Feature.PIECEWISE_LINEAR})
    kink = 0.5

    def value(self, z: Any) -> Any:
        return namespace(z).abs(z - self.kink)

    def derivative(self, z: Any) -> Any:
        return namespace(z).where(z > self.kink, 1.0, -1.0)

    def enclosure(self, low: Any, high: Any) -> tuple[Any, Any]:
        xp, (a, b) = namespace(low), (self.value(low), self.value(high))
        most = next_above(xp.maximum(a, b))
        least = xp.where(self.bends(low, high), 0.0, xp.minimum(a, b))
        return xp.maximum(least - 2.0**-20 * most, 0 * least), most

    def lines(self, low: Any, high: Any) -> FourLines:
        """The side on which more of the interval lies; the chord, lifted by more than it is rounded."""
        xp = namespace(low)
        below = xp.where(low + high > 2 * self.kink, 1.0, -1.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            chord = xp.where(high > low, (self.value(high) - self.value(low)) / (high - low), below)
        slope = xp.where(self.bends(low, high), chord, below)
        size = xp.maximum(xp.abs(low), xp.abs(high)) + 1
        lifted = xp.maximum(self.value(low) - slope * low, self.value(high) - slope * high) + 2.0**-18 * size
        return below, -below * self.kink, slope, lifted

    def least(self, nu: Any, mu: Any, low: Any, high: Any) -> Any:
        xp = namespace(nu)
        ends = xp.minimum(nu * self.value(low) - mu * low, nu * self.value(high) - mu * high)
        return xp.where(self.bends(low, high), xp.minimum(ends, -mu * self.kink), ends)

    def bends(self, low: Any, high: Any) -> Any:
        return (low < self.kink) & (high > self.kink)

    def threshold(self, low: Any, high: Any) -> Any:
        return 0 * low + self.kink

    def carried(self, error: Any, size: Any, unit: float, smallest: float) -> Any:
        return error * (1 + unit) + unit * (size + self.kink) + smallest

    def exact(self, z: ExactVector) -> ExactVector:
        return ExactVector.of([abs(v - Fraction(1, 2)) for v in z.fractions()])

    def pieces(self) -> tuple[Piece, ...]:
        half, one = Fraction(1, 2), Fraction(1)
        return Piece(None, half, -one, half), Piece(half, None, one, -half)


class Wave(Vee):
    """The sine: a function that declares nothing."""

    name, features = "Wave", frozenset()

    def value(self, z: Any) -> Any:
        return namespace(z).sin(z)

    def derivative(self, z: Any) -> Any:
        return namespace(z).cos(z)

    def enclosure(self, low: Any, high: Any) -> tuple[Any, Any]:
        return 0 * low - 1, 0 * low + 1

    def lines(self, low: Any, high: Any) -> FourLines:
        return 0 * low, 0 * low - 1, 0 * low, 0 * low + 1

    def least(self, nu: Any, mu: Any, low: Any, high: Any) -> Any:
        xp = namespace(nu)
        return -xp.abs(nu) + xp.minimum(-mu * low, -mu * high)

    def bends(self, low: Any, high: Any) -> Any:
        return low < high
