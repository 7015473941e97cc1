"""Functions of constants: their rational values, or by definition the nearest float64."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from ...base.errors import UnsupportedError
from ..exact import ExactVector
from .base import Feature

# Binary digits that values are asked for with, one after the other; what is closer to 0 in the end is 0.
DIGITS = (80, 160, 320, 1200)
LARGEST = 2**1023


def nearest(function: Any, z: Fraction) -> Fraction:
    """f(z) exactly where it is rational, else the float64 that is nearest.

    Raises UnsupportedError outside the domain of f, and for values beyond the floats.
    """
    if function.has(Feature.RATIONAL):
        return Fraction(function.exact(ExactVector.of([z])).fractions()[0])
    for bits in DIGITS:
        low, high = function.at(z, bits)
        if low == high:
            return Fraction(low)
        if max(abs(low), abs(high)) >= LARGEST:
            raise UnsupportedError(f"{function.name} of the constant {float(z):.4g} is beyond the floats")
        if float(low) == float(high):
            return Fraction(float(low))
    return Fraction(0)


def all_nearest(function: Any, entries: Iterable[Fraction]) -> list[Fraction]:
    """The same for many, each number once."""
    entries = list(entries)
    known = {z: nearest(function, z) for z in set(entries)}
    return [known[z] for z in entries]
