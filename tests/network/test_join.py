"""Joined networks and hidden values: the graph and ONNX Runtime agree with each network by itself."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from support.networks import KINDS, random_network

from verdict.base.errors import ModelError, VerdictError
from verdict.network.exact import ExactVector
from verdict.network.join import Joined, join
from verdict.ops.importer.onnx_import import load_onnx


def _points(size: int, count: int = 5) -> np.ndarray:
    # Multiples of 1/8: the small networks compute them without rounding, so outputs are compared for equality.
    return np.random.default_rng(3).integers(-8, 9, (count, size)) / 8


@pytest.mark.parametrize("kind", KINDS)
def test_a_joined_network_computes_what_its_branches_compute(kind, tmp_path):
    rng = np.random.default_rng(5)
    (tmp_path / "b").mkdir()
    first = load_onnx(random_network(rng, kind, tmp_path))
    second = load_onnx(random_network(rng, "dense", tmp_path / "b"))
    a, b = first.input_size, second.input_size
    # The second network's input 0 is the first one's last; the rest are its own, in another order.
    reads = [list(range(a)), [a - 1, *range(a + b - 2, a - 1, -1)]]
    joined = join([first, second], reads)
    assert isinstance(joined, Joined)
    assert joined.input_size == a + b - 1
    for x in _points(joined.input_size):
        expected = np.concatenate([n.runtime(x[places]) for n, places in zip((first, second), reads, strict=True)])
        assert np.array_equal(joined.runtime(x), expected)
        assert np.array_equal(joined.evaluate(x[None])[0], expected)
        parts = zip((first, second), reads, strict=True)
        exact = [n.evaluate_exact(ExactVector.of(x[places])).fractions() for n, places in parts]
        assert joined.evaluate_exact(ExactVector.of(x)).fractions() == exact[0] + exact[1]
        passing = joined.passing_inputs()
        assert passing.evaluate_exact(ExactVector.of(x)).fractions() == exact[0] + exact[1] + list(x)


def test_a_network_alone_stays_itself(tmp_path):
    network = load_onnx(random_network(np.random.default_rng(1), "dense", tmp_path))
    assert join([network], [range(network.input_size)]) is network
    assert isinstance(join([network], [[0] * network.input_size]), Joined)


def test_a_shared_input_has_the_narrowest_type(tmp_path):
    types = onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT
    networks = [load_onnx(_linear(tmp_path / f"{t}.onnx", t)) for t in types]
    joined = join(networks, [[0, 1], [1, 2]])
    assert [(port.size, port.dtype) for port in joined.inputs] == [(1, "float64"), (2, "float32")]


def _linear(path, element_type, head: str = "Identity"):
    weights = onnx.numpy_helper.from_array(np.eye(2, dtype=onnx.helper.tensor_dtype_to_np_dtype(element_type)), "w")
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", ["x", "w"], ["h"]), onnx.helper.make_node(head, ["h"], ["y"])],
        "linear",
        [onnx.helper.make_tensor_value_info("x", element_type, [1, 2])],
        [onnx.helper.make_tensor_value_info("y", element_type, [1, 2])],
        [weights],
    )
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def test_heads_are_refused_in_company(tmp_path):
    network = load_onnx(_linear(tmp_path / "soft.onnx", onnx.TensorProto.FLOAT, "Softmax"))
    with pytest.raises(ModelError, match="Softmax"):
        join([network, network], [[0, 1], [0, 1]])


@pytest.mark.parametrize("kind", KINDS)
def test_hidden_values_are_those_of_the_graph(kind, tmp_path):
    """Every tensor of a random network, as a hidden output: the graph's value is ONNX Runtime's."""
    path = random_network(np.random.default_rng(7), kind, tmp_path)
    model = onnx.load(path)
    inner = [node.output[0] for node in model.graph.node[:-1]]
    plain, network = load_onnx(path), load_onnx(path, hidden=inner)
    assert network.sha256 == plain.sha256
    assert [port.name for port in network.outputs] == [*(port.name for port in plain.outputs), *inner]
    x = _points(network.input_size, 1)[0].astype(np.float32)
    model.graph.output.extend(onnx.shape_inference.infer_shapes(model).graph.value_info)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    values = session.run([plain.outputs[0].name, *inner], {"x": x.reshape(plain.inputs[0].shape)})
    expected = np.concatenate([v.ravel() for v in values])
    assert np.array_equal(network.runtime(x), expected)
    assert np.array_equal(network.evaluate(x[None].astype(np.float64))[0], expected)


def test_hidden_values_by_the_name_of_their_node(tmp_path):
    path = random_network(np.random.default_rng(7), "dense", tmp_path)
    model = onnx.load(path)
    model.graph.node[0].name = "first layer"
    onnx.save(model, path)
    assert load_onnx(path, hidden=["first layer"]).outputs[-1].name == model.graph.node[0].output[0]


@pytest.mark.parametrize(
    ("hidden", "expected"),
    [(["absent"], "no tensor"), (["t0", "t0"], "twice"), (["w0"], "no tensor"), ([""], "no tensor")],
)
def test_hidden_values_that_there_are_not(hidden, expected, tmp_path):
    path = random_network(np.random.default_rng(7), "dense", tmp_path)
    with pytest.raises(VerdictError, match=expected):
        load_onnx(path, hidden=hidden)
