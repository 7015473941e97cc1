"""The closed tables: they agree with the ONNX standard in every operator set, and refuse illegal neighbours by name.

All of this is made from the tables themselves, so that a new operator gets its tests with its table.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.defs
import pytest
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from verdict.base.errors import VerdictError
from verdict.ops import standard
from verdict.ops.importer.onnx_import import OPSETS, OTHER_OPSETS, load_onnx
from verdict.ops.lowering import Operator, operators
from verdict.ops.signature import ANY, REAL, Attribute, Parameter, SignatureError, Version, since

# A legal value of each kind of attribute that has no closed list.
SAMPLES: dict[str, Any] = {
    "INT": 1, "INTS": [1, 1], "FLOAT": 0.5, "FLOATS": [0.5], "STRING": "word", "STRINGS": ["a", "b"],
    "TENSOR": numpy_helper.from_array(np.zeros(1, np.float32)),
}  # fmt: skip
# The first version of each table in the range of operator sets, and each that begins in it.
EACH = [
    pytest.param(operator, opset, id=f"{name}-{opset}")
    for name, operator in sorted(operators().items())
    for opset in sorted({max(v.since, OTHER_OPSETS.get(operator.domain, OPSETS)[0]) for v in operator.versions})
    if opset in OTHER_OPSETS.get(operator.domain, OPSETS)
]
EVERY = [pytest.param(operator, id=name) for name, operator in sorted(operators().items())]


def attribute(name: str, known: Attribute) -> AttributeProto:
    return helper.make_attribute(name, known.among[0] if known.among else SAMPLES[known.kind])


def node_of(operator: Operator, version: Version) -> tuple[onnx.NodeProto, list[str | None]]:
    """A node with all required parts and no others, and the element types of its inputs."""
    inputs = [p for p in version.inputs if not p.optional]
    outputs = [p for p in version.outputs if not p.optional]
    name = operator.name.rpartition(".")[2]
    made = [f"{p.name}_out" for p in outputs]
    node = helper.make_node(name, [p.name for p in inputs], made, domain=operator.domain)
    node.attribute.extend(attribute(n, k) for n, k in version.attributes.items() if k.required)
    return node, [kind_of(version, p) for p in inputs]


def kind_of(version: Version, parameter: Parameter) -> str:
    kinds = version.kinds(parameter)
    return "float32" if "float32" in kinds else min(kinds)


def opsets(operator: Operator) -> list[int]:
    """The operator sets that have the operator and are read."""
    found = OTHER_OPSETS.get(operator.domain, OPSETS)
    return [opset for opset in found if operator.versions[0].since <= opset]


def schema_of(operator: Operator, opset: int) -> onnx.defs.OpSchema:
    return onnx.defs.get_schema(operator.name.rpartition(".")[2], opset, operator.domain)


@pytest.mark.parametrize("operator", EVERY)
def test_tables_agree_with_the_standard(operator: Operator) -> None:
    for opset in opsets(operator):
        _agrees_with_the_standard(operator, opset)


def _agrees_with_the_standard(operator: Operator, opset: int) -> None:
    version = operator.version(opset)
    schema = schema_of(operator, opset)
    for name, known in version.attributes.items():
        theirs = schema.attributes[name]
        assert theirs.type.name == known.kind
        assert theirs.required == known.required
        default = helper.get_attribute_value(theirs.default_value) if theirs.default_value.type else None
        assert known.default == (default.decode() if isinstance(default, bytes) else default), name
    option = onnx.defs.OpSchema.FormalParameterOption
    assert len(version.inputs) == len(schema.inputs)
    assert len(version.outputs) <= len(schema.outputs)
    allowed = {c.type_param_str: set(c.allowed_type_strs) for c in schema.type_constraints}
    pairs = [*zip(version.inputs, schema.inputs, strict=True), *zip(version.outputs, schema.outputs, strict=False)]
    for ours, theirs in pairs:
        assert ours.optional == (theirs.option == option.Optional)
        assert ours.many == (theirs.option == option.Variadic)
        kinds = set(map(standard.type_name, version.kinds(ours)))
        # What a table takes beyond the operator set at hand is refused by the second look, see `standard`.
        assert kinds & allowed.get(theirs.type_str, {theirs.type_str})
    # The same letter, the same type.
    for a in range(len(version.inputs)):
        for b in range(a):
            same = schema.inputs[a].type_str == schema.inputs[b].type_str and "(" not in schema.inputs[a].type_str
            assert same == (version.inputs[a].type == version.inputs[b].type) or "(" in schema.inputs[a].type_str


@pytest.mark.parametrize("operator", EVERY)
def test_what_is_not_in_a_table_has_no_part_in_the_answer(operator: Operator) -> None:
    """Every attribute of the standard is in the table, but for those that are refused on purpose."""
    refused = {"sparse_value", "value_string", "value_strings"}
    for opset in opsets(operator):
        schema = schema_of(operator, opset)
        assert set(schema.attributes) - refused == set(operator.version(opset).attributes), opset


@pytest.mark.parametrize(("operator", "opset"), EACH)
def test_a_legal_node_is_read(operator: Operator, opset: int) -> None:
    version = operator.version(opset)
    node, kinds = node_of(operator, version)
    assert set(version.read(node, kinds).attributes) == set(version.attributes)
    letters = {p.type: standard.input_kinds(operator.name, opset)[i] for i, p in enumerate(version.inputs)}
    if all("tensor(float)" in letters[p.type] for p in version.inputs if p.type in version.types):
        standard.check(node, kinds, opset)
    # With everything that is optional too.
    del node.attribute[:]
    node.attribute.extend(attribute(n, k) for n, k in version.attributes.items())
    node.input[:] = [p.name for p in version.inputs]
    node.output[:] = [f"{p.name}_out" for p in version.outputs]
    reading = version.read(node, [kind_of(version, p) for p in version.inputs])
    assert len(reading.outputs) == len(version.outputs)


def neighbours(operator: Operator, version: Version) -> Iterator[tuple[str, onnx.NodeProto, list[str | None], str]]:
    """What is changed, the illegal node, its inputs' types, and what the refusal has to name."""

    def fresh() -> tuple[onnx.NodeProto, list[str | None]]:
        return node_of(operator, version)

    node, kinds = fresh()
    node.attribute.append(helper.make_attribute("frobnicate", 1))
    yield "unknown attribute", node, kinds, "'frobnicate'"
    others = {n: k for v in operator.versions for n, k in v.attributes.items() if n not in version.attributes}
    for name, known in others.items():
        node, kinds = fresh()
        node.attribute.append(attribute(name, known))
        yield f"{name} of another operator set", node, kinds, repr(name)
    for name, known in version.attributes.items():
        node, kinds = fresh()
        node.attribute.extend([attribute(name, known)] * 2)
        yield f"{name} twice", node, kinds, f"{name!r} is given twice"
        node, kinds = fresh()
        _drop(node, name)
        node.attribute.append(helper.make_attribute(name, "text" if known.kind != "STRING" else 1.5))
        yield f"{name} of another type", node, kinds, f"{name!r} has type"
        node, kinds = fresh()
        _drop(node, name)
        node.attribute.append(AttributeProto(name=name, type=attribute(name, known).type, ref_attr_name="other"))
        yield f"{name} of a function", node, kinds, f"{name!r} refers"
        if known.required:
            node, kinds = fresh()
            _drop(node, name)
            yield f"{name} missing", node, kinds, f"{name!r} is missing"
        if known.among is not None:
            node, kinds = fresh()
            _drop(node, name)
            node.attribute.append(helper.make_attribute(name, "SIDEWAYS" if known.kind == "STRING" else 77))
            yield f"{name} out of its list", node, kinds, f"{name} = "
    yield from _inputs(operator, version)


def _inputs(operator: Operator, version: Version) -> Iterator[tuple[str, onnx.NodeProto, list[str | None], str]]:
    if not (version.inputs and version.inputs[-1].many):
        node, kinds = node_of(operator, version)
        kinds = [kind_of(version, p) for p in version.inputs] + ["float32"]
        node.input[:] = [f"i{i}" for i in range(len(kinds))]
        yield "too many inputs", node, kinds, "inputs, expected at most"
    if not (version.outputs and version.outputs[-1].many):
        node, kinds = node_of(operator, version)
        node.output[:] = [f"o{i}" for i in range(len(version.outputs) + 1)]
        yield "too many outputs", node, kinds, "outputs, expected at most"
    node, kinds = node_of(operator, version)
    node.output[0] = ""
    yield "nameless output", node, kinds, "output 0"
    for i, parameter in enumerate(version.inputs):
        node, kinds = node_of(operator, version)
        kinds = [kind_of(version, p) for p in version.inputs]
        node.input[:] = [p.name for p in version.inputs]
        if not parameter.optional:
            yield f"input {i} missing", node, [*kinds[:i], None, *kinds[i + 1 :]], f"input {i} ({parameter.name}) is"
        for wrong in sorted({*ANY, "float8_e4m3fn", "int4", "object"} - version.kinds(parameter)):
            yield f"input {i} of {wrong}", node, [*kinds[:i], wrong, *kinds[i + 1 :]], f"has type {wrong}"
        for j in range(i):
            if version.inputs[j].type == parameter.type and len(version.kinds(parameter)) > 1:
                other = min(version.kinds(parameter) - {kinds[j]})
                yield f"inputs {j} and {i} differ", node, [*kinds[:i], other, *kinds[i + 1 :]], f"has type {other}"


def _drop(node: onnx.NodeProto, name: str) -> None:
    kept = [a for a in node.attribute if a.name != name]
    del node.attribute[:]
    node.attribute.extend(kept)


@pytest.mark.parametrize(("operator", "opset"), EACH)
def test_illegal_neighbours_are_refused_by_name(operator: Operator, opset: int) -> None:
    version = operator.version(opset)
    found = list(neighbours(operator, version))
    assert len(found) >= 3
    for what, node, kinds, named in found:
        with pytest.raises(SignatureError) as caught:
            version.read(node, kinds)
        assert named in str(caught.value), what


@pytest.mark.parametrize("operator", EVERY)
def test_illegal_nodes_in_files_are_refused(operator: Operator, tmp_path: Path) -> None:
    """The same from outside: whoever refuses it, ONNX's checker or the table, it is one error that names the place."""
    version = operator.versions[-1]
    for number, (what, node, kinds, _) in enumerate(neighbours(operator, version)):
        path = tmp_path / f"{number}.onnx"
        path.write_bytes(_file(node, kinds).SerializeToString())
        with pytest.raises(VerdictError) as caught:
            load_onnx(path)
        assert str(path) in str(caught.value), what


def _file(node: onnx.NodeProto, kinds: list[str | None]) -> onnx.ModelProto:
    types = {"float8_e4m3fn": TensorProto.FLOAT8E4M3FN, "int4": TensorProto.INT4, "object": TensorProto.STRING}
    inputs, tensors = [], [numpy_helper.from_array(np.ones(1, np.float32), "w")]
    for i, (name, kind) in enumerate(zip(node.input, kinds, strict=True)):
        inputs.append("" if kind is None else f"{name}{i}")
        if kind is not None:
            type_ = types.get(kind) or helper.np_dtype_to_tensor_dtype(
                np.dtype(kind) if kind != "bfloat16" else BFLOAT16
            )
            tensors.append(helper.make_tensor(f"{name}{i}", type_, [1], [b"1" if kind == "object" else 1]))
    node.input[:] = inputs
    info = helper.make_tensor_value_info
    nodes = [node, helper.make_node("Add", ["x", "w"], ["y"])]
    graph = helper.make_graph(
        nodes, "g", [info("x", TensorProto.FLOAT, [1])], [info("y", TensorProto.FLOAT, [1])], tensors
    )
    imports = [helper.make_opsetid("", OPSETS[-1]), *(helper.make_opsetid(d, r[-1]) for d, r in OTHER_OPSETS.items())]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


BFLOAT16 = helper.tensor_dtype_to_np_dtype(TensorProto.BFLOAT16)


def test_a_type_of_a_later_operator_set_is_refused() -> None:
    add = helper.make_node("Add", ["a", "b"], ["c"])
    standard.check(add, ["int8", "int8"], 14)
    with pytest.raises(SignatureError, match="input 0 has type int8, which operator set 13 does not have there"):
        standard.check(add, ["int8", "int8"], 13)


def test_forms() -> None:
    version = since(9, "A:T I:int64 B:T? C:U* -> y:T", {"U": ANY}, k=Attribute("INT", 3))
    assert [p.name for p in version.inputs] == ["A", "I", "B", "C"]
    assert [(p.optional, p.many) for p in version.inputs] == [
        (False, False),
        (False, False),
        (True, False),
        (False, True),
    ]
    assert version.kinds(version.inputs[0]) == REAL
    assert version.kinds(version.inputs[1]) == {"int64"}
    with pytest.raises(ValueError, match="no parameter"):
        since(9, "A -> y:T")
