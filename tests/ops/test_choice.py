"""Where that chooses by a comparison: read where it is continuous, refused where it jumps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from ops.operator_check import check, floats, load, model, weights

from verdict.base.errors import UnsupportedError
from verdict.network.network import Network


def chosen(
    comparison: str, left: str, right: str, yes: str, no: str, folder: Path, *, checked: bool = True, **constants: Any
) -> Network:
    """z = x W, s = 3 z, t = 2 z + 1, u = x V; then Where(left ? right, yes, no) of these and constants."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["z"]),
        helper.make_node("Mul", ["z", "three"], ["s"]),
        helper.make_node("Mul", ["z", "two"], ["d"]),
        helper.make_node("Add", ["d", "one"], ["t"]),
        helper.make_node("MatMul", ["x", "v"], ["u"]),
        helper.make_node("Add", ["z", "one"], ["m"]),
        helper.make_node(comparison, [left, right], ["c"]),
        helper.make_node("Where", ["c", yes, no], ["y"]),
    ]
    given = {"w": weights(4, 3), "v": weights(4, 3, seed=1), "one": floats(1), "two": floats(2), "three": floats(3)}
    given |= {"zero": floats(0), "minus": floats(-1)} | constants
    proto = model(nodes, {"x": (1, 4)}, given)
    return check(proto, folder, points=20) if checked else load(proto, folder)


@pytest.mark.parametrize("comparison", ["Greater", "GreaterOrEqual", "Less", "LessOrEqual"])
@pytest.mark.parametrize(
    ("left", "right", "yes", "no"),
    [
        ("z", "zero", "z", "s"),  # LeakyRelu
        ("z", "zero", "s", "zero"),
        ("z", "zero", "zero", "z"),
        ("zero", "z", "z", "zero"),
        ("z", "minus", "z", "t"),  # equal at -1
        ("t", "minus", "t", "z"),
        ("m", "zero", "t", "z"),
        ("z", "three", "z", "three"),
        ("s", "zero", "z", "z"),
    ],
)
def test_continuous(comparison: str, left: str, right: str, yes: str, no: str, tmp_path: Path) -> None:
    chosen(comparison, left, right, yes, no, tmp_path)


def test_a_threshold_for_each_entry(tmp_path: Path) -> None:
    limits = floats(-1, 0, 2)
    chosen("Greater", "z", "limits", "z", "limits", tmp_path, limits=limits)
    chosen("Less", "limits", "z", "limits", "z", tmp_path, limits=limits)


@pytest.mark.parametrize(
    ("left", "right", "yes", "no", "reason"),
    [
        ("z", "one", "z", "zero", "jumps"),
        ("z", "zero", "t", "z", "jumps"),
        ("z", "zero", "u", "zero", "no multiples"),
        ("z", "u", "z", "u", "no multiples"),
    ],
)
def test_others_are_refused(left: str, right: str, yes: str, no: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=reason):
        chosen("Greater", left, right, yes, no, tmp_path, checked=False)


@pytest.mark.parametrize("op", ["Not", "ArgMax", "Concat"])
def test_computing_with_a_truth_value_is_refused(op: str, tmp_path: Path) -> None:
    options = {"Concat": {"axis": 1}}.get(op, {})
    last = helper.make_node(op, ["c", "c"] if op == "Concat" else ["c"], ["y"], **options)
    proto = model([helper.make_node("Greater", ["x", "zero"], ["c"]), last], {"x": (1, 4)}, {"zero": floats(0)})
    proto.graph.output[0].type.tensor_type.elem_type = TensorProto.BOOL
    with pytest.raises(UnsupportedError, match=r"not supported|only|has type bool|mixes|a comparison is read where"):
        load(proto, tmp_path)


def test_a_comparison_at_the_output_is_refused(tmp_path: Path) -> None:
    proto = model(
        [helper.make_node("Greater", ["x", "zero"], ["y"])],
        {"x": (1, 4)},
        {"zero": np.float32(0)},
        output_kind=TensorProto.BOOL,
    )
    with pytest.raises(UnsupportedError, match="a comparison is read where it is a number"):
        load(proto, tmp_path)
