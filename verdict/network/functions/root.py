"""The square root: concave, defined from 0 on, infinitely steep there."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ..maps.namespace import namespace
from .formula import Formula
from .onnx_operator import plain


class Sqrt(Formula):
    name = "Sqrt"
    convex_first = False
    domain = (0.0, np.inf)

    def inside(self, low: Any, high: Any) -> Any:
        return low >= 0

    def value_in(self, a: Any, z: Any) -> Any:
        return a.sqrt(z)

    def slope_in(self, a: Any, z: Any) -> Any:
        return 1 / (2 * a.sqrt(z))

    def touching(self, slope: Any, low: Any, high: Any) -> Any:
        return 1 / namespace(low).clip(2 * slope, 1e-150, None) ** 2


SQRT = Sqrt()
OPERATORS = (plain("Sqrt", 6, SQRT),)
POWERS = {Fraction(1, 2): (SQRT,)}
