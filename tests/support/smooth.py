"""Random small ONNX networks of smooth functions and products, two inputs and two outputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

KINDS = ("Sigmoid", "Tanh", "Gelu", "Exp", "Mul")


def smooth_network(folder: Path, seed: int) -> Path:
    """Two layers of two or three neurons, of one kind each; Mul multiplies two dense layers."""
    rng, nodes, weights, x, size = np.random.default_rng(seed), [], [], "x", 2

    def dense(source: str, width: int) -> str:
        name = f"z{len(nodes)}"
        for letter, shape in (("w", (size, width)), ("b", (width,))):
            values = (1.2 * rng.standard_normal(shape)).astype(np.float32)
            weights.append(numpy_helper.from_array(values, f"{letter}{name}"))
        nodes.append(helper.make_node("Gemm", [source, f"w{name}", f"b{name}"], [name]))
        return name

    for layer in range(2):
        kind, width = KINDS[(seed if layer else rng.integers(len(KINDS))) % len(KINDS)], int(rng.integers(2, 4))
        inputs = [dense(x, width), dense(x, width)] if kind == "Mul" else [dense(x, width)]
        nodes.append(helper.make_node(kind, inputs, [f"a{layer}"]))
        x, size = f"a{layer}", width
    y = dense(x, 2)
    ports = [[helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 2])] for n in ("x", y)]
    model = helper.make_model(
        helper.make_graph(nodes, "g", *ports, weights), opset_imports=[helper.make_opsetid("", 20)], ir_version=9
    )
    path = folder / f"smooth{seed}.onnx"
    onnx.save(model, path)
    return path
