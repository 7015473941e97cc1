"""Random small networks as ONNX files: dense, convolutional, residual and with MaxPool."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

KINDS = ("dense", "conv", "residual", "maxpool")
# And ReLUs side by side, read once more behind a sum that moves nothing: for what walks through the nodes.
WALKED = (*KINDS, "branches")


class Draft:
    """An ONNX graph in the making; `add` returns the name of the new tensor."""

    def __init__(self, rng: np.random.Generator, scales: Sequence[float] = ()) -> None:
        self.rng, self.scales = rng, scales
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def weight(self, *shape: int) -> str:
        # Quarters keep exact arithmetic short and make ties and degenerate vertices likely.
        values = self.rng.integers(-8, 9, shape) / 4
        if self.scales:
            values = values * self.rng.choice(self.scales) * self.rng.uniform(0.5, 1, shape)
        return self.constant(values.astype(np.float32))

    def constant(self, values: np.ndarray) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def add(self, op: str, *inputs: str, **attributes: object) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def gemm(self, x: str, inputs: int, outputs: int) -> str:
        return self.add("Gemm", x, self.weight(outputs, inputs), self.weight(outputs), transB=1)

    def save(self, path: Path, shape: tuple[int, ...], outputs: int, last: str) -> Path:
        graph = helper.make_graph(
            self.nodes,
            "random",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, *shape])],
            [helper.make_tensor_value_info(last, TensorProto.FLOAT, [1, outputs])],
            self.weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        onnx.checker.check_model(model)
        path.write_bytes(model.SerializeToString())
        return path


def random_network(rng: np.random.Generator, kind: str, folder: Path, scales: Sequence[float] = ()) -> Path:
    """A network with at most ten ReLUs, 2 to 4 inputs and 2 or 3 outputs, written to `folder`.

    Weights are quarters; with `scales` every tensor of them is multiplied by one of these, and none stays round.
    """
    draft, outputs = Draft(rng, scales), int(rng.integers(2, 4))
    if kind == "dense":
        size, width = int(rng.integers(2, 5)), int(rng.integers(2, 5))
        h = draft.add("Relu", draft.gemm("x", size, width))
        h = draft.add("Relu", draft.gemm(h, width, 3))
        last, shape = draft.gemm(h, 3, outputs), (size,)
    elif kind == "conv":
        kernel, bias = draft.weight(2, 1, 2, 2), draft.weight(2)
        h = draft.add("Conv", "x", kernel, bias, pads=[1, 0, 0, 0], strides=[1, 1])
        h = draft.add("Flatten", draft.add("Relu", h))
        last, shape = draft.gemm(h, 4, outputs), (1, 2, 2)
    elif kind == "residual":
        h = draft.add("Relu", draft.gemm("x", 3, 3))
        inner = draft.add("Relu", draft.gemm(h, 3, 3))
        h = draft.add("Relu", draft.add("Add", draft.gemm(inner, 3, 3), h))
        last, shape = draft.gemm(h, 3, outputs), (3,)
    elif kind == "maxpool":
        kernel, bias = draft.weight(1, 1, 1, 2), draft.weight(1)
        h = draft.add("Conv", "x", kernel, bias)
        h = draft.add("MaxPool", h, kernel_shape=[2, 1], strides=[1, 1])
        h = draft.add("Flatten", draft.add("Relu", h))
        last, shape = draft.gemm(h, 2, outputs), (1, 2, 3)
        if rng.random() < 0.5:
            last = draft.gemm(draft.add("Relu", last), outputs, outputs)
    elif kind == "branches":
        left, right = (draft.add("Relu", draft.gemm("x", 2, 3)) for _ in range(2))
        joined = draft.add("Relu", draft.gemm(draft.add("Add", left, right), 3, 3))
        last, shape = draft.gemm(draft.add("Add", draft.add("Add", joined, right), left), 3, outputs), (2,)
    else:
        raise ValueError(kind)
    return draft.save(folder / f"{kind}.onnx", shape, outputs, last)


def twins(folder: Path) -> Path:
    """y_0 = relu(x) - relu(2 x) / 2 + 0.4 from two neurons that linear bounds cannot tell to be one; y_1 = 0."""
    draft = Draft(np.random.default_rng(0))
    h = draft.add("MatMul", "x", draft.constant(np.float32([[1, 2]])))
    h = draft.add("MatMul", draft.add("Relu", h), draft.constant(np.float32([[1, 0], [-0.5, 0]])))
    last = draft.add("Add", h, draft.constant(np.float32([0.4, 0])))
    return draft.save(folder / "twins.onnx", (1,), 2, last)
