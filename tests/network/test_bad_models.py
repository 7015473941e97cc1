"""Bad files: each is refused with an error that names the file, the place, and what was expected."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from ops.operator_check import X, floats, ints, model, scalar, single, weights

from verdict.base.errors import ModelError, UnsupportedError, VerdictError
from verdict.ops.importer.onnx_import import load_onnx

Edit = Callable[[onnx.ModelProto], None]
CASES: dict[str, tuple[onnx.ModelProto | bytes, type[VerdictError], str]] = {}


def case(name: str, found: onnx.ModelProto | bytes, message: str, error: type[VerdictError] = UnsupportedError) -> None:
    CASES[name] = (found, error, message)


def edited(edit: Edit, **options: Any) -> onnx.ModelProto:
    proto = single("Relu", options.pop("shape", (1, 3)), **options)
    edit(proto)
    return proto


def relu_of(kind: int) -> onnx.ModelProto:
    return model([helper.make_node("Relu", ["x"], ["y"])], {"x": (1, 3)}, {}, kind=kind, opset=14)


def with_external_data(proto: onnx.ModelProto) -> None:
    tensor = proto.graph.initializer.add(name="w", data_type=TensorProto.FLOAT, dims=[3])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="missing.bin")


def with_sparse(proto: onnx.ModelProto) -> None:
    values = helper.make_tensor("s", TensorProto.FLOAT, [1], [1.0])
    places = helper.make_tensor("i", TensorProto.INT64, [1], [0])
    proto.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [3]))


def branching() -> onnx.ModelProto:
    info = helper.make_tensor_value_info("o", TensorProto.FLOAT, (1, 3))
    arm = helper.make_graph([helper.make_node("Identity", ["x"], ["o"])], "arm", [], [info])
    node = helper.make_node("If", ["flag"], ["y"], name="fork", then_branch=arm, else_branch=arm)
    most = helper.make_node("ReduceMax", ["x"], ["most"], keepdims=0)
    flag = [most, helper.make_node("Greater", ["most", "c"], ["flag"])]
    return model([*flag, node], {"x": (1, 3)}, {"c": scalar(0)})


def weight(name: str) -> onnx.TensorProto:
    return onnx.numpy_helper.from_array(weights(3), name)


def info_of(name: str, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def resize(info: onnx.ValueInfoProto, shape: tuple[int, ...]) -> None:
    info.CopyFrom(info_of(info.name, shape))


def outside(proto: onnx.ModelProto) -> None:
    """Weights by a path that leaves the model's folder."""
    with_external_data(proto)
    proto.graph.initializer[0].external_data[0].value = "../../../../../../etc/hostname"


def two(*nodes: onnx.NodeProto, **constants: Any) -> onnx.ModelProto:
    return model(nodes, {"x": (1, 4)}, constants)


# Not ONNX at all.
case("empty file", b"", "the file is empty, expected an ONNX model", ModelError)
case("text", b"hello, world", "not a valid ONNX model", ModelError)
case("cut short", single("MatMul", (1, 9), (X, weights(9, 9))).SerializeToString()[:150], "not a valid", ModelError)
case(
    "a name that is no text",
    single("Relu", (1, 3)).SerializeToString().replace(b"the_Relu", b"the_Rel\xff"),
    r"the name b'the_Rel\\xff' is no UTF-8 text",
    ModelError,
)
case("bad gzip", b"\x1f\x8b\x08garbage", "not a valid gzip file", ModelError)
# Whole models.
case("no graph", onnx.ModelProto(ir_version=8), "not a valid ONNX model", ModelError)
case("opset 6", edited(lambda p: setattr(p.opset_import[0], "version", 6)), "operator set 6; supported are 7 to .*docs")
case("no input", edited(lambda p: p.graph.input.pop()), r"'the_Relu' reads 'x', which nothing computes", ModelError)
case("no output", edited(lambda p: p.graph.output.pop()), "the model has no output", ModelError)
case("undefined tensor", edited(lambda p: p.graph.node[0].input.__setitem__(0, "zz")), "zz", ModelError)
case(
    "duplicated name",
    edited(lambda p: p.graph.node.append(helper.make_node("Neg", ["x"], ["y"]))),
    r"not a valid.*(SSA|unique|used as output)",
    ModelError,
)
case(
    "output of nothing",
    edited(lambda p: setattr(p.graph.output[0], "name", "q")),
    "Graph output 'q' is not an output of any node",
    ModelError,
)
case(
    "NaN weights",
    single("Add", (1, 2), (X, floats(1, np.nan))),
    r"weights 'c1' contain NaN, expected finite",
    ModelError,
)
case(
    "infinite weights",
    single("Add", (1, 2), (X, floats(1, np.inf))),
    r"the_Add \(Add\): a constant that contains NaN or inf",
)
case("external data missing", edited(with_external_data), "not a valid ONNX model: .*missing.bin", ModelError)
case("sparse weights", edited(with_sparse), "sparse initializers are not supported")
# Parts of ONNX that have no meaning here, and names that are there twice.
case(
    "two operator sets",
    edited(lambda p: p.opset_import.append(helper.make_opsetid("ai.onnx", 12))),
    "2 versions of the operator set 'ai.onnx' are imported, expected one",
    ModelError,
)
case(
    "training", edited(lambda p: p.training_info.add().algorithm.SetInParent()), "training information is not supported"
)
case(
    "annotated for quantisation",
    edited(lambda p: setattr(p.graph.quantization_annotation.add(), "tensor_name", "x")),
    r"quantization annotations \(of x\) are not supported",
)
case("weights twice", edited(lambda p: p.graph.initializer.extend([weight("w"), weight("w")])), "unique", ModelError)
case("input twice", edited(lambda p: p.graph.input.append(p.graph.input[0])), "'x' is there 2 times", ModelError)
case("output twice", edited(lambda p: p.graph.output.append(p.graph.output[0])), "'y' is there 2 times", ModelError)
case(
    "an input declared otherwise than its weights",
    edited(lambda p: (p.graph.initializer.append(weight("w")), p.graph.input.append(info_of("w", (4,))))),
    "the input 'w' is declared with another type or shape than its initializer",
    ModelError,
)
case(
    "output of another shape",
    edited(lambda p: resize(p.graph.output[0], (1, 4))),
    r"has shape \(1, 3\) here",
    ModelError,
)
case(
    "output of another rank", edited(lambda p: resize(p.graph.output[0], (3,))), r"has shape \(1, 3\) here", ModelError
)
case(
    "output of another type",
    edited(lambda p: setattr(p.graph.output[0].type.tensor_type, "elem_type", TensorProto.DOUBLE)),
    "has type float32 here, and the model declares float64",
    ModelError,
)
case(
    "a format of tomorrow",
    edited(lambda p: setattr(p, "ir_version", 99)),
    "not a valid ONNX model|cannot load",
    ModelError,
)
case("weights outside the folder", edited(outside), "not a valid ONNX model", ModelError)
# Inputs and outputs.
case("integer input", relu_of(TensorProto.INT32), "input 'x' has type INT32, expected a float tensor")
case("half precision", relu_of(TensorProto.FLOAT16), "input 'x' has type FLOAT16, expected a float tensor")
case("two free axes", single("Relu", (1, "N", 3)), "input 'x': axis 1 has no fixed size.*--shape x=1xNx3")
case("zero-size axis", single("Relu", (1, 0)), "input 'x': axis 1 has no fixed size")
case("huge input", single("Relu", (1, 10**12)), r"input 'x' has shape \(1, 1000000000000\), expected at most")
case("empty output", single("Slice", (1, 4), (X, ints(2), ints(2), ints(1))), r"output 'y' has shape \(1, 0\)")
# Operators.
case(
    "unknown operator",
    single("Tan", (1, 3)),
    r"the_Tan \(Tan\): the operator is not supported\n.*docs/your-model.md",
)
case("subgraph", branching(), r"fork \(If\): the condition depends on the input")
case(
    "random constant",
    two(helper.make_node("RandomNormal", [], ["r"], shape=[4]), helper.make_node("Add", ["x", "r"], ["y"])),
    r"r \(RandomNormal\): the operator is not supported",
)
case("division by zero", single("Div", (1, 2), (X, floats(1, 0))), r"\(Div\): a division by zero")
case("shapes", single("Add", (1, 3), (X, weights(2))), r"\(1, 3\), \(2,\) do not broadcast")
case("inner sizes", single("MatMul", (1, 3), (X, weights(2, 2))), r"inner sizes of \(1, 3\) and \(2, 2\) differ")
case("gemm of a vector", single("Gemm", (3,), (X, weights(3, 2))), "factors of rank 1 and 2, expected 2 and 2")
case("reshape", single("Reshape", (1, 3), (X, ints(2, 2))), r"shape \(1, 3\) does not fit the shape \(2, 2\)")
case("gather outside", single("Gather", (1, 3), (X, ints(3)), axis=1), "indices that are not integers from -3 to 2")
case(
    "nameless part",
    two(helper.make_node("Split", ["x"], ["", "y"], axis=1)),
    r"y \(Split\): output 0 \(outputs\) has no name",
)
case("axis", single("Concat", (1, 3), (X, X), axis=5), r"\(Concat\): axis 5 of a tensor of rank 2")
case("kernel too large", single("Conv", (1, 1, 2), (X, weights(1, 1, 5))), r"larger than the padded axes \(2,\)")
case("channels", single("Conv", (1, 3, 4), (X, weights(1, 2, 2))), r"3 channels in 1 groups for a kernel of shape")
case("training", single("BatchNormalization", (1, 1), (X, *[floats(1)] * 4), 15, training_mode=1), "training_mode = 1")
case(
    "cast to integer",
    two(helper.make_node("Cast", ["x"], ["i"], to=TensorProto.INT64), helper.make_node("Cast", ["i"], ["y"], to=1)),
    r"\(Cast\): a cast to INT64 \(only to FLOAT and DOUBLE\)",
)
case(
    "cast to half",
    two(helper.make_node("Cast", ["x"], ["h"], to=TensorProto.FLOAT16), helper.make_node("Cast", ["h"], ["y"], to=1)),
    "a cast to FLOAT16",
)
case(
    "indices of MaxPool",
    single("MaxPool", (1, 1, 4), outputs=2, kernel_shape=[2]),
    r"output 1 of the_MaxPool \(MaxPool\) is not supported",
)
case(
    "mask of Dropout",
    two(helper.make_node("Dropout", ["x"], ["d", "m"]), helper.make_node("Where", ["m", "x", "d"], ["y"])),
    r"y \(Where\): reads 'm': output 1 of d \(Dropout\)",
)
case(
    "NaN constant",
    two(helper.make_node("Constant", [], ["c"], value_float=float("nan")), helper.make_node("Add", ["x", "c"], ["y"])),
    "contains NaN or infinity",
)
# Tensors that would fill any memory.
case(
    "huge constant",
    two(helper.make_node("ConstantOfShape", ["n"], ["c"]), helper.make_node("Add", ["x", "c"], ["y"]), n=ints(10**12)),
    r"c \(ConstantOfShape\): a tensor of shape \(1000000000000,\) has more than",
)
case("huge expansion", single("Expand", (1, 4), (X, ints(10**10, 4))), "has more than")
case("huge tile", single("Tile", (1, 4), (X, ints(10**6, 10**6))), "has more than")
case("huge padding", single("Pad", (1, 4), (X, ints(0, 0, 0, 10**11))), "has more than")
case("huge conv padding", single("Conv", (1, 1, 4), (X, weights(1, 1, 2)), pads=[0, 10**11]), "has more than")
case(
    "huge broadcast",
    two(
        helper.make_node("Mul", ["a", "b"], ["c"]),
        helper.make_node("Gather", ["x", "c"], ["y"]),
        a=np.zeros((10**5, 1), dtype=np.int64),
        b=np.zeros((1, 10**5), dtype=np.int64),
    ),
    r"c \(Mul\): a tensor of shape \(100000, 100000\) has more than",
)
case(
    "huge range",
    two(
        helper.make_node("Range", ["a", "b", "c"], ["r"]),
        helper.make_node("Gather", ["x", "r"], ["y"]),
        a=np.array(0),
        b=np.array(10**15),
        c=np.array(1),
    ),
    "has more than",
)


@pytest.mark.parametrize("name", CASES)
def test_bad_model(name: str, tmp_path: Path) -> None:
    found, error, message = CASES[name]
    path = tmp_path / "bad model.onnx"
    path.write_bytes(found if isinstance(found, bytes) else found.SerializeToString())
    with pytest.raises(error) as caught:
        load_onnx(path)
    text = str(caught.value)
    assert type(caught.value) is error
    assert text.startswith(str(path))
    assert re.search(message, text, re.DOTALL), text


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.onnx: cannot be read: No such file"):
        load_onnx(tmp_path / "nowhere.onnx")


def test_directory(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read: is a directory, expected a file"):
        load_onnx(tmp_path)


@pytest.mark.parametrize("seed", range(150))
def test_damaged_files_never_end_in_a_traceback(seed: int, tmp_path: Path) -> None:
    """A few bytes changed at random: the file loads or is refused, nothing else."""
    rng = np.random.default_rng(seed)
    data = bytearray(
        single("Conv", (1, 2, 5, 5), (X, weights(3, 2, 2, 2), weights(3)), pads=[1, 1, 1, 1]).SerializeToString()
    )
    for place in rng.integers(0, len(data), 3):
        data[place] = rng.integers(256)
    path = tmp_path / "damaged.onnx"
    path.write_bytes(bytes(data))
    with contextlib.suppress(VerdictError):
        load_onnx(path)
