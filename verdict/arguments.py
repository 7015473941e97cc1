"""What callers may pass, read by one rule in every function: the right kind of value, or an InputError that says which.

Numbers are integers, floats, Fractions, decimals, their NumPy scalars, and strings such as "0.03" or "3/100"; booleans
are none. Networks are `Network` objects, files, or shipped models' names; formulas are `Formula` objects or text.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InputError
from .number import exact, nonnegative

if TYPE_CHECKING:
    from .property import Box
    from .property.language import Formula

# A year: solvers count milliseconds in 32 bits, or add the limit to the time of day.
LONGEST_TIME = 366 * 86400.0
MOST_THREADS = 1024


def whole(value: Any, what: str, count: int | None = None) -> int:
    """An integer, written as any number, from 0 to below `count` where one is given."""
    number = exact(value, what)
    if number.denominator != 1:
        raise InputError(f"{what} is {value!r}, expected a whole number")
    if count is not None and not 0 <= number < count:
        raise InputError(f"{what} is {number}, expected 0 to {count - 1}")
    return int(number)


def optional_whole(value: Any, what: str) -> int | None:
    """The same, or None."""
    return None if value is None else whole(value, what)


def wholes(values: Any, what: str) -> list[int]:
    """Several integers."""
    return [whole(value, what) for value in several(values, what)]


def several(values: Any, what: str) -> list[Any]:
    """A list of what is no string and no mapping."""
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise InputError(f"{what}: {values!r} is no list")
    return list(values)


def seconds(timeout: Any, what: str = "timeout") -> float | None:
    """A time limit, more than 0, or None for none."""
    if timeout is None:
        return None
    limit = exact(timeout, what)
    if limit <= 0:
        raise InputError(f"{what} is {timeout}, expected a positive number of seconds")
    return min(float(limit), LONGEST_TIME)


def threads(value: Any, what: str = "threads") -> int:
    """A number of threads."""
    count = whole(value, what)
    if not 1 <= count <= MOST_THREADS:
        raise InputError(f"{what} is {count}, expected at least 1, at most {MOST_THREADS}")
    return count


def word(value: Any, what: str) -> str:
    """A name, such as that of an engine."""
    if not isinstance(value, str):
        raise InputError(f"{what} is {value!r}, expected a name")
    return value


def optional_word(value: Any, what: str) -> str | None:
    """The same, or None."""
    return None if value is None else word(value, what)


def flag(value: Any, what: str) -> bool:
    """True or False, also NumPy's."""
    if type(value).__name__ not in ("bool", "bool_"):
        raise InputError(f"{what} is {value!r}, expected True or False")
    return bool(value)


def place(value: Any, what: str) -> Path:
    """A file's name."""
    if not isinstance(value, str | os.PathLike) or not isinstance(os.fspath(value), str) or not os.fspath(value):
        raise InputError(f"{what} is {value!r}, expected the name of a file")
    return Path(value)


def optional_place(value: Any, what: str) -> Path | None:
    """The same, or None."""
    return None if value is None else place(value, what)


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


def scales_of(values: Any, count: int) -> list[Fraction]:
    """One number for each input, at least 0."""
    found = [nonnegative(value, "a scale") for value in several(values, "scales")]
    if len(found) != count:
        raise InputError(f"{len(found)} scales, expected one for each of {count} inputs")
    return found


def box(value: Any) -> Box:
    """A box of inputs, as `verdict.region` gives it."""
    from .property import Box

    if not isinstance(value, Box):
        raise InputError(f"the inputs are {_shown(value)}, expected a box as verdict.region gives it")
    return value


def formula(value: Any, names: Mapping[str, Any], what: str) -> Formula:
    """A formula, or the text of one in these words (docs/properties.md)."""
    from .property.language import Formula

    if isinstance(value, str):
        from .property.language.written import read_formula

        return read_formula(value, names, what)
    if not isinstance(value, Formula):
        raise InputError(f"{what} is {_shown(value)}, expected a formula such as y[0] > y[1], or its text")
    return value


def search_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that every search takes, checked; others are left as they are."""
    readers: dict[str, Callable[[Any, str], Any]] = {
        "engine": word, "solver": optional_word, "bounds": optional_word, "device": word,
        "timeout": seconds, "threads": threads, "certificate": optional_place,
    }
    return {name: readers[name](v, name) if name in readers else v for name, v in options.items()}


def _shown(value: Any) -> str:
    return f"{value!r}"[:60]

