"""Layer, instance and group normalization as operators, and layer normalization as exporters write it out."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.two_readers import look

import verdict
from verdict.base.errors import UnsupportedError, VerdictError
from verdict.checker.errors import UnreadableError
from verdict.checker.readers.onnx import read_network
from verdict.network.exact import ExactVector
from verdict.ops.importer.onnx_import import network_of

RNG = np.random.default_rng(4)


def _model(nodes: list[Any], shape: tuple[int, ...], weights: dict[str, Any], opset: int) -> bytes:
    ports = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", shape), ("y", None))]
    arrays = [numpy_helper.from_array(np.asarray(v), n) for n, v in weights.items()]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], arrays)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    return bytes(made.SerializeToString())


def _operator(name: str, opset: int, shape: tuple[int, ...], scales: list[tuple[int, ...]], **attributes: Any) -> bytes:
    weights = {f"w{i}": RNG.normal(size=s).astype(np.float32) for i, s in enumerate(scales)}
    return _model([helper.make_node(name, ["x", *weights], ["y"], **attributes)], shape, weights, opset)


def _written_out() -> list[Any]:
    make = helper.make_node
    return [make("ReduceMean", ["x"], ["m"], axes=[-1]), make("Sub", ["x", "m"], ["d"]),
            make("Pow", ["d", "two"], ["s"]), make("ReduceMean", ["s"], ["v"], axes=[-1]),
            make("Add", ["v", "e"], ["u"]), make("Sqrt", ["u"], ["r"]), make("Div", ["d", "r"], ["n"]),
            make("Mul", ["n", "w0"], ["g"]), make("Add", ["g", "w1"], ["y"])]


@pytest.mark.parametrize(("name", "opset", "shape", "scales", "attributes"), [
    ("LayerNormalization", 17, (1, 3, 4), [(4,), (4,)], {}),
    ("LayerNormalization", 17, (1, 3, 4), [(3, 4), (4,)], {"axis": 1, "epsilon": 0.1}),
    ("LayerNormalization", 17, (1, 3, 4), [(1, 4)], {"axis": -2}),
    ("InstanceNormalization", 9, (1, 3, 2, 2), [(3,), (3,)], {"epsilon": 0.01}),
    ("GroupNormalization", 21, (1, 4, 2), [(4,), (4,)], {"num_groups": 2}),
])  # fmt: skip
def test_both_readers_compute_what_onnx_runtime_does(
    name: str, opset: int, shape: tuple[int, ...], scales: list[tuple[int, ...]], attributes: dict[str, Any]
) -> None:
    found = look(_operator(name, opset, shape, scales, **attributes), 3)
    assert found.read_by == ("engine", "checker")
    assert found.compared_with == "ONNX Runtime"


def test_mean_and_deviation_are_outputs_that_nothing_may_read() -> None:
    weights = {f"w{i}": RNG.normal(size=4).astype(np.float32) for i in range(2)}
    node = helper.make_node("LayerNormalization", ["x", "w0", "w1"], ["y", "m", "d"])
    found = look(_model([node], (1, 3, 4), weights, 17), 3)
    assert found.read_by == ("engine", "checker")
    assert found.compared_with == "ONNX Runtime"
    node.output[0] = "z"
    read = _model([node, helper.make_node("Add", ["z", "m"], ["y"])], (1, 3, 4), weights, 17)
    with pytest.raises(VerdictError, match="m"):
        network_of(read, Path("m.onnx"))
    with pytest.raises(UnreadableError):
        read_network(read)


def test_written_out_it_is_the_same() -> None:
    weights = {f"w{i}": RNG.normal(size=4).astype(np.float32) for i in range(2)}
    more = {"two": np.float32(2), "e": np.float32(1e-5)}
    out = _model(_written_out(), (1, 3, 4), {**weights, **more}, 13)
    assert look(out, 3).read_by == ("engine", "checker")
    whole = _model([helper.make_node("LayerNormalization", ["x", "w0", "w1"], ["y"])], (1, 3, 4), weights, 17)
    x = ExactVector.of([Fraction(int(n), 8) for n in RNG.integers(-16, 17, 12)])
    one, other = (network_of(m, Path("m.onnx")).evaluate_enclosed(x, 120).centre.fractions() for m in (out, whole))
    assert max(abs(a - b) for a, b in zip(one, other, strict=True)) < Fraction(1, 2**60)


@pytest.mark.parametrize(("name", "opset", "shape", "scales", "attributes", "match"), [
    ("LayerNormalization", 17, (1, 3, 4), [(4,)], {"epsilon": 0.0}, "epsilon 0"),
    ("LayerNormalization", 17, (1, 3, 4), [(4,)], {"stash_type": 10}, "stash_type"),
    ("LayerNormalization", 17, (1, 3, 4), [(2, 3, 4)], {"axis": 1}, "shape"),
    ("InstanceNormalization", 9, (1, 3, 2), [(2,), (2,)], {}, "channels"),
    ("GroupNormalization", 21, (1, 4, 2), [(4,), (4,)], {"num_groups": 3}, "3 groups of 4"),
])  # fmt: skip
def test_what_is_refused(
    name: str, opset: int, shape: tuple[int, ...], scales: list[tuple[int, ...]], attributes: dict[str, Any], match: str
) -> None:
    with pytest.raises((UnsupportedError, verdict.VerdictError), match=match):
        network_of(_operator(name, opset, shape, scales, **attributes), Path("m.onnx"))


def test_a_proof_through_a_layer_normalization_is_certified(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(_model([helper.make_node("LayerNormalization", ["x", "w0", "w1"], ["y"])], (1, 3),
                            {"w0": np.ones(3, np.float32), "w1": np.zeros(3, np.float32)}, 17))
    answer = verdict.robust(path, [0.9, 0.1, -0.7], eps=0.05, certificate=tmp_path / "a.vcert")
    assert (answer.status, answer.trust) == ("robust", "certified")
