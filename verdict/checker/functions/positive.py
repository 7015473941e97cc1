"""Functions of positive numbers: the logarithm, the square root, and the reciprocal, which takes negative ones too."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from .balls import Ball
from .formula import Formula
from .onnx import Form
from .square import SQUARE


class Reciprocal(Formula):
    """Concave below 0, convex above."""

    name = "Reciprocal"
    curve = False
    pairs = ((0.0, 0.0),)
    law = (0, 0, -1)

    def inside(self, low: Any, high: Any) -> Any:
        return (low > 0) | (high < 0)

    def of(self, kind: Any, z: Ball, at: Any) -> Any:
        return 1 / z

    def rising(self, kind: Any, z: Ball, at: Any) -> Any:
        return -1 / (z * z)

    def touching(self, slope: Any, number: int, low: Any, high: Any) -> Any:
        size = np.sqrt(-1 / np.minimum(slope, -1e-300))
        return -size if number == 0 else size


RECIPROCAL = Reciprocal()


class Log(Formula):
    name = "Log"
    curve = False
    slope = RECIPROCAL

    def inside(self, low: Any, high: Any) -> Any:
        return low > 0

    def of(self, kind: Any, z: Ball, at: Any) -> Any:
        return kind.log(z)

    def rising(self, kind: Any, z: Ball, at: Any) -> Any:
        return 1 / z

    def touching(self, slope: Any, number: int, low: Any, high: Any) -> Any:
        return 1 / np.maximum(slope, 1e-300)


class Sqrt(Formula):
    """Infinitely steep at 0, where no tangent touches."""

    name = "Sqrt"
    curve = False

    def inside(self, low: Any, high: Any) -> Any:
        return low >= 0

    def of(self, kind: Any, z: Ball, at: Any) -> Any:
        return kind.sqrt(z)

    def rising(self, kind: Any, z: Ball, at: Any) -> Any:
        return 1 / (2 * kind.sqrt(z))

    def touching(self, slope: Any, number: int, low: Any, high: Any) -> Any:
        return 1 / np.maximum(2 * slope, 1e-150) ** 2


LOG, SQRT = Log(), Sqrt()
FORMS = {"Sqrt": Form((6, 13), lambda: SQRT), "Reciprocal": Form((6, 13), lambda: RECIPROCAL)}
POWERS = {Fraction(1, 2): (SQRT,), Fraction(-1, 2): (SQRT, RECIPROCAL), Fraction(-1): (RECIPROCAL,),
          Fraction(-2): (SQUARE, RECIPROCAL)}
