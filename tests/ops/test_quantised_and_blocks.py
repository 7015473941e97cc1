"""DequantizeLinear of constants, DepthToSpace and SpaceToDepth, against ONNX Runtime."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper
from ops.operator_check import X, check, floats, load, model, scalar, single

from verdict.base.errors import UnsupportedError
from verdict.network.exact import ExactVector


def dequantized(weights: Any, scale: Any, zero: Any = None, opset: int = 17, **attributes: Any) -> Any:
    """x plus a dequantised constant of its shape."""
    constants = {"q": weights, "s": scale} | ({} if zero is None else {"z": zero})
    nodes = [
        helper.make_node("DequantizeLinear", list(constants), ["w"], **attributes),
        helper.make_node("Add", ["x", "w"], ["y"]),
    ]
    return model(nodes, {"x": weights.shape}, constants, opset=opset)


@pytest.mark.parametrize("opset", [10, 13, 19, 21, 22])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_one_scale(opset: int, dtype: Any, tmp_path: Path) -> None:
    limits = np.iinfo(dtype)
    weights = np.array([[limits.min, 0, 1], [7, 100, limits.max]], dtype)
    network = check(dequantized(weights, scalar(0.02), np.array(3, dtype), opset), tmp_path)
    exact = network.evaluate_exact(ExactVector.of([0] * 6)).fractions()
    assert list(exact) == [(int(w) - 3) * Fraction(float(np.float32(0.02))) for w in weights.ravel()]


def test_a_difference_that_would_wrap_around_is_refused(tmp_path: Path) -> None:
    weights = np.array([[-(2**31), 5]], np.int32)
    with pytest.raises(UnsupportedError, match="range of int32"):
        load(dequantized(weights, scalar(0.5), np.array(1, np.int32)), tmp_path)


@pytest.mark.parametrize(("axis", "size"), [(0, 2), (1, 3), (-1, 4)])
def test_a_scale_for_each_index(axis: int, size: int, tmp_path: Path) -> None:
    weights = np.arange(-12, 12, dtype=np.int8).reshape(2, 3, 4)
    scale, zero = np.linspace(0.01, 0.3, size).astype(np.float32), np.arange(size, dtype=np.int8)
    check(dequantized(weights, scale, zero, axis=axis), tmp_path)
    check(dequantized(weights, scale, axis=axis), tmp_path)


def test_what_is_quantised_while_running_is_refused(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s"], ["y"]),
    ]
    with pytest.raises(UnsupportedError, match="QuantizeLinear"):
        load(model(nodes, {"x": (1, 3)}, {"s": scalar(0.5)}), tmp_path)


def test_wrong_scales_are_refused(tmp_path: Path) -> None:
    weights = np.ones((2, 3), np.int8)
    for proto in (dequantized(weights, floats(1, 2), axis=1), dequantized(weights, floats(1, 2), opset=10)):
        with pytest.raises(UnsupportedError, match="scale"):
            load(proto, tmp_path)


@pytest.mark.parametrize("shape", [(1, 8, 2, 3), (1, 12, 1, 1), (1, 27, 2, 2)])
@pytest.mark.parametrize("attributes", [{}, {"mode": "DCR"}, {"mode": "CRD"}])
def test_depth_to_space(shape: Any, attributes: Any, tmp_path: Path) -> None:
    block = 3 if shape[1] == 27 else 2
    check(single("DepthToSpace", shape, (X,), 13, blocksize=block, **attributes), tmp_path)


@pytest.mark.parametrize(("shape", "block"), [((1, 1, 4, 6), 2), ((1, 3, 3, 6), 3), ((1, 2, 2, 2), 1)])
def test_space_to_depth(shape: Any, block: int, tmp_path: Path) -> None:
    check(single("SpaceToDepth", shape, (X,), 13, blocksize=block), tmp_path)


def test_blocks_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="5 channels in blocks of 2 x 2"):
        load(single("DepthToSpace", (1, 5, 2, 2), (X,), 13, blocksize=2), tmp_path)
