"""What formulas ask for, of plain floats: the hints that searches and gradients live on, rigorous in nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..maps.namespace import cast, namespace
from .error_function import erf_between


class Plain:
    """The functions of arrays of any library and type, by the library's own where it has them."""

    def of(self, numerator: int, denominator: int) -> float:
        return numerator / denominator

    def root(self, numerator: int, denominator: int, over_pi: bool = False) -> float:
        return math.sqrt(numerator / denominator / (math.pi if over_pi else 1.0))

    def where(self, condition: Any, one: Any, other: Any) -> Any:
        return namespace(condition).where(condition, one, other)

    def size(self, x: Any) -> Any:
        return namespace(x).abs(x)

    def positive(self, x: Any) -> Any:
        return x * (x > 0)

    def falling(self, x: Any) -> Any:
        return namespace(x).exp(-x)

    def log(self, x: Any) -> Any:
        return namespace(x).log(x)

    def log1p(self, x: Any) -> Any:
        return namespace(x).log1p(x)

    def sqrt(self, x: Any) -> Any:
        return namespace(x).sqrt(x)

    def erf(self, x: Any) -> Any:
        if isinstance(x, np.ndarray):
            from scipy.special import erf

            return erf(x)
        low, high = erf_between(cast(x, np.float64))
        return cast(low / 2 + high / 2, x.dtype)

    def erfc(self, x: Any) -> Any:
        if isinstance(x, np.ndarray):
            from scipy.special import erfc

            return erfc(x)
        return 1 - self.erf(x)

    def sin(self, x: Any, quarters: int = 0) -> Any:
        xp = namespace(x)
        found = xp.cos(x) if quarters % 2 else xp.sin(x)
        return -found if quarters % 4 >= 2 else found


PLAIN = Plain()
