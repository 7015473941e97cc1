"""Integers in float64: grids of powers of two, limbs, and linear maps whose products are exact.

Why nothing can go wrong is said in `integers.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import OutOfRangeError
from ..network import Linear

LEAST, MOST = -400, 400


def two(exponents: Any) -> Any:
    """2**exponents, exactly."""
    return np.ldexp(1.0, np.asarray(exponents, np.int32))


def exponent(top: Any, bits: int) -> Any:
    """The grid on which numbers of size at most `top` have `bits` bits."""
    if not np.isfinite(top).all():
        raise OutOfRangeError
    found = np.frexp(top)[1] - bits
    if np.any(found > MOST):
        raise OutOfRangeError
    return np.maximum(found, LEAST)


def largest(x: Any) -> Any:
    """The largest magnitude in each row."""
    return np.maximum(x.max(axis=-1, initial=0), -x.min(axis=-1, initial=0))


def split(v: Any, limbs: int, bits: int) -> list[Any]:
    """Integers of limbs * bits bits as limbs, leading one first: v = sum_i part_i * 2**(bits (limbs - 1 - i))."""
    parts = []
    for i in range(limbs - 1, 0, -1):
        part = np.rint(v * 2.0 ** (-bits * i))
        parts.append(part)
        v = v - part * 2.0 ** (bits * i)
    return [*parts, v]


class Map:
    """A linear map with integer weights: `limbs` limbs for the weights and as many for what it is applied to."""

    def __init__(self, linear: Linear, limbs: int) -> None:
        self.linear, self.limbs = linear, limbs
        total = 51 - int(np.ceil(np.log2(linear.fan)))
        self.bits, self.own_bits = total // 2, total - total // 2
        self.e = int(exponent(np.abs(linear.weight).max(initial=0), limbs * self.own_bits))
        whole = np.rint(linear.weight * 2.0**-self.e)
        off = (whole * 2.0**self.e != linear.weight) | (linear.exact is not None)
        # Half a unit for a rounded float; a little more where the float itself is rounded.
        self.off = np.where(off, 1.0, 0.0) * 2.0**self.e if off.any() else None
        self.parts = split(whole, limbs, self.own_bits)
        self.magnitudes = split(np.abs(whole), limbs, self.own_bits)

    @property
    def most_bits(self) -> int:
        """How many bits the integers may have that the map is applied to."""
        return self.limbs * self.bits

    def error(self, size: Any) -> Any:
        """|M - integers| applied to magnitudes (batch, in_size)."""
        return 0.0 if self.off is None else self.linear.forward(size, self.off)

    def product(self, v: Any, *, transposed: bool = False, magnitude: bool = False) -> tuple[Any, int, float]:
        """(result, e, units): M v = result * 2**e within `units` units; v (rows, size) integers of `most_bits` bits."""
        apply = self.linear.backward if transposed else self.linear.forward
        result, units = None, 0.0
        for i, part in enumerate(split(v, self.limbs, self.bits)):
            for j, weight in enumerate(self.magnitudes if magnitude else self.parts):
                found, places = apply(part, weight), self.bits * i + self.own_bits * j
                if result is None:
                    result = found
                else:
                    result += np.rint(found * 2.0**-places)
                    units += 0.5
        return result, self.e + (self.limbs - 1) * (self.bits + self.own_bits), units
