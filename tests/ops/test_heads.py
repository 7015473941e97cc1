"""Softmax, LogSoftmax and ArgMax are dropped at the output, when they cover all of it; elsewhere Softmax is a function,
and the others are refused."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from ops.operator_check import X, floats, load, model, single, weights
from support.tiny import write

import verdict
from verdict.answer.replay import scores
from verdict.base.errors import PropertyError, UnsupportedError
from verdict.checker.enclosed import enclosed
from verdict.checker.readers.onnx import read_network
from verdict.network.exact import Coefficients
from verdict.network.head import Head
from verdict.network.network import Network
from verdict.ops.importer.selfcheck import check_on
from verdict.property import UnsafeSet
from verdict.property.unsafe import Polytope
from verdict.search.heads import refuse_head


def rows(row: list[float], limit: float) -> UnsafeSet:
    """One row of an unsafe set."""
    polytope = Polytope(Coefficients(np.array([row], dtype=float)), Coefficients(np.array([limit], dtype=float)))
    return UnsafeSet((polytope,), len(row))


@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax"])
@pytest.mark.parametrize(
    ("shape", "attributes", "opset"),
    [
        ((1, 5), {}, 8),
        ((1, 2, 3), {}, 8),
        ((1, 1, 5), {"axis": 2}, 11),
        ((5,), {"axis": 0}, 11),
        ((1, 5), {}, 13),
        ((1, 5, 1), {"axis": 1}, 13),
        ((5,), {"axis": -1}, 22),
    ],
)
def test_dropped(op: str, shape: Any, attributes: Any, opset: int, tmp_path: Path) -> None:
    network = load(single(op, shape, (X,), opset, **attributes), tmp_path)
    assert network.head == op
    assert network.graph.output == 0


@pytest.mark.parametrize(
    ("shape", "axis", "opset"), [((2, 5), 1, 8), ((1, 2, 3), 2, 11), ((1, 2, 3), -1, 13), ((2, 2), 0, 13)]
)
def test_softmax_of_several_groups_is_a_function(shape: Any, axis: int, opset: int, tmp_path: Path) -> None:
    """And so is one that more follows than heads."""
    alone = single("Softmax", shape, (X,), opset, axis=axis)
    nodes = [helper.make_node("Softmax", ["x"], ["p"], axis=axis), helper.make_node("Add", ["p", "p"], ["y"])]
    for proto, factor in ((alone, 1), (model(nodes, {"x": shape}, {}, opset=opset), 2)):
        network, mine = load(proto, tmp_path), read_network(proto.SerializeToString())
        assert network.head is None
        assert [network.graph.nodes[i].size for i in network.graph.pointwise] == [mine.size(i) for i in mine.pointwise]
        for x in np.random.default_rng(0).standard_normal((3, network.input_size)).astype(np.float32) * 5:
            p = network.evaluate(x[None].astype(float))[0]
            assert np.allclose(p, network.runtime(x), atol=1e-6)
            assert abs(p.sum() - factor * p.size / _group(shape, axis, opset)) < 1e-9
            for value, (low, high) in zip(p, enclosed(mine, [Fraction(float(v)) for v in x], 60), strict=True):
                assert abs(value - float(low)) < 1e-9
                assert high - low < 1e-12


def _group(shape: Any, axis: int, opset: int) -> int:
    return int(np.prod(shape[axis:] if opset < 13 else shape[axis]))


def test_log_softmax_of_several_groups_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="does not cover all outputs"):
        load(single("LogSoftmax", (2, 2), (X,), 13, axis=0), tmp_path)


@pytest.mark.parametrize(
    ("shape", "attributes"), [((1, 5), {"axis": 1}), ((1, 5), {"axis": -1, "keepdims": 0}), ((5,), {})]
)
@pytest.mark.parametrize("opset", [8, 12, 13])
def test_arg_max(shape: Any, attributes: Any, opset: int, tmp_path: Path) -> None:
    if opset < 11:
        attributes = {k: abs(v) for k, v in attributes.items()}
    node = helper.make_node("ArgMax", ["x"], ["y"], **attributes)
    proto = model([node], {"x": shape}, {}, opset=opset, output_kind=TensorProto.INT64)
    network = load(proto, tmp_path)
    assert network.head == "ArgMax"
    assert network.output_size == 5
    assert network.runtime(np.arange(5)).tolist() == [4]


def test_reshape_behind_a_head(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Softmax", ["x"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"], axis=0),
        helper.make_node("Transpose", ["f"], ["y"]),
    ]
    assert load(model(nodes, {"x": (1, 1, 5)}, {}), tmp_path).head == "Softmax"


@pytest.mark.parametrize(
    "node",
    [
        helper.make_node("Relu", ["p"], ["y"]),
        helper.make_node("LeakyRelu", ["p"], ["y"]),
        helper.make_node("Gather", ["p", "order"], ["y"], axis=1),
        helper.make_node("Concat", ["p", "p"], ["y"], axis=1),
        helper.make_node("Pad", ["p", "order"], ["y"]),
        helper.make_node("Add", ["x", "p"], ["y"]),
    ],
    ids=lambda n: n.op_type,
)
def test_computing_behind_a_head_is_refused(node: Any, tmp_path: Path) -> None:
    nodes = [helper.make_node("LogSoftmax", ["x"], ["p"]), node]
    proto = model(nodes, {"x": (1, 4)}, {"order": np.array([1, 0, 2, 3])})
    with pytest.raises(UnsupportedError, match=r"only at the output|axes"):
        load(proto, tmp_path)


def test_ties_to_the_last_index_are_refused(tmp_path: Path) -> None:
    node = helper.make_node("ArgMax", ["x"], ["y"], axis=1, select_last_index=1)
    with pytest.raises(UnsupportedError, match="select_last_index"):
        load(model([node], {"x": (1, 4)}, {}, opset=13, output_kind=TensorProto.INT64), tmp_path)


def test_a_head_on_one_of_two_outputs(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Softmax", ["r"], ["p"])]
    network = load(model(nodes, {"x": (1, 4)}, {}, outputs=("r", "p")), tmp_path)
    assert [port.head for port in network.outputs] == [None, Head(("Softmax",))]
    refuse_head(network, rows([1, 0, 0, 0, 0, 0, 0, 0], 1))
    refuse_head(network, rows([0, 0, 0, 0, 1, -1, 0, 0], 0))
    for row, limit in (([0, 0, 0, 0, 1, 0, 0, 0], 0), ([1, 0, 0, 0, -1, 0, 0, 0], 0), ([0, 0, 0, 0, 1, -1, 0, 0], 1)):
        with pytest.raises(PropertyError, match="only comparisons"):
            refuse_head(network, rows(row, limit))


def chain(*ops: Any, size: int = 3, folder: Path, outputs: tuple[str, ...] = ("y",), **constants: Any) -> Network:
    """z = x W, then the nodes: an operator's name takes the last tensor to the next."""
    nodes, last = [helper.make_node("MatMul", ["x", "w"], ["z"])], "z"
    for number, op in enumerate(ops):
        if isinstance(op, str):
            made = "y" if number == len(ops) - 1 else f"t{number}"
            op, last = helper.make_node(op, [last], [made]), made
        nodes.append(op)
    proto = model(nodes, {"x": (1, 4)}, {"w": weights(4, size)} | constants, outputs, opset=17)
    return load(proto, folder)


@pytest.mark.parametrize(
    "ops",
    [
        ("Sigmoid",), ("Sigmoid", "Log"), ("Softmax", "Log"), ("Softmax", "Softmax"), ("LogSoftmax", "Softmax"),
        ("Softmax", "Sigmoid"), ("Sigmoid", "Softmax", "Log"), ("LogSoftmax", "Sigmoid", "Abs"),
    ],
)  # fmt: skip
def test_chains_keep_the_order(ops: tuple[str, ...], tmp_path: Path) -> None:
    network = chain(*ops, folder=tmp_path)
    assert network.head is not None
    for x in np.random.default_rng(0).standard_normal((20, 4)):
        check_on(network, x[None])
        raw = network.evaluate(x.astype(np.float32)[None].astype(float))[0]
        order = scores(network, network.runtime(x), x)
        assert np.array_equal(np.argsort(raw), np.argsort(order))


@pytest.mark.parametrize("ops", [("LogSoftmax", "Log"), ("Sigmoid", "Log", "Log"), ("LogSoftmax", "Relu")])
def test_chains_that_are_not_increasing_are_refused(ops: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"only behind Sigmoid or Softmax|only at the output"):
        chain(*ops, folder=tmp_path)


def test_one_probability_is_two_classes(tmp_path: Path) -> None:
    network = chain("Sigmoid", size=1, folder=tmp_path)
    assert network.output_size == 2
    for x in np.random.default_rng(0).standard_normal((20, 4)):
        zero, logit = network.evaluate(x[None])[0]
        p = network.runtime(x)
        assert zero == 0
        assert p.shape == (1,)
        assert scores(network, p, x).argmax() == (p[0] > 0.5) == (logit > 0)
    # A tie is class 0, as y > 1/2 says.
    assert network.runtime(np.zeros(4)).tolist() == [0.5]
    assert scores(network, np.array([0.5]), np.zeros(4)).argmax() == 0


def binary(last: str = "Concat") -> list[Any]:
    """What skl2onnx writes for two classes: 1 - p beside p, and the label of the larger."""
    return [
        helper.make_node("Sigmoid", ["z"], ["p"]),
        helper.make_node("Sub", ["one", "p"], ["q"]),
        helper.make_node(last, ["q", "p"], ["y"], axis=1),
    ]


def test_two_probabilities_of_one_logit(tmp_path: Path) -> None:
    network = chain(*binary(), size=1, folder=tmp_path, one=floats(1))
    assert network.outputs[0].head == Head(("Sigmoid",))
    for x in np.random.default_rng(0).standard_normal((20, 4)):
        raw = network.evaluate(x[None])[0]
        assert raw[0] == -raw[1]
        assert scores(network, network.runtime(x), x).argmax() == raw.argmax()


@pytest.mark.parametrize("one", [2.0, 0.9999])
def test_another_number_than_one_minus_a_sigmoid_is_refused(one: float, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="only 1 - Sigmoid is supported"):
        chain(*binary(), size=1, folder=tmp_path, one=floats(one))


def test_shares_of_a_sum(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Sigmoid", ["z"], ["p"]),
        helper.make_node("ReduceSum", ["p", "axis"], ["s"]),
        helper.make_node("Div", ["p", "s"], ["y"]),
    ]
    network = chain(*nodes, folder=tmp_path, axis=np.array([1]))
    assert str(network.outputs[0].head) == "L1 of Sigmoid"
    check_on(network, np.random.default_rng(0).standard_normal((20, 4)))
    nodes[2] = helper.make_node("Div", ["s", "p"], ["y"])
    with pytest.raises(UnsupportedError, match="division by the sum"):
        chain(*nodes, folder=tmp_path, axis=np.array([1]))
    with pytest.raises(UnsupportedError, match="a sum behind Sigmoid"):
        chain(*nodes[:2], folder=tmp_path, axis=np.array([1]), outputs=("s",))


def test_saturated_probabilities_are_no_tie_in_favour_of_a_violation(tmp_path: Path) -> None:
    """Both Sigmoids are 1 in float32: the deployed network answers class 0, whatever the real scores are."""
    network = load(single("Sigmoid", (1, 2)), tmp_path)
    x = np.array([40.0, 60.0])
    y = network.runtime(x)
    assert y[0] == y[1]
    assert scores(network, y, x).argmax() == 0
    assert rows([1, -1], 0).slack(scores(network, y, x)[None])[0] > 0
    assert rows([-1, 1], 0).slack(scores(network, y, x)[None])[0] <= 0


def test_entries_behind_a_sigmoid_may_be_chosen(tmp_path: Path) -> None:
    nodes = [helper.make_node("Sigmoid", ["z"], ["p"]), helper.make_node("Gather", ["p", "order"], ["y"], axis=1)]
    network = chain(*nodes, folder=tmp_path, order=np.array([2, 0]))
    check_on(network, np.random.default_rng(0).standard_normal((5, 4)))
    assert network.output_size == 2


def labelled(table: Any, folder: Path, *more: Any, out: str = "y", kind: int = TensorProto.INT64) -> Network:
    """Constant labels at the position of the largest score, and the probabilities beside them."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["z"]),
        helper.make_node("Softmax", ["z"], ["p"], axis=1),
        helper.make_node("ArgMax", ["p"], ["i"], axis=1, keepdims=0),
        helper.make_node("Gather", ["table", "i"], ["y"]),
        *more,
    ]
    value = helper.make_tensor_value_info
    tensor = helper.make_tensor("table", kind, table.shape, table.tolist())
    graph = helper.make_graph(
        nodes,
        "g",
        [value("x", TensorProto.FLOAT, [1, 4])],
        [value(out, kind, [1]), value("p", TensorProto.FLOAT, [1, 3])],
        [tensor, numpy_helper.from_array(weights(4, 3), "w")],
    )
    return load(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder)


@pytest.mark.parametrize("table", [np.array([7, -2, 100]), np.array(["setosa", "\u00e9", "x y"])])
def test_labels_beside_probabilities(table: Any, tmp_path: Path) -> None:
    kind = TensorProto.STRING if table.dtype.kind == "U" else TensorProto.INT64
    network = labelled(table, tmp_path, kind=kind)
    assert [port.size for port in network.outputs] == [3, 3]
    for x in np.random.default_rng(0).standard_normal((20, 4)):
        best = network.evaluate(x[None])[0][:3].argmax()
        y = network.runtime(x)
        assert y[0] == best
        found = scores(network, y, x)
        assert found[:3].argmax() == found[3:].argmax() == best


def test_the_same_label_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="two classes with the same label"):
        labelled(np.array([7, 3, 7]), tmp_path)


def test_computing_with_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="ArgMax is supported only at the output"):
        labelled(np.array([7, 3, 5]), tmp_path, helper.make_node("Neg", ["y"], ["n"]), out="n")


def test_the_difference_of_two_probabilities_is_a_number(tmp_path: Path) -> None:
    """As networks with two copies of one have it: both readers take the Sigmoids as functions."""
    nodes = [
        helper.make_node("Gemm", ["x", "w"], ["a"]), helper.make_node("Sigmoid", ["a"], ["p"]),
        helper.make_node("Gemm", ["x", "v"], ["b"]), helper.make_node("Sigmoid", ["b"], ["q"]),
        helper.make_node("Sub", ["p", "q"], ["y"]),
    ]
    values = {"w": np.float32([[1], [2]]), "v": np.float32([[-1], [0.5]])}
    network = verdict.load(write(tmp_path / "m.onnx", nodes, {"x": [1, 2]}, {"y": [1, 1]}, values))
    assert network.head is None
    x = np.array([[0.25, -0.5]])
    assert network.evaluate(x)[0, 0] == pytest.approx(1 / (1 + np.exp(0.75)) - 1 / (1 + np.exp(0.5)))
    checked = read_network(network.data)
    assert checked.head is None
    assert [checked.nodes[i].function.name for i in checked.pointwise] == ["Sigmoid", "Sigmoid"]
