"""Every operator's table is closed: generated from the tables, each node with something in it that the table lacks is
refused, and the tables say nothing that ONNX does not say."""

from collections.abc import Iterator

import numpy as np
import onnx
import pytest
from onnx import AttributeProto, TensorProto, defs, helper, numpy_helper

from verdict.checker import UnreadableError
from verdict.checker.readers.onnx import read_network, reader, table
from verdict.checker.readers.onnx.reader import OPERATORS
from verdict.checker.readers.onnx.table import KINDS, LETTERS, at

IMAGE = (1, 4, 4, 4)
OTHER = {"INT": 3, "INTS": [1, 2, 3], "FLOAT": 2.5, "FLOATS": [0.5], "STRING": "no", "STRINGS": ["no"], "TENSOR": None}
# What stands in front of operators that are read behind a head alone.
FRONT = {"Log": "Sigmoid", "ai.onnx.ml.Normalizer": "Sigmoid", "ai.onnx.ml.LabelEncoder": "ArgMax"}
LEARNED = "ai.onnx.ml"


def _int(*values):
    return np.array(values, np.int64)


def _real(*shape):
    return np.ones(shape, np.float32)


# For each operator the constants behind its first input, and attributes, by operator set.
def _usual(name, opset):
    windows = {"kernel_shape": [2, 2]}
    lists = opset >= 13
    return {
        "Reshape": ([_int(1, -1)], {}),
        "Squeeze": ([_int(0)] * lists, {} if lists else {"axes": [0]}),
        "Unsqueeze": ([_int(0)] * lists, {} if lists else {"axes": [0]}),
        "Gather": ([_int(0, 1)], {"axis": 1}), "GatherND": ([_int([0, 1], [0, 0])], {}),
        "Slice": ([_int(0), _int(2), _int(1)], {}) if opset >= 10 else ([], {"starts": [0], "ends": [2], "axes": [1]}),
        "Split": ([], {"axis": 1, **({"num_outputs": 2} if opset >= 18 else {})}),
        "Pad": ([_int(0, 0, 1, 1, 0, 0, 0, 0)], {}) if opset >= 11 else ([], {"pads": [0, 0, 1, 1, 0, 0, 0, 0]}),
        "Concat": ([], {"axis": 1}),
        "MatMul": ([_real(4, 2)], {}),
        "Gemm": ([_real(4, 2), _real(2)], {}),
        "Conv": ([_real(2, 4, 2, 2), _real(2)], {}),
        "Add": ([_real(4)], {}), "Sub": ([_real(4)], {}), "Mul": ([_real(4)], {}), "Div": ([_real(4)], {}),
        "PRelu": ([_real(4)], {}), "Pow": ([2 * _real()], {}),
        "Clip": ([_real() * 0, _real()] if opset >= 11 else [], {}),
        "MaxPool": ([], windows), "AveragePool": ([], windows),
        "ReduceMean": ([_int(1)] if opset >= 18 else [], {} if opset >= 18 else {"axes": [1]}),
        "BatchNormalization": ([_real(4)] * 4, {}),
        "LayerNormalization": ([_real(4)] * 2, {}), "InstanceNormalization": ([_real(4)] * 2, {}),
        "GroupNormalization": ([_real(4)] * 2, {"num_groups": 2}),
        "Cast": ([], {"to": TensorProto.INT32}),
        "ReduceSum": ([_int(1)] * lists, {} if lists else {"axes": [1]}),
        **{reduced: ([_int(1)] * (opset >= 18), {} if opset >= 18 else {"axes": [1]})
           for reduced in ("ReduceL1", "ReduceMax", "ReduceMin")},
        "ArgMax": ([], {"axis": 1}),
        "Expand": ([_int(1, 4, 4, 4)], {}), "Tile": ([_int(1, 1, 2, 1)], {}),
        "DepthToSpace": ([], {"blocksize": 2}), "SpaceToDepth": ([], {"blocksize": 2}),
        "ConvTranspose": ([_real(4, 2, 2, 2), _real(2)], {}),
        "Einsum": ([_real(4, 2)], {"equation": "abcd,de->abce"}),
        "Resize": ([_real(4)] if opset < 11 else [_real(0), _real(4)], {}),
        "Upsample": ([_real(4)], {}) if opset >= 9 else ([], {"scales": [1.0, 1.0, 2.0, 2.0]}),
        "Max": ([_real(4)], {}), "Min": ([_real(4)], {}), "Sum": ([_real(4)], {}), "Mean": ([_real(4)], {}),
        "ai.onnx.ml.Scaler": ([], {"offset": [1.0], "scale": [2.0]}),
        "ai.onnx.ml.LinearRegressor": ([], {"coefficients": [1.0] * 4}),
        "ai.onnx.ml.LinearClassifier": ([], {"coefficients": [1.0] * 8, "intercepts": [0.0, 1.0],
                                             "classlabels_ints": [3, 5]}),
        "ai.onnx.ml.ArrayFeatureExtractor": ([_int(0, 1)], {}),
        "ai.onnx.ml.ZipMap": ([], {"classlabels_int64s": [1, 2, 3, 4]}),
        "ai.onnx.ml.LabelEncoder": ([], {"keys_int64s": [0, 1, 2, 3], "values_strings": ["a", "b", "c", "d"]}),
        "Softmax": ([], {"axis": -1 if opset >= 13 else 1}), "LogSoftmax": ([], {"axis": -1 if opset >= 13 else 1}),
    }.get(name, ([], {}))


TRUTH = np.array([True, False])
# Operators on constants alone, which stand beside the network: all their inputs, in each operator set.
BESIDE = {
    "Constant": lambda opset: [], "Cast": lambda opset: [_int(7)], "Size": lambda opset: [_real(2)],
    **dict.fromkeys(("Greater", "Less", "GreaterOrEqual", "LessOrEqual"), lambda opset: [_real(2)] * 2),
    "Where": lambda opset: [TRUTH, _real(2), _real(2)],
    "Equal": lambda opset: [_int(1, 2)] * 2, **dict.fromkeys(("And", "Or", "Xor"), lambda opset: [TRUTH] * 2),
    "Floor": lambda opset: [_real(2)], "Ceil": lambda opset: [_real(2)], "Not": lambda opset: [TRUTH],
    "ConstantOfShape": lambda opset: [_int(2, 3)], "Range": lambda opset: [np.int64(v) for v in (0, 5, 2)],
    "ReduceProd": lambda opset: [_int(2, 3)] + [_int(0)] * (opset >= 18),
    "DequantizeLinear": lambda opset: [np.array([[3, 4]], np.int8), _real()],
}


def _shape(name):
    flat = name.startswith(LEARNED) or name in ("Gemm", "Softmax", "LogSoftmax", "ArgMax")
    return (1, 4) if flat else IMAGE


def model(name, opset, constants=None, attributes=None, kind=TensorProto.FLOAT, more=(), outputs=None):
    """The operator on the input, or for Constant, Cast and Shape beside it, in a model of its own."""
    usual, given = _usual(name, opset)
    usual = BESIDE[name](opset) if name in BESIDE else usual
    constants = usual if constants is None else constants
    attributes = given or None if attributes is None else attributes
    names = [f"c{k}" for k in range(len(constants))]
    weights = [numpy_helper.from_array(v, n) for n, v in zip(names, constants, strict=True)]
    nodes, first = [], ["x"]
    if name in BESIDE:
        first = []
    outputs = outputs or (["y", "y2"] if name in ("Split", "ai.onnx.ml.LinearClassifier") else ["y"])
    if name == "Constant" and attributes is None:
        attributes = {"value": numpy_helper.from_array(_real(1))}
    domain, _, op = name.rpartition(".")
    if name in FRONT:
        first = ["front"]
        nodes.append(helper.make_node(FRONT[name], ["x"], first, **({"axis": 1} if FRONT[name] == "ArgMax" else {})))
    node = helper.make_node(op, [*first, *names], outputs, name="tested", domain=domain, **(attributes or {}))
    node.attribute.extend(more)
    nodes.append(node)
    last = "y"
    if name in (*BESIDE, "Shape", "Sign"):
        nodes.append(helper.make_node("Relu", ["x"], ["z"]))
        last = "z"
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", kind, _shape(name))],
                              [onnx.ValueInfoProto(name=last)], weights)
    sets = [helper.make_opsetid("", 15 if domain else opset)] + [helper.make_opsetid(domain, opset)] * bool(domain)
    made = helper.make_model(graph, opset_imports=sets, ir_version=8)
    _typed(made, name)
    return made


def _typed(made, name):
    """Outputs have to have a type."""
    kind = {"ArgMax": TensorProto.INT64, "ai.onnx.ml.LinearClassifier": TensorProto.INT64,
            "ai.onnx.ml.LabelEncoder": TensorProto.STRING}.get(name, made.graph.input[0].type.tensor_type.elem_type)
    for info in made.graph.output:
        if name == "ai.onnx.ml.ZipMap":
            of_map = helper.make_map_type_proto(TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
            info.type.CopyFrom(helper.make_sequence_type_proto(of_map))
        else:
            info.type.tensor_type.elem_type = kind


def _tested(made):
    return next(node for node in made.graph.node if node.name == "tested")


def refused(made, match=""):
    with pytest.raises(UnreadableError, match=match) as caught:
        read_network(made.SerializeToString())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def _cases() -> Iterator[tuple[str, int]]:
    """Each operator in the first and last operator set of each of its versions."""
    newest = defs.onnx_opset_version()
    for name, closed in OPERATORS.items():
        if name.startswith(LEARNED):
            yield from ((name, opset) for opset in sorted({*closed.versions, 3, 5}) if opset >= closed.versions[0])
            continue
        starts = [max(7, v) for v in closed.versions if v <= newest]
        ends = [v - 1 for v in starts[1:] if v > 7] + [{"Upsample": 9}.get(name, min(newest, 26))]
        yield from ((name, opset) for opset in sorted({*starts, *ends}))


CASES = list(_cases())


@pytest.fixture
def alone(monkeypatch):
    """The tables by themselves, without ONNX's checker and its inference."""
    monkeypatch.setattr(reader.model, "inferred", lambda made, shapes: {})


@pytest.mark.parametrize(("name", "opset"), CASES)
def test_the_usual_node_is_read(name, opset):
    made = model(name, opset)
    assert read_network(made.SerializeToString()).input_size > 0


@pytest.mark.parametrize(("name", "opset"), CASES)
def test_what_the_table_lacks_is_refused(alone, name, opset):
    closed = OPERATORS[name]
    known = {n: a for n, a in closed.attributes.items() if a.since <= opset < a.until}
    for foreign in ("surprise", "consumed_inputs", *(n for n in closed.attributes if n not in known)):
        given = _usual(name, opset)[1]
        assert "is not read" in refused(model(name, opset, attributes={**given, foreign: 1}), "tested")
    for attribute, entry in known.items():
        mine = helper.make_attribute(attribute, OTHER[entry.kind]) if entry.kind != "TENSOR" else (
            helper.make_attribute(attribute, numpy_helper.from_array(_real(1))))
        others = {n: v for n, v in _usual(name, opset)[1].items() if n != attribute}
        if entry.values is not None:
            refused(model(name, opset, attributes=others, more=[mine]), f"{attribute}.*read are")
            values = [helper.make_attribute(attribute, entry.values[0])] * 2
            refused(model(name, opset, attributes=others, more=values), "given twice")
        elif entry.kind != "TENSOR":
            refused(model(name, opset, attributes=others, more=[mine, mine]), "given twice")
        wrong = next(AttributeProto(name=attribute, type=number, i=1) for kind, number in KINDS.items()
                     if kind != entry.kind)
        refused(model(name, opset, attributes=others, more=[wrong]), f"{attribute}.*is no {entry.kind}")
        reference = AttributeProto(name=attribute, type=KINDS[entry.kind], ref_attr_name="other")
        refused(model(name, opset, attributes=others, more=[reference]), f"is no {entry.kind}")
        if entry.required:
            refused(model(name, opset, attributes=others), "missing")


@pytest.mark.parametrize(("name", "opset"), CASES)
def test_inputs_outputs_and_types(alone, name, opset):
    closed = OPERATORS[name]
    constants = BESIDE[name](opset) if name in BESIDE else _usual(name, opset)[0]
    words = at(closed.inputs, opset).split()
    if not words or not words[-1].endswith("*"):
        refused(model(name, opset, constants=[*constants, *[_real(4)] * (len(words) + 1)]), "inputs, expected")
    if closed.outputs:
        refused(model(name, opset, outputs=["y", *(f"more{k}" for k in range(closed.outputs))]), "outputs, expected")
    for kind in (TensorProto.INT64, TensorProto.FLOAT16, TensorProto.INT8, TensorProto.UINT8, TensorProto.BOOL):
        refused(model(name, opset, kind=kind), "expected FLOAT or DOUBLE")
    letters = at(closed.types, opset)
    if name in BESIDE or name == "ai.onnx.ml.LabelEncoder":
        pass
    elif "d" not in letters:
        assert "element types" in refused(model(name, opset, kind=TensorProto.DOUBLE))
    elif any(v.dtype == np.float32 and word[0] in "cv" for v, word in zip(constants, words[1:], strict=False)):
        # A network of doubles with weights of another type.
        assert "element types" in refused(model(name, opset, kind=TensorProto.DOUBLE))
    for k, word in enumerate(words[name not in BESIDE :]):
        # Where constants need not have the type of a tensor they may be floats of either type.
        if k < len(constants) and word[0] in ("nb" if name in ("Floor", "Ceil", "Resize", "Upsample") else "njcrb"):
            other = np.float64 if constants[k].dtype != np.float64 else np.float32
            wrong = [*constants[:k], constants[k].astype(other), *constants[k + 1 :]]
            refused(model(name, opset, constants=wrong), "type")
        if k < len(constants) and not word.endswith("?"):
            made = model(name, opset)
            at_ = k + (name not in BESIDE)
            _tested(made).input[at_] = ""
            refused(made, "left out")
            _tested(made).input[at_] = "nowhere"
            refused(made, "not computed before")


@pytest.mark.parametrize("name", OPERATORS)
def test_the_tables_say_what_onnx_says(name):
    closed = OPERATORS[name]
    domain, _, op = name.rpartition(".")
    schemas = [s for s in defs.get_all_schemas_with_history() if s.name == op and s.domain == domain]
    oldest = 1 if domain else 7
    for schema in schemas:
        if schema.since_version not in closed.versions:
            continue
        for opset in {max(oldest, schema.since_version)}:
            if defs.get_schema(op, max_inclusive_version=opset, domain=domain).since_version != schema.since_version:
                continue
            mine = {n: a for n, a in closed.attributes.items() if a.since <= opset < a.until}
            for attribute, entry in mine.items():
                assert schema.attributes[attribute].type.name == entry.kind, (opset, attribute)
                assert not schema.attributes[attribute].required or entry.required or name == "Constant"
            required = {n for n, a in schema.attributes.items() if a.required}
            assert required <= set(mine)
            words = at(closed.inputs, opset).split()
            variadic = bool(words) and words[-1].endswith("*")
            assert variadic or schema.min_input <= len(words) <= schema.max_input
            assert sum(not w.endswith(("?", "-")) for w in words) == schema.min_input
            assert closed.outputs <= max(s.max_output for s in schemas)
    assert set(KINDS) >= {a.kind for a in closed.attributes.values()}
    assert all(letter in LETTERS for _, letters in closed.types for letter in letters)


def test_a_version_that_nobody_studied_is_refused(monkeypatch):
    monkeypatch.setattr(table, "version_of", lambda operator, opset: 99)
    refused(model("Relu", 13), "version 99")
    refused(model("Gemm", 6), "operator sets")
    too_new = model("Relu", 13)
    too_new.opset_import[0].version = defs.onnx_opset_version() + 1
    refused(too_new, "operator sets")
