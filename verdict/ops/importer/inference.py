"""What the importer computes of types and shapes, compared with ONNX's strict shape inference.

Two readings of one file by two programs: where they differ, one has misread it, and the model is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import onnx
import onnx.shape_inference

from ...base.errors import ModelError
from ...network.network import Port
from .onnx_file import skeleton

# The shape (None: not known) and the element type (by NumPy's name) that the importer has found for a tensor.
Found: TypeAlias = tuple[tuple[int, ...] | None, str]


def compare(model: onnx.ModelProto, inputs: Sequence[Port], found: Mapping[str, Found], path: Path) -> None:
    """Raise ModelError where `found` differs from what ONNX infers or from what the model declares of its outputs.

    `inputs` are the network's, with the sizes that they are read with.
    """
    light = skeleton(model)
    sizes = {port.name: port.shape for port in inputs}
    for info in light.graph.input:
        if info.name in sizes:
            del info.type.tensor_type.shape.dim[:]
            for size in sizes[info.name]:
                info.type.tensor_type.shape.dim.add(dim_value=size)
    free = {info.name for info in model.graph.input if not _sizes(info)[:1] or _sizes(info)[0] is None}
    for info in light.graph.output:
        _match(info, found, path, "the model declares", batch_is_free=bool(free))
        if info.type.HasField("tensor_type"):
            info.type.tensor_type.ClearField("shape")
    # Values are followed too, so that shapes that are computed are known; but of a ConstantOfShape inference would
    # write out every entry, however many.
    follow = all(node.op_type != "ConstantOfShape" for node in light.graph.node)
    try:
        inferred = onnx.shape_inference.infer_shapes(light, strict_mode=True, data_prop=follow, check_type=True)
    except Exception as error:
        said = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ModelError(f"{path}: ONNX's shape inference refuses the model: {said}") from error
    for info in (*inferred.graph.value_info, *inferred.graph.output):
        _match(info, found, path, "ONNX infers")


def _sizes(info: onnx.ValueInfoProto) -> list[int | None]:
    return [d.dim_value if d.HasField("dim_value") else None for d in info.type.tensor_type.shape.dim]


def _match(
    info: onnx.ValueInfoProto, found: Mapping[str, Found], path: Path, who: str, batch_is_free: bool = False
) -> None:
    if info.name not in found or not info.type.HasField("tensor_type"):
        return
    shape, kind = found[info.name]
    type_ = info.type.tensor_type
    if type_.elem_type:
        known = type_.elem_type in onnx.TensorProto.DataType.values()
        other = onnx.helper.tensor_dtype_to_np_dtype(type_.elem_type).name if known else str(type_.elem_type)
        if other != kind:
            raise ModelError(f"{path}: the tensor {info.name!r} has type {kind} here, and {who} {other}")
    if shape is None or not type_.HasField("shape"):
        return
    sizes = _sizes(info)
    fits = len(sizes) == len(shape) and all(
        size in (None, n) or (batch_is_free and axis == 0)
        for axis, (size, n) in enumerate(zip(sizes, shape, strict=False))
    )
    if not fits:
        there = tuple("?" if size is None else size for size in sizes)
        raise ModelError(f"{path}: the tensor {info.name!r} has shape {shape} here, and {who} {there}")
