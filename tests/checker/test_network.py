"""Two imports that share no code read the same networks: values, neurons and their order, exactly."""

from fractions import Fraction

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from support.handmade import one_leaf
from support.networks import KINDS, Draft, random_network

import verdict
from verdict.certificate.neurons import NeuronMap
from verdict.checker import UnreadableError, check
from verdict.checker.readers.onnx import read_network
from verdict.network.exact import ExactVector


def _same(path, rng):
    network = verdict.load(path)
    neurons = NeuronMap(network)
    x = [Fraction(int(v), 8) for v in rng.integers(-16, 17, network.input_size)]
    mine = neurons.checked.evaluate(x)[neurons.checked.output]
    assert mine == network.evaluate_exact(ExactVector.of(x)).fractions()
    return neurons


@pytest.mark.parametrize(
    "name", ["abs", "cancer-mlp", "digits-conv", "digits-linear", "digits-mlp", "digits-resnet", "xor"]
)
def test_shipped_models(name):
    _same(name, np.random.default_rng(0))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_random_networks(tmp_path, kind, seed):
    rng = np.random.default_rng(seed)
    _same(random_network(rng, kind, tmp_path), rng)


def _pool(draft):
    h = draft.add("MaxPool", "x", kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1])
    return draft.add("Flatten", h), (2, 4, 4), 2 * 2 * 4


def _average(draft):
    h = draft.add("AveragePool", "x", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    return draft.add("Flatten", draft.add("Relu", h)), (1, 3, 3), 9


def _mean(draft):
    return draft.add("Flatten", draft.add("GlobalAveragePool", draft.add("Relu", "x"))), (3, 2, 2), 3


def _normalised(draft):
    values = [draft.constant(np.array(v, np.float32)) for v in ([2, 0.5], [1, -1], [0.3, 0.1], [1.5, 0.7])]
    h = draft.add("Relu", draft.add("BatchNormalization", "x", *values))
    return draft.add("Flatten", h), (2, 2, 2), 8


def _grouped(draft):
    h = draft.add("Conv", "x", draft.weight(4, 1, 2, 2), draft.weight(4), group=2, strides=[2, 1], dilations=[1, 2])
    return draft.add("Flatten", draft.add("Relu", h)), (2, 4, 4), 4 * 2 * 2


def _moved(draft):
    h = draft.add("Transpose", draft.add("Relu", "x"), perm=[0, 2, 1])
    ends = [draft.constant(np.array(v, np.int64)) for v in ([2, 0], [-9, 2], [1, 2], [-1, 1])]
    h = draft.add("Relu", draft.add("Neg", draft.add("Slice", h, *ends)))
    h = draft.add("Concat", h, draft.add("Mul", h, draft.constant(np.float32([0.3, 7]))), axis=1)
    h = draft.add("Div", draft.add("Sub", draft.constant(np.float32(1)), h), draft.constant(np.float32(3)))
    return draft.add("Reshape", h, draft.constant(np.array([1, -1], np.int64))), (2, 3), 12


def _slopes(draft):
    h = draft.add("LeakyRelu", "x", alpha=0.1)
    h = draft.add("Clip", h, draft.constant(np.float32(-0.5)), draft.constant(np.float32(1)))
    return draft.add("Relu", draft.add("Abs", h)), (3,), 3


def _bare(draft):
    """ReLUs with no affine layer in front: of the input and of another ReLU."""
    return draft.add("Relu", draft.add("Relu", "x")), (3,), 3


@pytest.mark.parametrize("build", [_pool, _average, _mean, _normalised, _grouped, _moved, _slopes, _bare])
def test_operators(tmp_path, build):
    rng = np.random.default_rng(5)
    draft = Draft(rng)
    last, shape, size = build(draft)
    path = draft.save(tmp_path / "op.onnx", shape, 2, draft.gemm(last, size, 2))
    _same(path, rng)


@pytest.mark.parametrize("tier", ["exact", "rigorous", "python"])
def test_certificates_about_bare_relus(tmp_path, tier):
    draft = Draft(np.random.default_rng(0))
    h = draft.add("Relu", draft.add("Relu", draft.add("Relu", "x")))
    model = draft.save(tmp_path / "bare.onnx", (2,), 2, draft.add("Add", h, draft.constant(np.float32([0.5, 0]))))
    for eps, truth in ((Fraction(3, 10), True), (Fraction(4, 10), False)):
        path = one_leaf(model, [Fraction(1, 2), Fraction(3, 10)], eps)
        assert check(path, model, tier=tier).accepted == truth


@pytest.mark.parametrize("limits", [(np.inf, 1.0), (0.0, -np.inf), (np.finfo(np.float32).max, 1.0)])
def test_a_clip_that_leaves_nothing(tmp_path, limits):
    """A limit beyond the largest float32 is none, but on its own side only."""
    draft = Draft(np.random.default_rng(0))
    ends = [draft.constant(np.array(v, np.float32)) for v in limits]
    path = draft.save(tmp_path / "c.onnx", (2,), 2, draft.add("Clip", "x", *ends))
    with pytest.raises(UnreadableError, match="leaves nothing"):
        read_network(path.read_bytes())


def test_gather_pad_and_split_move_entries(tmp_path):
    draft = Draft(np.random.default_rng(2))
    h = draft.add("Gather", "x", draft.constant(np.array([2, -1, 0], np.int64)), axis=1)
    h = draft.add("Pad", h, draft.constant(np.array([0, 1, 0, 2], np.int64)))
    last = draft.gemm(draft.add("Relu", h), 6, 2)
    _same(draft.save(tmp_path / "op.onnx", (4,), 2, last), np.random.default_rng(3))


def test_what_is_not_read_is_said(tmp_path):
    draft = Draft(np.random.default_rng(0))
    path = draft.save(tmp_path / "s.onnx", (3,), 3, draft.add("Tan", "x"))
    with pytest.raises(UnreadableError, match="Tan"):
        read_network(path.read_bytes())
    with pytest.raises(UnreadableError):
        read_network(path.read_bytes()[:-9])
    with pytest.raises(UnreadableError):
        read_network(b"not a model")


def test_a_log_softmax_in_the_middle_is_refused(tmp_path):
    draft = Draft(np.random.default_rng(0))
    path = draft.save(tmp_path / "s.onnx", (3,), 3, draft.gemm(draft.add("LogSoftmax", "x", axis=1), 3, 3))
    with pytest.raises(UnreadableError, match="only at the output"):
        read_network(path.read_bytes())


def test_a_huge_tensor_is_refused():
    info = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2**40])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2**40])
    model = helper.make_model(helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [info], [out]))
    with pytest.raises(UnreadableError, match="shape"):
        read_network(onnx.ModelProto.SerializeToString(model))
