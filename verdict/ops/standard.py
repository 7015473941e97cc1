"""The second look at a node: whatever ONNX's own schema for the operator set does not have is refused as well.

The tables of the operators say what Verdict reads and may speak of several operator sets at once; the standard's say
which attributes and element types exist in the one at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import onnx
import onnx.defs

from .signature import SignatureError

# The element types of the tables by the standard's names.
NAMES = {"float32": "float", "float64": "double", "object": "string"}
MAPS = {"map_int64": "seq(map(int64, float))", "map_string": "seq(map(string, float))"}


def type_name(kind: str) -> str:
    """The standard's name for tensors of that element type."""
    return MAPS.get(kind) or f"tensor({NAMES.get(kind, kind)})"


@lru_cache(maxsize=1024)
def schema_of(op_type: str, opset: int) -> onnx.defs.OpSchema:
    """ONNX's schema of an operator, with its domain in front if it is another. Raises SignatureError where the operator
    set does not have it."""
    domain, _, name = op_type.rpartition(".")
    try:
        schema = onnx.defs.get_schema(name, opset, domain)
    except onnx.defs.SchemaError:
        raise SignatureError(f"operator set {opset} has no such operator") from None
    if schema.deprecated:
        raise SignatureError(f"the operator is withdrawn in operator set {opset}")
    return schema


@lru_cache(maxsize=1024)
def input_kinds(op_type: str, opset: int) -> tuple[frozenset[str], ...]:
    """The types that each input of an operator may have, by the standard's names."""
    schema = schema_of(op_type, opset)
    allowed = {c.type_param_str: frozenset(c.allowed_type_strs) for c in schema.type_constraints}
    return tuple(allowed.get(i.type_str, frozenset({i.type_str})) for i in schema.inputs)


def check(node: onnx.NodeProto, kinds: Sequence[str | None], opset: int) -> None:
    """Raise SignatureError for an attribute or an input's type that the operator set of its domain does not have."""
    name = node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
    schema = schema_of(name, opset)
    for attribute in node.attribute:
        if attribute.name not in schema.attributes:
            raise SignatureError(f"operator set {opset} has no attribute {attribute.name!r}")
    allowed = input_kinds(name, opset)
    for i, kind in enumerate(kinds):
        if kind is not None and type_name(kind) not in allowed[min(i, len(allowed) - 1)]:
            raise SignatureError(f"input {i} has type {kind}, which operator set {opset} does not have there")
