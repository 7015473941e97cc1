"""exp(-x) for x >= 0, between two rationals and between two floats.

In rationals: x halved until it is below 1/2, an alternating series, whose partial sums lie on both sides in turn, and
as many squarings. In floats: x is a sum of powers of two from 512 to 1/2 and a rest below 1/2, all exact, so exp(-x) is
a product of constants and of the rest's series: 11 factors, each rounded once and multiplied once, and a series of 15
terms, of which 1 / 15! / 2^15 < 2^-55 is left out and whose sum rounds by less than 40 units: less than 2^-46 in all.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

# The relative error of `falling`, with room, and up to where it is computed.
ERROR, FARTHEST = 2.0**-44, 700.0
_TERMS = 15


def falling_between(x: Fraction, bits: int) -> tuple[Fraction, Fraction]:
    """Rationals about 2^-bits apart around exp(-x), x >= 0."""
    if x > bits:
        return Fraction(0), Fraction(1, 2**bits)
    count = int(x).bit_length() + 1
    places = bits + count + 12
    grid, bottom = 2**places, x.numerator * 2**places // (x.denominator << count)
    # Sums of the terms of exp(-y), each between two integers, for the two ends y of [bottom, bottom + 1] / grid.
    low, high = _alternating(bottom + 1, grid)[0], _alternating(bottom, grid)[1]
    for _ in range(count):
        low, high = low * low // grid, high * high // grid + 1
    return Fraction(low, grid), Fraction(min(high, grid), grid)


def _alternating(y: int, grid: int) -> tuple[int, int]:
    """Integers around grid exp(-y / grid), 0 <= y / grid <= 1/2."""
    least, most, low, high, n = grid, grid, 0, 0, 0
    while True:
        low, high = (low + least, high + most) if n % 2 == 0 else (low - most, high - least)
        if most <= 1 and n % 2:
            # Behind an odd term the sum is too small by less than the next term, which is at most one.
            return low, high + 1
        n += 1
        least, most = least * y // (n * grid), most * y // (n * grid) + 1


@cache
def _powers() -> tuple[tuple[float, float], ...]:
    """(2^j, exp(-2^j)) for the powers of two from 512 down to 1/2, to nearest or one beside it."""
    return tuple((float(p), float(falling_between(p, 1100)[0])) for p in (Fraction(2) ** j for j in range(9, -2, -1)))


def falling(x: Any) -> Any:
    """exp(-x) for an array of floats in [0, FARTHEST], relatively within ERROR."""
    result, rest = np.ones(np.shape(x)), np.array(x, np.float64)
    for power, factor in _powers():
        has = rest >= power
        result = np.where(has, result * factor, result)
        rest = np.where(has, rest - power, rest)
    total = np.ones_like(result)
    for n in range(_TERMS - 1, 0, -1):
        total = 1 - total * rest / n
    return result * total
