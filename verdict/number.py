"""Numbers as users give them: exact rationals, whatever they are written as."""

from __future__ import annotations

import math
import re
from fractions import Fraction

from .errors import InputError

Number = int | float | str | Fraction
LARGEST_POWER = 1000


def exact(value: Number, what: str = "value") -> Fraction:
    """A number as an exact rational: a string such as "0.03" or "3/100" is the decimal that it says, a float
    the dyadic rational that it is. Raises InputError for anything else."""
    try:
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError
        power = re.search(r"e([+-]?\d+)\s*$", value, re.IGNORECASE) if isinstance(value, str) else None
        # Fraction would write out the power of ten, whatever it is.
        if power is not None and abs(int(power[1])) > LARGEST_POWER:
            raise ValueError
        return Fraction(value)
    except (ValueError, TypeError, ZeroDivisionError):
        raise InputError(f"{what} is {value!r}, expected a finite number such as 0.03 or 3/100") from None


def radius_of(eps: Number) -> Fraction:
    """A radius, exact. Raises InputError below 0."""
    radius = exact(eps, "eps")
    if radius < 0:
        raise InputError(f"eps is {eps}, expected at least 0")
    return radius
