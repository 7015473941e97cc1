"""Mul, MatMul and Gemm of two tensors that both depend on the input, against ONNX Runtime, and in the checker."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from ops.operator_check import X, check, load, model, single, weights

from verdict.base.errors import UnsupportedError
from verdict.checker.enclosed import enclosed
from verdict.checker.readers.onnx import read_network


def of_parts(op: str, left: tuple[int, ...], right: tuple[int, ...], *more: Any, **attributes: Any) -> onnx.ModelProto:
    """The operator on two parts of the input, each in its shape."""
    sizes = [int(np.prod(shape)) for shape in (left, right)]
    constants = {"sizes": np.array(sizes), "left": np.array(left), "right": np.array(right)}
    constants |= {f"more{i}": value for i, value in enumerate(more)}
    nodes = [
        helper.make_node("Split", ["x", "sizes"], ["a", "b"], axis=1),
        helper.make_node("Reshape", ["a", "left"], ["u"]),
        helper.make_node("Reshape", ["b", "right"], ["v"]),
        helper.make_node(op, ["u", "v", *(f"more{i}" for i in range(len(more)))], ["y"], **attributes),
    ]
    return model(nodes, {X: (1, sum(sizes))}, constants)


def both(proto: onnx.ModelProto, folder: Path) -> None:
    """The engine's import against ONNX Runtime, and the checker's against it."""
    network = check(proto, folder)
    x = [Fraction(int(n), 4) for n in np.random.default_rng(0).integers(-9, 9, network.input_size)]
    mine = [low for low, _ in enclosed(read_network(network.data), x, 80)]
    assert np.allclose([float(v) for v in mine], network.evaluate(np.array([[float(v) for v in x]]))[0])


@pytest.mark.parametrize(
    ("left", "right"),
    [((1, 3), (1, 3)), ((2, 3), (1, 3)), ((2, 1, 2), (3, 1)), ((1, 1), (2, 2)), ((2, 3), (2, 1)), ((3,), (2, 1))],
)
def test_mul_broadcasts_both(left: Any, right: Any, tmp_path: Path) -> None:
    both(of_parts("Mul", left, right), tmp_path)


@pytest.mark.parametrize(
    ("left", "right"),
    [((2, 3), (3, 2)), ((2, 2, 3), (2, 3, 1)), ((2, 2, 3), (3, 2)), ((3,), (3, 2)), ((2, 3), (3,)), ((3,), (3,)),
     ((2, 1, 2, 2), (3, 2, 1)), ((1, 1), (1, 1))],
)  # fmt: skip
def test_matmul(left: Any, right: Any, tmp_path: Path) -> None:
    both(of_parts("MatMul", left, right), tmp_path)


@pytest.mark.parametrize("attributes", [{}, {"transA": 1}, {"transB": 1, "alpha": 0.5}, {"beta": -2.0, "alpha": 0.25}])
def test_gemm(attributes: Any, tmp_path: Path) -> None:
    left = (3, 2) if "transA" in attributes else (2, 3)
    right = (2, 3) if "transB" in attributes else (3, 2)
    both(of_parts("Gemm", left, right, weights(2), **attributes), tmp_path)
    both(of_parts("Gemm", left, right, **attributes), tmp_path)


def test_a_tensor_times_itself_is_a_square_and_times_a_part_of_itself_is_none(tmp_path: Path) -> None:
    assert not load(single("Mul", (1, 3), (X, X)), tmp_path).graph.products
    network = check(single("MatMul", (2, 2), (X, X)), tmp_path)
    assert len(network.graph.products) == 1
    assert network.graph.products[3].size == 8


def test_shapes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    for op, left, right, reason in (
        ("Mul", (1, 3), (1, 2), "do not broadcast"),
        ("MatMul", (2, 3), (2, 3), r"inner sizes of \(2, 3\) and \(2, 3\) differ"),
        ("Gemm", (2, 3), (2, 3), r"inner sizes"),
    ):
        with pytest.raises(UnsupportedError, match=reason):
            load(of_parts(op, left, right), tmp_path)
