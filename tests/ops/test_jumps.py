"""Signs, comparisons and rounding as the numbers that they are: read as ONNX Runtime computes them, at jumps too."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from ops.operator_check import floats, load, model

from verdict.certificate.neurons import NeuronMap
from verdict.checker.readers.onnx import read_network
from verdict.network.exact import ExactVector

node = helper.make_node
FLOAT = TensorProto.FLOAT
W = np.array([[1, -2, 0.5], [2, 1, -1]], np.float32)
V = np.array([[1, 2], [-1, 1], [2, -3]], np.float32)


def cast(name: str, to: str) -> onnx.NodeProto:
    return node("Cast", [name], [to], to=FLOAT)


# Each computes r, three numbers, of h, three numbers; and how many neurons that takes.
CASES: dict[str, tuple[list[onnx.NodeProto], int]] = {
    "sign": ([node("Sign", ["h"], ["r"])], 6),
    "larq": ([node("Sign", ["h"], ["s"]), node("Add", ["s", "tenth"], ["a"]), node("Sign", ["a"], ["r"])], 3),
    "larq below": ([node("Sign", ["h"], ["s"]), node("Sub", ["s", "tenth"], ["a"]), node("Sign", ["a"], ["r"])], 3),
    "sign of a sign": ([node("Sign", ["h"], ["s"]), node("Sign", ["s"], ["r"])], 6),
    "size of a sign": ([node("Sign", ["h"], ["s"]), node("Abs", ["s"], ["r"])], 6),
    "relu of a sign": ([node("Sign", ["h"], ["s"]), node("Relu", ["s"], ["r"])], 3),
    "clipped": ([node("Sign", ["h"], ["s"]), node("Mul", ["s", "three"], ["t"]),
                 node("Clip", ["t", "tenth", "half"], ["r"])], 3),
    "above": ([node("Greater", ["h", "half"], ["c"]), cast("c", "r")], 3),
    "at least": ([node("GreaterOrEqual", ["h", "half"], ["c"]), cast("c", "r")], 3),
    "below": ([node("Less", ["h", "row"], ["c"]), cast("c", "r")], 3),
    "at most": ([node("LessOrEqual", ["half", "h"], ["c"]), cast("c", "r")], 3),
    "not above": ([node("Greater", ["h", "half"], ["c"]), node("Not", ["c"], ["d"]), cast("d", "r")], 3),
    "where": ([node("Greater", ["h", "row"], ["c"]), node("Where", ["c", "three", "row"], ["r"])], 3),
    "where at least": ([node("GreaterOrEqual", ["h", "zero"], ["c"]), node("Where", ["c", "one", "minus"], ["r"])], 3),
    "sign above": ([node("Sign", ["h"], ["s"]), node("Greater", ["s", "half"], ["c"]), cast("c", "r")], 3),
    "sign above a negative": ([node("Sign", ["h"], ["s"]), node("Less", ["minushalf", "s"], ["c"]), cast("c", "r")], 3),
    "sign at most 0": ([node("Sign", ["h"], ["s"]), node("LessOrEqual", ["s", "zero"], ["c"]), cast("c", "r")], 3),
    "sign below a half": ([node("Sign", ["h"], ["s"]), node("Less", ["s", "half"], ["c"]), cast("c", "r")], 3),
    "sign at least 1": ([node("Sign", ["h"], ["s"]), node("GreaterOrEqual", ["s", "one"], ["c"]), cast("c", "r")], 3),
    "threshold of a threshold": ([node("Greater", ["h", "zero"], ["c"]), cast("c", "f"),
                                  node("LessOrEqual", ["f", "half"], ["d"]), cast("d", "r")], 3),
    "between": ([node("Greater", ["h", "zero"], ["c"]), cast("c", "f"),
                 node("Less", ["h", "three"], ["d"]), cast("d", "g"),
                 node("Add", ["f", "g"], ["t"]), node("Greater", ["t", "three2"], ["e"]), cast("e", "r")], 6),
    "sign plus itself": ([node("Sign", ["h"], ["s"]), node("Add", ["s", "h"], ["r"])], 6),
    "sign times another": ([node("Relu", ["h"], ["g"]), node("Sign", ["h"], ["s"]), node("Mul", ["s", "g"], ["r"])], 9),
    "twice read": ([node("Sign", ["h"], ["s"]), node("Mul", ["s", "three"], ["a"]), node("Transpose", ["s"], ["b"]),
                    node("Transpose", ["b"], ["d"]), node("Sub", ["d", "a"], ["r"])], 6),
    "floor": ([node("Floor", ["h"], ["r"])], 3),
    "ceil": ([node("Ceil", ["h"], ["r"])], 3),
    "round": ([node("Round", ["h"], ["r"])], 3),
    "whole signs": ([node("Sign", ["h"], ["s"]), node("Mul", ["s", "three"], ["t"]), node("Floor", ["t"], ["r"])], 6),
}  # fmt: skip
CONSTANTS: dict[str, Any] = {
    "tenth": floats(0.1), "half": floats(0.5), "minushalf": floats(-0.5), "zero": floats(0), "one": floats(1),
    "minus": floats(-1), "three": floats(3.25), "three2": floats(1.5), "row": floats(0.5, -1, 2), "W": W, "V": V,
}


def network(name: str, folder: Path) -> Any:
    nodes = [node("MatMul", ["x", "W"], ["h"]), *CASES[name][0], node("MatMul", ["r", "V"], ["y"])]
    used = {i for n in nodes for i in n.input}
    return load(model(nodes, {"x": (1, 2)}, {n: c for n, c in CONSTANTS.items() if n in used}), folder)


@pytest.mark.parametrize("name", CASES)
def test_it_is_read_as_it_is_computed(name: str, tmp_path: Path) -> None:
    """By both readers, at points with few digits, of which many lie at a jump; and both count the same neurons."""
    found = network(name, tmp_path)
    other = read_network(found.data)
    NeuronMap(found)
    assert found.graph.neuron_count == CASES[name][1]
    rng = np.random.default_rng(1)
    for p in np.concatenate([rng.integers(-12, 13, (60, 2)) / 4, rng.normal(0, 2, (10, 2)).round(7)]):
        x = p.astype(np.float32)
        exact = found.evaluate_exact(ExactVector.of(x)).fractions()
        assert other.evaluate([Fraction(float(v)) for v in x])[other.output] == exact
        assert found.evaluate(x[None].astype(float))[0] == pytest.approx([float(v) for v in exact])
        if (p * 4 == np.round(p * 4)).all():
            # Nothing is rounded.
            assert found.runtime(x) == pytest.approx([float(v) for v in exact], rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", ["sign", "larq", "floor"])
def test_no_claim_is_made_for_float32(name: str, tmp_path: Path) -> None:
    assert "jumps" in read_network(network(name, tmp_path).data).unbounded


def test_a_sign_at_the_output_is_a_number(tmp_path: Path) -> None:
    nodes = [node("MatMul", ["x", "W"], ["h"]), node("Sign", ["h"], ["y"])]
    found = load(model(nodes, {"x": (1, 2)}, {"W": W}), tmp_path)
    assert found.evaluate_exact(ExactVector.of([0, 1])).fractions() == [1, 1, -1]
    assert found.evaluate_exact(ExactVector.of([0, 0])).fractions() == [0, 0, 0]
    assert read_network(found.data).evaluate([Fraction(0), Fraction(0)])[-1] == [0, 0, 0]


def test_a_binarised_convolution(tmp_path: Path) -> None:
    """As larq exports it: layers of +-1 weights with transpositions in between, and a Softmax at the end."""
    rng = np.random.default_rng(0)
    one = rng.choice([-1, 1], (4, 3, 3, 3)).astype(np.float32)
    two = rng.choice([-1, 1], (100, 5)).astype(np.float32)
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]), node("Conv", ["t", "one"], ["a"]),
        node("Transpose", ["a"], ["b"], perm=[0, 2, 3, 1]), node("Sign", ["b"], ["s"]),
        node("Add", ["s", "tenth"], ["u"]),
        node("Sign", ["u"], ["v"]), node("Transpose", ["v"], ["w"], perm=[0, 3, 1, 2]),
        node("MaxPool", ["w"], ["p"], kernel_shape=[2, 2], strides=[1, 1], pads=[0, 0, 1, 1]),
        node("Transpose", ["p"], ["q"], perm=[0, 2, 3, 1]),
        node("Flatten", ["q"], ["f"]), node("MatMul", ["f", "two"], ["m"]), node("Softmax", ["m"], ["y"]),
    ]  # fmt: skip
    found = load(model(nodes, {"x": (1, 7, 7, 3)}, {"one": one, "two": two, "tenth": floats(0.1)}), tmp_path)
    NeuronMap(found)
    for _ in range(5):
        x = rng.integers(0, 256, 147).astype(np.float32)
        exact = found.evaluate_exact(ExactVector.of(x)).floats()
        assert found.runtime(x).argmax() == exact.argmax()
        assert found.evaluate(x[None].astype(float))[0].tolist() == exact.tolist()
