"""Small ONNX models around one operator, and the comparison of their import with ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from verdict.base.errors import ModelError
from verdict.network.evaluate import float32_error
from verdict.network.exact import ExactVector
from verdict.network.network import Network
from verdict.ops.importer.onnx_import import load_onnx

X = "x"  # stands for the input among a node's inputs


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, tuple[int | str, ...]],
    constants: dict[str, Any],
    outputs: Sequence[str] = ("y",),
    opset: int = 17,
    kind: int = TensorProto.FLOAT,
    output_kind: int | None = None,
) -> onnx.ModelProto:
    graph = helper.make_graph(
        list(nodes),
        "test",
        [helper.make_tensor_value_info(n, kind, shape) for n, shape in inputs.items()],
        [helper.make_tensor_value_info(n, output_kind or kind, None) for n in outputs],
        [numpy_helper.from_array(np.asarray(a), n) for n, a in constants.items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    _give_outputs_shapes(proto)
    return proto


def _give_outputs_shapes(proto: onnx.ModelProto) -> None:
    """The shapes that ONNX's own inference finds, where it does."""
    inferred = onnx.shape_inference.infer_shapes(proto, data_prop=True)
    for info, found in zip(proto.graph.output, inferred.graph.output, strict=True):
        if found.type.tensor_type.HasField("shape"):
            info.type.tensor_type.shape.CopyFrom(found.type.tensor_type.shape)


def single(
    op: str,
    shape: tuple[int | str, ...],
    arguments: Sequence[Any] = (X,),
    opset: int = 17,
    outputs: int = 1,
    **attributes: Any,
) -> onnx.ModelProto:
    """One node; `arguments` are X, constants, or None for an absent optional input."""
    names, constants = [], {}
    for i, argument in enumerate(arguments):
        if argument is None:
            names.append("")
        elif isinstance(argument, str):
            names.append(argument)
        else:
            names.append(f"c{i}")
            constants[f"c{i}"] = argument
    results = ["y"] + [f"y{i}" for i in range(1, outputs)]
    node = helper.make_node(op, names, results, name=f"the_{op}", **attributes)
    return model([node], {X: shape}, constants, results, opset)


def load(proto: onnx.ModelProto, folder: Path, name: str = "model.onnx", **options: Any) -> Network:
    path = folder / name
    path.write_bytes(proto.SerializeToString())
    return load_onnx(path, **options)


def check(proto: onnx.ModelProto, folder: Path, points: int = 3, scale: float = 2.0) -> Network:
    """Load; float and exact evaluation must agree with ONNX Runtime at random points, and shapes too."""
    network = load(proto, folder)
    session = network.runtime._session
    rng = np.random.default_rng(len(proto.SerializeToString()))
    for _ in range(points):
        x = (rng.standard_normal(network.input_size) * scale).astype(np.float32)
        actual = network.runtime(x)
        exact = network.evaluate_exact(ExactVector.of(x)).floats()
        error = float32_error(network.graph, x[None].astype(np.float64))[0]
        assert actual.shape == exact.shape
        assert (np.abs(actual - exact) <= error).all()
        np.testing.assert_allclose(network.evaluate(x[None])[0], exact, rtol=1e-9, atol=1e-9)
    feed, start = {}, 0
    for port in network.inputs:
        feed[port.name] = x[start : start + port.size].astype(port.dtype).reshape(port.shape)
        start += port.size
    shapes = [r.shape for r in session.run([p.name for p in network.outputs], feed)]
    assert shapes == [p.shape for p in network.outputs]
    return network


def check_or_refuse(proto: onnx.ModelProto, folder: Path) -> None:
    """With ceil_mode ONNX's shape inference counts a window that begins in the padding, and ONNX Runtime drops it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    shape = [d.dim_value for d in proto.graph.input[0].type.tensor_type.shape.dim]
    (output,) = session.run(None, {"x": np.zeros(shape, np.float32)})
    if list(output.shape) == [d.dim_value for d in proto.graph.output[0].type.tensor_type.shape.dim]:
        check(proto, folder, points=1)
        return
    with pytest.raises(ModelError, match=r"the tensor 'y' has shape .* here, and"):
        load(proto, folder)


def weights(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def ints(*values: int) -> np.ndarray[Any, Any]:
    return np.array(values, dtype=np.int64)


def floats(*values: float) -> np.ndarray[Any, Any]:
    return np.array(values, dtype=np.float32)


def scalar(value: float) -> np.ndarray[Any, Any]:
    return np.array(value, dtype=np.float32)
