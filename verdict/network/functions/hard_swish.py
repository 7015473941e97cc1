"""0 up to -3, z (z + 3) / 6 up to 3, and z from there: rational, with a falling slope at both kinks."""

from __future__ import annotations

from typing import Any

import numpy as np

from .base import Feature, Form
from .formula import Formula
from .onnx_operator import plain


class HardSwish(Formula):
    name = "HardSwish"
    steepest = 1.5
    grows = True
    is_rational = True
    features = frozenset({Feature.POLYNOMIAL})
    convex_first = False
    # Kinks belong to the left; lines count as convex or concave.
    inflections = ((-3.0, float(np.nextafter(-3.0, 0))), (3.0, float(np.nextafter(3.0, 4))))
    turns = ((-1.5, -1.5),)

    def value_in(self, a: Any, z: Any) -> Any:
        bent = a.where(self.is_above(z, 3), z, z * (z + 3) * a.of(1, 6))
        return a.where(self.is_above(z, -3), bent, 0 * z)

    def slope_in(self, a: Any, z: Any) -> Any:
        bent = a.where(self.is_above(z, 3), 0 * z + 1, (2 * z + 3) * a.of(1, 6))
        return a.where(self.is_above(z, -3), bent, 0 * z)

    def formula(self, y: str, z: str, low: float, high: float, form: Form) -> list[str]:
        bent = f"(* {z} (+ {z} 3.0) (/ 1.0 6.0))"
        return [f"(= {y} (ite (<= {z} (- 3.0)) 0.0 (ite (<= {z} 3.0) {bent} {z})))"]

    def touching(self, slope: Any, low: Any, high: Any) -> Any:
        return 3 * slope - 1.5


HARD_SWISH = HardSwish()
OPERATORS = (plain("HardSwish", 14, HARD_SWISH),)
