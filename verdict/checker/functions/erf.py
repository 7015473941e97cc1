"""The error function."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .balls import Ball
from .formula import Formula
from .onnx import Form


class Erf(Formula):
    """Convex up to 0, concave from there; its slope is 2 / sqrt(pi) exp(-z^2)."""

    name = "Erf"
    pairs = ((0.0, 0.0),)

    def of(self, kind: Any, z: Ball, at: Any) -> Any:
        return kind.erf(z)

    def rising(self, kind: Any, z: Ball, at: Any) -> Any:
        return kind.falling(z * z) * kind.root_over(8, True)

    def touching(self, slope: Any, number: int, low: Any, high: Any) -> Any:
        size = np.sqrt(np.maximum(-np.log(np.maximum(slope, 1e-300) * math.sqrt(math.pi / 4)), 0))
        return -size if number == 0 else size


ERF = Erf()
FORMS = {"Erf": Form((9, 13), lambda: ERF)}
