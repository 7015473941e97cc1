"""The file behind a network as the checker is to read it: the user's own, or one with its constants computed."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import onnx
from onnx import numpy_helper

from ...base.errors import VerdictError
from ...network.network import Network
from ..lowering import Constant
from .model_file import read_model
from .one_output import only, only_these
from .onnx_file import model_of
from .onnx_import import imported, without_branches
from .shapes import fixed

# Bytes of constants that are computed and written down.
MOST_BYTES = 2**26


def own_file(network: Network) -> bytes | None:
    """The bytes of the network's own file, where the network is one output of it or has its inputs in sizes that were
    given; None where it is neither, or the file is another one by now."""
    if not network.chosen and not network.is_shaped:
        return None
    try:
        data = made = read_model(network.path)
        if network.is_shaped:
            shapes = {port.name: port.shape for port in network.inputs}
            made = without_branches(fixed(data, shapes, network.path), network.path)
        model = model_of(made, network.path)
        if network.chosen and [info.name for info in model.graph.output] != [network.chosen]:
            made = only(model, network.chosen, network.path)
    except VerdictError:
        return None
    return data if made == network.data else None


def folded(network: Network) -> bytes:
    """The network's model without branches, with every constant that its nodes compute in their place, as far as the
    element type holds it exactly. Raises what importing raises."""
    importer = imported(network.data, network.path)
    plain = onnx.ModelProto()
    plain.CopyFrom(importer.plain())
    kept, weights, room = [], [], MOST_BYTES
    for node in plain.graph.node:
        values = [importer.values.get(name) for name in node.output if name]
        tensors = [_tensor(value, name) for value, name in zip(values, filter(None, node.output), strict=True)]
        size = sum(len(tensor.raw_data) for tensor in tensors if tensor is not None)
        if node.op_type == "Constant" or None in tensors or size > room:
            kept.append(node)
            continue
        room -= size
        weights += tensors
    del plain.graph.node[:]
    plain.graph.node.extend(kept)
    plain.graph.initializer.extend(weights)
    data: bytes = only_these(plain, [info.name for info in plain.graph.output]).SerializeToString()
    return data


def _tensor(value: object, name: str) -> onnx.TensorProto | None:
    """A constant's tensor of its own type; None where that type does not hold it, or it is none."""
    if not isinstance(value, Constant) or value.array.dtype.kind not in "fiub" or value.kind not in TYPES:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        array = value.array.astype(value.kind)
    exact = value.fractions() if value.is_float else value.array.ravel().tolist()
    if [Fraction(v) if value.is_float else v for v in array.ravel().tolist()] != exact:
        return None
    return numpy_helper.from_array(array, name)


TYPES = {"float32", "float64", "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"}
