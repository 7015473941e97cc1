"""z times (z + 3) / 6 cut off at 0 and 1."""

from __future__ import annotations

import math
from typing import Any

from .balls import Ball
from .formula import Formula
from .onnx import Form


class HardSwish(Formula):
    """Straight, a parabola that is least at -3/2, and straight again, with a falling slope at -3 and at 3."""

    name = "HardSwish"
    curve = False
    pairs = tuple((k, math.nextafter(k, math.inf)) for k in (-3.0, 3.0))
    turns = ((-1.5, -1.5),)

    def of(self, kind: Any, z: Ball, at: Any) -> Any:
        return kind.choose(at > 3, z, kind.choose(at > -3, z * (z + 3) / 6, 0))

    def rising(self, kind: Any, z: Ball, at: Any) -> Any:
        return kind.choose(at > 3, 1, kind.choose(at > -3, (2 * z + 3) / 6, 0))

    def touching(self, slope: Any, number: int, low: Any, high: Any) -> Any:
        return 3 * slope - 1.5


HARD_SWISH = HardSwish()
FORMS = {"HardSwish": Form((14, 22), lambda: HARD_SWISH)}
