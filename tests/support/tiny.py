"""Small ONNX files with outputs and inputs of any shape, for tests about what is asked of a network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper, save

FLOAT = TensorProto.FLOAT


def write(
    path: Path,
    nodes: Sequence[NodeProto],
    inputs: dict[str, Sequence[int | str]],
    outputs: dict[str, Sequence[int | str]],
    weights: dict[str, np.ndarray],
) -> Path:
    """Write a float32 model of these parts."""
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        list(nodes),
        "tiny",
        [info(name, FLOAT, shape) for name, shape in inputs.items()],
        [info(name, FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(np.asarray(a), name) for name, a in weights.items()],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def two_heads(path: Path, value: int = 2) -> Path:
    """Scores y (3) and another head (`value` numbers) behind the same 6 ReLUs, of 4 inputs; only y is class scores if
    `value` is 1."""
    g = np.random.default_rng(7)
    shapes = {"W1": (4, 6), "B1": (6,), "W2": (6, 3), "B2": (3,), "W3": (6, value)}
    weights = {name: g.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    node = helper.make_node
    nodes = [
        node("Gemm", ["x", "W1", "B1"], ["h"]), node("Relu", ["h"], ["r"]), node("Gemm", ["r", "W2", "B2"], ["y"]),
        node("Gemm", ["r", "W3"], ["value"]),
    ]
    return write(path, nodes, {"x": ["N", 4]}, {"y": ["N", 3], "value": ["N", value]}, weights)


def picture(path: Path, outputs: Sequence[int | str] = ("N", 2)) -> Path:
    """A linear network on pictures of shape (3, 2, 4), channels first; its outputs have any shape of two numbers or,
    for ("N", 3, 2, 4), are the picture itself."""
    matrix = np.random.default_rng(3).normal(size=(24, 2)).astype(np.float32)
    weights = {"W": matrix, "to": np.array([-1, *outputs[1:]])}
    node = helper.make_node
    nodes = [node("Flatten", ["x"], ["f"]), node("MatMul", ["f", "W"], ["m"]), node("Reshape", ["m", "to"], ["y"])]
    if tuple(outputs[1:]) == (3, 2, 4):
        nodes, weights = [node("Relu", ["x"], ["y"])], {}
    return write(path, nodes, {"x": ["N", 3, 2, 4]}, {"y": outputs}, weights)


def sum_of_two(path: Path) -> Path:
    """Two named inputs of two numbers each, a and b; the scores are a + b and a - b, joined."""
    node = helper.make_node
    nodes = [node("Add", ["a", "b"], ["s"]), node("Sub", ["a", "b"], ["d"]), node("Concat", ["s", "d"], ["y"], axis=1)]
    return write(path, nodes, {"a": ["N", 2], "b": ["N", 2]}, {"y": ["N", 4]}, {})
