"""Models made so that a careless reader finds another function in them, by what is easily overlooked."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

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
    "a softmax of rows": (made([("Softmax", "x", "y", {})], [2, 3]), True),
    "a logarithm of a softmax of rows": (made([("LogSoftmax", "x", "y", {})], [2, 3]), False),
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
