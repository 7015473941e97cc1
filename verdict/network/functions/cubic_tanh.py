"""z tanh(z + k z^3), k > 0: left of Gelu as exporters write it, x (1 + tanh(a (x + b x^3))) / 2 with rounded a and b.

With t = tanh(u), u = z + k z^3, f'' = 2 (1 - t^2) (1 + 6 k z^2) (1 - h), and h = z t (1 + 9 k^2 z^4 / (1 + 6 k z^2)) is
even and rises with |z|: f bends once on each side, where h = 1, and that is found here for each k, once it is asked.
|f'| is at most |t| + 3 |u| (1 - t^2), below 2.35.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache, cached_property
from typing import Any

from .formula import Formula
from .spans import Rationals

# Binary digits to which the place where f bends is known, and of the numbers that it is found with.
PLACES, DIGITS = 44, 120
# Beyond these nothing is called a cubic tanh: f would bend too near to 0 or too far out to be looked up.
LEAST, MOST = Fraction(1, 2**20), Fraction(2**20)


class CubicTanh(Formula):
    steepest = 2.35
    grows = True
    convex_first = False
    turns = ((0.0, 0.0),)

    def __init__(self, factor: Fraction) -> None:
        self.factor, self.name = factor, f"x Tanh(x + {float(factor)!r} x^3)"

    @cached_property
    def inflections(self) -> tuple[tuple[float, float], ...]:  # type: ignore[override]
        near, far = self._bend()
        return ((-far, -near), (near, far))

    def value_in(self, a: Any, z: Any) -> Any:
        """|z| (1 - e) / (1 + e) with e = exp(-2 u(|z|))"""
        fading = a.falling(self._inner(a, a.size(z)) * 2)
        return a.size(z) * ((1 - fading) / (1 + fading))

    def slope_in(self, a: Any, z: Any) -> Any:
        """t + z (1 - t^2) u', and 1 - t^2 = 4 e / (1 + e)^2, which fades before u' grows"""
        fading = a.falling(self._inner(a, a.size(z)) * 2)
        rest = 1 + fading
        value = (1 - fading) / rest
        steep = 1 + 3 * self._of(a) * (z * z)
        return a.where(self.is_negative(z), -value, value) + z * (4 * fading / (rest * rest)) * steep

    def _of(self, a: Any) -> Any:
        return a.of(self.factor.numerator, self.factor.denominator)

    def _inner(self, a: Any, size: Any) -> Any:
        return size * (1 + self._of(a) * (size * size))

    def _bend(self) -> tuple[float, float]:
        """Floats between which h = 1 on the right, by halving between numbers where h is known to be on either side."""
        low, high = Fraction(0), Fraction(2)
        while high - low > Fraction(1, 2**PLACES):
            middle = (low + high) / 2
            least, most = self._bending(middle)
            if most < 1:
                low = middle
            elif least > 1:
                high = middle
            else:
                break
        return float(low), float(high)

    def _bending(self, z: Fraction) -> tuple[Fraction, Fraction]:
        """h between two rationals; at 2 it is above 1 for every k, since 2 tanh(2) is."""
        a = Rationals(DIGITS)
        square = self.factor * z * z
        fading = a.falling(a.span(*[2 * z * (1 + square)] * 2))
        h = z * (1 + 9 * square * square / (1 + 6 * square)) * ((1 - fading) / (1 + fading))
        return h.low, h.high


@cache
def cubic_tanh(factor: Fraction) -> CubicTanh:
    """z tanh(z + factor z^3)."""
    return CubicTanh(factor)


# Of Gelu with the constants sqrt(2 / pi) and 0.044715 as float32 has them.
GELU_CHAIN = cubic_tanh(Fraction(12003091, 2**28) / Fraction(6693141, 2**23) ** 2)
