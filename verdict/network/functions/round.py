"""Rounding to the nearest whole number, from halves to the even one, as ONNX has it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ..maps.namespace import namespace
from .stairs import Stairs


class Round(Stairs):
    name = "Round"

    def value(self, z: Any) -> Any:
        return namespace(z).round(z)

    def from_left(self, z: Any) -> Any:
        whole = namespace(z).floor(z)
        return namespace(z).where(z - whole == 0.5, whole, self.value(z))

    def from_right(self, z: Any) -> Any:
        whole = namespace(z).floor(z)
        return namespace(z).where(z - whole == 0.5, whole + 1, self.value(z))

    def after(self, z: Any) -> Any:
        half = namespace(z).floor(z) + 0.5
        return namespace(z).where(half > z, half, half + 1)

    def before(self, z: Any) -> Any:
        half = namespace(z).ceil(z) - 0.5
        return namespace(z).where(half < z, half, half - 1)

    def of_rational(self, z: Fraction) -> int:
        return round(z)


ROUND = Round()
