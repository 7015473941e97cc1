"""Hidden values of a network as further outputs: the same ONNX graph, with more of its tensors given out.

VNN-LIB 2 declares them by name. ONNX Runtime is then given the changed model, so that a witness's hidden values are
those that it computes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnx

from ..base.errors import ModelError


def expose(model: onnx.ModelProto, names: Sequence[str], path: Path) -> bytes:
    """Append to the outputs of `model` the tensors of that name, or the one output of the node of that name.

    Returns the serialised model. Raises ModelError for names that the graph does not have.
    """
    graph = model.graph
    tensors = {name for node in graph.node for name in node.output} | {info.name for info in graph.input}
    nodes = {node.name: list(node.output) for node in graph.node if node.name and len(node.output) == 1}
    infos = {info.name: info for info in onnx.shape_inference.infer_shapes(model).graph.value_info}
    given = {info.name for info in graph.output}
    for name in names:
        found = name if name in tensors else nodes.get(name, [""])[0]
        if not found:
            raise ModelError(f"{path}: the graph has no tensor and no node with one output of the name {name!r}")
        if found in given:
            raise ModelError(f"{path}: the hidden value {name!r} is an output, or declared twice")
        given.add(found)
        info = infos.get(found)
        if info is None or not info.type.tensor_type.elem_type:
            raise ModelError(f"{path}: the type of the hidden value {name!r} cannot be inferred")
        graph.output.append(info)
    data: bytes = model.SerializeToString()
    return data
