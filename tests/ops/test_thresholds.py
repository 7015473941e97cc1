"""A comparison at the output is the label of two classes; Sign and the 0 or 1 of a comparison, where they are exact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from ops.operator_check import check, floats, ints, load, model, weights

import verdict
from verdict.answer.replay import scores
from verdict.base.errors import UnsupportedError
from verdict.network.network import Network
from verdict.ops.importer.selfcheck import check_on

node = helper.make_node
W, B = weights(4, 1), 0.3
POINTS = np.random.default_rng(5).standard_normal((100, 4)).astype(np.float32)


def last(nodes: list[onnx.NodeProto], kind: int, folder: Path, **constants: Any) -> Network:
    """A linear number z = x W + B, then these nodes, of which the last makes y."""
    before = [node("MatMul", ["x", "w"], ["m"]), node("Add", ["m", "b"], ["z"])]
    given = {"w": W, "b": floats(B), "zero": floats(0), "half": floats(0.5), "one": floats(1), **constants}
    return load(model([*before, *nodes], {"x": (1, 4)}, given, output_kind=kind), folder)


SIGMOID = node("Sigmoid", ["z"], ["p"])
CASES = {
    "of a logit": ([node("Greater", ["z", "zero"], ["y"])], TensorProto.BOOL, {}),
    "the other way": ([node("Less", ["zero", "z"], ["y"])], TensorProto.BOOL, {}),
    "of a probability": ([SIGMOID, node("GreaterOrEqual", ["p", "half"], ["y"])], TensorProto.BOOL, {}),
    "as an integer": (
        [SIGMOID, node("Greater", ["p", "half"], ["c"]), node("Cast", ["c"], ["y"], to=TensorProto.INT64)],
        TensorProto.INT64, {},
    ),
    "as a float": (
        [node("Greater", ["z", "zero"], ["c"]), node("Cast", ["c"], ["f"], to=1), node("Squeeze", ["f"], ["y"])],
        TensorProto.FLOAT, {},
    ),
    "negated": (
        [node("LessOrEqual", ["z", "zero"], ["c"]), node("Not", ["c"], ["y"])], TensorProto.BOOL, {},
    ),
    "of two labels": (
        [SIGMOID, node("Greater", ["p", "half"], ["c"]), node("Where", ["c", "b9", "b4"], ["y"])],
        TensorProto.INT64, {"b9": ints(9), "b4": ints(4)},
    ),
    "in a table": (
        [node("Greater", ["z", "zero"], ["c"]), node("Cast", ["c"], ["i"], to=TensorProto.INT64),
         node("Gather", ["names", "i"], ["y"])],
        TensorProto.FLOAT, {"names": floats(0.25, 0.75)},
    ),
    "of the sign": (
        [node("Sign", ["z"], ["s"]), node("Greater", ["s", "tenth"], ["y"])], TensorProto.BOOL, {"tenth": floats(0.1)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_label_of_two_classes(name: str, tmp_path: Path) -> None:
    nodes, kind, constants = CASES[name]
    network = last(nodes, kind, tmp_path, **constants)
    assert network.output_size == 2
    check_on(network, POINTS.astype(float))
    margin = POINTS @ W.ravel() + B
    for x, z in zip(POINTS, margin, strict=True):
        assert scores(network, network.runtime(x), x).argmax() == (z > 0) == network.evaluate(x[None])[0].argmax()
    x, z = POINTS[0], margin[0]
    answer = verdict.maxeps(network, x)
    # The nearest point of a half-space in L-infinity.
    assert float(answer.lower) <= abs(z) / np.abs(W).sum() * (1 + 1e-6)
    assert answer.upper is not None
    assert float(answer.upper) >= abs(z) / np.abs(W).sum() * (1 - 1e-6)
    assert answer.label == int(z > 0)


REFUSED = {
    "another threshold of a probability": ([SIGMOID, node("Greater", ["p", "tenth"], ["y"])], "only Sigmoid with 1/2"),
    "several numbers": (
        [node("Mul", ["z", "three"], ["t"]), node("Greater", ["t", "zero"], ["y"])], "of one number, at the output",
    ),
    "adding to a truth value": (
        [node("Greater", ["z", "zero"], ["c"]), node("And", ["c", "c"], ["y"])], "not supported",
    ),
    "a sign behind a head": ([SIGMOID, node("Sign", ["p"], ["y"])], "Sigmoid is supported only at the output"),
    "a comparison of signs that differs where they are 0": (
        [node("Mul", ["z", "three"], ["t"]), node("Sign", ["t"], ["s"]), node("Greater", ["s", "signs"], ["c"]),
         node("Cast", ["c"], ["f"], to=1), node("Add", ["f", "t"], ["y"])], "whose values at 0 differ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_why(name: str, tmp_path: Path) -> None:
    nodes, reason = REFUSED[name]
    kind = TensorProto.BOOL if nodes[-1].op_type in ("Greater", "And") else TensorProto.FLOAT
    with pytest.raises(UnsupportedError, match=reason):
        last(nodes, kind, tmp_path, tenth=floats(0.1), three=floats(1, 2, 3), signs=floats(0.5, -0.5, 0))


@pytest.mark.parametrize("first", ["Sign", "Greater", "LessOrEqual"])
def test_a_product_with_what_is_compared(first: str, tmp_path: Path) -> None:
    """|z| as z sign(z), relu(z) as z (z > 0), in PyTorch's way of writing them."""
    before = [node("MatMul", ["x", "w"], ["z"])]
    if first == "Sign":
        before += [node("Sign", ["z"], ["f"])]
    else:
        before += [node(first, ["z", "zero"], ["c"]), node("Cast", ["c"], ["f"], to=1)]
    for pair in (["z", "f"], ["f", "z"]):
        nodes = [*before, node("Mul", pair, ["y"])]
        network = check(model(nodes, {"x": (1, 4)}, {"w": weights(4, 3), "zero": floats(0)}), tmp_path, points=20)
        assert network.head is None
        assert network.graph.neuron_count == 3
