"""A path: the input moves in a straight line towards another one, which it reaches at one."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from ...base.errors import InputError
from ...network.exact import FloatArray
from .front import Front, register


@register("path")
class Path(Front):
    """x' = x + p (to - x), 0 <= p <= 1."""

    unit = "the part of the way to the other input"

    def __init__(self, to: npt.ArrayLike) -> None:
        self.to: npt.NDArray[Any] = np.asarray(to, dtype=np.float64).ravel()

    def matrix(self, x: FloatArray, shape: tuple[int, ...], low: float | None, high: float | None) -> FloatArray:
        return _row(self.to, x, "path: the other input") - x

    def limits(self) -> tuple[Fraction | None, Fraction | None]:
        return Fraction(0), Fraction(1)


@register("direction")
class Direction(Front):
    """x' = clip(x + p along)."""

    unit = "multiples of the direction that is given"

    def __init__(self, along: npt.ArrayLike) -> None:
        self.along: npt.NDArray[Any] = np.asarray(along, dtype=np.float64).ravel()

    def matrix(self, x: FloatArray, shape: tuple[int, ...], low: float | None, high: float | None) -> FloatArray:
        return _row(self.along, x, "direction: it")


def _row(values: FloatArray, x: FloatArray, what: str) -> FloatArray:
    if values.shape != x.shape:
        raise InputError(f"{what} has {values.size} numbers, expected {x.size}")
    return values[None]
