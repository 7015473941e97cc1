"""How the values in a question are read and written: numbers, arrays, formulas, perturbations.

Each kind of value is read by one rule from what a caller passes and from JSON alike, so that a question that was
written is the question that is read. Numbers are exact: JSON holds them as text, "3/100", and arrays of floats as
their bytes. What is not known is refused by name.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ..base import arguments
from ..base.array import Array as Array
from ..base.array import members as members
from ..base.errors import InputError
from ..base.number import exact, nonnegative
from ..property.formula import RELATIONS, Comparison, Connective, Formula
from ..property.polynomial import Polynomial

if TYPE_CHECKING:
    from ..property.fronts import Front
    from .arguments import End

@dataclass(frozen=True, eq=False, repr=False)
class Value:
    """One kind of value: `read` checks and keeps what a caller or JSON gives, `write` gives JSON; what is equal to the
    `default` is not said."""

    read: Callable[[Any, str], Any]
    write: Callable[[Any], Any] = lambda value: value
    default: Any = None


def _numbers(values: Any, what: str) -> tuple[Fraction, ...]:
    return tuple(exact(value, what) for value in arguments.several(values, what))


def _ends(values: Any, what: str) -> tuple[Fraction | None, ...]:
    return tuple(None if value is None else exact(value, what) for value in arguments.several(values, what))


def _scales(values: Any, what: str) -> tuple[Fraction | None, ...]:
    return tuple(None if v is None else nonnegative(v, "a scale") for v in arguments.several(values, what))


def _texts(values: tuple[Fraction | None, ...]) -> list[str | None]:
    return [None if value is None else str(value) for value in values]


def _range(value: Any, what: str) -> tuple[End, End]:
    from .arguments import range_of

    found = range_of(value)
    if found is None:
        raise InputError("range is None, expected (low, high)")
    return found


def _layer(value: Any, what: str) -> str | int:
    return value if isinstance(value, str) else arguments.whole(value, what)


def _formula(value: Any, what: str) -> Formula | str:
    if isinstance(value, Formula | str):
        return value
    if isinstance(value, Mapping):
        return _formula_from_json(value, what)
    raise InputError(f"{what} is {value!r:.60}, expected a formula such as y[0] > y[1], or its text")


def _formula_from_json(data: Any, what: str) -> Formula:
    found = members(data, dict.fromkeys(("and", "or", *RELATIONS)), what)
    if len(found) != 1:
        raise InputError(f"{what}: found {', '.join(found) or 'nothing'}, expected one of and, or, {RELATIONS}")
    ((word, inside),) = found.items()
    if word in ("and", "or"):
        parts = [_formula_from_json(part, what) for part in arguments.several(inside, what)]
        return Connective(word == "and", tuple(parts))
    if not isinstance(inside, Mapping):
        raise InputError(f"{what}: found {type(inside).__name__}, expected coefficients by products of variables")
    terms = {_monomial(name, what): exact(value, what) for name, value in inside.items()}
    return Comparison(Polynomial({monomial: c for monomial, c in terms.items() if c}), word)


def _monomial(text: Any, what: str) -> tuple[int, ...]:
    """`X_0*Y_1`, inputs counted from 0 up and outputs from -1 down; `1` is the constant."""
    if text == "1":
        return ()
    found = [re.fullmatch(r"([XY])_(\d{1,9})", part, re.ASCII) for part in str(text).split("*")]
    named = [match for match in found if match is not None]
    if len(named) != len(found):
        raise InputError(f"{what}: {text!r} is not known, expected products such as X_0 or X_0*Y_1, or 1")
    return tuple(sorted(int(m[2]) if m[1] == "X" else -1 - int(m[2]) for m in named))


def _name(monomial: tuple[int, ...]) -> str:
    return "*".join(f"X_{v}" if v >= 0 else f"Y_{-1 - v}" for v in monomial) or "1"


def _formula_json(value: Formula | str) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, Connective):
        return {"and" if value.is_and else "or": [_formula_json(part) for part in value.parts]}
    return {value.relation: {_name(monomial): str(c) for monomial, c in value.polynomial.terms.items()}}


def _front(value: Any, what: str) -> Front | str:
    if isinstance(value, str):
        return value
    from ..property.fronts import Front, Together

    if isinstance(value, Front):
        return value
    parts = value if isinstance(value, list) else [value]
    made = [_one_front(part, what) for part in parts]
    return made[0] if len(made) == 1 else Together(made)


def _one_front(data: Any, what: str) -> Front:
    from ..property.fronts import from_text

    found = members(data, dict.fromkeys(("name", "arguments")), what)
    given = members(found.get("arguments", {}), dict(found.get("arguments") or {}), what)
    read = {k: exact(v, k) if isinstance(v, str) else Array.of(v, k).values() for k, v in given.items()}
    return from_text(arguments.word(found.get("name"), what), given=read)


def _front_json(value: Front | str) -> Any:
    if isinstance(value, str):
        return value
    from ..property.fronts import Together, named

    if isinstance(value, Together):
        return [_front_json(front) for front in value.fronts]
    given = {}
    for name in inspect.signature(type(value)).parameters:
        if not hasattr(value, name):
            raise InputError(f"the perturbation {named(value)} does not keep its {name}, so it has no form in JSON")
        held = getattr(value, name)
        if held is not None:
            is_number = isinstance(held, int | float | Fraction)
            given[name] = str(Fraction(held)) if is_number else Array.of(held, name).to_json()
    return {"name": named(value), **({"arguments": given} if given else {})}


NUMBER = Value(exact, str)
DISTANCE = Value(nonnegative, str)
WHOLE = Value(arguments.whole)
WORD = Value(arguments.word)
WORDS = Value(arguments.words, list)
FLAG = Value(arguments.flag)
PLACE = Value(lambda value, what: str(arguments.place(value, what)))
NUMBERS = Value(_numbers, _texts)
ENDS = Value(_ends, _texts)
SCALES = Value(_scales, _texts)
RANGE = Value(_range, lambda ends: [_texts(end) if isinstance(end, tuple) else str(end) for end in ends])
WHOLES = Value(lambda values, what: tuple(sorted(set(arguments.wholes(values, what)))), list, ())
LAYER = Value(_layer)
FORMULA = Value(_formula, _formula_json)
FRONT = Value(_front, _front_json)
