"""The standard's own tests of operators, as models that have something to verify.

In most of them weights are inputs of the graph. Here one input at a time depends on the network's input, the others are
constants; and all are constants, so that folding is tested. A batch in front is kept out of the way by a Reshape.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Array = np.ndarray[Any, Any]
FLOATS = ("float32", "float64")
# Tests with more outputs are not looked at with all inputs constant: the engine folds in rationals.
MOST_FOLDED = 4000
# Of a pool over more numbers only the first channel of the first sample is looked at: it knows nothing of the others.
MOST_POOLED = 10000


@dataclass(frozen=True)
class Case:
    """One test of the standard: a model, its inputs and the outputs that they give."""

    name: str
    operator: str
    model: onnx.ModelProto
    inputs: tuple[Array, ...]
    outputs: tuple[Array, ...]

    @property
    def operator_of_all(self) -> str:
        """The only kind of node, "" where there are several."""
        names = {node.op_type for node in self.model.graph.node}
        return names.pop() if len(names) == 1 else ""


@dataclass(frozen=True)
class Variant:
    """A model made of a case, the point to look at, and the outputs there."""

    name: str
    data: bytes
    point: list[Fraction]
    expected: Array


@functools.cache
def node_cases() -> tuple[Case, ...]:
    """The tests of single operators whose inputs and outputs are tensors."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = collect_testcases(None)
    return tuple(case for each in found if (case := _case(each.name, each.model, *each.data_sets[0])))


@functools.cache
def model_cases() -> tuple[Case, ...]:
    """The tests that come as files: those that PyTorch exported, and the simple ones."""
    from onnx.backend.test.loader import load_model_tests

    found = []
    for kind in ("simple", "pytorch-operator", "pytorch-converted"):
        for test in load_model_tests(kind=kind):
            folder = Path(test.model_dir)
            model = onnx.load(folder / "model.onnx")
            data = folder / "test_data_set_0"
            given = {weight.name for weight in model.graph.initializer}
            free = [info for info in model.graph.input if info.name not in given]
            del model.graph.input[:]
            model.graph.input.extend(free)
            if any(info.type.WhichOneof("value") != "tensor_type" for info in (*free, *model.graph.output)):
                continue
            arrays = [
                [numpy_helper.to_array(onnx.load_tensor(f)) for f in sorted(data.glob(f"{what}_*.pb"), key=_number)]
                for what in ("input", "output")
            ]
            if (len(free), len(model.graph.output)) == (len(arrays[0]), len(arrays[1])):
                found.append(Case(test.name, kind, model, tuple(arrays[0]), tuple(arrays[1])))
    return tuple(found)


def _number(path: Path) -> int:
    return int(path.stem.split("_")[1])


def _case(name: str, model: onnx.ModelProto, inputs: Any, outputs: Any) -> Case | None:
    graph = model.graph
    if len(graph.node) != 1 or not all(isinstance(v, np.ndarray | np.generic) for v in (*inputs, *outputs)):
        return None
    if len(inputs) != len(graph.input) or len(outputs) != len(graph.output):
        return None
    if any(info.type.WhichOneof("value") != "tensor_type" for info in (*graph.input, *graph.output)):
        return None
    return Case(name, graph.node[0].op_type, model, tuple(map(np.asarray, inputs)), tuple(map(np.asarray, outputs)))


def variants(case: Case) -> Iterator[Variant]:
    """The models of a case, one for each tensor of floats that the network's input may be, then that of constants."""
    if any(o.size == 0 or o.dtype.kind not in "fiub" for o in case.outputs):
        return
    if case.operator_of_all.endswith("Pool") and case.inputs[0].size > MOST_POOLED:
        cut = tuple(tuple(a[:1, :1] for a in arrays) for arrays in (case.inputs, case.outputs))
        case = replace(case, inputs=cut[0], outputs=cut[1])
    for number, array in enumerate(case.inputs):
        if array.dtype.name in FLOATS and array.size and np.isfinite(array).all():
            yield _symbolic(case, number, flat=False)
            if array.ndim == 0 or array.shape[0] != 1:
                yield _symbolic(case, number, flat=True)
    if len(case.model.graph.node) == len(case.outputs) == 1 and case.outputs[0].size <= MOST_FOLDED:
        yield _constant(case)


def _symbolic(case: Case, number: int, flat: bool) -> Variant:
    graph, array = case.model.graph, case.inputs[number]
    info, kind = graph.input[number], helper.np_dtype_to_tensor_dtype(array.dtype)
    nodes, weights = list(graph.node), [*graph.initializer, *_constants(case, {number})]
    if flat:
        ports = [helper.make_tensor_value_info("standard_flat", kind, [1, array.size])]
        weights.append(numpy_helper.from_array(np.array(array.shape, np.int64), "standard_shape"))
        nodes.insert(0, helper.make_node("Reshape", ["standard_flat", "standard_shape"], [info.name]))
    else:
        ports = [helper.make_tensor_value_info(info.name, kind, array.shape)]
    outputs = [
        helper.make_tensor_value_info(o.name, o.type.tensor_type.elem_type, value.shape)
        for o, value in zip(graph.output, case.outputs, strict=True)
    ]
    name = f"{case.name}, input {number}{' flat' if flat else ''}"
    point = [Fraction(float(v)) for v in array.ravel()]
    return Variant(name, _bytes(case, nodes, ports, outputs, weights), point, _joined(case.outputs))


def _constant(case: Case) -> Variant:
    """The result of constants, plus 0 times an input."""
    graph, (output,) = case.model.graph, case.outputs
    nodes = [
        *graph.node,
        helper.make_node("Cast", [graph.output[0].name], ["standard_cast"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["standard_cast", "standard_row"], ["standard_flat"]),
        helper.make_node("Mul", ["standard_x", "standard_zeros"], ["standard_none"]),
        helper.make_node("Add", ["standard_flat", "standard_none"], ["standard_y"]),
    ]
    weights = [
        *graph.initializer, *_constants(case, set()),
        numpy_helper.from_array(np.array([1, output.size], np.int64), "standard_row"),
        numpy_helper.from_array(np.zeros((1, output.size), np.float32), "standard_zeros"),
    ]  # fmt: skip
    ports = [helper.make_tensor_value_info("standard_x", TensorProto.FLOAT, [1, output.size])]
    outputs = [helper.make_tensor_value_info("standard_y", TensorProto.FLOAT, [1, output.size])]
    point = [Fraction(0)] * output.size
    with np.errstate(all="ignore"):
        expected = output.astype(np.float32).astype(np.float64).ravel()
    return Variant(f"{case.name}, constants", _bytes(case, nodes, ports, outputs, weights), point, expected)


def _constants(case: Case, without: set[int]) -> list[onnx.TensorProto]:
    pairs = zip(case.model.graph.input, case.inputs, strict=True)
    return [numpy_helper.from_array(a, info.name) for i, (info, a) in enumerate(pairs) if i not in without]


def _joined(outputs: tuple[Array, ...]) -> Array:
    return np.concatenate([o.astype(np.float64).ravel() for o in outputs])


def _bytes(case: Case, nodes: Any, inputs: Any, outputs: Any, weights: Any) -> bytes:
    opset = next(o.version for o in case.model.opset_import if o.domain == "")
    others = [o for o in case.model.opset_import if o.domain != ""]
    graph = helper.make_graph(nodes, "standard", inputs, outputs, weights)
    imports = [helper.make_opsetid("", opset), *others]
    return bytes(helper.make_model(graph, opset_imports=imports, ir_version=8).SerializeToString())
