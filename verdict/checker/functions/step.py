"""1 where z >= 0, else 0."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from .stairs import Point, Stairs

# An upper end from here on, and below 0, is taken for 0 from the left: the step is 0 on all that is below 0.
BELOW = -(2.0**-149)


class Step(Stairs):
    name = "Step"
    once = True

    def sides(self, z: Any) -> tuple[Any, Any, Any]:
        above, at = (z > 0) * 1.0, (z >= 0) * 1.0
        return above, at, at

    def at(self, z: Fraction) -> tuple[int, int, int]:
        return int(z > 0), int(z >= 0), int(z >= 0)

    def halves(self, low: Any, high: Any, top: Any) -> Any:
        """The upper ends where neurons were split to z <= `top`: at 0 the value there is left to the other half."""
        return np.where((top == 0) & (high == 0) & (low < 0), np.maximum(low, BELOW), high)

    def points(self, low: Any, high: Any) -> list[Point]:
        short = (high < 0) & (high >= BELOW)
        return [*super().points(low, high), (np.where(short, 0.0, high), self.sides(high)[1])]

    def least(self, nu: Fraction, mu: Fraction, low: Fraction, high: Fraction) -> Fraction:
        if BELOW <= high < 0:
            # The step is 0 up to 0.
            return min(-mu * low, Fraction(0))
        return super().least(nu, mu, low, high)


STEP = Step()
