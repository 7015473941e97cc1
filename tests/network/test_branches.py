"""If on constants: the branch that is taken stands in its place, and every name keeps its meaning."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from ops.operator_check import check, floats, load, weights

import verdict
from verdict.base.errors import ModelError, UnsupportedError

node, info = helper.make_node, helper.make_tensor_value_info
F = TensorProto.FLOAT


def branch(nodes: list[onnx.NodeProto], result: str, **constants: np.ndarray) -> onnx.GraphProto:
    tensors = [numpy_helper.from_array(np.asarray(a), n) for n, a in constants.items()]
    return helper.make_graph(nodes, "branch", [], [info(result, F, None)], tensors)


def two_way(factor: float) -> onnx.GraphProto:
    """h times a factor, under names that every branch has."""
    return branch([node("Mul", ["h", "f"], ["t"], name="times"), node("Relu", ["t"], ["r"])], "r", f=floats(factor))


def choosing(condition: list[onnx.NodeProto], then: onnx.GraphProto, other: onnx.GraphProto, **more) -> onnx.ModelProto:
    """h = x W, an If on the tensor c, and its output added to h."""
    nodes = [
        node("MatMul", ["x", "w"], ["h"]), *condition,
        node("If", ["c"], ["y"], name="the_If", then_branch=then, else_branch=other),
    ]  # fmt: skip
    tensors = [numpy_helper.from_array(np.asarray(a), n) for n, a in {"w": weights(4, 3), **more}.items()]
    graph = helper.make_graph(nodes, "g", [info("x", F, (1, 4))], [info("y", F, None)], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


SIZE = [node("Shape", ["h"], ["s"]), node("Gather", ["s", "i"], ["d"]), node("Equal", ["d", "n"], ["c"])]
TAKEN = {"i": np.array(1), "n": np.array(3)}
OTHER = {"i": np.array(0), "n": np.array(3)}


@pytest.mark.parametrize(("numbers", "factor"), [(TAKEN, 2.0), (OTHER, -1.0)])
def test_the_branch_that_the_sizes_take(numbers: dict[str, np.ndarray], factor: float, tmp_path: Path) -> None:
    network = check(choosing(SIZE, two_way(2.0), two_way(-1.0), **numbers), tmp_path, points=20)
    x = np.array([[1, -2, 3, 0.5]], np.float32)
    assert np.allclose(network.evaluate(x), np.maximum(x @ weights(4, 3) * factor, 0), atol=1e-6)
    assert network.operators == {"MatMul": 1, "Shape": 1, "Gather": 1, "Equal": 1, "If": 1}


def test_branches_within_branches_and_names_that_are_there_twice(tmp_path: Path) -> None:
    # Both inner branches and the outer one call their own tensors t, f and r.
    inner = node("If", ["c"], ["u"], name="inner", then_branch=two_way(3.0), else_branch=two_way(5.0))
    outer = branch([inner, node("Add", ["u", "h"], ["v"])], "v")
    proto = choosing(SIZE, outer, two_way(1.0), **TAKEN)
    # A second If with the same names beside it.
    proto.graph.node.append(node("If", ["c"], ["z"], then_branch=two_way(7.0), else_branch=two_way(9.0)))
    proto.graph.output.append(info("z", F, None))
    network = check(proto, tmp_path, points=20)
    h = np.array([[1, -2, 3, 0.5]]) @ weights(4, 3)
    expected = np.concatenate([np.maximum(3 * h, 0) + h, np.maximum(7 * h, 0)], axis=1)
    assert np.allclose(network.evaluate(np.array([[1, -2, 3, 0.5]])), expected, atol=1e-6)
    alone = verdict.load(network.path, output="z")
    assert np.allclose(alone.evaluate(np.array([[1, -2, 3, 0.5]])), expected[:, 3:], atol=1e-6)


def test_a_condition_in_the_file(tmp_path: Path) -> None:
    check(choosing([], two_way(2.0), two_way(3.0), c=np.array(True)), tmp_path)
    # What only the other branch has is not looked at by the importer.
    odd = branch([node("Erf", ["h"], ["e"])], "e")
    check(choosing([], two_way(2.0), odd, c=np.array(True)), tmp_path)


def test_the_other_branch_may_have_no_sense(tmp_path: Path) -> None:
    """What PyTorch writes for x.squeeze(1) of an open axis: where it has another size than 1 nothing is squeezed."""
    squeeze = branch([node("Squeeze", ["h", "one"], ["q"])], "q")
    other = branch([node("Relu", ["h"], ["r"])], "r")
    proto = choosing(SIZE, squeeze, other, i=np.array(1), n=np.array(1), one=np.array([1]))
    for dim, size in zip(proto.graph.input[0].type.tensor_type.shape.dim, (1, 0), strict=True):
        dim.Clear() if not size else None
    proto.graph.input[0].type.tensor_type.shape.dim.add(dim_value=4)
    path = tmp_path / "m.onnx"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(UnsupportedError, match="--shape x=1xNx4"):
        verdict.load(path)
    shapes = [verdict.load(path, shapes=(1, size, 4)).outputs[0].shape for size in (1, 2)]
    assert shapes == [(1, 3), (1, 2, 3)]


def test_nodes_in_any_order(tmp_path: Path) -> None:
    proto = choosing(SIZE, two_way(2.0), two_way(3.0), **TAKEN)
    turned = [onnx.NodeProto.FromString(n.SerializeToString()) for n in reversed(proto.graph.node)]
    del proto.graph.node[:]
    proto.graph.node.extend(turned)
    assert load(proto, tmp_path).graph.neuron_count == 3


BAD = {
    "of the input": (
        [node("ReduceSum", ["h"], ["q"], keepdims=0), node("Greater", ["q", "zero"], ["c"])], two_way(1.0),
        UnsupportedError, r"the_If \(If\): the condition depends on the input",
    ),
    "of two truths": ([], two_way(1.0), UnsupportedError, "the condition depends on the input|single|one"),
    "of a bad branch": (
        [node("Equal", ["zero", "zero"], ["c"])], branch([node("Det", ["h"], ["e"], name="det")], "e"),
        UnsupportedError, r"the_If/det \(Det\)",
    ),
    "that reads nothing": (
        [node("Equal", ["zero", "zero"], ["c"])], branch([node("Relu", ["nowhere"], ["e"])], "e"),
        ModelError, "nowhere",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused_names_its_node(name: str, tmp_path: Path) -> None:
    condition, then, error, reason = BAD[name]
    more = {"zero": np.float32(0)} | ({"c": np.array([True, True])} if name == "of two truths" else {})
    with pytest.raises(error, match=reason):
        load(choosing(condition, then, two_way(1.0), **more), tmp_path)


def test_questions_that_make_another_model_of_it(tmp_path: Path) -> None:
    """Weights in a branch count, and pairs have the branch that is taken."""
    x = np.ones(4, np.float32)
    then = branch([node("MatMul", ["h", "v"], ["t"]), node("Relu", ["t"], ["r"])], "r", v=weights(3, 2, seed=4))
    flat = branch([node("Relu", ["h"], ["r"])], "r")
    network = load(choosing(SIZE, then, flat, **TAKEN), tmp_path)
    plain = choosing([], then, flat)
    del plain.graph.node[1:]
    plain.graph.node.extend(then.node)
    plain.graph.initializer.extend(then.initializer)
    plain.graph.output[0].name = "r"
    same = load(plain, tmp_path, "plain.onnx")
    for question in (
        lambda m: verdict.maxdelta(m, same, verdict.region(m, x, "0.1")),
        lambda m: verdict.robust(m, x, "0.01", perturbation="contrast", range=(0, 2), label=0),
    ):
        one, other = question(network), question(same)
        assert one.status == other.status
    from verdict.compose.layers import layers

    assert [layer.shape for layer in layers(network)] == [layer.shape for layer in layers(same)] == [(1, 3), (1, 2)]
