"""Rounding down to whole numbers; rounding up is -floor(-z)."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from ..maps.namespace import namespace
from .stairs import Stairs


class Floor(Stairs):
    name = "Floor"

    def value(self, z: Any) -> Any:
        return namespace(z).floor(z)

    def from_left(self, z: Any) -> Any:
        return namespace(z).ceil(z) - 1

    def from_right(self, z: Any) -> Any:
        return self.value(z)

    def after(self, z: Any) -> Any:
        return namespace(z).floor(z) + 1

    def before(self, z: Any) -> Any:
        return namespace(z).ceil(z) - 1

    def of_rational(self, z: Fraction) -> int:
        return math.floor(z)


FLOOR = Floor()
