"""Random small ONNX networks with products of tensors that depend on the input, among functions and dense layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FUNCTIONS = ("", "Relu", "Sigmoid", "Tanh", "Square", "Softmax")
PRODUCTS = ("Mul", "broadcast", "MatMul", "Gemm", "Einsum", "Div", "attention")
POLYNOMIAL = PRODUCTS[:5]


class Model:
    """Grows node by node; `x` is the input of shape (1, 2)."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng, self.nodes, self.weights = rng, [], []

    def add(self, op: str, *inputs: str, **attributes: object) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def constant(self, values: np.ndarray) -> str:
        name = f"c{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def dense(self, x: str, width: int, size: int) -> str:
        weight, bias = ((self.rng.normal(size=shape) * 0.9).astype(np.float32) for shape in ((width, size), (size,)))
        return self.add("Gemm", x, self.constant(weight), self.constant(bias))

    def function(self, x: str) -> str:
        op = FUNCTIONS[self.rng.integers(len(FUNCTIONS))]
        return x if not op else self.add("Mul", x, x) if op == "Square" else self.add(op, x)

    def shaped(self, x: str, *shape: int) -> str:
        return self.add("Reshape", x, self.constant(np.array(shape, np.int64)))

    def product(self, a: str, b: str, op: str) -> str:
        """Of two tensors (1, 4), a tensor (1, 4)."""
        if op == "Mul":
            return self.add("Mul", a, b)
        if op == "Div":
            return self.add("Div", a, self.add("Add", self.add("Mul", b, b), self.constant(np.ones(4, np.float32))))
        if op == "broadcast":
            spread = self.add("Mul", self.shaped(a, 4, 1), self.shaped(b, 1, 4))
            return self.dense(self.shaped(spread, 1, 16), 16, 4)
        pair = self.shaped(a, 2, 2), self.shaped(b, 2, 2)
        if op == "Gemm":
            found = self.add("Gemm", *pair, self.constant(np.ones((2, 2), np.float32)), alpha=0.5, transB=1)
        elif op == "Einsum":
            found = self.add("Einsum", *pair, equation="ij,ik->jk")
        elif op == "attention":
            scores = self.add("MatMul", pair[0], self.add("Transpose", pair[1], perm=[1, 0]))
            found = self.add("MatMul", self.add("Softmax", scores, axis=-1), pair[1])
        else:
            found = self.add("MatMul", *pair)
        return self.shaped(found, 1, 4)


def product_network(seed: int, folder: Path, outputs: int = 3, smooth: bool = True) -> Path:
    """Two branches of a layer and perhaps a function each, one or two products, a dense layer; two inputs. Without
    `smooth` functions there are polynomials alone."""
    rng = np.random.default_rng(seed)
    model, branches = Model(rng), []
    for _ in range(2):
        branch = model.dense("x", 2, 4)
        branches.append(model.function(branch) if smooth else branch)
    kinds = PRODUCTS if smooth else POLYNOMIAL
    x = model.product(*branches, kinds[seed % len(kinds)])
    if smooth and rng.random() < 0.5:
        x = model.product(model.function(model.dense(x, 4, 4)), branches[0], PRODUCTS[rng.integers(len(PRODUCTS))])
    y = model.dense(x, 4, outputs)
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        model.nodes, "g", [info("x", TensorProto.FLOAT, [1, 2])], [info(y, TensorProto.FLOAT, [1, outputs])],
        model.weights,
    )  # fmt: skip
    path = folder / f"p{seed}.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path
