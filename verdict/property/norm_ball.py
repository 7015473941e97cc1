"""Balls of a norm around an input that are no boxes, within the valid range.

What goes on beyond the box is a `bounds.Ball`, which bounds use through its support function, rows for encoders and an
exact membership test, all of which the norm says (`norms`). Distances in some norms are irrational; where one is
reported it is a rational above it, so that the set of that radius does contain the point.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property

import numpy as np

from ..base.errors import InputError
from ..bounds.ball import Ball
from ..network.exact import ExactVector, FloatArray, float_above
from .box import Box
from .linf import LinfBall
from .norms import Norm, names, norm_of
from .rows import RadiusRow
from .scaled import Ends, ScaledBall


class NormBall(ScaledBall):
    """{x : |x - center| <= radius in the norm, which may be given by its name, low_i <= x_i <= high_i}."""

    is_box = False

    def __init__(
        self,
        norm: Norm | str,
        center: ExactVector,
        low: Fraction | Ends | None = None,
        high: Fraction | Ends | None = None,
    ) -> None:
        self.norm = norm_of(norm)
        if self.norm.is_box:
            others = ", ".join(name for name in names() if not norm_of(name).is_box)
            raise InputError(f"the balls of the norm {self.norm.name} are boxes, expected one of {others}")
        super().__init__(center, self.norm.reach(len(center)), low, high)
        self.auxiliary = self.norm.auxiliary(len(center))
        self._cuts = self.norm.cuts(self.points)

    def at(self, radius: Fraction) -> Box:
        around = super().at(radius)
        return RoundBox(around.lower, around.upper, self, radius)

    def reaches(self, values: Sequence[Fraction], radius: Fraction) -> bool:
        """Whether a point is within `radius` of the centre, exactly."""
        return self.norm.reaches([v - p for v, p in zip(values, self.points, strict=True)], radius)

    def radius_of(self, x: ExactVector) -> Fraction | None:
        if super().radius_of(x) is None:
            return None
        return self.norm.length([v - p for v, p in zip(x.fractions(), self.points, strict=True)])

    @cached_property
    def limit(self) -> Fraction | None:
        reach = []
        for a, x, b in zip(self.low, self.points, self.high, strict=True):
            if a is None or b is None:
                return None
            reach.append(max(x - a, b - x))
        return self.norm.length(reach)

    def distances(self, points: FloatArray) -> FloatArray:
        result: FloatArray = self.norm.lengths(points - self.center.floats())
        return result

    def ball(self, radius: float) -> Ball:
        center, wrong = self._float_center
        return Ball(center, float_above(Fraction(radius) + wrong), self.norm)

    @cached_property
    def _float_center(self) -> tuple[FloatArray, Fraction]:
        """The centre in floats, and how far that is from it."""
        center = self.center.floats()
        return center, self.norm.length([Fraction(c) - p for c, p in zip(center.tolist(), self.points, strict=True)])

    def rows(self) -> list[RadiusRow]:
        return self._cuts.rows()

    def refine(self, x: ExactVector, radius: Fraction) -> bool:
        return self._cuts.cut_off(x.fractions(), radius)


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
        return max(super().minimum(a), middle - self.radius * self.family.norm.dual(a))

    def contains(self, x: ExactVector) -> bool:
        return super().contains(x) and self.family.reaches(x.fractions(), self.radius)

    def sample(self, count: int, rng: np.random.Generator) -> FloatArray:
        points: FloatArray = self.ball.inward(super().sample(count, rng))
        return points


def ball_family(
    norm: Norm, center: ExactVector, low: Fraction | None = None, high: Fraction | None = None
) -> ScaledBall:
    """The balls of a norm around a centre."""
    return LinfBall(center, low, high) if norm.is_box else NormBall(norm, center, low, high)
