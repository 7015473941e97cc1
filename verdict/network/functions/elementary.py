"""exp in float64 with a proven error, whatever the machine's own exp does: additions, products and powers of two.

x = k ln 2 + r with |r| < 0.3466, exp(x) = 2^k exp(r). ln 2 is split in two so that k times the first part is exact, so
r is off by less than 2^-53. Taylor's polynomial of degree 13 leaves out less than 2^-56 of exp(r), and Horner's rule
rounds by less than 27 u exp(2 |r|) < 2^-47 of it (Higham, Accuracy and Stability, section 5.1): less than `WRONG`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..maps.namespace import cast, namespace

# The relative error of `exponential`, with room.
WRONG = 2.0**-45
# Beyond these |x| nothing is computed.
FARTHEST = 700.0
# The first 29 bits of ln 2, and the rest.
LOG2_HIGH, LOG2_LOW = float.fromhex("0x1.62e42fep-1"), float.fromhex("0x1.f473de6af278fp-30")
_TERMS = [1.0 / math.factorial(n) for n in range(14)]


def exponential(x: Any) -> Any:
    """exp(x) for float64 |x| <= FARTHEST, relatively within WRONG."""
    xp = namespace(x)
    k = xp.round(x * (1 / (LOG2_HIGH + LOG2_LOW)))
    r = (x - k * LOG2_HIGH) - k * LOG2_LOW
    total = 0 * r + _TERMS[-1]
    for term in _TERMS[-2::-1]:
        total = total * r + term
    return total * power_of_two(k)


def power_of_two(k: Any) -> Any:
    """2^k for whole |k| <= 1022, exactly."""
    if isinstance(k, np.ndarray):
        return np.ldexp(1.0, k.astype(np.int32))
    # By the binary digits of |k|, with products that are exact.
    xp = namespace(k)
    left, result, factor = xp.abs(k), 0 * k + 1, 2.0
    for _ in range(10):
        half = xp.floor(left / 2)
        result = xp.where(left > 2 * half, result * factor, result)
        left, factor = half, factor * factor if factor < 2.0**512 else factor
    return xp.where(k < 0, 1 / result, result)


def doubled(*values: Any) -> list[Any]:
    """The arrays in float64, in which functions are computed."""
    return [cast(v, np.float64) for v in values]


def logarithm_between(x: Any) -> tuple[Any, Any]:
    """Floats around ln x for float64 x >= 0, infinite at 0 and infinity.

    x = 2^k m with m in [0.70, 1.42]; ln m = 2 artanh s with s = (m - 1) / (m + 1), |s| < 0.1724, where m - 1 is exact:
    the series up to s^19 leaves out less than s 2^-54, and it rounds relatively by less than 2^-46. k times the first
    part of ln 2 is exact, and the sums round by less than 2^-50 of |k ln 2|.
    """
    xp = namespace(x)
    inside = (x > 0) & (x < np.inf)
    m, k = _split(xp, xp.where(inside, x, 1.0))
    s = (m - 1) / (m + 1)
    square, total = s * s, 0 * s + 1.0 / 19
    for n in range(17, 0, -2):
        total = total * square + 1.0 / n
    near, far = 2 * s * total, k * LOG2_HIGH
    value = far + (k * LOG2_LOW + near)
    wrong = 2.0**-46 * xp.abs(near) + 2.0**-49 * xp.abs(far) + 2.0**-1000 * (s != 0)
    low, high = value - wrong, value + wrong
    return xp.where(inside, low, -np.inf), xp.where(inside, high, np.inf)


def _split(xp: Any, x: Any) -> tuple[Any, Any]:
    """m and whole k with x = 2^k m, m in [0.70, 1.42], of numbers above zero: exactly."""
    if isinstance(x, np.ndarray):
        m, k = np.frexp(x)
    else:
        # By powers of two, each once, which are exact; what is subnormal is made larger first.
        small = x < 2.0**-1000
        m, k = xp.where(small, x * 2.0**60, x), xp.where(small, -60.0 + 0 * x, 0 * x)
        for bit in range(9, -1, -1):
            size = 2**bit
            large, tiny = m >= 2.0**size, m < 2.0 ** (1 - size)
            m = xp.where(large, m * 2.0**-size, xp.where(tiny, m * 2.0**size, m))
            k = xp.where(large, k + size, xp.where(tiny, k - size, k))
    high, low = m > 1.4142, m < 0.7071
    m = xp.where(high, m / 2, xp.where(low, m * 2, m))
    return m, cast(k, np.float64) + xp.where(high, 1.0, 0.0) - xp.where(low, 1.0, 0.0)
