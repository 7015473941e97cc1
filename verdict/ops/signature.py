"""The closed table of an operator: for each range of operator sets, the nodes that it reads, and no others.

A `Version` says which inputs, outputs, element types and attributes a node may have; it is written in one line with
`since`. Reading a node against it gives every attribute its value and every output its element type. What the table
does not have is refused by name, because a reader that ignores what it does not know certifies falsehoods.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import onnx
import onnx.numpy_helper

# Element types go by NumPy's names. Only REAL ones may depend on the input; the others occur in constants.
REAL = frozenset({"float32", "float64"})
INDEX = frozenset({"int32", "int64"})
INTEGERS = frozenset(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
NUMBERS = REAL | INTEGERS
BOOL = frozenset({"bool"})
# Half precision may be moved and cast, never computed with: its rounding is none of the documented semantics.
ANY = NUMBERS | BOOL | {"float16", "bfloat16"}

# Text occurs in the names of classes, and the maps of a ZipMap at the output.
TEXT = frozenset({"object"})
MAPS = frozenset({"map_int64", "map_string"})

# Which element types each letter of a form stands for.
Types: TypeAlias = Mapping[str, frozenset[str]]


class SignatureError(Exception):
    """A node that is not in the operator's table; the importer names the node."""


@dataclass(frozen=True)
class Attribute:
    """An attribute: its ONNX type (INT, FLOATS, ...), what an absent one counts as, and the values it may have."""

    kind: str
    default: Any = None
    required: bool = False
    among: tuple[Any, ...] | None = None


def integer(default: int | None = None, *, among: tuple[int, ...] | None = None, required: bool = False) -> Attribute:
    return Attribute("INT", default, required, among)


def flag(default: int = 0) -> Attribute:
    """An integer that is 0 or 1."""
    return Attribute("INT", default, among=(0, 1))


def integers(*, required: bool = False) -> Attribute:
    return Attribute("INTS", required=required)


def real(default: float | None = None) -> Attribute:
    """A number; ONNX keeps attributes in float32, and their defaults too."""
    return Attribute("FLOAT", None if default is None else float(np.float32(default)))


def reals(*, required: bool = False) -> Attribute:
    return Attribute("FLOATS", required=required)


def word(default: str) -> Attribute:
    """Any text."""
    return Attribute("STRING", default)


def texts() -> Attribute:
    return Attribute("STRINGS")


def text(default: str, *others: str) -> Attribute:
    """One of a few words."""
    return Attribute("STRING", default, among=(default, *others))


def tensor(*, required: bool = False) -> Attribute:
    return Attribute("TENSOR", required=required)


@dataclass(frozen=True)
class Parameter:
    """An input or an output: `type` is a letter of the form or an element type; `many` may only come last."""

    name: str
    type: str
    optional: bool = False
    many: bool = False


@dataclass(frozen=True)
class Reading:
    """What a node says: its attributes, the element type of each letter, and of each output (None: the lowering's)."""

    attributes: dict[str, Any]
    letters: dict[str, str]
    outputs: list[frozenset[str]]


@dataclass(frozen=True)
class Version:
    """The nodes of one operator that are read from operator set `since` on, until the next version begins."""

    since: int
    inputs: tuple[Parameter, ...]
    outputs: tuple[Parameter, ...]
    types: Types
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    def read(self, node: onnx.NodeProto, kinds: Sequence[str | None]) -> Reading:
        """Match a node whose inputs have these element types (None: absent). Raises SignatureError."""
        attributes = self._attributes(node)
        letters: dict[str, str] = {}
        for parameter, kind in self._given("input", self.inputs, list(kinds)):
            allowed = self.kinds(parameter)
            known = letters.setdefault(parameter.type, kind) if parameter.type in self.types else kind
            if kind not in allowed:
                raise SignatureError(f"input {parameter.name!r} has type {kind}, expected {_either(allowed)}")
            if known != kind:
                raise SignatureError(f"input {parameter.name!r} has type {kind}, expected {known} as another input has")
        outputs = [
            frozenset({letters[parameter.type]}) if parameter.type in letters else self.kinds(parameter)
            for parameter, _ in self._given("output", self.outputs, [name or None for name in node.output])
        ]
        return Reading(attributes, letters, outputs)

    def kinds(self, parameter: Parameter) -> frozenset[str]:
        """The element types that an input or output may have."""
        return self.types.get(parameter.type, frozenset({parameter.type}))

    def _given(
        self, what: str, parameters: Sequence[Parameter], given: list[str | None]
    ) -> list[tuple[Parameter, str]]:
        """The parameters that are there; too many and missing ones are errors."""
        room = math.inf if parameters and parameters[-1].many else len(parameters)
        if len(given) > room:
            raise SignatureError(f"{len(given)} {what}s, expected at most {room}")
        found = []
        for i in range(max(len(given), len(parameters))):
            parameter = parameters[min(i, len(parameters) - 1)]
            value = given[i] if i < len(given) else None
            if value is not None:
                found.append((parameter, value))
            elif not parameter.optional:
                missing = "is missing" if what == "input" else "has no name"
                raise SignatureError(f"{what} {i} ({parameter.name}) {missing}")
        return found

    def _attributes(self, node: onnx.NodeProto) -> dict[str, Any]:
        values = {name: known.default for name, known in self.attributes.items()}
        seen: set[str] = set()
        for attribute in node.attribute:
            name = attribute.name
            if name in seen:
                raise SignatureError(f"the attribute {name!r} is given twice")
            seen.add(name)
            if name not in self.attributes:
                there = ", ".join(sorted(self.attributes)) or "none"
                raise SignatureError(f"an attribute {name!r}, expected among: {there}")
            values[name] = _value(attribute, self.attributes[name])
        for name, known in self.attributes.items():
            if known.required and name not in seen:
                raise SignatureError(f"the attribute {name!r} is missing")
        return values


def since(opset: int, form: str, types: Types | None = None, /, **attributes: Attribute) -> Version:
    """A version in one line: `since(11, "data:T pads:int64 value:T? -> output:T", {"T": ANY}, mode=text("edge"))`.

    After a name comes an element type or a letter of `types` (T is REAL unless it is said), then `?` for what may be
    absent or `*` for one or more.
    """
    before, after = form.split("->")
    return Version(opset, _parameters(before), _parameters(after), {"T": REAL} | dict(types or {}), attributes)


def _parameters(form: str) -> tuple[Parameter, ...]:
    found = []
    for part in form.split():
        match = re.fullmatch(r"(\w+):(\w+)([?*]?)", part)
        if match is None:
            raise ValueError(f"{part!r} is no parameter of a form")
        name, kind, mark = match.groups()
        found.append(Parameter(name, kind, mark == "?", mark == "*"))
    return tuple(found)


def array_of(tensor: onnx.TensorProto, what: str) -> np.ndarray[Any, Any]:
    """The entries of an ONNX tensor. Raises SignatureError for a malformed one and for NaN."""
    try:
        array = onnx.numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError) as error:
        raise SignatureError(f"{what} {tensor.name!r} are malformed: {error}") from error
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise SignatureError(f"{what} {tensor.name!r} contain NaN, expected finite numbers")
    return array


def _value(attribute: onnx.AttributeProto, known: Attribute) -> Any:
    kinds = onnx.AttributeProto.AttributeType
    kind = kinds.Name(attribute.type) if attribute.type in kinds.values() else str(attribute.type)
    if attribute.ref_attr_name:
        raise SignatureError(f"the attribute {attribute.name!r} refers to one of a function")
    if kind != known.kind:
        raise SignatureError(f"the attribute {attribute.name!r} has type {kind}, expected {known.kind}")
    value = onnx.helper.get_attribute_value(attribute)
    if kind == "STRING":
        value = value.decode(errors="backslashreplace")
    elif kind == "TENSOR":
        value = array_of(value, "the numbers")
    elif kind == "STRINGS":
        value = [word.decode(errors="backslashreplace") for word in value]
    elif isinstance(value, Iterable):
        value = list(value)
    if known.among is not None and value not in known.among:
        raise SignatureError(f"{attribute.name} = {value} (expected {_either(known.among)})")
    return value


def _either(values: Iterable[Any]) -> str:
    words = sorted(map(str, values))
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
