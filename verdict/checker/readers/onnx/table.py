"""What a table of an operator says, and the comparison of one node of a file with it.

A table is closed: the versions of the operator that were studied, how many inputs it takes and of what kind, each
attribute with its type, its default and, where it matters, the values that are read. Nothing is ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto

from ...errors import UnreadableError

# The letters of element types in tables; s are texts, which occur as labels alone, and what comes behind it occurs in
# constants alone.
LETTERS = {"f": np.dtype(np.float32), "d": np.dtype(np.float64), "i": np.dtype(np.int32), "l": np.dtype(np.int64),
           "b": np.dtype(bool), "s": np.dtype(object), "q": np.dtype(np.int8), "u": np.dtype(np.uint8),
           "h": np.dtype(np.float16), "g": onnx.helper.tensor_dtype_to_np_dtype(TensorProto.BFLOAT16)}
# A tensor that depends on the network's input has one of these.
FLOATING = {TensorProto.FLOAT: LETTERS["f"], TensorProto.DOUBLE: LETTERS["d"]}
KINDS = {"INT": AttributeProto.INT, "INTS": AttributeProto.INTS, "FLOAT": AttributeProto.FLOAT,
         "FLOATS": AttributeProto.FLOATS, "STRING": AttributeProto.STRING, "STRINGS": AttributeProto.STRINGS,
         "TENSOR": AttributeProto.TENSOR}
# The domain of the operators of scikit-learn's exports, with operator sets of its own.
LEARNED = "ai.onnx.ml"
STANDARD = ("", "ai.onnx")
# Operator sets before it had other rules of broadcasting.
FIRST = 7
# What the last letter of an input says; without one there has to be one. ONNX Runtime takes an empty name for what may
# be left out, with exceptions: there the list of inputs has to end.
OPTIONAL, ENDING, REPEATED = "?", "-", "*"


@dataclass(frozen=True)
class Attribute:
    """`kind` as in KINDS; `default` where it is absent; `values` that are read, None for all; the operator sets from
    `since` and before `until` have it."""

    kind: str
    default: Any = None
    values: tuple[Any, ...] | None = None
    since: int = 1
    until: int = 10**9
    required: bool = False


@dataclass(frozen=True)
class Operator:
    """`lower(reader, node, *inputs)` reads a node. `versions` are the operator sets that changed the operator.

    `inputs` are words for the operator sets from a number on: x depends on the network's input, v may or may not, c is
    a constant of the same element type, n a constant of INT64, j of INT32 or INT64, r a real one, b a truth one, k any,
    t anything; `?` marks what may be left out, `-` what may be left out at the end alone, `*` what may be repeated.
    `types` are the letters of element types that x and v may have. `outputs` is how many there may be, 0 for any; of
    those that `lower` does not give nothing may be read.
    """

    lower: Callable[..., Any]
    versions: tuple[int, ...]
    inputs: tuple[tuple[int, str], ...]
    types: tuple[tuple[int, str], ...]
    attributes: dict[str, Attribute] = field(default_factory=dict)
    outputs: int = 1


@dataclass(frozen=True)
class Node:
    """A node that fits its table: all attributes that its operator set has, with their defaults."""

    name: str
    operator: str
    opset: int
    outputs: int
    attributes: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.attributes.get(name)


def at(table: tuple[tuple[int, str], ...], opset: int) -> str:
    """The entry for an operator set."""
    return [words for since, words in table if since <= opset][-1]


def wanted(table: Operator, opset: int, count: int) -> list[str]:
    """The words for `count` inputs. Raises UnreadableError where the operator takes others."""
    words = at(table.inputs, opset).split()
    if words and words[-1].endswith(REPEATED):
        words = [*words[:-1], *[words[-1][0]] * max(1, count - len(words) + 1)]
    if not sum(not w.endswith((OPTIONAL, ENDING)) for w in words) <= count <= len(words):
        raise UnreadableError(f"{count} inputs, expected {len(words)}")
    return words


def name_of(proto: Any) -> str:
    """An operator's name, with its domain in front if that is not the standard's."""
    return proto.op_type if proto.domain in STANDARD else f"{proto.domain}.{proto.op_type}"


def version_of(operator: str, opset: int) -> int:
    """The operator set in which ONNX changed an operator last, up to `opset`. Raises UnreadableError."""
    domain, _, name = operator.rpartition(".")
    try:
        found: int = onnx.defs.get_schema(name, max_inclusive_version=opset, domain=domain).since_version
    except Exception as error:  # the parser's own exception is no public class
        raise UnreadableError(f"no operator of operator set {opset}") from error
    return found


def fitting(proto: Any, table: Operator, opset: int) -> Node:
    """The node as its table says. Raises UnreadableError for what the table does not have."""
    version = version_of(name_of(proto), opset)
    if version not in table.versions:
        known_ones = ", ".join(map(str, table.versions))
        raise UnreadableError(f"version {version} of the operator, expected one of {known_ones}")
    if table.outputs and len(proto.output) > table.outputs:
        raise UnreadableError(f"{len(proto.output)} outputs, expected at most {table.outputs}")
    wanted(table, opset, len(proto.input))
    known = {name: a for name, a in table.attributes.items() if a.since <= opset < a.until}
    given: dict[str, Any] = {}
    for attribute in proto.attribute:
        entry = known.get(attribute.name)
        if entry is None:
            raise UnreadableError(f"the attribute {attribute.name!r} is not read in operator set {opset}")
        if attribute.name in given:
            raise UnreadableError(f"the attribute {attribute.name!r} is given twice")
        given[attribute.name] = _value(attribute, entry)
    missing = [name for name, entry in known.items() if entry.required and name not in given]
    if missing:
        raise UnreadableError(f"the attribute {missing[0]!r} is missing")
    if given.get("num_outputs", len(proto.output)) != len(proto.output):
        # ONNX's shape inference would read beyond the outputs, which ends the process.
        raise UnreadableError(f"num_outputs is {given['num_outputs']}, the node has {len(proto.output)}")
    defaults = {name: entry.default for name, entry in known.items()}
    return Node(proto.name, proto.op_type, opset, len(proto.output), {**defaults, **given})


def _value(attribute: Any, entry: Attribute) -> Any:
    name = attribute.name
    if attribute.ref_attr_name or attribute.type != KINDS[entry.kind]:
        raise UnreadableError(f"the attribute {name!r} is no {entry.kind}")
    value = onnx.helper.get_attribute_value(attribute)
    if entry.values is not None and value not in entry.values:
        raise UnreadableError(f"the attribute {name!r} is {value!r}, read are {', '.join(map(repr, entry.values))}")
    if entry.kind in ("FLOAT", "FLOATS") and not np.isfinite(value).all():
        raise UnreadableError(f"the attribute {name!r} is no finite number")
    if entry.kind == "STRINGS":
        return [text.decode() for text in value]
    return [*value] if entry.kind in ("INTS", "FLOATS") else value
