"""From the first operator set with broadcasting, 7, to the newest of the installed onnx package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from ops.operator_check import X, check, ints, load, model, scalar, single, weights

from verdict.base.errors import UnsupportedError
from verdict.ops.importer.onnx_import import OPSETS


@pytest.mark.parametrize("opset", OPSETS)
def test_a_classifier_of_every_operator_set(opset: int, tmp_path: Path) -> None:
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w", "b"], ["c"]), node("BatchNormalization", ["c", "s", "o", "m", "v"], ["n"]),
        node("Relu", ["n"], ["r"]), node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2]),
        node("AveragePool", ["p"], ["a"], kernel_shape=[2, 1]), node("Flatten", ["a"], ["f"]),
        node("Sum", ["f", "f"], ["d"]), node("Gemm", ["d", "g", "h"], ["y"]),
    ]  # fmt: skip
    constants = {
        "w": weights(2, 1, 2, 2), "b": weights(2), "s": weights(2, seed=1), "o": weights(2, seed=2),
        "m": weights(2, seed=3), "v": np.array([0.5, 2], np.float32), "g": weights(4, 3), "h": weights(3),
    }  # fmt: skip
    network = check(model(nodes, {"x": ("N", 1, 4, 4)}, constants, opset=opset), tmp_path)
    assert network.output_size == 3


def test_they_are_all_that_there_are() -> None:
    """A newer package may have changed what an operator means: then the tables have to be looked at again."""
    assert OPSETS[-1] == onnx.defs.onnx_opset_version()


@pytest.mark.parametrize("op", ["Sum", "Mean", "Max", "Min"])
def test_before_operator_set_8_there_is_no_broadcasting_of_many(op: str, tmp_path: Path) -> None:
    check(single(op, (1, 3), (X, weights(1, 3)), opset=7), tmp_path)
    with pytest.raises(UnsupportedError, match=r"the_\w+ \(\w+\): shapes \(1, 3\), \(3,\), expected the same"):
        load(single(op, (1, 3), (X, weights(3)), opset=7), tmp_path)
    check(single(op, (1, 3), (X, weights(3)), opset=8), tmp_path)


def test_what_newer_operator_sets_have_added(tmp_path: Path) -> None:
    node, numbers = helper.make_node, np.arange(6, dtype=np.int8).reshape(2, 3)
    nodes = [node("DequantizeLinear", ["q", "s"], ["w"], output_dtype=1), node("Add", ["x", "w"], ["y"])]
    check(model(nodes, {"x": (2, 3)}, {"q": numbers, "s": scalar(0.25)}, opset=23), tmp_path)
    nodes[0].attribute[0].i = onnx.TensorProto.FLOAT16
    with pytest.raises(UnsupportedError, match=r"output_dtype = 10|type"):
        load(model(nodes, {"x": (2, 3)}, {"q": numbers, "s": scalar(0.25)}, opset=23), tmp_path)
    check(single("Cast", (1, 2), to=1, opset=24), tmp_path)
    nodes = [node("Range", ["a", "b", "c"], ["r"], stash_type=1), node("Gather", ["x", "r"], ["y"], axis=1)]
    ends = {name: np.array(value, np.int64) for name, value in (("a", 1), ("b", 4), ("c", 2))}
    check(model(nodes, {"x": (1, 4)}, ends, opset=27), tmp_path)
    check(single("Reshape", (1, 4), (X, ints(1, 2, 2)), opset=OPSETS[-1]), tmp_path)
