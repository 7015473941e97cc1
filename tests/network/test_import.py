"""Whole files: several inputs and outputs, doubles, compression, folding, and what the importer reports."""

from __future__ import annotations

import gzip
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from ops.operator_check import check, ints, load, model, scalar, single, weights

import verdict
from verdict.ask.parts import ModelFile
from verdict.base.errors import ModelError, UnsupportedError
from verdict.network.exact import ExactVector
from verdict.network.graph import Affine
from verdict.ops.importer.model_file import has_weights_outside, whole
from verdict.ops.importer.onnx_import import load_onnx, network_of


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Add", ["a", "b"], ["s"]),
        helper.make_node("Relu", ["s"], ["r"]),
        helper.make_node("Flatten", ["r"], ["f"]),
        helper.make_node("Identity", ["b"], ["t"]),
    ]
    proto = model(nodes, {"a": ("N", 2, 2), "b": (2,)}, {}, outputs=("t", "f", "s"))
    network = check(proto, tmp_path)
    assert [p.size for p in network.inputs] == [4, 2]
    assert [p.shape for p in network.outputs] == [(2,), (1, 4), (1, 2, 2)]
    exact = network.evaluate_exact(ExactVector.of([1, -2, 3, -4, 0, 1]))
    assert exact.fractions() == [0, 1, 1, 0, 3, 0, 1, -1, 3, -3]


def test_output_that_is_an_input(tmp_path: Path) -> None:
    proto = model([helper.make_node("Relu", ["x"], ["r"])], {"x": (1, 3)}, {}, outputs=("r", "x"))
    assert check(proto, tmp_path).output_size == 6


def test_output_that_is_constant(tmp_path: Path) -> None:
    proto = model([helper.make_node("Relu", ["c"], ["y"])], {"x": (1, 3)}, {"c": weights(4)})
    assert check(proto, tmp_path).graph.neuron_count == 0


def test_double_precision(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Relu", ["h"], ["y"])]
    weight = np.array([[0.1, -0.2], [1 / 3, 5.0]])
    network = check(model(nodes, {"x": (1, 2)}, {"w": weight}, kind=TensorProto.DOUBLE), tmp_path)
    assert network.inputs[0].dtype == network.outputs[0].dtype == "float64"
    assert network.evaluate_exact(ExactVector.of([1, 0])).fractions()[0] == Fraction(0.1)


def test_initializers_listed_as_inputs(tmp_path: Path) -> None:
    proto = single("Add", (1, 3), ("x", weights(3)))
    proto.graph.input.append(helper.make_tensor_value_info("c1", TensorProto.FLOAT, (3,)))
    assert check(proto, tmp_path).input_size == 3


def test_dynamic_batch_counts_as_one(tmp_path: Path) -> None:
    proto = single("Relu", ("batch", 3))
    assert check(proto, tmp_path).inputs[0].shape == (1, 3)
    proto.graph.input[0].type.tensor_type.shape.dim[0].ClearField("dim_param")
    assert check(proto, tmp_path).inputs[0].shape == (1, 3)


def test_fixed_batch_is_part_of_the_input(tmp_path: Path) -> None:
    assert check(single("Relu", (4, 3)), tmp_path).input_size == 12


def test_compressed_file(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx.gz"
    path.write_bytes(gzip.compress(single("Relu", (1, 3)).SerializeToString()))
    assert load_onnx(path).input_size == 3


def test_external_data(tmp_path: Path) -> None:
    proto = single("MatMul", (1, 40), ("x", weights(40, 40)))
    path = tmp_path / "model.onnx"
    onnx.save(proto, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    network = load_onnx(path)
    assert network.input_size == 40
    # What is known of it by its hash is about the weights too, and its bytes are all of it.
    assert network_of(network.data, tmp_path / "elsewhere" / "m.onnx").sha256 == network.sha256
    numbers = bytearray((tmp_path / "weights.bin").read_bytes())
    numbers[1] ^= 1
    (tmp_path / "weights.bin").write_bytes(numbers)
    assert load_onnx(path).sha256 != network.sha256
    assert ModelFile.of(str(path)).load().sha256 == load_onnx(path).sha256
    with pytest.raises(ModelError, match="the file has changed"):
        ModelFile(str(path), network.sha256).load()
    pinned = verdict.Question.of("robust", [str(path)], np.zeros(40), eps=0).pinned()
    assert pinned.model.sha256 == load_onnx(path).sha256


def test_external_data_in_a_function_and_without_a_name(tmp_path: Path) -> None:
    held = helper.make_node("Constant", [], ["c"], value=onnx.numpy_helper.from_array(weights(3), "held"))
    local = helper.make_function("own", "Add3", ["a"], ["b"], [held, helper.make_node("Add", ["a", "c"], ["b"])],
                                 [helper.make_opsetid("", 17)])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Add3", ["x"], ["y"], domain="own")], "g", ends[:1], ends[1:])
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    proto = helper.make_model(graph, functions=[local], opset_imports=sets, ir_version=8)
    tensor = proto.functions[0].node[0].attribute[0].t
    onnx.external_data_helper.set_external_data(tensor, "weights.bin")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    (tmp_path / "weights.bin").write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    data = whole(proto.SerializeToString(), tmp_path / "m.onnx")
    assert not has_weights_outside(data)
    inside = onnx.load_model_from_string(data).functions[0].node[0].attribute[0].t
    assert onnx.numpy_helper.to_array(inside).tolist() == weights(3).tolist()
    bare = single("MatMul", (1, 3), ("x", weights(3, 3)))
    bare.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL
    with pytest.raises(ModelError, match="lie in a file that is not named"):
        load(bare, tmp_path)


def test_nodes_in_any_order(tmp_path: Path) -> None:
    """ONNX Runtime sorts nodes, though the standard demands them sorted."""
    nodes = [
        helper.make_node("Neg", ["r"], ["y"]),
        helper.make_node("Relu", ["s"], ["r"]),
        helper.make_node("Add", ["x", "c"], ["s"]),
        helper.make_node("Constant", [], ["c"], value=onnx.numpy_helper.from_array(weights(3))),
    ]
    assert check(model(nodes, {"x": ("N", 3)}, {}), tmp_path).graph.neuron_count == 3


def test_output_without_a_shape(tmp_path: Path) -> None:
    proto = single("MatMul", (1, 3), ("x", weights(3, 2)))
    proto.graph.output[0].type.tensor_type.ClearField("shape")
    assert check(proto, tmp_path).outputs[0].shape == (1, 2)


def test_cycle_is_named(tmp_path: Path) -> None:
    nodes = [helper.make_node("Add", ["x", "b"], ["a"], name="one"), helper.make_node("Relu", ["a"], ["b"], name="two")]
    with pytest.raises(ModelError, match=r"the graph has a cycle: (one -> two|two -> one)"):
        load(model(nodes, {"x": (1, 3)}, {}, outputs=("a",)), tmp_path)


def test_constants_are_folded_exactly(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Div", ["one", "three"], ["quotient"]),
        helper.make_node("Reciprocal", ["three"], ["inverse"]),
        helper.make_node("Max", ["quotient", "inverse"], ["third"]),
        helper.make_node("Reshape", ["third", "shape"], ["column"]),
        helper.make_node("Mul", ["column", "three"], ["whole"]),
        helper.make_node("Mul", ["x", "column"], ["a"]),
        helper.make_node("Add", ["a", "whole"], ["y"]),
    ]
    constants = {"one": scalar(1), "three": scalar(3), "shape": ints(1, 1)}
    network = check(model(nodes, {"x": (1, 2)}, constants), tmp_path)
    assert network.evaluate_exact(ExactVector.of([1, 2])).fractions() == [Fraction(4, 3), Fraction(5, 3)]
    assert len(network.graph.nodes) == 2


def test_irrational_constants_are_rounded_to_float64(tmp_path: Path) -> None:
    """A decomposed batch normalisation: x / sqrt(var + eps)."""
    nodes = [
        helper.make_node("Add", ["var", "eps"], ["v"]),
        helper.make_node("Sqrt", ["v"], ["deviation"]),
        helper.make_node("Div", ["x", "deviation"], ["y"]),
    ]
    network = check(model(nodes, {"x": (1, 1)}, {"var": scalar(2), "eps": scalar(0)}), tmp_path)
    value = network.evaluate_exact(ExactVector.of([1])).fractions()[0]
    assert value == 1 / Fraction(float(np.sqrt(2.0)))


def test_batch_normalisation_factor_is_the_documented_float(tmp_path: Path) -> None:
    arguments = ("x", *(np.float32([v]) for v in (3, 0, 0, 0.7)))
    network = check(single("BatchNormalization", (1, 1), arguments, epsilon=0.001), tmp_path)
    factor = 3.0 / np.sqrt(np.float64(np.float32(0.7)) + np.float64(np.float32(0.001)))
    assert network.evaluate_exact(ExactVector.of([1])).fractions() == [Fraction(float(factor))]


def test_average_is_the_exact_rational(tmp_path: Path) -> None:
    network = check(single("AveragePool", (1, 1, 3, 3), kernel_shape=[3, 3]), tmp_path)
    assert network.evaluate_exact(ExactVector.of(range(1, 10))).fractions() == [5]


def test_bias_goes_into_the_layer(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Add", ["h", "b"], ["y"])]
    network = check(model(nodes, {"x": (1, 2)}, {"w": weights(2, 3), "b": weights(3)}), tmp_path)
    assert len(network.graph.nodes) == 2
    layer = network.graph.nodes[1]
    assert isinstance(layer, Affine)
    assert layer.bias.values.any()


def test_local_functions_are_inlined(tmp_path: Path) -> None:
    body = [helper.make_node("Relu", ["a"], ["r"]), helper.make_node("Neg", ["r"], ["b"])]
    function = helper.make_function("own", "NegRelu", ["a"], ["b"], body, [helper.make_opsetid("", 17)])
    graph = helper.make_graph(
        [helper.make_node("NegRelu", ["x"], ["y"], domain="own")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 3))],
    )
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    proto = helper.make_model(graph, opset_imports=imports, functions=[function], ir_version=8)
    assert check(proto, tmp_path).graph.neuron_count == 3


def test_every_unsupported_node_is_listed(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Asinh", ["x"], ["s"], name="gate"),
        helper.make_node("Relu", ["s"], ["r"], name="innocent"),
        helper.make_node("Neg", ["x"], ["n"], name="mirror"),
        helper.make_node("Mod", ["x", "n"], ["m"], name="remainder", fmod=1),
        helper.make_node("Tan", ["r"], ["t"], name="squash"),
        helper.make_node("Odd", ["x"], ["o"], name="foreign", domain="com.example"),
        helper.make_node("Add", ["m", "t"], ["y"]),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "g", [value("x", TensorProto.FLOAT, (1, 3))], [value("y", TensorProto.FLOAT, (1, 3))]
    )
    imports = [helper.make_opsetid("", 13), helper.make_opsetid("com.example", 1)]
    proto = helper.make_model(graph, opset_imports=imports)
    with pytest.raises(UnsupportedError) as caught:
        load(proto, tmp_path)
    text = str(caught.value)
    assert "4 unsupported node(s), operator set 13" in text
    for part in ("gate (Asinh)", "remainder (Mod)", "squash (Tan)", "foreign (com.example.Odd)"):
        assert part in text
    assert "innocent" not in text
    assert text.endswith("docs/your-model.md says what is read, what is not, and the way out")


def test_disagreement_with_the_runtime_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from verdict.ops import lowering

    def wrong(ctx: lowering.Context) -> list[lowering.Value]:
        return [ctx.value(0)]

    table = dict(lowering.operators())
    table["Neg"] = replace(table["Neg"], lower=wrong)
    monkeypatch.setattr("verdict.ops.importer.onnx_import.supported", table.get)
    with pytest.raises(ModelError, match="disagrees with ONNX Runtime: output 0 is") as caught:
        load(single("Neg", (1, 1)), tmp_path)
    assert "model.onnx" in str(caught.value)


def test_a_lowering_that_breaks_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from verdict.ops import lowering

    def broken(ctx: lowering.Context) -> list[lowering.Value]:
        raise IndexError("list index out of range")

    table = dict(lowering.operators())
    table["Neg"] = replace(table["Neg"], lower=broken)
    monkeypatch.setattr("verdict.ops.importer.onnx_import.supported", table.get)
    with pytest.raises(UnsupportedError, match=r"the_Neg \(Neg\): malformed: IndexError"):
        load(single("Neg", (1, 1)), tmp_path)


def test_a_file_is_loaded_once_into_onnx_runtime_however_it_is_seen(tmp_path: Path) -> None:
    network = load(single("Neg", (1, 1)), tmp_path)
    # The import has compared itself with it.
    assert "runtime" in vars(network)
    assert network.passing_inputs().runtime is network.named(network.names).runtime is network.runtime
