"""What callers may pass, read by one rule in every function: the right kind of value, or an InputError that says which.

Numbers are integers, floats, Fractions, decimals, their NumPy scalars, and strings such as "0.03" or "3/100"; booleans
are none. What a question is made of (ranges, boxes, formulas) is read by `verdict.ask.arguments`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .errors import InputError
from .number import exact

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


def words(values: Any, what: str) -> tuple[str, ...]:
    """Several names."""
    return tuple(word(value, f"a name in {what}") for value in several(values, what))


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
