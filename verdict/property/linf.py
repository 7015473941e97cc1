"""The L-infinity ball: every coordinate may move by at most the radius, within the valid range.

The valid range is part of the question: a pixel cannot leave [0, 1]. It is given per coordinate or once for
all, and the centre itself must lie in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property

import numpy as np

from ..errors import InputError
from ..network.exact import ExactVector, FloatArray, float_above, float_below
from .box import Box
from .perturbation import Perturbation, RadiusRow

Ends = Sequence[Fraction | None]


class LinfBall(Perturbation):
    """{x : |x_i - center_i| <= radius, low_i <= x_i <= high_i}; `low`, `high` are None where unlimited."""

    def __init__(
        self,
        center: ExactVector,
        low: Fraction | Ends | None = None,
        high: Fraction | Ends | None = None,
    ) -> None:
        self.center = center
        self.points = center.fractions()
        self.low, self.high = self._ends(low), self._ends(high)
        for i, (a, x, b) in enumerate(zip(self.low, self.points, self.high, strict=True)):
            if (a is not None and x < a) or (b is not None and x > b):
                raise InputError(
                    f"the input lies outside the valid range: coordinate {i} is {float(x):.9g}, "
                    f"expected between {_show(a)} and {_show(b)} (see --range)"
                )

    def _ends(self, ends: Fraction | Ends | None) -> tuple[Fraction | None, ...]:
        if ends is None or isinstance(ends, Fraction):
            return (ends,) * len(self.points)
        return tuple(ends)

    def at(self, radius: Fraction) -> Box:
        lower = [x - radius if a is None else max(a, x - radius)
                 for x, a in zip(self.points, self.low, strict=True)]
        upper = [x + radius if b is None else min(b, x + radius)
                 for x, b in zip(self.points, self.high, strict=True)]
        return Box(lower, upper)

    def radius_of(self, x: ExactVector) -> Fraction | None:
        values = x.fractions()
        for a, value, b in zip(self.low, values, self.high, strict=True):
            if (a is not None and value < a) or (b is not None and value > b):
                return None
        return max((abs(v - p) for v, p in zip(values, self.points, strict=True)), default=Fraction(0))

    @cached_property
    def limit(self) -> Fraction | None:
        reach = Fraction(0)
        for a, x, b in zip(self.low, self.points, self.high, strict=True):
            if a is None or b is None:
                return None
            reach = max(reach, x - a, b - x)
        return reach

    @cached_property
    def _float_parts(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        return (
            np.array([float_below(x) for x in self.points]),
            np.array([float_above(x) for x in self.points]),
            np.array([-np.inf if a is None else float_below(a) for a in self.low]),
            np.array([np.inf if b is None else float_above(b) for b in self.high]),
        )

    def floats(self, radius: float) -> tuple[FloatArray, FloatArray]:
        below, above, low, high = self._float_parts
        lower = np.maximum(np.nextafter(below - radius, -np.inf), low)
        return lower, np.minimum(np.nextafter(above + radius, np.inf), high)

    def distances(self, points: FloatArray) -> FloatArray:
        result: FloatArray = np.abs(points - self._float_parts[0]).max(axis=1, initial=0.0)
        return result

    def rows(self) -> list[RadiusRow]:
        one = Fraction(1)
        result = []
        for i, x in enumerate(self.points):
            result.append(RadiusRow((i,), (one,), -one, x))
            result.append(RadiusRow((i,), (-one,), -one, -x))
        return result

    def bounds(self) -> tuple[tuple[Fraction | None, ...], tuple[Fraction | None, ...]]:
        return self.low, self.high


def _show(end: Fraction | None) -> str:
    return "anything" if end is None else f"{float(end):.9g}"
