"""exp(z)."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from ..errors import UnreadableError
from .exponential import ERROR, FARTHEST, falling, falling_between
from .onnx import Form
from .smooth import BITS, Smooth, held

# Beyond this a rational has too many digits.
LARGEST = 2**14


class Exp(Smooth):
    """exp(-x) and its reciprocal, which one more operation rounds."""

    name = "Exp"
    law = (0, 1)

    def around(self, z: Any) -> tuple[Any, Any]:
        e = falling(np.minimum(np.abs(z), FARTHEST))
        found = np.where(z > 0, 1 / e, e)
        low, high = found * (1 - 2 * ERROR), found * (1 + 2 * ERROR)
        return held(np.where(z < -FARTHEST, 0.0, low), np.where(z > FARTHEST, np.inf, high))

    def steepness(self, z: Any) -> tuple[Any, Any]:
        return self.around(z)

    def place(self, slope: Any, left: bool) -> Any:
        return np.log(np.maximum(slope, 0))

    def rational(self, z: Fraction, bits: int) -> tuple[Fraction, Fraction]:
        if z <= 0:
            return falling_between(-z, bits)
        if z > LARGEST:
            raise UnreadableError("exp of a number too large to be written down")
        # The reciprocal is as close as y where y is closer by 1 / y^2 < 2^(3 z).
        low, high = falling_between(z, bits + 3 * math.ceil(z) + 2)
        return 1 / high, 1 / low

    def derived(self, z: Fraction) -> tuple[Fraction, Fraction]:
        return self.rational(z, BITS)


EXP = Exp()
FORMS = {"Exp": Form((6, 13), lambda: EXP)}
