"""Numbers as users give them: exact rationals, whatever they are written as."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

from .errors import InputError

Number = int | float | str | Fraction
LARGEST_POWER = 1000
# Characters of a number's text that are shown, and that are read at all.
MOST_SHOWN, MOST_READ = 40, 5000
# Above every float64: what no bound or solver can hold.
BEYOND = Fraction(2) ** 1024


def exact(value: Any, what: str = "value") -> Fraction:
    """A number as an exact rational: a string such as "0.03" or "3/100" is the decimal that it says, a float
    the dyadic rational that it is, and so are NumPy's scalars. Raises InputError for anything else, for booleans, and
    for numbers beyond the range of float64."""
    try:
        number = _rational(value)
    except (ValueError, TypeError, OverflowError, ZeroDivisionError):
        shown = repr(value)
        shown = shown if len(shown) <= MOST_SHOWN else f"{shown[:MOST_SHOWN]}..."
        raise InputError(f"{what} is {shown}, expected a finite number such as 0.03 or 3/100") from None
    if abs(number) >= BEYOND:
        raise InputError(f"{what} is beyond 1.7e308, out of the range of floats")
    return number


def _rational(value: Any) -> Fraction:
    # NumPy's numbers of any type, and arrays of one number.
    if hasattr(value, "dtype") and getattr(value, "shape", None) == ():
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float | str | Fraction | Decimal):
        raise TypeError
    if isinstance(value, float | Decimal) and not math.isfinite(value):
        raise ValueError
    if isinstance(value, str):
        if len(value) > MOST_READ or not value.isascii():
            raise ValueError
        power = re.search(r"e([+-]?\d+)\s*$", value, re.IGNORECASE)
        # Fraction would write out the power of ten, whatever it is.
        if power is not None and abs(int(power[1])) > LARGEST_POWER:
            raise ValueError
    if isinstance(value, Decimal) and abs(value.adjusted()) > LARGEST_POWER:
        raise ValueError
    return Fraction(value)


def nonnegative(value: Any, what: str) -> Fraction:
    """A number, exact. Raises InputError below 0."""
    number = exact(value, what)
    if number < 0:
        raise InputError(f"{what} is {value}, expected at least 0")
    return number


def radius_of(eps: Any) -> Fraction:
    """A radius, exact. Raises InputError below 0."""
    return nonnegative(eps, "eps")
