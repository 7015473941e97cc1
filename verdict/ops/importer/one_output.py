"""An ONNX file with some of its outputs alone: without the nodes that only the others need."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnx

from ...base.errors import InputError
from .branches import reads


def only(model: onnx.ModelProto, name: str, path: Path) -> bytes:
    """The model with the output `name` alone and the nodes that it needs, serialised. Raises InputError."""
    graph = model.graph
    if len([info for info in graph.output if info.name == name]) != 1:
        names = ", ".join(repr(info.name) for info in graph.output)
        raise InputError(f"{path}: has no output {name!r}, expected one of {names}")
    data: bytes = only_these(model, [name]).SerializeToString()
    return data


def only_these(model: onnx.ModelProto, names: Sequence[str]) -> onnx.ModelProto:
    """The model with these of its outputs, in this order, and the nodes that they need."""
    graph = model.graph
    infos = {info.name: info for info in graph.output}
    kept, needed = [infos[name] for name in names], set(names)
    makers = {tensor: node for node in graph.node for tensor in node.output if tensor}
    open_ = list(names)
    while open_:
        node = makers.get(open_.pop())
        if node is not None:
            read = reads(node) - needed
            needed |= read
            open_ += read
    nodes = [node for node in graph.node if needed.intersection(filter(None, node.output))]
    # An input with a value in the file stays one.
    needed |= {info.name for info in graph.input}
    weights = [tensor for tensor in graph.initializer if tensor.name in needed]
    smaller = onnx.ModelProto()
    smaller.CopyFrom(model)
    for field, values in (("node", nodes), ("output", kept), ("initializer", weights)):
        smaller.graph.ClearField(field)
        getattr(smaller.graph, field).extend(values)
    # What was said of tensors that are gone would be said of nothing.
    smaller.graph.ClearField("value_info")
    return smaller
