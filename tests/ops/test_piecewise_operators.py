"""Every operator made of ReLUs computes what ONNX Runtime computes, exactly and in floats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ops.operator_check import X, check, check_or_refuse, floats, scalar, single, weights

INF = float("inf")
LOWEST = float(np.finfo(np.float32).min)


@pytest.mark.parametrize("opset", [8, 14, 16])
@pytest.mark.parametrize(
    ("op", "arguments", "attributes"),
    [
        ("Relu", (X,), {}),
        ("Abs", (X,), {}),
        ("LeakyRelu", (X,), {}),
        ("LeakyRelu", (X,), {"alpha": 0.2}),
        ("LeakyRelu", (X,), {"alpha": 1.5}),
        ("LeakyRelu", (X,), {"alpha": -0.5}),
        ("PRelu", (X, floats(0.1, -0.7, 2.5, 0)), {}),
        ("PRelu", (X, np.float32([[0.3], [1], [-2]])), {}),
        ("HardSigmoid", (X,), {}),
        ("HardSigmoid", (X,), {"alpha": 0.7, "beta": -0.1}),
    ],
)
def test_elementwise(op: str, arguments: Any, attributes: Any, opset: int, tmp_path: Path) -> None:
    check(single(op, (1, 3, 4), arguments, opset, **attributes), tmp_path)


@pytest.mark.parametrize(
    ("low", "high"),
    [(-1, 1), (0, 6), (0.1, 0.3), (None, 0.5), (-0.5, None), (None, None), (-INF, 1), (LOWEST, 0.2), (0, INF), (1, 1)],
)
@pytest.mark.parametrize("opset", [8, 11, 13])
def test_clip(low: float | None, high: float | None, opset: int, tmp_path: Path) -> None:
    if opset < 11:
        attributes = {k: float(v) for k, v in (("min", low), ("max", high)) if v is not None}
        check(single("Clip", (1, 6), (X,), opset, **attributes), tmp_path)
    else:
        ends = [None if v is None else scalar(v) for v in (low, high)]
        check(single("Clip", (1, 6), (X, *ends), opset), tmp_path)


def test_clip_with_crossed_ends_is_the_upper_one(tmp_path: Path) -> None:
    network = check(single("Clip", (1, 3), (X, scalar(2), scalar(-1)), 13), tmp_path)
    assert network.evaluate(np.zeros((1, 3))).tolist() == [[-1, -1, -1]]


@pytest.mark.parametrize("op", ["Max", "Min"])
@pytest.mark.parametrize("opset", [8, 12, 13])
@pytest.mark.parametrize(
    "arguments",
    [(X,), (X, weights(4)), (scalar(0.25), X), (X, weights(3, 1), X, scalar(0.1)), (X, weights(2, 1, 4), X)],
)
def test_extremum(op: str, opset: int, arguments: Any, tmp_path: Path) -> None:
    check(single(op, (1, 4), arguments, opset), tmp_path)


def test_extremum_with_constants_needs_one_relu(tmp_path: Path) -> None:
    network = check(single("Max", (1, 4), (scalar(0.25), X, weights(4))), tmp_path)
    assert network.graph.neuron_count == 4


POOLS: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((1, 2, 7), {"kernel_shape": [3]}),
    ((1, 2, 7), {"kernel_shape": [3], "strides": [2], "pads": [1, 1]}),
    ((1, 1, 6, 6), {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ((1, 2, 5, 6), {"kernel_shape": [3, 3], "strides": [2, 1], "pads": [1, 1, 1, 1]}),
    ((2, 1, 5, 6), {"kernel_shape": [3, 2], "pads": [0, 1, 2, 0]}),
    ((1, 1, 5, 6), {"kernel_shape": [3, 2], "auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    ((1, 1, 5, 6), {"kernel_shape": [2, 4], "auto_pad": "SAME_LOWER"}),
    ((1, 1, 5, 6), {"kernel_shape": [3, 3], "auto_pad": "VALID", "strides": [3, 3]}),
    ((1, 1, 3, 4, 3), {"kernel_shape": [2, 2, 2]}),
    ((1, 1, 9), {"kernel_shape": [2], "strides": [4]}),
]


@pytest.mark.parametrize(("shape", "attributes"), POOLS)
@pytest.mark.parametrize("opset", [8, 12, 22])
def test_max_pool(shape: Any, attributes: Any, opset: int, tmp_path: Path) -> None:
    check(single("MaxPool", shape, (X,), opset, **attributes), tmp_path)


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("pads", [[0, 0], [0, 1]])
@pytest.mark.parametrize("dilation", [1, 2])
def test_max_pool_ceil(kernel: int, stride: int, pads: Any, dilation: int, tmp_path: Path) -> None:
    if pads[1] >= kernel or (kernel - 1) * dilation >= 8:
        pytest.skip("ONNX Runtime wants pads smaller than the kernel")
    attributes = {"kernel_shape": [kernel], "strides": [stride], "pads": pads, "dilations": [dilation]}
    check_or_refuse(single("MaxPool", (1, 1, 8), (X,), 12, ceil_mode=1, **attributes), tmp_path)


def test_overlapping_windows_share_maxima(tmp_path: Path) -> None:
    network = check(single("MaxPool", (1, 1, 10), (X,), kernel_shape=[4], strides=[2]), tmp_path)
    assert network.graph.neuron_count == 5 + 4  # five pairs, then one maximum for each of four windows


@pytest.mark.parametrize("shape", [(1, 2, 7), (2, 1, 3, 3), (1, 2, 1, 1)])
def test_global_max_pool(shape: Any, tmp_path: Path) -> None:
    check(single("GlobalMaxPool", shape), tmp_path)


@pytest.mark.parametrize("op", ["ReduceMax", "ReduceMin"])
@pytest.mark.parametrize("axes", [None, [1], [-1, 0]])
@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("opset", [12, 18])
def test_reduce(op: str, axes: Any, keepdims: int, opset: int, tmp_path: Path) -> None:
    attributes: dict[str, Any] = {"keepdims": keepdims}
    arguments: tuple[Any, ...] = (X,)
    if axes is not None and opset >= 18:
        arguments = (X, np.array(axes, dtype=np.int64))
    elif axes is not None:
        attributes["axes"] = axes
    check(single(op, (2, 3, 2), arguments, opset, **attributes), tmp_path)
