"""What a file may hold besides operators, and what ONNX's own checker and shape inference say of it.

A model is one graph of the standard's operators with its weights in the file: no functions, no subgraphs, no sparse or
external weights, no name twice. The shapes and types of the standard's inference are kept, and every tensor that the
reader computes is compared with them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, checker, shape_inference

from ...errors import UnreadableError
from .constants import array_of
from .table import FIRST, FLOATING, LEARNED, STANDARD
from .tensors import MOST_ENTRIES
from .view import WHOLE, View

# Operator sets of ai.onnx.ml that were studied.
LEARNED_SETS = {1, 2, 3, 4, 5}
# Weights with more entries tell shape inference no more than their own shape.
SMALL = 4096


def parsed(data: bytes, view: View = WHOLE) -> Any:
    """The model in a file, with nothing in it but what is looked at and read. Raises UnreadableError."""
    try:
        model = onnx.load_model_from_string(data)
    except Exception as error:  # the parser's own exceptions
        raise UnreadableError(f"the network cannot be read: {type(error).__name__}: {error}") from error
    graph = model.graph
    for what, found in (("functions", model.functions), ("training", model.training_info),
                        ("sparse weights", graph.sparse_initializer)):
        if len(found):
            raise UnreadableError(f"a model with {what} is not read")
    for info in (*graph.output, *graph.value_info):
        if info.type.WhichOneof("value") == "tensor_type" and not info.type.tensor_type.elem_type:
            raise UnreadableError(f"the tensor {info.name!r} is declared without an element type")
    _different("input", (i.name for i in graph.input))
    _different("weight", (t.name for t in graph.initializer))
    _different("output", (o.name for o in graph.output))
    _different("tensor", [*(i.name for i in graph.input), *({t.name for t in graph.initializer}
                          - {i.name for i in graph.input}), *(o for n in graph.node for o in n.output if o)])
    view.narrow(graph)
    _sort(graph)
    return model


def operator_set(model: Any) -> int:
    """The model's only set of the standard's operators. Raises UnreadableError."""
    found: list[int] = sorted({o.version for o in model.opset_import if o.domain in STANDARD})
    newest = onnx.defs.onnx_opset_version()
    if len(found) != 1 or not FIRST <= found[0] <= newest:
        raise UnreadableError(f"operator sets {found}, expected one from {FIRST} to {newest}")
    return found[0]


def learned_set(model: Any) -> int:
    """The operator set of scikit-learn's operators; 0, which has none, where it is not one that is read."""
    found = {o.version for o in model.opset_import if o.domain == LEARNED}
    return int(found.pop()) if len(found) == 1 and found <= LEARNED_SETS else 0


def inputs(graph: Any, view: View = WHOLE) -> dict[str, tuple[Any, tuple[int, ...]]]:
    """The element type and the shape of each input that has no value in the file. Raises UnreadableError."""
    found, weights = {}, {t.name for t in graph.initializer}
    for info in graph.input:
        if info.name in weights:
            continue
        tensor = info.type.tensor_type
        if info.type.WhichOneof("value") != "tensor_type" or tensor.elem_type not in FLOATING:
            kind = TensorProto.DataType.Name(tensor.elem_type) if tensor.elem_type < 64 else tensor.elem_type
            raise UnreadableError(f"input {info.name!r} is of the type {kind}, expected FLOAT or DOUBLE")
        if not info.name or not tensor.HasField("shape"):
            raise UnreadableError(f"input {info.name!r} has no name or no shape")
        shape = view.shape(info)
        if not all(d > 0 for d in shape) or math.prod(shape) > MOST_ENTRIES:
            raise UnreadableError(f"input {info.name!r} has shape {shape}")
        found[info.name] = FLOATING[tensor.elem_type], shape
    view.check({name: shape for name, (_, shape) in found.items()}, graph)
    return found


def weights(graph: Any) -> dict[str, Any]:
    """The weights in the file, as arrays. Raises UnreadableError."""
    return {tensor.name: array_of(tensor) for tensor in graph.initializer}


def inferred(model: Any, shapes: dict[str, tuple[Any, tuple[int, ...]]]) -> dict[str, Any]:
    """The type of each tensor as ONNX's strict inference has it for inputs of these shapes. Raises UnreadableError."""
    # With data_prop inference would hold each entry of what a ConstantOfShape fills, more than fits anywhere.
    values = not any(node.op_type == "ConstantOfShape" for node in model.graph.node)
    try:
        found = shape_inference.infer_shapes(_light(model, shapes), check_type=True, strict_mode=True, data_prop=values)
        types = {info.name: info.type.tensor_type for info in (*found.graph.value_info, *found.graph.output)}
        checked = onnx.ModelProto()
        checked.CopyFrom(found)
        for info in checked.graph.output:
            # An output may come without a shape, and inference may not know it; it is known once the model is read.
            if info.type.WhichOneof("value") != "sequence_type":
                info.type.tensor_type.shape.SetInParent()
        checker.check_model(checked)
        for tensor in model.graph.initializer:
            checker.check_tensor(tensor)
    except Exception as error:  # the checkers' own exceptions
        raise UnreadableError(f"ONNX's checker refuses the network: {' '.join(str(error).split())[:300]}") from error
    return types


def compare(name: str, kind: Any, shape: tuple[int, ...], found: Any) -> None:
    """Raise UnreadableError where a type and shape are not the standard's."""
    if found is None:
        return
    expected = onnx.helper.tensor_dtype_to_np_dtype(found.elem_type) if found.elem_type else None
    dims = [d.dim_value if d.WhichOneof("value") == "dim_value" else None for d in found.shape.dim]
    same = not found.HasField("shape") or (len(dims) == len(shape)
                                           and all(d in (None, n) for d, n in zip(dims, shape, strict=True)))
    if not same or (expected is not None and expected != np.dtype(kind)):
        raise UnreadableError(f"{name!r} was read as {kind} of shape {shape}, ONNX has {expected} of shape {dims}")


def _light(model: Any, shapes: dict[str, tuple[Any, tuple[int, ...]]]) -> Any:
    """The model with nothing but the shape of large weights."""
    graph, light = model.graph, onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    light.graph.name = graph.name
    for part in ("node", "input", "output", "value_info"):
        getattr(light.graph, part).extend(getattr(graph, part))
    for info in light.graph.input:
        for dim, size in zip(info.type.tensor_type.shape.dim, shapes.get(info.name, (None, ()))[1], strict=False):
            dim.dim_value = size
    known = {info.name for info in graph.input}
    for tensor in graph.initializer:
        if math.prod(tensor.dims) <= SMALL:
            light.graph.initializer.append(tensor)
        elif tensor.name not in known:
            light.graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return light


def _sort(graph: Any) -> None:
    """Put the nodes in an order in which each reads what is there: whichever of the next comes first in the file."""
    made = {name: k for k, node in enumerate(graph.node) for name in node.output if name}
    waits = [{made[name] for name in node.input if name in made} for node in graph.node]
    readers: dict[int, list[int]] = {}
    for k, sources in enumerate(waits):
        for source in sources:
            readers.setdefault(source, []).append(k)
    ready, order = [k for k, sources in enumerate(waits) if not sources], []
    while ready:
        order.append(heappop(ready))
        for k in readers.get(order[-1], ()):
            waits[k].discard(order[-1])
            if not waits[k]:
                heappush(ready, k)
    if len(order) < len(graph.node):
        raise UnreadableError("the nodes read each other in a circle")
    if order != sorted(order):
        nodes = [onnx.NodeProto.FromString(graph.node[k].SerializeToString()) for k in order]
        del graph.node[:]
        graph.node.extend(nodes)


def _different(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise UnreadableError(f"the {what} {name!r} occurs twice")
        seen.add(name)
