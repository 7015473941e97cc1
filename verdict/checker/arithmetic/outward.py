"""Rationals as the float64 numbers next to them, on the safe side."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ..errors import OutOfRangeError


def floats_beside(values: Any, way: int) -> Any:
    """Float64 numbers next below (way -1) or above (1) Fractions."""
    found = np.array([beside(v, way) for v in values.ravel()])
    return found.reshape(values.shape)


def beside(value: Fraction, way: int) -> float:
    """The float64 next below (way -1) or above (1) a rational."""
    if abs(value) >= 2**400:
        raise OutOfRangeError
    near = float(value)
    wrong = Fraction(near) > value if way < 0 else Fraction(near) < value
    return float(np.nextafter(near, way * np.inf)) if wrong else near


def nearest(values: Any) -> Any:
    """The nearest float64 numbers."""
    try:
        return values.astype(np.float64)
    except OverflowError:
        raise OutOfRangeError from None
