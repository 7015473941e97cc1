"""The natural logarithm: concave, defined above 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..maps.namespace import namespace
from .expansion import Around, Expansion, integrated
from .formula import Formula
from .onnx_operator import plain
from .reciprocal import RECIPROCAL


class Log(Formula):
    name = "Log"
    convex_first = False
    domain = (0.0, np.inf)

    def value_in(self, a: Any, z: Any) -> Any:
        return a.log(z)

    def slope_in(self, a: Any, z: Any) -> Any:
        return 1 / z

    def expansion(self, around: Around, degree: int) -> Expansion:
        """f' is Reciprocal, of which nothing is known up to 0."""
        return integrated(self.between(around.middle), RECIPROCAL.expansion(around, degree - 1), around)

    def touching(self, slope: Any, low: Any, high: Any) -> Any:
        return 1 / namespace(low).clip(slope, 1e-300, None)


LOG = Log()
OPERATORS = (plain("Log", 6, LOG),)
