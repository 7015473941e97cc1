"""The natural logarithm: concave, defined above 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..maps.namespace import namespace
from .formula import Formula
from .onnx_operator import plain


class Log(Formula):
    name = "Log"
    convex_first = False
    domain = (0.0, np.inf)

    def value_in(self, a: Any, z: Any) -> Any:
        return a.log(z)

    def slope_in(self, a: Any, z: Any) -> Any:
        return 1 / z

    def touching(self, slope: Any, low: Any, high: Any) -> Any:
        return 1 / namespace(low).clip(slope, 1e-300, None)


LOG = Log()
OPERATORS = (plain("Log", 6, LOG),)
