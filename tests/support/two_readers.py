"""Both readers of ONNX files on one file, against each other and against ONNX Runtime.

Three outcomes only: both readers compute what ONNX Runtime computes, or who does not has refused the file, with one
error of the one kind. What both read is compared in rationals; with ONNX Runtime within a bound on what rounding does
to this graph. Where numbers leave their type ONNX Runtime says nothing about the reals: there the readers are compared
with the standard's reference evaluator on the model in float64, which has room for what float32 has not.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from support.importers import HEADS, Refused, read_network
from verdict.base.errors import UnsupportedError, VerdictError
from verdict.checker import second_look
from verdict.checker.enclosed import enclosed
from verdict.checker.errors import UnreadableError
from verdict.checker.functions.relu import Relu
from verdict.checker.network import Pointwise
from verdict.checker.readers.onnx.reader import read
from verdict.network.evaluate import evaluate_all, running_error
from verdict.network.exact import ExactVector
from verdict.ops.importer.onnx_import import network_of

# Relative rounding and underflow of float32 and float64, with room for constants that are rounded more than once.
ROUNDING = {False: (2.0**-24, 2.0**-126), True: (2.0**-48, 2.0**-1022)}
LARGEST = {False: float(np.finfo(np.float32).max), True: float(np.finfo(np.float64).max)}


class DisagreementError(AssertionError):
    """A third state: numbers that differ, or a file that is read and that ONNX Runtime refuses."""


@dataclass(frozen=True)
class Reading:
    """What a reader makes of a file at a point: exact outputs in front of `head`, and all that rounding may lose.

    `fits` says whether no tensor of the graph leaves its type at the point.
    """

    size: int
    head: str | None
    values: list[Fraction]
    error: np.ndarray[Any, Any]
    fits: bool
    # Of the largest output, where the file gives its label.
    labels: tuple[Any, ...] = ()

    @property
    def said(self) -> tuple[Any, ...]:
        """What two readers must agree on; of squares one has exact values and the other enclosures."""
        return self.size, self.head, [short(v) for v in self.values], self.labels


@dataclass(frozen=True)
class Look:
    """What became of a model: who read it, and what it was compared with."""

    engine: Reading | Refused
    checker: Reading | Refused
    compared_with: str

    @property
    def read_by(self) -> tuple[str, ...]:
        return tuple(n for n in ("engine", "checker") if isinstance(getattr(self, n), Reading))


def point(seed: int, size: int) -> list[Fraction]:
    return [Fraction(int(n), 8) for n in np.random.default_rng(seed).integers(-16, 17, size)]


def short(value: Fraction) -> Fraction:
    """What two enclosures of some 250 digits agree on."""
    return Fraction(round(value * 2**80), 2**80)


def engine(data: bytes, seed: int) -> Reading | Refused:
    try:
        network = network_of(data, Path("model.onnx"))
    except VerdictError as error:
        return Refused(str(error))
    x = point(seed, network.input_size)
    try:
        if network.has_exact_values:
            values = network.evaluate_exact(ExactVector.of(x)).fractions()
        else:
            values = [short(v) for v in network.evaluate_enclosed(ExactVector.of(x), 256).centre.fractions()]
    except UnsupportedError as error:
        # A logarithm, a root or a quotient is asked outside its domain: the network has no value there.
        return Refused(str(error))
    unit, smallest = ROUNDING[network.is_double]
    floats = evaluate_all(network.graph, np.array([[float(v) for v in x]]))
    error = running_error(network.graph, [np.abs(v) for v in floats], unit, smallest, network.roundings)
    fits = all((np.abs(v) <= LARGEST[network.is_double] / 2).all() for v in floats)
    # Several outputs have a head each, and only what stands in front of them is compared.
    head = network.head if network.head is None or len(network.outputs) == 1 else f"several, {network.head} first"
    fits = bool(fits and np.isfinite(error).all())
    first = 0
    if len(network.outputs) == 1 and network.outputs[0].head is not None and network.outputs[0].head.is_single:
        first = 1  # the file gives one probability; the scores are 0 and its logit
    labels = (network.outputs[0].head.labels if head is not None and network.outputs[0].head else None) or ()
    return Reading(network.input_size, head, list(values)[first:], error[0][first:], fits, tuple(labels))


def checker(data: bytes, seed: int) -> Reading | Refused:
    try:
        network = read_network(data)
    except UnreadableError as error:
        return Refused(str(error))
    x = point(seed, network.input_size)
    try:
        if any(isinstance(node, Pointwise) and not isinstance(node.function, Relu) for node in network.nodes):
            all_values = [[short(low) for low, _ in enclosed(network, x, 256)]]
        else:
            all_values = network.evaluate(x)
    except UnreadableError as error:
        return Refused(str(error))
    # Of one probability the scores are 0 and its logit.
    values = list(all_values[-1 if len(all_values) == 1 else network.output])
    values = values[int(network.is_class and not network.labels) :]
    largest = max((abs(v) for node in all_values for v in node), default=Fraction(0))
    # The reader bounds no rounding: some thousand units of the largest number on the way.
    lost = float(min(largest, Fraction(10) ** 300)) * 1e-4 + 1e-6
    fits = largest <= Fraction(LARGEST[False]) / 2**20
    return Reading(network.input_size, network.head, values, np.full(len(values), lost), fits, network.labels)


def runtime(data: bytes, seed: int, node_by_node: bool = False) -> np.ndarray[Any, Any] | Refused:
    """What ONNX Runtime computes at the same point, or why it does not; `node_by_node` without fusing any nodes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    if node_by_node:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(data, options, ["CPUExecutionProvider"])
        ports = [(p.name, p.shape, np.float64 if p.type == "tensor(double)" else np.float32)
                 for p in session.get_inputs()]  # fmt: skip
        return _joined(session.run(None, _feed(ports, seed)))
    except Exception as error:  # noqa: BLE001 - its errors have no common kind
        return Refused(f"{type(error).__name__}: {error}")


def reference(data: bytes, seed: int, doubled: bool) -> np.ndarray[Any, Any] | Refused:
    """What the standard's evaluator computes, with float64 in the place of float32 if asked to."""
    from onnx.reference import ReferenceEvaluator

    try:
        model = onnx.load_model_from_string(data)
        if doubled:
            _double(model)
        _without_training(model)
        weights = {w.name for w in model.graph.initializer}
        ports = [(i.name, [d.dim_value or 1 for d in i.type.tensor_type.shape.dim],
                  np.float64 if i.type.tensor_type.elem_type == TensorProto.DOUBLE else np.float32)
                 for i in model.graph.input if i.name not in weights]  # fmt: skip
        return _joined(ReferenceEvaluator(model).run(None, _feed(ports, seed)))
    except Exception as error:  # noqa: BLE001 - its errors have no common kind
        return Refused(f"{type(error).__name__}: {error}")


def _feed(ports: list[tuple[str, Any, Any]], seed: int) -> dict[str, Any]:
    shapes = [tuple(d if isinstance(d, int) else 1 for d in shape) for _, shape, _ in ports]
    sizes = [int(np.prod(shape)) for shape in shapes]
    parts = np.split(np.array([float(v) for v in point(seed, sum(sizes))]), np.cumsum(sizes)[:-1])
    return {name: part.reshape(shape).astype(kind)
            for (name, _, kind), shape, part in zip(ports, shapes, parts, strict=True)}  # fmt: skip


def _joined(outputs: list[Any]) -> np.ndarray[Any, Any]:
    return np.concatenate([np.asarray(y, dtype=np.float64).ravel() for y in outputs])


def _double(model: onnx.ModelProto) -> None:
    """Put DOUBLE in the place of FLOAT, in weights, ports, casts and constants."""
    for tensor in model.graph.initializer:
        _double_tensor(tensor)
    for info in (*model.graph.input, *model.graph.output):
        if info.type.tensor_type.elem_type == TensorProto.FLOAT:
            info.type.tensor_type.elem_type = TensorProto.DOUBLE
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                _double_tensor(attribute.t)
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
                attribute.i = TensorProto.DOUBLE


def _without_training(model: onnx.ModelProto) -> None:
    """Before operator set 14 the evaluator trains each BatchNormalization; with a momentum of 1 nothing moves."""
    opset = max(o.version for o in model.opset_import)
    for node in model.graph.node:
        if node.op_type == "BatchNormalization" and opset < 14:
            kept = [a for a in node.attribute if a.name != "momentum"]
            del node.attribute[:]
            node.attribute.extend([*kept, onnx.helper.make_attribute("momentum", 1.0)])
            if opset < 9:
                raise ValueError("the evaluator has no inference before operator set 9")


def _double_tensor(tensor: onnx.TensorProto) -> None:
    if tensor.data_type == TensorProto.FLOAT:
        array = numpy_helper.to_array(tensor).astype(np.float64)
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


def look(data: bytes, seed: int) -> Look:
    """Read a model with both; raises DisagreementError for a third state."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        ours = {"engine": engine(data, seed), "checker": checker(data, seed)}
        found = {name: outcome for name, outcome in ours.items() if isinstance(outcome, Reading)}
        compared = _compared(data, seed, found) if found else "none"
    one, other = ours["engine"], ours["checker"]
    if isinstance(one, Refused) and one.is_caught_misreading:
        raise DisagreementError(one.reason)
    if len(found) == 2 and one.said != other.said:
        raise DisagreementError(f"engine {one}, checker {other}")
    return Look(one, other, compared)


def _compared(data: bytes, seed: int, found: dict[str, Reading]) -> str:
    """What the readings were compared with. Raises DisagreementError."""
    there, what = runtime(data, seed), "ONNX Runtime"
    if isinstance(there, Refused) and "opset" in there.reason.lower() and "engine" not in found:
        # The checker reads newer operator sets than ONNX Runtime does.
        there, what = reference(data, seed, doubled=False), "the reference"
    if isinstance(there, Refused) and "engine" not in found:
        # Nothing is accepted without the checker's second look, which runs the file node by node.
        try:
            second_look.look(read(data), [])
        except UnreadableError:
            return "nothing: the second look refuses it"
        there = runtime(data, seed, node_by_node=True)
    if isinstance(there, Refused):
        raise DisagreementError(f"read by {', '.join(found)}: {there.reason}")
    finer = 1.0
    if not all(reading.fits for reading in found.values()):
        there, what, finer = reference(data, seed, doubled=True), "the reference in float64", 2.0**-20
        errors = [reading.error for reading in found.values()]
        # The evaluator pools the last two axes alone, where there are more: it says nothing then.
        sizes = {len(reading.values) for reading in found.values()}
        if isinstance(there, Refused) or sizes != {there.size} or not np.isfinite(np.r_[(there, *errors)]).all():
            return "nothing but each other"
    for name, reading in found.items():
        fault = _difference(reading, there, finer)
        if fault:
            raise DisagreementError(f"{name} against {what}: {fault}")
    return what


def _difference(reading: Reading, there: np.ndarray[Any, Any], finer: float) -> str:
    here, lost = np.array([float(v) for v in reading.values]), reading.error * finer
    steps = reading.head.split(" of ") if reading.head else []
    if reading.head == "ArgMax":
        best = np.sort(here)[-2:]
        # A Sigmoid or Softmax on the way may make two of them equal.
        if len(best) > 1 and best[1] - best[0] <= 2 * lost.max() + 0.01 * (1 + np.abs(best).max()):
            return ""
        return "" if here.max() > 8 else _off(np.array([float(reading.labels[here.argmax()])]), there, np.zeros(1))
    if not set(steps) <= set(HEADS) or (len(steps) > 1 and np.abs(here).max(initial=0) > 8):
        return ""  # what stands in front of it is compared between the readers
    for step in reversed(steps):
        here, lost = HEADS[step](here), np.full(len(here), 2 * lost.max() + 1e-5 * (1 + np.abs(here).max()))
        lost = lost * (len(here) if step in ("L1", "Log") else 1) * (1e4 if step == "Log" and len(steps) > 1 else 1)
    return _off(here, there, lost + 1e-6 * np.abs(here) + 1e-12)


def _off(here: Any, there: Any, lost: Any) -> str:
    if here.shape != there.shape:
        return f"{here.size} outputs, {there.size} there"
    bad = ~(np.abs(here - there) <= lost)
    return f"outputs {here}, {there} there, allowed {lost}" if bad.any() else ""
