"""Where, comparisons and Sign as the checker reads them: what is continuous is exact, everything else is refused."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, helper
from support import tiny

import verdict
from verdict.checker import UnreadableError
from verdict.checker.readers.onnx import read_network

node = helper.make_node
FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
WEIGHTS = {
    "W": np.array([[1, -2, 3], [2, 1, -1]], np.float32), "V": np.array([[1, 2], [-1, 1], [2, -3]], np.float32),
    "zero": np.array(0, np.float32), "half": np.array(0.5, np.float32), "three": np.array(3, np.float32),
    "row": np.array([0.5, -1, 2], np.float32), "slope": np.array([0.25, -2, 0], np.float32),
    "minus": np.array(-1, np.float32),
}
# Each computes r, three numbers, of h, three numbers that depend on the input.
CONTINUOUS: dict[str, list[NodeProto]] = {
    "leaky": [node("Greater", ["h", "zero"], ["c"]), node("Mul", ["h", "slope"], ["n"]),
              node("Where", ["c", "h", "n"], ["r"])],
    "threshold": [node("GreaterOrEqual", ["h", "row"], ["c"]), node("Where", ["c", "h", "row"], ["r"])],
    "the other way": [node("Less", ["h", "row"], ["c"]), node("Where", ["c", "row", "h"], ["r"])],
    "constant first": [node("LessOrEqual", ["row", "h"], ["c"]), node("Not", ["c"], ["d"]),
                       node("Where", ["d", "row", "h"], ["r"])],
    "gate": [node("Greater", ["h", "zero"], ["c"]), node("Cast", ["c"], ["f"], to=FLOAT),
             node("Mul", ["f", "h"], ["r"])],
    "shifted gate": [node("Sub", ["h", "row"], ["s"]), node("Greater", ["h", "row"], ["c"]),
                     node("Cast", ["c"], ["f"], to=FLOAT), node("Mul", ["s", "f"], ["r"])],
    "sign": [node("Sign", ["h"], ["s"]), node("Mul", ["h", "s"], ["r"])],
    "sign of a multiple": [node("Mul", ["h", "minus"], ["m"]), node("Sign", ["m"], ["s"]),
                           node("Mul", ["s", "h"], ["r"])],
    "compared sign": [node("Sign", ["h"], ["s"]), node("Less", ["s", "half"], ["c"]),
                      node("Where", ["c", "zero", "h"], ["r"])],
    "sum of maps": [node("MatMul", ["x", "W"], ["g"]), node("Add", ["h", "g"], ["t"]), node("Add", ["t", "row"], ["u"]),
                    node("Greater", ["u", "row"], ["c"]), node("Where", ["c", "t", "zero"], ["r"])],
    "equal branches": [node("Greater", ["h", "zero"], ["c"]), node("Where", ["c", "h", "h"], ["r"])],
    "twice": [node("Greater", ["h", "zero"], ["c"]), node("Where", ["c", "h", "zero"], ["p"]),
              node("Less", ["p", "three"], ["d"]), node("Where", ["d", "p", "three"], ["r"])],
    "moved": [node("Greater", ["h", "zero"], ["c"]), node("Transpose", ["c"], ["d"]), node("Transpose", ["h"], ["e"]),
              node("Where", ["d", "e", "zero"], ["k"]), node("Transpose", ["k"], ["r"])],
}
JUMPS: dict[str, list[NodeProto]] = {
    "a jump": [node("Greater", ["h", "half"], ["c"]), node("Where", ["c", "h", "zero"], ["r"])],
    "one entry jumps": [node("Greater", ["h", "row"], ["c"]), node("Where", ["c", "h", "half"], ["r"])],
    "another tensor": [node("MatMul", ["x", "W"], ["g"]), node("Greater", ["h", "zero"], ["c"]),
                       node("Where", ["c", "g", "zero"], ["r"])],
    "the larger of two": [node("Relu", ["h"], ["g"]), node("Greater", ["h", "g"], ["c"]),
                          node("Where", ["c", "h", "g"], ["r"])],
    "another entry": [node("Gather", ["h", "turned"], ["g"], axis=1), node("Greater", ["h", "zero"], ["c"]),
                      node("Where", ["c", "g", "zero"], ["r"])],
    "sign compared with 1": [node("Sign", ["h"], ["s"]), node("Less", ["s", "three"], ["c"]),
                             node("Where", ["c", "zero", "h"], ["r"])],
    "a head behind": [node("Greater", ["h", "zero"], ["c"]), node("Cast", ["c"], ["f"], to=FLOAT),
                      node("Sigmoid", ["f"], ["r"])],
    "both": [node("Greater", ["h", "zero"], ["c"]), node("Less", ["h", "three"], ["d"]), node("And", ["c", "d"], ["e"]),
             node("Where", ["e", "h", "zero"], ["r"])],
}


def _model(path: Path, nodes: list[NodeProto], bias: bool = True) -> Path:
    # h is W x + a bias, or a ReLU of it.
    front = [node("MatMul", ["x", "W"], ["w"]), node("Add", ["w", "row"], ["h"])] if bias else [
        node("MatMul", ["x", "W"], ["w"]), node("Relu", ["w"], ["q"]), node("Sub", ["q", "half"], ["h"])]
    weights = {**WEIGHTS, "turned": np.array([1, 2, 0])}
    used = {name for n in nodes for name in n.input} | {"W", "V", "row", "half"}
    return tiny.write(path, [*front, *nodes, node("MatMul", ["r", "V"], ["y"])], {"x": [1, 2]}, {"y": [1, 2]},
                      {name: w for name, w in weights.items() if name in used})


def _at(model: Path, x: list[Fraction]) -> list[Fraction]:
    network = read_network(model.read_bytes())
    return network.evaluate(x)[network.output]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", CONTINUOUS)
def test_what_is_continuous_is_read_exactly(tmp_path: Path, name: str, bias: bool) -> None:
    """At points with few digits, of which many lie on a threshold, ONNX Runtime rounds nothing."""
    path = _model(tmp_path / "m.onnx", CONTINUOUS[name], bias)
    runtime = verdict.load(path).runtime
    for p in np.random.default_rng(1).integers(-8, 9, (24, 2)):
        x = [Fraction(int(v), 4) for v in p]
        assert _at(path, x) == [Fraction(v) for v in runtime(np.array(p / 4)).tolist()], x


@pytest.mark.parametrize("name", JUMPS)
def test_what_jumps_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableError):
        read_network(_model(tmp_path / "m.onnx", JUMPS[name]).read_bytes())


@pytest.mark.parametrize("name", ["leaky", "sign", "shifted gate"])
def test_a_certificate_holds_over_the_reals_alone(tmp_path: Path, name: str) -> None:
    path = _model(tmp_path / "m.onnx", CONTINUOUS[name])
    answer = verdict.robust(path, np.array([[1, 1]], np.float32), "1/64", certificate=tmp_path / "a.vcert", timeout=60)
    assert answer.certificate is not None
    assert answer.certificate.accepted, answer.certificate.reason
    report = verdict.check(tmp_path / "a.vcert", path)
    assert (report.accepted, report.any_order) == (True, False)


LABELS: dict[str, tuple[list[NodeProto], Any]] = {
    "bool": ([node("Greater", ["z", "half"], ["y"])], BOOL),
    "whole": ([node("Less", ["z", "half"], ["c"]), node("Cast", ["c"], ["y"], to=INT64)], INT64),
    "float": ([node("Greater", ["z", "half"], ["c"]), node("Cast", ["c"], ["y"], to=FLOAT)], FLOAT),
    "probability": ([node("Sigmoid", ["z"], ["p"]), node("Greater", ["p", "half"], ["c"]),
                     node("Not", ["c"], ["y"])], BOOL),
    "chosen": ([node("Greater", ["z", "half"], ["c"]), node("Where", ["c", "three", "minus"], ["y"])], FLOAT),
}


@pytest.mark.parametrize("name", LABELS)
def test_one_comparison_at_the_output_is_a_label(tmp_path: Path, name: str) -> None:
    import onnx

    nodes, kind = LABELS[name]
    weights = {**WEIGHTS, "u": np.array([[1], [-1], [2]], np.float32)}
    used = {i for n in nodes for i in n.input} | {"W", "u"}
    path = tiny.write(tmp_path / "m.onnx", [node("MatMul", ["x", "W"], ["h"]), node("Relu", ["h"], ["r"]),
                                            node("MatMul", ["r", "u"], ["z"]), *nodes], {"x": [1, 2]}, {"y": [1, 1]},
                      {k: w for k, w in weights.items() if k in used})
    model = onnx.load(path)
    model.graph.output[0].type.tensor_type.elem_type = kind
    onnx.save(model, path)
    answer = verdict.maxeps(path, np.array([[1, 1]], np.float32), certificate=tmp_path / "a.vcert", timeout=60)
    assert answer.certificate is not None
    assert answer.certificate.accepted, answer.certificate.reason
    assert verdict.check(tmp_path / "a.vcert", path).accepted
