"""How the values in a question are read and written: numbers, arrays, formulas, perturbations.

Each kind of value is read by one rule from what a caller passes and from JSON alike, so that a question that was
written is the question that is read. Numbers are exact: JSON holds them as text, "3/100", and arrays of floats as
their bytes. What is not known is refused by name.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..base import arguments
from ..base.errors import InputError
from ..base.number import exact, nonnegative
from ..property.formula import RELATIONS, Comparison, Connective, Formula
from ..property.polynomial import Polynomial

if TYPE_CHECKING:
    from ..property.fronts import Front
    from .arguments import End

# The types of arrays whose bytes are kept; all others become exact rationals.
BYTES = (
    "float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8", "bool",
)


@dataclass(frozen=True, eq=False, repr=False)
class Value:
    """One kind of value: `read` checks and keeps what a caller or JSON gives, `write` gives JSON; what is equal to the
    `default` is not said."""

    read: Callable[[Any, str], Any]
    write: Callable[[Any], Any] = lambda value: value
    default: Any = None


def members(data: Any, known: Mapping[str, Any], what: str) -> dict[str, Any]:
    """A JSON object with no members but these. Raises InputError."""
    if not isinstance(data, Mapping):
        raise InputError(f"{what}: found {type(data).__name__}, expected an object")
    unknown = [name for name in data if name not in known]
    if unknown:
        raise InputError(f"{what}: {unknown[0]!r} is not known, expected {', '.join(known)}")
    return dict(data)


@dataclass(frozen=True)
class Array:
    """Numbers of any shape, row-major: the bytes of floats and integers (little-endian), else exact rationals."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes | tuple[Fraction, ...]

    @classmethod
    def of(cls, x: Any, what: str) -> Array:
        """What a caller passes as an array, or its JSON. Raises InputError."""
        if isinstance(x, Array):
            return x
        if isinstance(x, Mapping):
            return cls._from_json(x, what)
        try:
            values = np.asarray(x)
        except ValueError as error:  # rows of different lengths
            raise InputError(f"{what} is no array: {error}") from error
        if values.dtype.kind == "f" and values.dtype.itemsize > 8:
            values = values.astype(np.float64)
        if values.dtype.kind not in "fiubOU":
            raise InputError(f"{what} has type {values.dtype}, expected numbers")
        if values.dtype.kind in "OU":  # decimals as text, among others
            numbers = (exact(value, f"{what}, position {i}") for i, value in enumerate(values.ravel().tolist()))
            return cls("exact", values.shape, tuple(numbers))
        ordered = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
        return cls(values.dtype.name, values.shape, ordered.tobytes())

    def values(self) -> npt.NDArray[Any]:
        """The numbers as a NumPy array; of Fractions where they are exact."""
        if isinstance(self.data, bytes):
            kind = np.dtype(self.dtype)
            return np.frombuffer(self.data, kind.newbyteorder("<")).astype(kind).reshape(self.shape)
        return np.array([*self.data, None], dtype=object)[:-1].reshape(self.shape)

    def to_json(self) -> dict[str, Any]:
        if isinstance(self.data, bytes):
            said: Any = {"base64": base64.b64encode(self.data).decode()}
        else:
            said = {"numbers": [str(number) for number in self.data]}
        return {"dtype": self.dtype, "shape": list(self.shape), **said}

    @classmethod
    def _from_json(cls, data: Mapping[str, Any], what: str) -> Array:
        found = members(data, dict.fromkeys(("dtype", "shape", "base64", "numbers")), what)
        shape = tuple(arguments.wholes(found.get("shape"), f"{what}: shape"))
        count, dtype = int(np.prod(shape, dtype=object)), found.get("dtype")
        if dtype == "exact" and set(found) == {"dtype", "shape", "numbers"}:
            numbers = tuple(exact(value, what) for value in arguments.several(found["numbers"], what))
            if len(numbers) == count:
                return cls("exact", shape, numbers)
        elif dtype in BYTES and set(found) == {"dtype", "shape", "base64"}:
            try:
                held = base64.b64decode(found["base64"], validate=True)
            except (binascii.Error, TypeError, ValueError):
                held = b""
            if len(held) == count * np.dtype(dtype).itemsize:
                return cls(dtype, shape, held)
        raise InputError(f"{what}: no array: found {', '.join(found)} of shape {shape}, expected as many numbers")

    def __repr__(self) -> str:
        data = self.data if isinstance(self.data, bytes) else repr(self.data).encode()
        return f"Array({self.dtype}, {self.shape}, {hashlib.sha256(data).hexdigest()[:12]})"


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
