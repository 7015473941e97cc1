"""Constants that no float32 equals are exact, and every sum that they go into is charged for the rounding."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from verdict.checker import UnreadableError, second_look
from verdict.checker.arithmetic.float32 import float32_error
from verdict.checker.kernel.region import Region
from verdict.checker.network import Affine
from verdict.checker.readers.onnx.reader import read
from verdict.checker.readers.onnx.tensors import Folded

SCALE = np.float32(0.02)
WHOLE = np.array([[113, -77, 5], [-128, 127, 0], [31, 64, -99], [7, 8, 9]], np.int8)


def _read(nodes, weights, opset=13):
    weights = [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 4))],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    return read(made.SerializeToString())


def _dequantized(*after, weights=(), scale=SCALE):
    nodes = [helper.make_node("DequantizeLinear", ["q", "s", "z"], ["w"]), *after]
    return _read(nodes, {"q": WHOLE, "s": scale, "z": np.int8(3), **dict(weights)})


def test_weights_of_eight_bits_are_exact():
    reading = _dequantized(helper.make_node("Transpose", ["w"], ["t"]), helper.make_node("Transpose", ["t"], ["u"]),
                           helper.make_node("MatMul", ["x", "u"], ["y"]))
    x = [Fraction(k, 7) for k in (1, -4, 7, 2)]
    exact = [sum(x[i] * (int(WHOLE[i, j]) - 3) * Fraction(float(SCALE)) for i in range(4)) for j in range(3)]
    assert reading.network.evaluate(x)[reading.network.output] == exact
    assert all(isinstance(reading.tensors[name], Folded) for name in "wtu")
    second_look.look(reading, [])


def test_the_rounding_of_weights_is_charged():
    """The bound has one rounding more than the sum with plain weights."""
    (node,) = [n for n in _dequantized(helper.make_node("MatMul", ["x", "w"], ["y"])).network.nodes if n is not None]
    plain = Affine(node.terms, node.bias, node.roundings - 1)
    region = Region({0: np.ones((1, 4))}, {0: np.ones((1, 4))}, np.zeros(1, bool))
    assert (float32_error(node, region) > float32_error(plain, region)).all()


def test_numbers_that_float32_holds_are_plain():
    reading = _dequantized(helper.make_node("MatMul", ["x", "w"], ["y"]), scale=np.float32(0.25))
    assert reading.tensors["w"].dtype == np.float32
    assert all(n is None or n.roundings == 0 for n in reading.network.nodes)


def test_what_is_computed_from_rounded_constants_is_exact() -> None:
    """In rationals; but then nothing bounds other orders of rounding. Whole numbers are made of none."""
    for name, given, factor in (("Add", ["w", "w"], 2), ("Neg", ["w"], -1)):
        reading = _dequantized(helper.make_node(name, given, ["v"]), helper.make_node("MatMul", ["x", "v"], ["y"]))
        assert (reading.tensors["v"].array == factor * reading.tensors["w"].array).all()
        assert reading.network.unbounded == "the rounding of constants that the file computes is not bounded"
    reading = _dequantized(helper.make_node("Cast", ["w"], ["v"], to=TensorProto.FLOAT),
                           helper.make_node("MatMul", ["x", "v"], ["y"]))
    assert (reading.tensors["v"].array == reading.tensors["w"].array).all()
    second_look.look(reading, [])
    with pytest.raises(UnreadableError, match="rounded"):
        _dequantized(helper.make_node("Floor", ["w"], ["v"]), helper.make_node("MatMul", ["x", "v"], ["y"]))


def test_arithmetic_on_floats_is_exact() -> None:
    after = [helper.make_node("MatMul", ["x", "v"], ["y"])]
    two, third = np.full((4, 3), 2, np.float32), np.full((4, 3), 3, np.float32)
    read_one = _read([helper.make_node("Div", ["a", "b"], ["v"]), *after], {"a": third, "b": two})
    assert (read_one.tensors["v"] == 1.5).all()
    assert not read_one.network.unbounded
    read_one = _read([helper.make_node("Div", ["a", "b"], ["v"]), *after], {"a": two, "b": third})
    assert (read_one.tensors["v"].array == Fraction(2, 3)).all()
    assert read_one.network.evaluate([Fraction(3)] * 4)[-1] == [Fraction(8)] * 3
    second_look.look(read_one, [])
    with pytest.raises(UnreadableError, match="before they are scaled"):
        _read([helper.make_node("DequantizeLinear", ["a", "b"], ["v"]), *after],
              {"a": np.full((4, 3), 2**30 + 1, np.int32), "b": SCALE})


def test_the_second_look_sees_other_weights():
    reading = _dequantized(helper.make_node("MatMul", ["x", "w"], ["y"]))
    reading.tensors["w"].array[0, 0] *= 1 + 1e-6
    with pytest.raises(UnreadableError, match="other constants"):
        second_look.look(reading, [])
