"""Models made so that a careless reader finds another function in them: read as ONNX Runtime computes them, or refused.

A claim that ONNX Runtime's outputs belie is never accepted, and neither is a network that was read wrongly on purpose.
"""

import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from verdict.certificate.proof import Goal, Part, ProofTree
from verdict.certificate.write import robust_claim, write_certificate
from verdict.checker import OutOfTimeError, RejectedError, UnreadableError, check
from verdict.checker.readers.onnx import read, reader
from verdict.checker.readers.vnnlib import Disjunct
from verdict.checker.second_look import look

INT, HUGE, INTS = np.iinfo(np.int64), 2**53, onnx.AttributeProto.INTS


def ints(*values):
    return np.array(values, np.int64)


def real(*values):
    return np.array(values, np.float32)


def made(nodes, shape, weights=None, opset=13, kind=TensorProto.FLOAT, last="y"):
    """A model of nodes (operator, inputs, outputs, attributes) from x to y."""
    protos = [helper.make_node(op, [n.strip("_") for n in i.split()], o.split()) for op, i, o, _ in nodes]
    for proto, (*_, attributes) in zip(protos, nodes, strict=True):
        for name, value in attributes.items():
            proto.attribute.append(helper.make_attribute(name, value, attr_type=INTS if value == [] else None))
    given = [numpy_helper.from_array(v, n) for n, v in (weights or {}).items()]
    info = helper.make_tensor_value_info("x", kind, shape)
    output = onnx.ValueInfoProto(name=last)
    output.type.tensor_type.elem_type = kind
    graph = helper.make_graph(protos, "g", [info], [output], given)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def runs(model, x):
    """ONNX Runtime's outputs, None where it refuses the model."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return session.run(None, {"x": x})[0]
    except Exception:  # noqa: BLE001 - the runtime's own exceptions
        return None


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
        mine = found.network.evaluate([Fraction(float(v)) for v in x.ravel()])[found.network.output]
        theirs = runs(model, x)
        assert theirs is not None, "read what ONNX Runtime refuses"
        np.testing.assert_allclose([float(v) for v in mine], theirs.ravel(), rtol=1e-5, atol=1e-5)
        assert found.network.results == (theirs.shape,)


def _around(size):
    return Disjunct((Fraction(-2),) * size, (Fraction(2),) * size, None, ())


PADDED = {"p": ints(0, 1, 0, 0), "c": real(5.0).reshape(1, 1)}
# name: (model, True if it must be read, False if it must be refused, None for either).
MODELS = {
    "pad of a constant": (made([("Pad", "c p", "d", {}), ("Add", "x d", "y", {})], [1, 2], PADDED), True),
    "pad of zeros, then an average without padding": (
        made(
            [("Pad", "x p", "d", {}), ("AveragePool", "d", "y", {"kernel_shape": [2, 2], "pads": [0, 0, 1, 1]})],
            [1, 1, 2, 2],
            {"p": ints(0, 0, 1, 1, 0, 0, 0, 0)},
        ),
        None,
    ),
    "shape with start and end": (
        made(
            [
                ("Shape", "x", "s", {"start": 1, "end": -1}),
                ("Reshape", "x r", "f", {}),
                ("Cast", "s", "t", {"to": 1}),
                ("Add", "f t", "y", {}),
            ],
            [1, 3, 2],
            {"r": ints(1, 6)},
            15,
        ),
        True,
    ),
    "shape from behind": (
        made([("Shape", "x", "s", {"start": -9, "end": 9}), ("Reshape", "x s", "y", {})], [1, 3, 2], {}, 15),
        True,
    ),
    "mean of no axes": (made([("ReduceMean", "x a", "y", {})], [1, 3, 2], {"a": ints()}, 18), True),
    "mean of no axes is nothing": (
        made([("ReduceMean", "x a", "y", {"noop_with_empty_axes": 1})], [1, 3, 2], {"a": ints()}, 18),
        True,
    ),
    "mean of axes that are not there": (
        made([("ReduceMean", "x", "y", {"noop_with_empty_axes": 1, "keepdims": 0})], [1, 3, 2], {}, 18),
        True,
    ),
    "mean of an empty attribute": (made([("ReduceMean", "x", "y", {"axes": []})], [1, 3, 2]), None),
    "mean of one axis twice": (made([("ReduceMean", "x", "y", {"axes": [1, -2]})], [1, 3, 2]), False),
    "convolution of a batch": (
        made([("Conv", "x w", "y", {})], [2, 1, 2, 2], {"w": real(2).reshape(1, 1, 1, 1)}),
        False,
    ),
    "average of a batch": (made([("AveragePool", "x", "y", {"kernel_shape": [1, 1]})], [2, 1, 2, 2]), False),
    "maximum of a batch": (made([("MaxPool", "x", "y", {"kernel_shape": [1, 1]})], [2, 1, 2, 2]), False),
    "global average of a batch": (made([("GlobalAveragePool", "x", "y", {})], [2, 1, 2, 2]), False),
    "channels that do not fit": (
        made([("Conv", "x w", "y", {})], [1, 1, 2, 2], {"w": np.ones((1, 3, 1, 1), np.float32)}),
        False,
    ),
    "kernel_shape that does not fit": (
        made([("Conv", "x w", "y", {"kernel_shape": [1, 2]})], [1, 1, 3, 3], {"w": np.ones((1, 1, 2, 1), np.float32)}),
        False,
    ),
    "pads beside auto_pad": (
        made(
            [("Conv", "x w", "y", {"auto_pad": "SAME_UPPER", "pads": [1, 0, 0, 0]})],
            [1, 1, 3, 3],
            {"w": np.ones((1, 1, 2, 2), np.float32)},
        ),
        None,
    ),
    "same upper": (
        made(
            [("Conv", "x w", "y", {"auto_pad": "SAME_UPPER", "strides": [2, 2]})],
            [1, 1, 4, 3],
            {"w": real(1, 2, 3, 4).reshape(1, 1, 2, 2)},
        ),
        True,
    ),
    "same lower": (
        made([("MaxPool", "x", "y", {"auto_pad": "SAME_LOWER", "kernel_shape": [2, 2]})], [1, 1, 4, 3]),
        None,
    ),
    "valid": (made([("AveragePool", "x", "y", {"auto_pad": "VALID", "kernel_shape": [2, 2]})], [1, 1, 4, 3]), True),
    "negative pads": (
        made([("Conv", "x w", "y", {"pads": [-1, 0, 0, 0]})], [1, 1, 3, 3], {"w": np.ones((1, 1, 1, 1), np.float32)}),
        False,
    ),
    "ceil_mode": (
        made([("MaxPool", "x", "y", {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1})], [1, 1, 3, 3]),
        True,
    ),
    "average with padding counted": (
        made(
            [("AveragePool", "x", "y", {"kernel_shape": [2, 2], "pads": [1, 0, 1, 0], "count_include_pad": 1})],
            [1, 1, 3, 3],
        ),
        True,
    ),
    "dilated average": (
        made([("AveragePool", "x", "y", {"kernel_shape": [2, 2], "dilations": [2, 1]})], [1, 1, 4, 4], {}, 19),
        None,
    ),
    "dilated maximum": (
        made(
            [("MaxPool", "x", "y", {"kernel_shape": [2, 2], "dilations": [2, 1], "pads": [1, 0, 0, 1]})], [1, 1, 4, 4]
        ),
        True,
    ),
    "limits of doubles": (
        made(
            [("Clip", "x lo hi", "y", {})],
            [1, 2],
            {"lo": np.array(-4e38), "hi": np.array(4e38)},
            13,
            TensorProto.DOUBLE,
        ),
        True,
    ),
    "limits in the wrong order": (
        made([("Clip", "x lo hi", "y", {})], [1, 2], {"lo": np.float32(1), "hi": np.float32(-1)}),
        False,
    ),
    "limits of another type": (
        made([("Clip", "x lo hi", "y", {})], [1, 2], {"lo": np.array(-1.0), "hi": np.array(1.0)}),
        False,
    ),
    "no limit below": (made([("Clip", "x _ hi", "y", {})], [1, 2], {"hi": np.float32(1)}), None),
    "whole quotients": (
        made(
            [("Div", "a b", "q", {}), ("Cast", "q", "f", {"to": 1}), ("Add", "x f", "y", {})],
            [1, 2],
            {"a": ints(HUGE + 1, 7), "b": ints(2**51, 2)},
        ),
        True,
    ),
    "whole quotients below zero": (
        made(
            [("Div", "a b", "q", {}), ("Cast", "q", "f", {"to": 1}), ("Add", "x f", "y", {})],
            [1, 2],
            {"a": ints(-7, 7), "b": ints(2, 2)},
        ),
        None,
    ),
    "numbers that wrap": (
        made(
            [("Mul", "a a", "q", {}), ("Cast", "q", "f", {"to": 1}), ("Add", "x f", "y", {})],
            [1, 2],
            {"a": ints(2**62, 1)},
        ),
        False,
    ),
    "a difference that float64 loses": (
        made(
            [("Sub", "a b", "q", {}), ("Cast", "q", "f", {"to": 1}), ("Add", "x f", "y", {})],
            [1, 2],
            {"a": ints(HUGE + 1, 0), "b": ints(HUGE, 0)},
        ),
        True,
    ),
    "a cast that loses": (
        made([("Cast", "a", "f", {"to": 1}), ("Add", "x f", "y", {})], [1, 2], {"a": ints(2**24 + 1, 0)}),
        None,
    ),
    "unsigned differences": (
        made(
            [("Sub", "a b", "q", {}), ("Cast", "q", "f", {"to": 1}), ("Add", "x f", "y", {})],
            [1, 2],
            {"a": np.array([1, 2], np.uint8), "b": np.array([2, 1], np.uint8)},
        ),
        False,
    ),
    "half weights under a cast": (
        made([("Cast", "a", "f", {"to": 1}), ("Add", "x f", "y", {})], [1, 2], {"a": np.array([0.1, 2], np.float16)}),
        True,
    ),
    "half weights": (
        made(
            [("Add", "a a", "b", {}), ("Cast", "b", "f", {"to": 1}), ("Add", "x f", "y", {})],
            [1, 2],
            {"a": np.array([0.1, 2], np.float16)},
        ),
        False,
    ),
    "transposed input": (
        made([("Gemm", "x w", "y", {"transA": 1})], [3, 1], {"w": real(1, 2, 3, 4, 5, 6).reshape(3, 2)}),
        True,
    ),
    "a vector for a matrix": (
        made([("Gemm", "x w", "y", {"transA": 1})], [3], {"w": np.ones((3, 2), np.float32)}),
        False,
    ),
    "gemm with a column": (
        made(
            [("Gemm", "x w c", "y", {"beta": 0.5, "alpha": 2.0})],
            [2, 3],
            {"w": real(1, 2, 3, 4, 5, 6).reshape(3, 2), "c": real(1, 2).reshape(2, 1)},
        ),
        True,
    ),
    "gemm with a bias too wide": (
        made(
            [("Gemm", "x w c", "y", {})], [1, 3], {"w": np.ones((3, 2), np.float32), "c": np.ones((4, 2), np.float32)}
        ),
        False,
    ),
    "a product that regroups": (made([("MatMul", "x w", "y", {})], [2, 3], {"w": np.ones((2, 2), np.float32)}), False),
    "a vector times a matrix": (
        made([("MatMul", "x w", "y", {})], [3], {"w": real(1, 2, 3, 4, 5, 6).reshape(3, 2)}),
        True,
    ),
    "a matrix times a vector": (
        made([("MatMul", "w x", "y", {})], [3], {"w": real(1, 2, 3, 4, 5, 6).reshape(2, 3)}),
        None,
    ),
    "a constant matrix in front": (
        made([("MatMul", "w x", "y", {})], [3, 2], {"w": real(1, 2, 3, 4, 5, 6).reshape(2, 3)}),
        True,
    ),
    "a stack of matrices": (
        made([("MatMul", "x w", "y", {})], [2, 2, 3], {"w": real(1, 2, 3, 4, 5, 6).reshape(3, 2)}),
        True,
    ),
    "negative axes": (
        made(
            [("Squeeze", "x a", "s", {}), ("Unsqueeze", "s b", "u", {}), ("Concat", "u u", "y", {"axis": -2})],
            [1, 3, 2],
            {"a": ints(-3), "b": ints(-1)},
        ),
        True,
    ),
    "squeezing what is long": (made([("Squeeze", "x a", "y", {})], [1, 3], {"a": ints(1)}), False),
    "negative indices": (made([("Gather", "x i", "y", {"axis": -1})], [1, 3], {"i": ints(-1, -3).reshape(1, 2)}), True),
    "indices outside": (made([("Gather", "x i", "y", {"axis": 1})], [1, 3], {"i": ints(3)}), False),
    "slices to the ends of the world": (
        made(
            [("Slice", "x a b c d", "y", {})],
            [1, 5, 4],
            {"a": ints(INT.max, INT.min), "b": ints(INT.min, INT.max), "c": ints(1, -1), "d": ints(-2, 3)},
        ),
        True,
    ),
    "a slice that starts in front": (
        made([("Slice", "x a b c d", "y", {})], [1, 5], {"a": ints(-2), "b": ints(-100), "c": ints(-1), "d": ints(-1)}),
        True,
    ),
    "a slice of nothing": (made([("Slice", "x a b", "y", {})], [3, 5], {"a": ints(3), "b": ints(1)}), False),
    "a split into unequal parts": (
        made([("Split", "x s", "a b", {"axis": -1}), ("Concat", "b a", "y", {"axis": 1})], [1, 5], {"s": ints(4, 1)}),
        True,
    ),
    "a split whose last part is small": (
        made(
            [("Split", "x", "a b", {"axis": 1, "num_outputs": 2}), ("Concat", "b a", "y", {"axis": 1})], [1, 5], {}, 18
        ),
        True,
    ),
    "a split that does not add up": (made([("Split", "x s", "y b", {"axis": 1})], [1, 5], {"s": ints(3, 1)}), False),
    "an old softmax": (made([("Softmax", "x", "y", {})], [1, 3, 2], {}, 11), None),
    "a softmax of rows": (made([("Softmax", "x", "y", {})], [2, 3]), False),
    "flattened in front": (made([("Flatten", "x", "y", {"axis": 0})], [2, 3]), True),
    "flattened from behind": (made([("Flatten", "x", "y", {"axis": -1})], [1, 2, 3]), True),
    "a transposition of other axes": (made([("Transpose", "x", "y", {"perm": [0, 0]})], [2, 2]), False),
    "a negative permutation": (made([("Transpose", "x", "y", {"perm": [-1, 0]})], [2, 3]), False),
    "a reshape that takes over": (made([("Reshape", "x s", "y", {})], [1, 2, 3], {"s": ints(0, -1)}), True),
    "a reshape to nothing": (
        made([("Reshape", "x s", "y", {"allowzero": 1})], [1, 2, 3], {"s": ints(0, -1)}, 14),
        False,
    ),
    "training in between": (
        made(
            [("BatchNormalization", "x s b m v", "y a c", {"training_mode": 1})],
            [1, 1, 2],
            {n: real(1) for n in "sbmv"},
            14,
        ),
        False,
    ),
    "a mask": (
        made([("Dropout", "x", "d m", {}), ("Cast", "m", "f", {"to": 1}), ("Add", "d f", "y", {})], [1, 2]),
        False,
    ),
    "a mask that nobody reads": (made([("Dropout", "x", "y m", {})], [1, 2]), True),
    "training of a dropout": (
        made([("Dropout", "x r t", "y", {})], [1, 2], {"r": np.float32(0.5), "t": np.array(True)}),
        False,
    ),
    "the slope of float32": (made([("LeakyRelu", "x", "y", {})], [1, 3]), True),
    "slopes for each channel": (made([("PRelu", "x s", "y", {})], [1, 2, 2], {"s": real(0.5, -2).reshape(2, 1)}), True),
    "slopes that are wider": (made([("PRelu", "x s", "y", {})], [1, 2], {"s": np.ones((3, 2), np.float32)}), False),
    "sums that are wider": (made([("Add", "x s", "y", {})], [1, 2], {"s": real(1, 2, 3).reshape(3, 1)}), True),
    "shapes that do not fit": (made([("Add", "x s", "y", {})], [1, 2], {"s": real(1, 2, 3)}), False),
    "several values of a constant": (
        made([("Constant", "", "c", {"value_float": 1.0, "value_int": 1}), ("Add", "x c", "y", {})], [1, 2]),
        False,
    ),
    "constants of all kinds": (
        made(
            [
                ("Constant", "", "c", {"value_floats": [0.1, 2.0]}),
                ("Constant", "", "d", {"value_int": 3}),
                ("Identity", "d", "e", {}),
                ("Cast", "e", "f", {"to": 1}),
                ("Add", "x c", "g", {}),
                ("Add", "g f", "y", {}),
            ],
            [1, 2],
        ),
        True,
    ),
    "an operator of another set": (made([("Relu", "x", "y", {})], [1, 2], {}, 6), False),
    "an input of whole numbers": (
        made([("Div", "x d", "y", {})], [1, 2], {"d": ints(2)}, 13, TensorProto.INT64),
        False,
    ),
    "the input as the output": (made([("Relu", "x", "y", {})], [1, 2], last="x"), None),
}


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
