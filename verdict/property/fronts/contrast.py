"""Contrast: every pixel's distance from the middle grey grows or shrinks by one common factor 1 + p."""

from __future__ import annotations

from fractions import Fraction

from ...base.errors import InputError
from ...network.exact import FloatArray
from .front import Front, register


@register("contrast")
class Contrast(Front):
    """x' = clip(x + p (x - middle)); the middle of the valid range, or `around`."""

    unit = "the change of the factor of contrast, which is 1 for the input itself"

    def __init__(self, around: Fraction | None = None) -> None:
        self.around = around

    def matrix(self, x: FloatArray, shape: tuple[int, ...], low: float | None, high: float | None) -> FloatArray:
        if self.around is not None:
            middle = float(self.around)
        elif low is not None and high is not None:
            middle = (low + high) / 2
        else:
            raise InputError("contrast has no middle without a valid range: expected --range, or contrast:around=0.5")
        return (x - middle)[None]

    def limits(self) -> tuple[Fraction | None, Fraction | None]:
        return Fraction(-1), None
