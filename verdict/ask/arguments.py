"""What a question is made of, as callers pass it: ranges, boxes, formulas.

Each is of the right kind, or an InputError says which was expected. Networks are `Network` objects, files, or shipped
models' names (`verdict.ask.loading`); formulas are `Formula` objects or text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

from ..base.arguments import several
from ..base.errors import InputError
from ..base.number import exact

if TYPE_CHECKING:
    from ..property import Box
    from ..property.language import Formula


# An end of the valid range: one number for all inputs, or one for each, flat.
End: TypeAlias = "Fraction | tuple[Fraction, ...]"


def range_of(value: Any) -> tuple[End, End] | None:
    """The valid range of the inputs, (low, high), each one number for all of them or an array with one for each; or
    None."""
    if value is None:
        return None
    ends = several(value, "range")
    if len(ends) != 2:
        raise InputError(f"range has {len(ends)} parts, expected (low, high), each a number or an array")
    low, high = (_end(end) for end in ends)
    sizes = {len(end) for end in (low, high) if isinstance(end, tuple)}
    if len(sizes) > 1:
        raise InputError(f"the range has {len(low)} low and {len(high)} high ends, expected as many")  # type: ignore[arg-type]
    for i, (a, b) in enumerate(zip(*each_end(low, high, max(sizes, default=1)), strict=True)):
        if a > b:
            where = f" for input {i}" if sizes else ""
            raise InputError(f"the range is empty{where}: {float(a):g} is above {float(b):g}")
    return low, high


def _end(value: Any) -> End:
    if isinstance(value, str) or not isinstance(value, Iterable) or getattr(value, "shape", None) == ():
        return exact(value, "range")
    flat = value.ravel().tolist() if hasattr(value, "ravel") else value
    return tuple(exact(number, "range") for number in several(flat, "range"))


def each_end(low: End, high: End, count: int) -> tuple[tuple[Fraction, ...], tuple[Fraction, ...]]:
    """The range as one pair for each of `count` inputs. Raises InputError where it has ends for another number."""
    found = []
    for end in (low, high):
        if isinstance(end, tuple) and len(end) != count:
            raise InputError(f"the range has {len(end)} ends, expected one for each of {count} inputs, or one for all")
        found.append(end if isinstance(end, tuple) else (end,) * count)
    return found[0], found[1]


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
