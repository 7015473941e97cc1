"""How much float64 arithmetic can be wrong, as a number to subtract.

A sum of n products computed in any order, with or without fused multiply-add, differs from the true one by at
most gamma_n times the sum of the absolute values, gamma_n = n u / (1 - n u) (Higham, Accuracy and Stability
of Numerical Algorithms, ch. 3). Underflow adds at most a multiple of the smallest number, which `TINY` covers.
"""

from __future__ import annotations

from ..network.exact import UNIT

# Far above n * 2**-1074 for any n that fits in memory, far below anything that matters.
TINY = 2.0**-1000


def gamma(count: int, unit: float = UNIT) -> float:
    """gamma_n for `count` roundings, itself rounded up."""
    return count * unit / (1 - count * unit) * (1 + 4 * unit)
