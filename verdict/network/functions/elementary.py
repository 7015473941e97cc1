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
