"""Operators on constants: what ONNX Runtime computes, integers exactly, wrap-around and mixed types refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from ops.operator_check import check, ints, load, model

from verdict.base.errors import ModelError, UnsupportedError
from verdict.network.exact import ExactVector

A, B = ints(7, -7, 7, -7, 0, 9), ints(2, 2, -2, -2, 5, 3)
SMALL = np.array([3, 200, 7], np.uint8)
FLAGS = np.array([True, False, True]), np.array([True, True, False])
FLOATS = np.array([2.5, -1.5, 0.5, -0.4, 3.0], np.float32)
CASES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    *((op, (A, B), {}) for op in ("Add", "Sub", "Mul", "Div", "Max", "Min", "Equal", "Less", "GreaterOrEqual")),
    ("Div", (A.astype(np.int32), B.astype(np.int32)), {}),
    ("Div", (SMALL, np.array([2, 3, 5], np.uint8)), {}),
    ("Mod", (A, B), {}),
    ("Mod", (A, B), {"fmod": 1}),
    ("Mod", (FLOATS, np.float32([2, 2, 2, 2, 2])), {"fmod": 1}),
    ("Pow", (A, np.abs(B)), {}),
    ("Neg", (A,), {}),
    ("Abs", (A,), {}),
    ("Sign", (A,), {}),
    *((op, (FLOATS,), {}) for op in ("Floor", "Ceil", "Round", "Sign", "Sqrt", "Exp", "Erf", "Tanh", "Sigmoid")),
    ("Clip", (A, np.array(-3), np.array(8)), {}),
    ("Clip", (A, np.array(-3)), {}),
    ("Max", (A, B, ints(1)), {}),
    *((op, FLAGS, {}) for op in ("And", "Or", "Xor")),
    ("Not", FLAGS[:1], {}),
    *(
        (op, (A.reshape(2, 3), ints(1)), {"keepdims": 0})
        for op in ("ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin")
    ),
    ("ReduceSum", (A.reshape(2, 3),), {}),
    ("ReduceSum", (A.reshape(2, 3), ints()), {"noop_with_empty_axes": 1}),
    ("CumSum", (A.reshape(2, 3), np.array(1)), {}),
    ("CumSum", (A.reshape(2, 3), np.array(-2)), {"exclusive": 1, "reverse": 1}),
    ("ArgMax", (A.reshape(2, 3),), {"axis": 1, "keepdims": 0}),
    ("ArgMin", (A.reshape(2, 3),), {"axis": -1}),
    ("ArgMax", (FLOATS,), {}),
    ("ReduceMean", (FLOATS, ints(0)), {}),
    ("ReduceSum", (np.ones((2, 0, 3), np.int64), ints(1)), {}),
]


def folded(op: str, arguments: Any, attributes: Any, opset: int = 18, to: int = TensorProto.FLOAT) -> onnx.ModelProto:
    """x + Cast(op(constants))."""
    names = [f"c{i}" for i in range(len(arguments))]
    nodes = [
        helper.make_node(op, names, ["folded"], name=f"the_{op}", **attributes),
        helper.make_node("Cast", ["folded"], ["number"], to=to),
        helper.make_node("Add", ["x", "number"], ["y"]),
    ]
    return model(nodes, {"x": (1,)}, dict(zip(names, arguments, strict=True)), opset=opset, kind=to)


@pytest.mark.parametrize(("op", "arguments", "attributes"), CASES, ids=lambda v: v if isinstance(v, str) else "")
def test_what_onnx_runtime_computes(op: str, arguments: Any, attributes: Any, tmp_path: Path) -> None:
    if op == "Sqrt":
        arguments = (np.abs(arguments[0]),)
    check(folded(op, arguments, attributes), tmp_path, points=1)


def test_integers_are_exact(tmp_path: Path) -> None:
    """(2^53 + 1) / 1 - 2^53 is 1: no float64 on the way."""
    nodes = [
        helper.make_node("Div", ["big", "one"], ["q"]),
        helper.make_node("Sub", ["q", "power"], ["d"]),
        helper.make_node("Cast", ["d"], ["c"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["x", "c"], ["y"]),
    ]
    constants = {"big": ints(2**53 + 1), "one": ints(1), "power": ints(2**53)}
    network = check(model(nodes, {"x": (1,)}, constants), tmp_path)
    assert network.evaluate_exact(ExactVector.of([0])).fractions() == [1]


@pytest.mark.parametrize(
    ("op", "arguments", "attributes", "named"),
    [
        ("Add", (ints(2**63 - 1), ints(1)), {}, "the integer 9223372036854775808 is outside the range of int64"),
        (
            "Mul",
            (np.array([2**16], np.int32), np.array([2**16], np.int32)),
            {},
            "4294967296 is outside the range of int32",
        ),
        ("Sub", (np.array([1], np.uint8), np.array([2], np.uint8)), {}, "-1 is outside the range of uint8"),
        ("Neg", (ints(-(2**63)),), {}, "outside the range of int64"),
        ("Abs", (ints(-(2**63)),), {}, "outside the range of int64"),
        ("Div", (ints(-(2**63)), ints(-1)), {}, "outside the range of int64"),
        ("Div", (ints(1), ints(0)), {}, "a division by zero"),
        ("Mod", (ints(1), ints(0)), {}, "a division by zero"),
        ("ReduceSum", (ints(2**62, 2**62),), {}, "outside the range of int64"),
        ("ReduceProd", (ints(2**32, 2**32),), {}, "outside the range of int64"),
        ("CumSum", (ints(2**62, 2**62), np.array(0)), {}, "outside the range of int64"),
        ("Pow", (ints(2), ints(63)), {}, "outside the range of int64"),
        ("Pow", (ints(2), ints(2**62)), {}, "to the power of"),
        ("Pow", (ints(2), ints(-1)), {}, "to the power of"),
        ("ReduceMean", (ints(1, 2),), {}, "has type int64, expected float32 or float64"),
        ("MatMul", (ints(1, 2), ints(1, 2)), {}, "has type int64, expected float32 or float64"),
        ("Add", (np.float16([1]), np.float16([1])), {}, "has type float16"),
        ("Exp", (np.float32([100]),), {}, "a constant beyond the largest float32"),
        ("Mul", (np.float32([1e30]), np.float32([1e30])), {}, "a constant beyond the largest float32"),
    ],
)
def test_what_integers_and_floats_do_not_hold_is_refused(
    op: str, arguments: Any, attributes: Any, named: str, tmp_path: Path
) -> None:
    with pytest.raises(UnsupportedError, match=rf"the_{op} \({op}\): .*{named}"):
        load(folded(op, arguments, attributes), tmp_path)


@pytest.mark.parametrize("kind", [TensorProto.INT8, TensorProto.UINT8, TensorProto.INT32])
def test_casts_that_wrap_are_refused(kind: int, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Cast", ["c"], ["i"], to=kind, name="narrow"),
        helper.make_node("Cast", ["i"], ["f"], to=1),
        helper.make_node("Add", ["x", "f"], ["y"]),
    ]
    check(model(nodes, {"x": (1,)}, {"c": np.float32([3.7, 0.2])}), tmp_path)
    for constant in (ints(2**40), np.float32([3e10]), np.float32([np.inf])):
        with pytest.raises((UnsupportedError, ModelError), match=r"narrow \(Cast\): .*(range|infinity)"):
            load(model(nodes, {"x": (1,)}, {"c": constant}), tmp_path)


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.BFLOAT16])
def test_half_precision_constants_are_what_they_are(kind: int, tmp_path: Path) -> None:
    """Moved and cast, never computed with."""
    half = helper.make_tensor("h", kind, [1, 2], [0.3, -1.7])
    exact = numpy_helper.to_array(half).astype(np.float64)
    nodes = [
        helper.make_node("Transpose", ["h"], ["t"]),
        helper.make_node("Cast", ["t"], ["w"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["x", "w"], ["y"]),
    ]
    proto = model(nodes, {"x": (1, 2)}, {})
    proto.graph.initializer.append(half)
    network = check(proto, tmp_path)
    assert network.evaluate_exact(ExactVector.of([1, 1])).floats()[0] == exact.sum()


def test_a_part_without_entries(tmp_path: Path) -> None:
    """Slices of no width, of the input and of a constant, put together with the rest."""
    nodes = [
        helper.make_node("Slice", ["x", "zero", "zero", "one"], ["none"]),
        helper.make_node("Slice", ["c", "zero", "zero", "one"], ["nothing"]),
        helper.make_node("Concat", ["none", "x", "nothing"], ["y"], axis=1),
    ]
    network = check(
        model(nodes, {"x": (1, 3)}, {"c": np.ones((1, 2), np.float32), "zero": ints(0), "one": ints(1)}), tmp_path
    )
    assert network.output_size == 3


def test_a_scalar_beyond_the_integers_of_float64(tmp_path: Path) -> None:
    network = check(folded("Neg", (np.array(-(2**53) - 1),), {}), tmp_path)
    assert network.evaluate_exact(ExactVector.of([0])).fractions() == [2**53 + 1]


def test_float_types_do_not_mix(tmp_path: Path) -> None:
    nodes = [helper.make_node("Add", ["x", "c"], ["y"], name="sum")]
    with pytest.raises(UnsupportedError, match=r"sum \(Add\): input 'B' has type float64, expected float32 as another"):
        load(model(nodes, {"x": (1,)}, {"c": np.array([1.0])}), tmp_path)
    nodes = [helper.make_node("Cast", ["x"], ["d"], to=TensorProto.DOUBLE), helper.make_node("Add", ["d", "c"], ["y"])]
    proto = model(nodes, {"x": (1,)}, {"c": np.array([0.1])}, output_kind=TensorProto.DOUBLE)
    assert check(proto, tmp_path).outputs[0].dtype == "float64"


@pytest.mark.parametrize(
    ("kind", "limit", "absent"), [(np.float32, 3.4028234663852886e38, True), (np.float64, 4e38, False)]
)
def test_a_limit_counts_in_its_own_type(kind: Any, limit: float, absent: bool, tmp_path: Path) -> None:
    nodes = [helper.make_node("Clip", ["x", "", "high"], ["y"])]
    element = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    network = load(model(nodes, {"x": (1, 2)}, {"high": kind(limit)}, kind=element), tmp_path)
    assert (network.graph.neuron_count == 0) == absent
    assert network.is_double == (kind is np.float64)
