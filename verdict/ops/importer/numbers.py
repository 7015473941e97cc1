"""A network whose outputs' numbers are asked about, although it ends with a head that keeps only their order.

Import leaves out a Sigmoid at the end; of one with something behind it the numbers matter, and it is read as a
function. So the file gets a last node that adds 0: for both readers alike nothing ends with the head any more.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ...network.network import Network
from .onnx_file import model_of
from .onnx_import import network_of


def with_numbers(network: Network) -> Network:
    """The network with the numbers of its outputs in place of scores. Raises UnsupportedError where a head is no
    function that is read."""
    model = onnx.ModelProto()
    model.CopyFrom(model_of(network.data, network.path))
    graph = model.graph
    taken = {name for node in graph.node for name in (*node.input, *node.output)}
    taken.update(tensor.name for tensor in graph.initializer)
    for port in network.outputs:
        if port.head is None:
            continue
        inner, zero = _fresh(f"{port.name}_before", taken), _fresh(f"{port.name}_zero", taken)
        for node in graph.node:
            node.input[:] = [inner if name == port.name else name for name in node.input]
            node.output[:] = [inner if name == port.name else name for name in node.output]
        graph.initializer.append(numpy_helper.from_array(np.zeros((), port.dtype), zero))
        graph.node.append(helper.make_node("Add", [inner, zero], [port.name], name=f"{port.name}_as_numbers"))
    return network_of(model.SerializeToString(), network.path)


def _fresh(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name
