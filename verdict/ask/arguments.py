"""What a question is made of, as callers pass it: ranges, boxes, formulas.

Each is of the right kind, or an InputError says which was expected. Networks are `Network` objects, files, or shipped
models' names (`verdict.ask.loading`); formulas are `Formula` objects or text.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ..base.arguments import several
from ..base.errors import InputError
from ..base.number import exact

if TYPE_CHECKING:
    from ..property import Box
    from ..property.language import Formula


def range_of(value: Any) -> tuple[Fraction, Fraction] | None:
    """The valid range of every input, (low, high), or None."""
    if value is None:
        return None
    ends = several(value, "range")
    if len(ends) != 2:
        raise InputError(f"range has {len(ends)} numbers, expected (low, high)")
    low, high = (exact(end, "range") for end in ends)
    if low > high:
        raise InputError(f"the range is empty: {float(low):g} is above {float(high):g}")
    return low, high


def box(value: Any) -> Box:
    """A box of inputs, as `verdict.region` gives it."""
    from ..property import Box

    if not isinstance(value, Box):
        raise InputError(f"the inputs are {_shown(value)}, expected a box as verdict.region gives it")
    return value


def formula(value: Any, names: Mapping[str, Any], what: str) -> Formula:
    """A formula, or the text of one in these words (docs/properties.md)."""
    from ..property.language import Formula

    if isinstance(value, str):
        from ..property.language.written import read_formula

        return read_formula(value, names, what)
    if not isinstance(value, Formula):
        raise InputError(f"{what} is {_shown(value)}, expected a formula such as y[0] > y[1], or its text")
    return value


def _shown(value: Any) -> str:
    return f"{value!r}"[:60]
