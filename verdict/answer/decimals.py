"""Exact numbers for people: decimals that are rounded outward, and fractions where they are short."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction

DIGITS = 10
# A rational longer than this is left to JSON.
LONGEST = 60


def below(value: Fraction) -> str:
    """A decimal of ten digits that is at most `value`."""
    return _decimal(value, ROUND_FLOOR)


def above(value: Fraction) -> str:
    """A decimal of ten digits that is at least `value`."""
    return _decimal(value, ROUND_CEILING)


def _decimal(value: Fraction, rounding: str) -> str:
    context = Context(prec=DIGITS, rounding=rounding)
    result = context.divide(Decimal(value.numerator), Decimal(value.denominator)).normalize()
    return f"{result:f}" if Decimal("1e-6") <= abs(result) < Decimal("1e12") or not result else str(result)


def rational(value: Fraction) -> str | None:
    """`p/q` where it is short enough to read."""
    text = str(value)
    return text if len(text) <= LONGEST else None
