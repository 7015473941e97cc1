"""Builds the shipped ONNX graphs node by node, from weights.

Written with `onnx.helper` rather than exported by a framework, so that node and tensor names are readable, no
exporter's rewriting comes between the weights and the file, and the bytes depend on the weights alone. A
node's output has the node's name; the first tensor is `input`, the last `logits` (or `probabilities`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
# The format version that came with opset 17; every ONNX Runtime that Verdict admits reads it.
IR_VERSION = 8

Array = NDArray[np.float32]


class Graph:
    """A graph in the making; each method adds one node and returns the name of its output."""

    def __init__(self, name: str, input_shape: tuple[int, ...]) -> None:
        """Start the graph `name`, with one float32 input of shape (N, *input_shape), N dynamic."""
        self.name = name
        self.input_shape = input_shape
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def gemm(self, x: str, name: str, weight: Array, bias: Array) -> str:
        """Add x weightᵀ + bias; weight (outputs, inputs), bias (outputs,)."""
        return self._add("Gemm", name, [x, *self._constants(name, weight=weight, bias=bias)], transB=1)

    def conv(
        self, x: str, name: str, weight: Array, bias: Array | None = None, *, stride: int, pad: int
    ) -> str:
        """Add a two-dimensional convolution; weight (out channels, in channels, height, width)."""
        constants = self._constants(name, weight=weight) + (
            [] if bias is None else self._constants(name, bias=bias)
        )
        sizes: dict[str, Any] = {
            "kernel_shape": weight.shape[2:],
            "strides": [stride] * 2,
            "pads": [pad] * 4,
            "dilations": [1, 1],
            "group": 1,
        }
        return self._add("Conv", name, [x, *constants], **sizes)

    def batch_norm(self, x: str, name: str, *, epsilon: float, **statistics: Array) -> str:
        """Add batch normalisation in its inference form; statistics are scale, bias, mean, variance, each
        (channels,)."""
        ordered = {key: statistics[key] for key in ("scale", "bias", "mean", "variance")}
        return self._add("BatchNormalization", name, [x, *self._constants(name, **ordered)], epsilon=epsilon)

    def relu(self, x: str, name: str) -> str:
        return self._add("Relu", name, [x])

    def add(self, x: str, y: str, name: str) -> str:
        return self._add("Add", name, [x, y])

    def multiply(self, x: str, y: str, name: str) -> str:
        return self._add("Mul", name, [x, y])

    def flatten(self, x: str, name: str) -> str:
        return self._add("Flatten", name, [x], axis=1)

    def softmax(self, x: str, name: str) -> str:
        return self._add("Softmax", name, [x], axis=1)

    def finish(self, output: str, classes: int) -> onnx.ModelProto:
        """Return the checked model with inferred shapes; its one output has shape (N, classes)."""
        graph = helper.make_graph(
            self.nodes,
            self.name,
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", *self.input_shape])],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", classes])],
            initializer=self.weights,
        )
        network = helper.make_model(
            graph,
            producer_name="verdict-nn",
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )
        network = onnx.shape_inference.infer_shapes(network, check_type=True, strict_mode=True)
        onnx.checker.check_model(network, full_check=True)
        return network

    def _add(self, op_type: str, name: str, inputs: list[str], **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op_type, inputs, [name], name=name, **attributes))
        return name

    def _constants(self, node: str, **arrays: Array) -> list[str]:
        for key, array in arrays.items():
            self.weights.append(
                numpy_helper.from_array(np.ascontiguousarray(array, np.float32), f"{node}.{key}")
            )
        return [f"{node}.{key}" for key in arrays]


def mlp(name: str, weights: Mapping[str, Array]) -> onnx.ModelProto:
    """Return Gemm, Relu, ..., Gemm with weights w1, b1, w2, b2, ...; w_i has shape (outputs, inputs)."""
    layers = len(weights) // 2
    graph = Graph(name, (weights["w1"].shape[1],))
    x = "input"
    for i in range(1, layers):
        x = graph.relu(graph.gemm(x, f"fc{i}", weights[f"w{i}"], weights[f"b{i}"]), f"relu{i}")
    last = weights[f"w{layers}"]
    return graph.finish(graph.gemm(x, "logits", last, weights[f"b{layers}"]), last.shape[0])
