"""The weighted L-infinity ball: every coordinate has a scale, by which it moves at the radius one.

A scale of zero fixes a coordinate, and a coordinate without a scale is free anywhere in its valid range, whatever the
radius. So one class says "these features are fixed", "this one is measured in other units", and "for all x, and all x'
within eps of it". The valid range is part of the question: a pixel cannot leave [0, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property

import numpy as np

from ..base.errors import InputError
from ..network.exact import ExactVector, FloatArray, float_above, float_below, nearest_float
from .box import Box
from .perturbation import Perturbation
from .rows import RadiusRow

Ends = Sequence[Fraction | None]


class ScaledBall(Perturbation):
    """{x : |x_i - center_i| <= scale_i * radius, low_i <= x_i <= high_i}.

    `scales[i]` is at least 0, or None for a coordinate that is free in [low_i, high_i]; `low`, `high` are None where
    unlimited, and one number stands for all coordinates. The centre has to lie in the valid range. Raises InputError.
    """

    def __init__(
        self,
        center: ExactVector,
        scales: Ends,
        low: Fraction | Ends | None = None,
        high: Fraction | Ends | None = None,
    ) -> None:
        self.center = center
        self.points = center.fractions()
        self.scales = tuple(scales)
        self.low, self.high = self._ends(low), self._ends(high)
        if len(self.scales) != len(self.points):
            raise InputError(f"{len(self.scales)} scales, expected one for each of {len(self.points)} coordinates")
        for i, (a, x, b, scale) in enumerate(zip(self.low, self.points, self.high, self.scales, strict=True)):
            if (a is not None and x < a) or (b is not None and x > b):
                raise InputError(
                    f"the input lies outside the valid range: coordinate {i} is {float(x):.9g}, "
                    f"expected between {_show(a)} and {_show(b)} (see --range)"
                )
            if scale is None and (a is None or b is None):
                raise InputError(f"coordinate {i} is free, expected a valid range for it (see --range)")
            if scale is not None and scale < 0:
                raise InputError(f"the scale of coordinate {i} is {float(scale):.9g}, expected at least 0")

    def _ends(self, ends: Fraction | Ends | None) -> tuple[Fraction | None, ...]:
        if ends is None or isinstance(ends, Fraction):
            return (ends,) * len(self.points)
        return tuple(ends)

    def at(self, radius: Fraction) -> Box:
        lower, upper = [], []
        for x, scale, (a, b) in zip(self.points, self.scales, zip(*self.bounds(), strict=True), strict=True):
            low = None if scale is None else x - scale * radius
            high = None if scale is None else x + scale * radius
            lower.append(max(end for end in (a, low) if end is not None))
            upper.append(min(end for end in (b, high) if end is not None))
        return Box(lower, upper)

    def radius_of(self, x: ExactVector) -> Fraction | None:
        values = x.fractions()
        for value, (a, b) in zip(values, zip(*self.bounds(), strict=True), strict=True):
            if (a is not None and value < a) or (b is not None and value > b):
                return None
        moved = zip(values, self.points, self.scales, strict=True)
        return max((abs(v - p) / s for v, p, s in moved if s), default=Fraction(0))

    @cached_property
    def limit(self) -> Fraction | None:
        reach = Fraction(0)
        for a, x, b, scale in zip(self.low, self.points, self.high, self.scales, strict=True):
            if not scale:
                continue
            if a is None or b is None:
                return None
            reach = max(reach, (x - a) / scale, (b - x) / scale)
        return reach

    @cached_property
    def _float_parts(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
        low, high = self.bounds()
        return (
            np.array([float_below(x) for x in self.points]),
            np.array([float_above(x) for x in self.points]),
            np.array([-np.inf if a is None else float_below(a) for a in low]),
            np.array([np.inf if b is None else float_above(b) for b in high]),
            np.array([np.inf if s is None else float_above(s) for s in self.scales]),
        )

    def floats(self, radius: float) -> tuple[FloatArray, FloatArray]:
        below, above, low, high, scales = self._float_parts
        free = np.isinf(scales)
        reach = np.where(free, 0.0, scales) * radius
        # A product by one is exact, and so is one by zero, where the constant ends hold the centre alone.
        reach = np.where(free, np.inf, np.where(scales == 1, reach, np.nextafter(reach, np.inf)))
        lower = np.maximum(np.nextafter(below - reach, -np.inf), low)
        return lower, np.minimum(np.nextafter(above + reach, np.inf), high)

    def distances(self, points: FloatArray) -> FloatArray:
        moved = np.abs(points - self._float_parts[0])
        scales = np.array([nearest_float(s) if s else np.inf for s in self.scales])
        result: FloatArray = (moved / scales).max(axis=1, initial=0.0)
        return result

    def pushed(self, point: FloatArray, push: float) -> FloatArray:
        center = self.center.floats()
        free = np.isinf(self._float_parts[4])
        result: FloatArray = np.where(free, point, center + (point - center) * (1 + push))
        return result

    def rows(self) -> list[RadiusRow]:
        one = Fraction(1)
        result = []
        for i, (x, scale) in enumerate(zip(self.points, self.scales, strict=True)):
            if scale:
                result.append(RadiusRow((i,), (one,), -scale, x))
                result.append(RadiusRow((i,), (-one,), -scale, -x))
        return result

    def bounds(self) -> tuple[tuple[Fraction | None, ...], tuple[Fraction | None, ...]]:
        return self._constant_ends

    @cached_property
    def _constant_ends(self) -> tuple[tuple[Fraction | None, ...], tuple[Fraction | None, ...]]:
        """The valid range, and the centre alone where a coordinate is fixed."""
        fixed = [scale == 0 for scale in self.scales]
        low, high = (
            tuple(x if f else end for x, f, end in zip(self.points, fixed, ends, strict=True))
            for ends in (self.low, self.high)
        )
        return low, high


def _show(end: Fraction | None) -> str:
    return "anything" if end is None else f"{float(end):.9g}"
