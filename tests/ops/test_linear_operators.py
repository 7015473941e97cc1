"""Every operator that is linear in its input computes what ONNX Runtime computes, exactly and in floats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ops.operator_check import X, check, check_or_refuse, floats, scalar, single, weights

ARITHMETIC: list[tuple[str, tuple[int, ...], tuple[Any, ...]]] = [
    ("Add", (1, 3, 4), (X, weights(4))),
    ("Add", (4,), (weights(2, 3, 1), X)),
    ("Add", (1, 4), (X, X)),
    ("Sub", (1, 3, 4), (X, weights(3, 1))),
    ("Sub", (1, 4), (weights(3, 1), X)),
    ("Mul", (1, 3, 4), (X, weights(1, 3, 1))),
    ("Mul", (5,), (scalar(-0.3), X)),
    ("Div", (1, 3), (X, floats(3, 7, 0.1))),
    ("Div", (1, 3), (X, scalar(255))),
    ("Neg", (2, 3), (X,)),
    ("Sum", (1, 4), (X, weights(3, 1), X)),
    ("Sum", (1, 4), (X,)),
    ("Mean", (1, 4), (X, weights(4), X)),
]


@pytest.mark.parametrize("opset", [8, 13, 22])
@pytest.mark.parametrize(("op", "shape", "arguments"), ARITHMETIC)
def test_arithmetic(op: str, shape: Any, arguments: Any, opset: int, tmp_path: Path) -> None:
    check(single(op, shape, arguments, opset), tmp_path)


@pytest.mark.parametrize(
    ("shape", "arguments", "attributes"),
    [
        ((1, 4), (X, weights(4, 3)), {}),
        ((1, 4), (X, weights(3, 4), weights(3)), {"transB": 1}),
        ((4, 2), (X, weights(4, 3), weights(2, 1)), {"transA": 1, "alpha": 0.3, "beta": -1.7}),
        ((2, 4), (X, weights(3, 4), scalar(0.5)), {"transB": 1, "beta": 0.1}),
        ((4, 2), (weights(3, 4), X, weights(3, 1)), {"alpha": 2.0}),
        ((4, 3), (weights(4, 5), X), {"transA": 1}),
        ((3, 4), (weights(5, 4), X), {"transB": 1}),
        ((2, 3), (weights(2, 4), weights(4, 3), X), {"beta": 3.0}),
    ],
)
@pytest.mark.parametrize("opset", [8, 9, 11, 13])
def test_gemm(shape: Any, arguments: Any, attributes: Any, opset: int, tmp_path: Path) -> None:
    if opset < 11 and len(arguments) < 3:
        arguments = (*arguments, scalar(0))
    check(single("Gemm", shape, arguments, opset, **attributes), tmp_path)


@pytest.mark.parametrize(
    ("shape", "arguments"),
    [
        ((1, 4), (X, weights(4, 3))),
        ((4,), (X, weights(4, 3))),
        ((4,), (weights(3, 4), X)),
        ((4,), (X, weights(4))),
        ((4,), (weights(2, 5, 4), X)),
        ((4,), (X, weights(2, 4, 3))),
        ((2, 3, 4), (X, weights(4, 5))),
        ((2, 3, 4), (X, weights(4))),
        ((2, 3, 4), (X, weights(2, 4, 5))),
        ((3, 4), (X, weights(2, 4, 5))),
        ((2, 1, 3, 4), (X, weights(3, 4, 2))),
        ((2, 3, 4), (weights(5, 3), X)),
        ((2, 3, 4), (weights(3), X)),
        ((2, 3, 4), (weights(2, 5, 3), X)),
        ((3, 4), (weights(2, 2, 5, 3), X)),
        ((2, 3, 4), (X, weights(1, 1, 4, 2))),
    ],
)
@pytest.mark.parametrize("opset", [8, 13])
def test_matmul(shape: Any, arguments: Any, opset: int, tmp_path: Path) -> None:
    check(single("MatMul", shape, arguments, opset), tmp_path)


@pytest.mark.parametrize(
    ("shape", "kernel", "attributes"),
    [
        ((1, 2, 6), (3, 2, 3), {}),
        ((1, 2, 6), (3, 2, 3), {"pads": [2, 1], "strides": [2]}),
        ((1, 2, 6, 5), (3, 2, 3, 2), {"pads": [1, 0, 2, 1], "strides": [2, 1]}),
        ((1, 4, 6, 5), (6, 2, 2, 2), {"group": 2, "kernel_shape": [2, 2]}),
        ((1, 3, 6, 5), (3, 1, 2, 2), {"group": 3, "dilations": [2, 3]}),
        ((1, 2, 6, 5), (3, 2, 3, 2), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
        ((1, 2, 6, 5), (3, 2, 4, 2), {"auto_pad": "SAME_LOWER"}),
        ((1, 2, 6, 5), (3, 2, 3, 2), {"auto_pad": "VALID", "strides": [2, 3]}),
        ((3, 2, 4, 4), (2, 2, 3, 3), {"pads": [1, 1, 1, 1]}),
        ((1, 1, 3, 4, 3), (2, 1, 2, 2, 2), {"strides": [1, 2, 1]}),
    ],
)
@pytest.mark.parametrize("opset", [8, 11, 22])
@pytest.mark.parametrize("bias", [False, True])
def test_conv(shape: Any, kernel: Any, attributes: Any, opset: int, bias: bool, tmp_path: Path) -> None:
    arguments = (X, weights(*kernel), *([weights(kernel[0], seed=1)] if bias else []))
    check(single("Conv", shape, arguments, opset, **attributes), tmp_path, points=1)


@pytest.mark.parametrize(
    ("shape", "kernel", "attributes"),
    [
        ((1, 2, 4), (2, 3, 3), {}),
        ((1, 2, 4), (2, 3, 3), {"strides": [2], "pads": [1, 0]}),
        ((1, 2, 3, 4), (2, 3, 3, 2), {"strides": [2, 3], "output_padding": [1, 2]}),
        ((1, 2, 3, 4), (2, 3, 3, 3), {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]}),
        ((1, 4, 3, 3), (4, 2, 2, 2), {"group": 2, "strides": [2, 2]}),
        ((1, 4, 3, 3), (4, 1, 3, 3), {"group": 4, "dilations": [2, 1]}),
        ((1, 2, 3, 3), (2, 3, 3, 3), {"strides": [2, 2], "output_shape": [7, 6]}),
        ((1, 2, 3, 3), (2, 3, 3, 3), {"strides": [3, 2], "output_shape": [8, 6], "auto_pad": "SAME_UPPER"}),
        ((1, 2, 3, 3), (2, 3, 3, 4), {"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
        ((1, 2, 3, 3), (2, 3, 3, 4), {"strides": [2, 2], "auto_pad": "SAME_LOWER"}),
        ((1, 2, 3, 3), (2, 3, 3, 4), {"strides": [2, 2], "auto_pad": "VALID"}),
        ((2, 2, 3, 3), (2, 3, 2, 2), {"strides": [2, 2]}),
    ],
)
@pytest.mark.parametrize("opset", [8, 11, 22])
def test_conv_transpose(shape: Any, kernel: Any, attributes: Any, opset: int, tmp_path: Path) -> None:
    bias = weights(kernel[1] * attributes.get("group", 1), seed=1)
    arguments = (X, weights(*kernel), bias)
    check(single("ConvTranspose", shape, arguments, opset, **attributes), tmp_path, points=1)


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 4, 2), (2, 3, 5)])
@pytest.mark.parametrize("opset", [8, 9, 14, 15])
@pytest.mark.parametrize("attributes", [{}, {"epsilon": 0.1}])
def test_batch_normalization(shape: Any, opset: int, attributes: Any, tmp_path: Path) -> None:
    arguments = (X, weights(3), weights(3, seed=1), weights(3, seed=2) * 10, floats(0.5, 2, 0))
    check(single("BatchNormalization", shape, arguments, opset, **attributes), tmp_path)


@pytest.mark.parametrize(
    ("shape", "attributes"),
    [
        ((1, 2, 6), {"kernel_shape": [3]}),
        ((1, 2, 6, 6), {"kernel_shape": [3, 3], "strides": [2, 2]}),
        ((1, 2, 6, 6), {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
        ((1, 2, 6, 6), {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}),
        ((2, 2, 5, 6), {"kernel_shape": [3, 2], "auto_pad": "SAME_UPPER", "strides": [2, 2]}),
        ((1, 2, 5, 6), {"kernel_shape": [2, 4], "auto_pad": "SAME_LOWER"}),
        ((1, 2, 5, 6), {"kernel_shape": [2, 2], "auto_pad": "VALID"}),
    ],
)
@pytest.mark.parametrize("opset", [8, 11, 19])
def test_average_pool(shape: Any, attributes: Any, opset: int, tmp_path: Path) -> None:
    check(single("AveragePool", shape, (X,), opset, **attributes), tmp_path, points=1)


@pytest.mark.parametrize("include", [0, 1])
@pytest.mark.parametrize("stride", [2, 3])
@pytest.mark.parametrize("pads", [[0, 0], [1, 1], [0, 1]])
@pytest.mark.parametrize("opset", [10, 19])
def test_average_pool_ceil(include: int, stride: int, pads: Any, opset: int, tmp_path: Path) -> None:
    attributes = {"kernel_shape": [3], "strides": [stride], "pads": pads, "count_include_pad": include}
    check_or_refuse(single("AveragePool", (1, 1, 6), (X,), opset, ceil_mode=1, **attributes), tmp_path)


def test_average_pool_dilations(tmp_path: Path) -> None:
    check(single("AveragePool", (1, 1, 7), (X,), 19, kernel_shape=[3], dilations=[2]), tmp_path)


@pytest.mark.parametrize("shape", [(1, 2, 5), (2, 2, 3, 3), (1, 2, 2, 1, 3)])
def test_global_average_pool(shape: Any, tmp_path: Path) -> None:
    check(single("GlobalAveragePool", shape), tmp_path)


@pytest.mark.parametrize("op", ["ReduceSum", "ReduceMean"])
@pytest.mark.parametrize("axes", [None, [1], [-1, 0], [2]])
@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("opset", [8, 13, 18])
def test_reduce(op: str, axes: Any, keepdims: int, opset: int, tmp_path: Path) -> None:
    as_input = opset >= (13 if op == "ReduceSum" else 18)
    attributes: dict[str, Any] = {"keepdims": keepdims}
    arguments: tuple[Any, ...] = (X,)
    if axes is not None and as_input:
        arguments = (X, np.array(axes, dtype=np.int64))
    elif axes is not None:
        attributes["axes"] = [a % 3 for a in axes]
    check(single(op, (2, 3, 1), arguments, opset, **attributes), tmp_path, points=1)


def test_reduce_nothing(tmp_path: Path) -> None:
    empty = np.array([], dtype=np.int64)
    check(single("ReduceSum", (2, 3), (X, empty), 13, noop_with_empty_axes=1), tmp_path)
    check(single("ReduceSum", (2, 3), (X, empty), 13), tmp_path)
