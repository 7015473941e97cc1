"""How much floating-point arithmetic can be wrong, as a number to subtract.

A sum of n products computed in any order, with or without fused multiply-add, differs from the true one by at
most gamma_n times the sum of the absolute values, gamma_n = n u / (1 - n u) (Higham, Accuracy and Stability
of Numerical Algorithms, ch. 3). Underflow adds at most the least normal number for each operation, whatever that
then meets; `underflow` counts it.
"""

from __future__ import annotations

from typing import Any

from ..network.exact import UNIT
from ..network.maps.namespace import float_info


def gamma(count: int, unit: float = UNIT) -> float:
    """gamma_n for `count` roundings, itself rounded up; infinite where the bound no longer holds."""
    if count * unit >= 0.5:
        return float("inf")
    return count * unit / (1 - count * unit) * (1 + 4 * unit)


def unit(dtype: Any) -> float:
    """The relative error of one rounding in this float type."""
    return float(float_info(dtype).eps) / 2


def tiny(dtype: Any) -> float:
    """Far above what underflow can do in this float type, far below anything that matters."""
    return float(float_info(dtype).tiny) * 2.0**22


def underflow(count: int, reach: Any, dtype: Any) -> Any:
    """What `count` operations may lose to underflow, where each loss meets numbers that sum to at most `reach`."""
    return 4 * count * float(float_info(dtype).tiny) * (1 + reach)
