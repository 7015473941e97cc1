"""Models made so that a careless reader finds another function in them: read as ONNX Runtime computes them, or refused.

A claim that ONNX Runtime's outputs belie is never accepted, and neither is a network that was read wrongly on purpose.
"""

import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from onnx import TensorProto, helper
from support.careless import MODELS, ints, made, real, runs

from verdict.certificate.proof import Goal, Part, ProofTree
from verdict.certificate.write import robust_claim, write_certificate
from verdict.checker import OutOfTimeError, RejectedError, UnreadableError, check
from verdict.checker.enclosed import enclosed
from verdict.checker.readers.onnx import read, reader
from verdict.checker.readers.vnnlib import Disjunct
from verdict.checker.second_look import look


def right_or_refused(model, must=None):
    """Read the model as ONNX Runtime computes it at points of its own, or refuse it; `must` says which."""
    info = model.graph.input[0].type.tensor_type
    shape = [d.dim_value for d in info.shape.dim]
    try:
        found = read(model.SerializeToString())
        look(found, [_around(int(np.prod(shape)))])
    except UnreadableError as error:
        said = str(error)
    else:
        said = None
    if said is not None:
        assert "\n" not in said
        assert must is not True, said
        return
    assert must is not False, "read"
    rng = np.random.default_rng(0)
    for _ in range(0 if found.network.head else 3):
        x = (rng.integers(-32, 33, shape) / 8).astype(np.float32 if info.elem_type == TensorProto.FLOAT else np.float64)
        mine = [low for low, _ in enclosed(found.network, [Fraction(float(v)) for v in x.ravel()], 60)]
        theirs = runs(model, x)
        assert theirs is not None, "read what ONNX Runtime refuses"
        np.testing.assert_allclose([float(v) for v in mine], theirs.ravel(), rtol=1e-5, atol=1e-5)
        assert found.network.results == (theirs.shape,)


def _around(size):
    return Disjunct((Fraction(-2),) * size, (Fraction(2),) * size, None, ())


@pytest.mark.parametrize("name", MODELS)
def test_models_that_a_careless_reader_misreads(name):
    right_or_refused(*MODELS[name])


def _changed(change):
    model = made([("Gemm", "x w", "h", {}), ("Relu", "h", "y", {})], [1, 2], {"w": real(1, -2, 3, 4).reshape(2, 2)})
    change(model, model.graph)
    return model


def _external(model, graph):
    graph.initializer[0].data_location = TensorProto.EXTERNAL
    graph.initializer[0].external_data.add(key="location", value="/etc/passwd")


def _sparse(model, graph):
    graph.sparse_initializer.add()


def _default(model, graph):
    graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, [2, 2]))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (_external, "external"),
        (_sparse, "sparse"),
        (lambda m, g: m.functions.add(name="f", domain="own"), "functions"),
        (lambda m, g: m.training_info.add(), "training"),
        (lambda m, g: g.initializer.append(g.initializer[0]), "twice"),
        (lambda m, g: g.input.append(g.input[0]), "twice"),
        (lambda m, g: g.output.append(g.output[0]), "twice"),
        (lambda m, g: g.node.append(g.node[1]), "twice"),
        (lambda m, g: g.node[1].output.__setitem__(0, "w"), "twice"),
        (lambda m, g: m.opset_import.add(domain="", version=12), "operator set"),
        (lambda m, g: m.opset_import.add(domain="ai.onnx", version=12), "operator set"),
        (lambda m, g: m.ClearField("opset_import"), "operator set"),
        (lambda m, g: setattr(g.node[1], "domain", "com.microsoft"), "does not know"),
        (lambda m, g: setattr(g.node[1], "overload", "other"), "does not know"),
        (lambda m, g: setattr(g.node[1], "op_type", "If"), "does not know"),
        (lambda m, g: setattr(g.initializer[0], "raw_data", b"1234"), ""),
        (lambda m, g: g.initializer[0].float_data.append(1.0), ""),
        (lambda m, g: g.initializer[0].dims.__setitem__(0, -2), ""),
        (lambda m, g: g.input[0].type.tensor_type.ClearField("shape"), "shape"),
        (lambda m, g: g.input[0].type.tensor_type.shape.dim[1].ClearField("dim_value"), "shape"),
        (lambda m, g: setattr(g.input[0].type.tensor_type.shape.dim[0], "dim_value", 0), "shape"),
        (lambda m, g: g.node[0].input.__setitem__(0, "h"), ""),
        (lambda m, g: g.value_info.append(helper.make_tensor_value_info("h", TensorProto.FLOAT, [1, 3])), ""),
        (lambda m, g: g.value_info.append(helper.make_tensor_value_info("h", TensorProto.DOUBLE, [1, 2])), ""),
    ],
)
def test_what_a_model_may_not_have(change, match):
    with pytest.raises(UnreadableError, match=match):
        read(_changed(change).SerializeToString())


@pytest.mark.parametrize(
    "change",
    [
        lambda m, g: None,
        _default,
        lambda m, g: m.opset_import.add(domain="ai.onnx.ml", version=2),
        lambda m, g: m.opset_import.add(domain="ai.onnx", version=13),
        lambda m, g: setattr(g.input[0].type.tensor_type.shape.dim[0], "dim_param", "N"),
    ],
)
def test_what_a_model_may_have(change):
    assert read(_changed(change).SerializeToString()).network.input_size == 2


def _certificate(model, tmp_path, center, label, classes):
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    parts = [Part(True, [Goal(list(range(classes - 1)), ProofTree())])]
    claim = robust_claim([Fraction(v) for v in center], Fraction(1, 100), label)
    return write_certificate(tmp_path / "m.vcert", claim, model.SerializeToString(), parts), path


@pytest.mark.parametrize("name", MODELS)
def test_no_claim_that_onnx_runtime_belies_is_accepted(tmp_path, name):
    """For every model the claims that each of its classes stays at a point: all but the right one are turned down."""
    model, _ = MODELS[name]
    info = model.graph.input[0].type.tensor_type
    shape = [d.dim_value for d in info.shape.dim]
    kind = helper.tensor_dtype_to_np_dtype(info.elem_type)
    x = np.resize([0.5, 0.25, -0.5], shape).astype(kind)
    scores = runs(model, x)
    classes = 2 if scores is None else scores.size
    for label in range(classes if classes > 1 else 0):
        certificate, path = _certificate(model, tmp_path, x.ravel().tolist(), label, classes)
        try:
            accepted = check(certificate, path).accepted
        except UnreadableError:
            continue
        assert not accepted or scores.ravel()[label] == scores.max()


@pytest.mark.parametrize(
    ("operator", "wrong"),
    [
        ("Relu", lambda b, node, x: x),
        ("Gemm", lambda b, node, x, w, c=None: b.times(x, 2.0)),
        ("Add", lambda b, node, x, c: b.plus(x, 1.001 * c)),
        ("Abs", lambda b, node, x: b.relu(x)),
        ("Neg", lambda b, node, x: b.total([x], [1.0], -1)),
        ("Shape", lambda b, node, x: np.array([2, 1])),
        ("Transpose", lambda b, node, x: x.moved(x.positions.reshape(x.shape[::-1]))),
    ],
)
def test_the_second_look_finds_what_was_read_wrongly(monkeypatch, operator, wrong):
    nodes = [
        ("Gemm", "x w", "g", {}),
        ("Add", "g b", "h", {}),
        ("Relu", "h", "r", {}),
        ("Neg", "r", "n", {}),
        ("Add", "n g", "k", {}),
        ("Abs", "k", "a", {}),
        ("Reshape", "a s", "q", {}),
        ("Transpose", "q", "t", {}),
        ("Shape", "x", "z", {}),
        ("Reshape", "t z", "y", {}),
    ]
    weights = {
        "w": real(1, -2, 3, 4, 5, -6, 7, 8, 1, -2, 3, 4, -1, 3, 1, 1).reshape(4, 4),
        "b": real(-2, 1, 1, 1),
        "s": ints(2, 2),
    }
    model = made(nodes, [1, 4], weights)
    look(read(model.SerializeToString()), [_around(4)])
    monkeypatch.setitem(reader.OPERATORS, operator, replace(reader.OPERATORS[operator], lower=wrong))
    monkeypatch.setattr(reader.model, "compare", lambda *types: None)
    with pytest.raises(UnreadableError, match=r"another evaluator|cannot be read|does not fit"):
        look(read(model.SerializeToString()), [_around(4)])


def test_the_reference_evaluator_stands_in(monkeypatch):
    """Without ONNX Runtime the standard's own evaluator is asked."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    for name in ("same upper", "dilated maximum", "pad of a constant", "slopes for each channel", "whole quotients"):
        model = MODELS[name][0]
        found = read(model.SerializeToString())
        look(found, [_around(found.network.input_size)])


def test_time_is_kept(tmp_path):
    """A limit that is over ends the check by its own error, whatever it is doing."""
    model = MODELS["transposed input"][0]
    certificate, path = _certificate(model, tmp_path, [0.5, 0.25, 1], 1, 2)
    assert check(certificate, path, seconds=60).accepted in (True, False)
    with pytest.raises(OutOfTimeError, match="time limit"):
        check(certificate, path, seconds=0)
    assert issubclass(OutOfTimeError, UnreadableError)
    assert not issubclass(RejectedError, UnreadableError)
