"""The two readers number the neurons of every operator with ReLUs alike, so a certificate means the same to both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from verdict.certificate.neurons import NeuronMap
from verdict.ops.importer.onnx_import import network_of

OTHERS = {name: np.linspace(a, b, 4, dtype=np.float32).reshape(4, 1) for name, a, b in (("c", -1, 1), ("d", 2, -2))}
NODES = {
    "maximum": ("Max", "x c z d r", {}),
    "minimum": ("Min", "c x d r z", {}),
    "largest over axes": ("ReduceMax", "x", {"axes": [3, 1]}),
    "least over axes": ("ReduceMin", "x", {"axes": [-1, 2], "keepdims": 0}),
    "sum of magnitudes": ("ReduceL1", "x", {"axes": [2]}),
    "global maximum": ("GlobalMaxPool", "x", {}),
    "a pool that rounds up": ("MaxPool", "x", {"kernel_shape": [3, 2], "strides": [2, 3], "ceil_mode": 1}),
    "hard sigmoid": ("HardSigmoid", "x", {"alpha": 0.5, "beta": 0.25}),
}


@pytest.mark.parametrize("name", NODES)
def test_both_readers_have_the_same_neurons(name: str) -> None:
    operator, inputs, attributes = NODES[name]
    nodes = [
        helper.make_node("Neg", ["x"], ["z"]),
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node(operator, inputs.split(), ["m"], **attributes),
        helper.make_node("Abs", ["m"], ["a"]),
        helper.make_node("Flatten", ["a"], ["v"]),
        helper.make_node("Flatten", ["r"], ["u"]),
        helper.make_node("Concat", ["v", "u"], ["y"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 2, 4, 4))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(v, n) for n, v in OTHERS.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    assert NeuronMap(network_of(model.SerializeToString(), Path("model.onnx"))).count > 0
