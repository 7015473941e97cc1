"""Resize, Upsample, Einsum and ReduceL1 against ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ops.operator_check import X, check, floats, ints, load, single, weights

from verdict.base.errors import UnsupportedError

MODES = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]
NEAREST = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]


@pytest.mark.parametrize("opset", [11, 13, 18, 19, 22])
@pytest.mark.parametrize("coordinates", MODES)
@pytest.mark.parametrize("nearest", NEAREST)
def test_nearest(opset: int, coordinates: str, nearest: str, tmp_path: Path) -> None:
    attributes = {"coordinate_transformation_mode": coordinates, "nearest_mode": nearest}
    for scales in ((1, 1, 2, 2), (1, 1, 3, 0.5), (1, 1, 1.5, 1), (1, 1, 1, 1.5)):
        arguments = (X, floats(), floats(*scales))
        check(single("Resize", (1, 2, 4, 6), arguments, opset, **attributes), tmp_path)
    for sizes in ((1, 2, 7, 5), (1, 2, 1, 12), (1, 2, 4, 6)):
        # Operator set 11 has no optional inputs in between: empty ones stand there.
        arguments = (X, floats(), floats(), ints(*sizes)) if opset == 11 else (X, None, None, ints(*sizes))
        check(single("Resize", (1, 2, 4, 6), arguments, opset, **attributes), tmp_path)


@pytest.mark.parametrize("coordinates", MODES)
@pytest.mark.parametrize("shape", [(1, 2, 5, 3), (1, 1, 9, 5), (5, 3)])
def test_linear(coordinates: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    lead = (1,) * (len(shape) - 2)
    attributes = {"mode": "linear", "coordinate_transformation_mode": coordinates}
    steps = [(2 * n - 1 for n in shape[-2:])] if coordinates == "align_corners" else [(2 * n for n in shape[-2:])]
    for sizes in steps:
        arguments = (X, None, None, ints(*shape[:-2], *sizes))
        check(single("Resize", shape, arguments, 13, **attributes), tmp_path)
    if coordinates != "align_corners":
        for scales in ((2, 4), (1, 2), (2, 1)):
            check(single("Resize", shape, (X, None, floats(*lead, *scales)), 13, **attributes), tmp_path)


def test_shrinking_linearly(tmp_path: Path) -> None:
    arguments = (X, None, floats(1, 1, 0.5, 0.25))
    check(single("Resize", (1, 2, 4, 8), arguments, 13, mode="linear"), tmp_path)


def test_some_axes(tmp_path: Path) -> None:
    check(single("Resize", (1, 2, 3, 4), (X, None, floats(2, 2)), 18, axes=[2, 3], mode="nearest"), tmp_path)


@pytest.mark.parametrize(("op", "opset"), [("Upsample", 8), ("Upsample", 9), ("Resize", 10)])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_before_coordinates(op: str, opset: int, mode: str, tmp_path: Path) -> None:
    for scales in ((1.0, 1.0, 2.0, 4.0), (1.0, 1.0, 1.0, 2.0)):
        if opset == 8:
            check(single(op, (1, 2, 3, 4), (X,), opset, mode=mode, scales=list(scales)), tmp_path)
        else:
            check(single(op, (1, 2, 3, 4), (X, floats(*scales)), opset, mode=mode), tmp_path)


@pytest.mark.parametrize(
    ("attributes", "scales", "reason"),
    [
        ({"mode": "linear"}, (1, 1, 3, 3), "not exact in float32"),
        ({"mode": "cubic"}, (1, 1, 2, 2), "mode = cubic"),
        ({"coordinate_transformation_mode": "tf_crop_and_resize"}, (1, 1, 2, 2), "tf_crop_and_resize"),
        ({"coordinate_transformation_mode": "align_corners"}, (1, 1, 1.5, 1), "no whole size"),
        ({}, (1, 1, 2), "3 scales or sizes for 4 axes"),
        ({}, (1, 1, 0.1, 1), "becomes one of size 0"),
    ],
)
def test_other_ways_are_refused(attributes: Any, scales: Any, reason: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=reason):
        load(single("Resize", (1, 2, 3, 4), (X, None, floats(*scales)), 13, **attributes), tmp_path)


@pytest.mark.parametrize(
    ("equation", "shape", "constant"),
    [
        ("ij,jk->ik", (2, 3), (3, 4)),
        ("bij,jk->bik", (1, 2, 3), (3, 4)),
        ("bij,bjk->bik", (2, 2, 3), (2, 3, 4)),
        ("bij,kj->bki", (1, 2, 3), (4, 3)),
        ("i,j->ij", (3,), (2,)),
        ("ij,ij->", (2, 3), (2, 3)),
        ("ij,ij->ji", (2, 3), (2, 3)),
        ("ij,jk", (2, 3), (3, 4)),
        ("nhwc, hwck -> nk", (1, 2, 2, 3), (2, 2, 3, 5)),
        ("ij,k->kij", (2, 3), (2,)),
    ],
)
def test_einsum(equation: str, shape: Any, constant: Any, tmp_path: Path) -> None:
    check(single("Einsum", shape, (X, weights(*constant)), equation=equation), tmp_path)
    left, _, rest = equation.replace(" ", "").partition(",")
    right, arrow, result = rest.partition("->")
    swapped = f"{right},{left}{arrow}{result}"
    check(single("Einsum", shape, (weights(*constant), X), equation=swapped), tmp_path)


@pytest.mark.parametrize("equation", ["ij->ji", "ij->i", "ij->j", "ij->", "ij"])
def test_einsum_of_one(equation: str, tmp_path: Path) -> None:
    check(single("Einsum", (2, 3), (X,), equation=equation), tmp_path)


@pytest.mark.parametrize(
    ("equation", "shape", "constant"),
    [("ii,ij->ij", (3, 3), (3, 2)), ("...i,ij->...j", (2, 3), (3, 2)), ("ij,jk->i", (2, 3), (3, 4))],
)
def test_other_equations_are_refused(equation: str, shape: Any, constant: Any, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"equation|summed in one operand"):
        load(single("Einsum", shape, (X, weights(*constant)), equation=equation), tmp_path)


@pytest.mark.parametrize("opset", [13, 18])
@pytest.mark.parametrize("keepdims", [0, 1])
def test_reduce_l1(opset: int, keepdims: int, tmp_path: Path) -> None:
    if opset == 18:
        check(single("ReduceL1", (1, 2, 3), (X, ints(2)), opset, keepdims=keepdims), tmp_path)
    else:
        check(single("ReduceL1", (1, 2, 3), (X,), opset, axes=[1, 2], keepdims=keepdims), tmp_path)


@pytest.mark.parametrize("equation", ["ij,jk->ik", "ij,ji->ij", "ij,kj->ik", "ij,ji->", "ij,ik->ijk", "ij,kl->iljk"])
def test_einsum_of_two_tensors_that_depend_on_the_input(equation: str, tmp_path: Path) -> None:
    check(single("Einsum", (2, 2), (X, X), equation=equation), tmp_path)
