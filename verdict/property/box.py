"""A box: every coordinate between two rationals. The set behind L-infinity balls and most benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property

import numpy as np

from ..base.errors import PropertyError
from ..network.exact import ExactVector, FloatArray, float_above, float_below
from .input_set import InputSet


class Box(InputSet):
    """{x : lower <= x <= upper}, exact rational ends; raises PropertyError where lower > upper."""


    def __init__(self, lower: Sequence[Fraction], upper: Sequence[Fraction]) -> None:
        if len(lower) != len(upper):
            raise PropertyError(f"{len(lower)} lower ends and {len(upper)} upper ends, expected as many")
        for i, (low, high) in enumerate(zip(lower, upper, strict=True)):
            if low > high:
                raise PropertyError(
                    f"the input set is empty: coordinate {i} has lower end {float(low):.9g} above "
                    f"upper end {float(high):.9g}"
                )
        self.lower, self.upper = tuple(lower), tuple(upper)
        self.size = len(self.lower)

    def __repr__(self) -> str:
        widths = [float(high - low) for low, high in zip(self.lower, self.upper, strict=True)]
        between = f"widths {min(widths):.6g} to {max(widths):.6g}" if widths else "a point"
        return f"<{type(self).__name__} of {self.size} inputs, {between}>"

    def minimum(self, a: Sequence[Fraction]) -> Fraction:
        return sum(
            (c * (low if c > 0 else high) for c, low, high in zip(a, self.lower, self.upper, strict=True)),
            Fraction(0),
        )

    @cached_property
    def _floats(self) -> tuple[FloatArray, FloatArray]:
        return np.array([float_below(f) for f in self.lower]), np.array([float_above(f) for f in self.upper])

    def floats(self) -> tuple[FloatArray, FloatArray]:
        return self._floats

    def contains(self, x: ExactVector) -> bool:
        return all(
            low <= value <= high
            for low, value, high in zip(self.lower, x.fractions(), self.upper, strict=True)
        )

    def nearest(self, point: FloatArray) -> list[Fraction]:
        """The input of the box next to a float point (size,), coordinate by coordinate."""
        ends = zip(point.tolist(), self.lower, self.upper, strict=True)
        return [min(max(Fraction(entry), low), high) for entry, low, high in ends]

    def sample(self, count: int, rng: np.random.Generator) -> FloatArray:
        lower, upper = self._floats
        return rng.uniform(lower, upper, (count, self.size))
