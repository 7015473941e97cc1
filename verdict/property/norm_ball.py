"""Balls of the L1 and L2 norm around an input, within the valid range.

Neither is a box: what goes on beyond its box is a `bounds.Ball`, which bounds use through its support function, rows
for encoders (`tangents`) and an exact membership test. Distances in the L2 norm are irrational; where one is reported
it is a rational above it, by less than 2**-80 of it, so that the set of that radius does contain the point.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from math import isqrt

import numpy as np

from ..base.errors import InputError
from ..bounds.ball import NORMS, Ball
from ..network.exact import ExactVector, FloatArray, float_above
from .box import Box
from .linf import LinfBall
from .rows import RadiusRow
from .scaled import Ends
from .tangents import Tangents

# Square roots are rounded up at this many binary digits.
PRECISION = 80


class NormBall(LinfBall):
    """{x : |x - center| <= radius in the norm "l1" or "l2", low_i <= x_i <= high_i}."""

    is_box = False

    def __init__(
        self,
        norm: str,
        center: ExactVector,
        low: Fraction | Ends | None = None,
        high: Fraction | Ends | None = None,
    ) -> None:
        if norm not in NORMS:
            raise InputError(f"norm {norm!r}, expected one of {', '.join(NORMS)}")
        super().__init__(center, low, high)
        self.norm = norm
        self.auxiliary = len(center)
        self._tangents = Tangents(norm, self.points)

    def at(self, radius: Fraction) -> Box:
        around = super().at(radius)
        return RoundBox(around.lower, around.upper, self, radius)

    def length(self, steps: Sequence[Fraction]) -> Fraction:
        """At least the norm of a vector."""
        if self.norm == "l1":
            return sum((abs(s) for s in steps), Fraction(0))
        return root_above(sum((s * s for s in steps), Fraction(0)))

    def reaches(self, values: Sequence[Fraction], radius: Fraction) -> bool:
        """Whether a point is within `radius` of the centre, exactly."""
        steps = [v - p for v, p in zip(values, self.points, strict=True)]
        if self.norm == "l1":
            return sum(abs(s) for s in steps) <= radius
        return sum(s * s for s in steps) <= radius * radius

    def radius_of(self, x: ExactVector) -> Fraction | None:
        if super().radius_of(x) is None:
            return None
        return self.length([v - p for v, p in zip(x.fractions(), self.points, strict=True)])

    @cached_property
    def limit(self) -> Fraction | None:
        reach = []
        for a, x, b in zip(self.low, self.points, self.high, strict=True):
            if a is None or b is None:
                return None
            reach.append(max(x - a, b - x))
        return self.length(reach)

    def distances(self, points: FloatArray) -> FloatArray:
        steps = points - self.center.floats()
        result: FloatArray = np.linalg.norm(steps, 1 if self.norm == "l1" else 2, axis=1)
        return result

    def ball(self, radius: float) -> Ball:
        center = self.center.floats()
        wrong = self.length([Fraction(c) - p for c, p in zip(center.tolist(), self.points, strict=True)])
        return Ball(center, float_above(Fraction(radius) + wrong), self.norm)

    def rows(self) -> list[RadiusRow]:
        return self._tangents.rows()

    def refine(self, x: ExactVector, radius: Fraction) -> bool:
        return self._tangents.cut_off(x.fractions(), radius)


class RoundBox(Box):
    """The box [lower, upper] around a `NormBall` of one radius, which knows that only the ball counts."""

    def __init__(self, lower: Ends, upper: Ends, family: NormBall, radius: Fraction) -> None:
        super().__init__([v for v in lower if v is not None], [v for v in upper if v is not None])
        self.family, self.radius = family, radius
        self.ball: Ball = family.ball(float_above(radius))
        self.auxiliary = family.auxiliary

    def rows(self) -> list[RadiusRow]:
        return [row.at(self.radius) for row in self.family.rows()]

    def refine(self, x: ExactVector) -> bool:
        return self.family.refine(x, self.radius)

    def minimum(self, a: Sequence[Fraction]) -> Fraction:
        """At most the least value: the better of that on the box and that on the ball."""
        middle = sum((c * p for c, p in zip(a, self.family.points, strict=True)), Fraction(0))
        dual = max(map(abs, a), default=Fraction(0)) if self.family.norm == "l1" else root_above(sum(c * c for c in a))
        return max(super().minimum(a), middle - self.radius * dual)

    def contains(self, x: ExactVector) -> bool:
        return super().contains(x) and self.family.reaches(x.fractions(), self.radius)

    def sample(self, count: int, rng: np.random.Generator) -> FloatArray:
        points: FloatArray = self.ball.inward(super().sample(count, rng))
        return points


def root_above(value: Fraction | int) -> Fraction:
    """At least the square root of a number >= 0, by less than 2**-PRECISION of it."""
    value = Fraction(value)
    if not value:
        return Fraction(0)
    scale = max(0, PRECISION + 1 + (value.denominator.bit_length() - value.numerator.bit_length()) // 2)
    root = isqrt((value.numerator << (2 * scale)) // value.denominator)
    exact = Fraction(root, 1 << scale)
    return exact if exact * exact == value else Fraction(root + 1, 1 << scale)
