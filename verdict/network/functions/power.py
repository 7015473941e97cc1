"""z^n with a whole n >= 3: convex and least at 0 if n is even, else rising, concave up to 0 and convex from there."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

from ..maps.namespace import namespace
from .base import Feature, Form
from .expansion import Around, Expansion, raised
from .formula import Formula
from .square import SQUARE

# Higher powers are refused.
LARGEST_EXPONENT = 64


class Power(Formula):
    is_rational = True
    features = frozenset({Feature.POLYNOMIAL})

    def __init__(self, exponent: int) -> None:
        self.name, self.exponent = f"Pow({exponent})", exponent
        self.convex_first = exponent % 2 == 0
        self.turns = ((0.0, 0.0),) if self.convex_first else ()
        self.inflections = () if self.convex_first else ((0.0, 0.0),)

    def value_in(self, a: Any, z: Any) -> Any:
        return _raised(z, self.exponent)

    def slope_in(self, a: Any, z: Any) -> Any:
        return _raised(z, self.exponent - 1) * self.exponent

    def formula(self, y: str, z: str, low: float, high: float, form: Form) -> list[str]:
        return [f"(= {y} (* {' '.join([z] * self.exponent)}))"]

    def expansion(self, around: Around, degree: int) -> Expansion:
        return raised(self.exponent, around, degree)

    def touching(self, slope: Any, low: Any, high: Any) -> Any:
        xp = namespace(low)
        share, root = slope / self.exponent, 1 / (self.exponent - 1)
        if self.convex_first:
            return xp.where(slope < 0, -1.0, 1.0) * xp.abs(share) ** root
        return xp.where(high <= 0, -1.0, 1.0) * xp.clip(share, 0.0, None) ** root


def _raised(z: Any, exponent: int) -> Any:
    result = z
    for digit in f"{exponent:b}"[1:]:
        result = result * result
        if digit == "1":
            result = result * z
    return result


@cache
def power(exponent: int) -> Power:
    """z^exponent."""
    return Power(exponent)


CUBE = power(3)
_EXPONENTS = range(3, LARGEST_EXPONENT + 1)
POWERS = {Fraction(n): (power(n),) for n in _EXPONENTS}
TIMES: dict[Any, Power] = {(SQUARE,): CUBE, **{(power(n),): power(n + 1) for n in _EXPONENTS[:-1]}}
