"""One ONNX graph in the making: whole networks, and a few nodes in front of and between them.

A question about two networks, or about a network whose input is computed from parameters, is a question about one
larger network. It is composed as an ONNX file, in which the nodes of the original files stay as they are, so that the
importer, the bounds, every engine, ONNX Runtime and the independent checker take it like any other file.
Constants are stored in the networks' float type, and as they are stored they are part of the question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx.compose
import onnx.version_converter
from onnx import helper, numpy_helper

from ..base.errors import InputError, UnsupportedError
from ..base.writing import Place, same
from ..network.network import Network, Port
from ..ops.importer.onnx_import import network_of, plain_model, scores_model
from .twin import Pair, twin_relu

# The least version of the file format in which a constant need not be an input as well.
LEAST_IR_VERSION = 4
# The operator set of a graph in which no network's own nodes are run.
OPSET = 17
# What ONNX Runtime computes in float32 only.
SINGLE = ("Softplus", "Elu", "Erf", "Mish", "HardSwish")


class Composer:
    """A graph with the single flat input `x` of shape (1, inputs); every tensor made here has the shape (1, n).

    `networks` are those that will be run: they give the operator set (the newest among them) and the float type; where
    none is, that is `dtype`.
    Raises InputError where their float types differ and UnsupportedError where an operator set cannot be converted.
    """

    def __init__(self, inputs: int, *networks: Network, dtype: str = "float32") -> None:
        kinds = {port.dtype for network in networks for port in network.inputs}
        if len(kinds) > 1:
            names = " and ".join(network.path.name for network in networks)
            raise InputError(f"{names}: float32 and float64 in one question, expected one float type")
        self.dtype = np.dtype(kinds.pop() if kinds else dtype)
        self.opset = max((network.opset for network in networks), default=OPSET)
        self.x = "x"
        self._sizes = {self.x: inputs}
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._ir_version, self._runs = LEAST_IR_VERSION, 0
        self._domains: dict[str, int] = {}
        # The Relus of the last run: what each reads and gives.
        self.relus: list[Pair] = []

    def size(self, tensor: str) -> int:
        """How many numbers a tensor has."""
        return self._sizes[tensor]

    def constant(self, values: npt.ArrayLike) -> str:
        """Finite floats as a constant of the networks' float type, rounded to it. Raises InputError on overflow."""
        with np.errstate(over="ignore"):
            array = np.asarray(values, dtype=np.float64).astype(self.dtype)
        if not np.isfinite(array).all():
            raise InputError(f"a constant of the composed network is beyond {self.dtype}, expected finite numbers")
        return self._store(array)

    def affine(self, x: str, matrix: npt.NDArray[Any], offset: npt.ArrayLike | None = None) -> str:
        """x @ matrix + offset; `matrix` is (size of x, n), `offset` (n,)."""
        result = self._add("MatMul", [x, self.constant(matrix)], matrix.shape[1])
        return result if offset is None else self.shift(result, offset)

    def scale(self, x: str, factors: npt.ArrayLike) -> str:
        """Each entry times its factor."""
        return self._add("Mul", [x, self.constant(np.reshape(factors, (1, -1)))], self.size(x))

    def shift(self, x: str, offset: npt.ArrayLike) -> str:
        """x + offset."""
        return self._add("Add", [x, self.constant(np.reshape(offset, (1, -1)))], self.size(x))

    def divide(self, x: str, divisors: npt.ArrayLike) -> str:
        """Each entry divided by its divisor."""
        return self._add("Div", [x, self.constant(np.reshape(divisors, (1, -1)))], self.size(x))

    def add(self, a: str, b: str) -> str:
        """a + b."""
        return self._add("Add", [a, b], self.size(a))

    def subtract(self, a: str, b: str) -> str:
        """a - b."""
        return self._add("Sub", [a, b], self.size(a))

    def multiply(self, a: str, b: str) -> str:
        """a * b, entry by entry."""
        return self._add("Mul", [a, b], self.size(a))

    def function(self, op: str, x: str) -> str:
        """An operator without attributes, entry by entry."""
        if op not in SINGLE or self.dtype == np.float32:
            return self._add(op, [x], self.size(x))
        single = self._add("Cast", [x], self.size(x), to=onnx.TensorProto.FLOAT)
        found = self._add(op, [single], self.size(x))
        return self._add("Cast", [found], self.size(x), to=helper.np_dtype_to_tensor_dtype(self.dtype))

    def pick(self, x: str, which: npt.NDArray[Any]) -> str:
        """The entries of these numbers."""
        return self._add("Gather", [x, self._store(np.asarray(which, np.int64))], len(which), axis=1)

    def part(self, x: str, start: int, stop: int) -> str:
        """The entries from `start` to before `stop`."""
        if (start, stop) == (0, self.size(x)):
            return x
        # A Gather has had one form in all operator sets, a Slice two.
        return self._add("Gather", [x, self._store(np.arange(start, stop))], stop - start, axis=1)

    def join(self, *parts: str) -> str:
        """The tensors one after another."""
        if len(parts) == 1:
            return parts[0]
        return self._add("Concat", list(parts), sum(self.size(p) for p in parts), axis=1)

    def clip(self, x: str, low: float | None, high: float | None) -> str:
        """min(max(x, low), high), with one pair of ends for all entries; None is no limit."""
        # The largest float of a type limits nothing, and every operator set knows it.
        least, greatest = np.finfo(self.dtype).min, np.finfo(self.dtype).max
        ends = np.array([least if low is None else low, greatest if high is None else high], dtype=self.dtype)
        if self.opset < 11:
            return self._add("Clip", [x], self.size(x), min=float(ends[0]), max=float(ends[1]))
        return self._add("Clip", [x, self._store(ends[0]), self._store(ends[1])], self.size(x))

    def run(
        self,
        network: Network,
        x: str,
        *,
        scores: bool = False,
        added: Mapping[str, str] = MappingProxyType({}),
        beside: Sequence[Pair] = (),
    ) -> str:
        """The outputs of a network at `x`, flat and one after another: the nodes of its own file, renamed.

        With `scores` what it ends with is left away, where it keeps the order of the outputs
        (`verdict.ops.importer.bare`); else labels come as numbers.
        `added` holds tensors of this graph that are added to the network's own tensors of these names. With `beside`,
        the `relus` of an earlier run, each Relu is computed by its distance from that run's, see `twin_relu`.
        """
        if self.size(x) != network.input_size:
            raise InputError(f"{network.path.name} has {network.input_size} inputs, found {self.size(x)}")
        self._runs += 1
        prefix = f"net{self._runs}/"
        model = onnx.compose.add_prefix(self._at_opset(network, scores and network.head is not None), prefix)
        self._add_domains(model, network)
        self._ir_version = max(self._ir_version, model.ir_version)
        self.relus = []
        start = 0
        for port in network.inputs:
            part = self.part(x, start, start + port.size)
            self._reshape(part, port.shape, prefix + port.name)
            start += port.size
        for node in model.graph.node:
            own = node.output[0].removeprefix(prefix)
            if node.op_type == "Relu":
                self.relus.append((node.input[0], node.output[0]))
            if node.op_type == "Relu" and beside:
                self._nodes.extend(twin_relu(node.input[0], beside[len(self.relus) - 1], node.output[0]))
            else:
                self._nodes.append(node)
            if own in added:
                self._add_behind(node, added[own])
        self._constants.extend(model.graph.initializer)
        return self.join(*(self._output(port, prefix, network, scores) for port in network.outputs))

    def _output(self, port: Port, prefix: str, network: Network, scores: bool) -> str:
        """One output of a network that has been run, flat."""
        head, name = port.head, prefix + port.name
        if head is None:
            return self._flat(name, port.size)
        if scores:
            return self._flat(f"{name}/scores", port.size)
        if head.keys is not None or any(isinstance(label, str) for label in head.labels or ()):
            what = "a map of probabilities" if head.keys is not None else "labels that are texts"
            raise UnsupportedError(
                f"{network.path}: the output {port.name!r} is {what}, which is read in a network alone: choose another "
                "output (--output NAME) or export the model without"
            )
        if head.labels is not None:
            cast = f"{name}/number"
            kind = helper.np_dtype_to_tensor_dtype(self.dtype)
            self._nodes.append(helper.make_node("Cast", [name], [cast], name=cast, to=kind))
            name = cast
        return self._flat(name, head.file_size(port.size))

    def _add_domains(self, model: onnx.ModelProto, network: Network) -> None:
        """The operator sets of other domains than ONNX's own, one version of each."""
        for other in model.opset_import:
            known = self._domains.setdefault(other.domain, other.version)
            if other.domain not in ("", "ai.onnx") and known != other.version:
                raise UnsupportedError(
                    f"{network.path}: operator set {other.version} of {other.domain}, the other network has {known}: "
                    "export both with the same"
                )

    def finish(self, output: str, name: str) -> Network:
        """The composed network with `output` as its output; `name` names it in messages until it is saved.

        Raises ModelError if it does not compute what ONNX Runtime computes, as for any file.
        """
        kind = helper.np_dtype_to_tensor_dtype(self.dtype)
        self._nodes.append(helper.make_node("Identity", [output], ["y"], name="y"))
        graph = helper.make_graph(
            self._nodes,
            "composed",
            [helper.make_tensor_value_info("x", kind, [1, self.size("x")])],
            [helper.make_tensor_value_info("y", kind, [1, self.size(output)])],
            self._constants,
        )
        model = helper.make_model(
            graph,
            opset_imports=[
                helper.make_opsetid("", self.opset),
                *(helper.make_opsetid(d, v) for d, v in self._domains.items() if d not in ("", "ai.onnx")),
            ],
            ir_version=self._ir_version,
            producer_name="verdict",
        )
        return network_of(model.SerializeToString(), Path(name))

    def _at_opset(self, network: Network, in_front: bool) -> onnx.ModelProto:
        model = scores_model(network) if in_front else plain_model(network.data, network.path)
        if network.opset == self.opset:
            return model
        try:
            return onnx.version_converter.convert_version(model, self.opset)
        except Exception as error:  # the converter raises whatever its C++ code does
            raise UnsupportedError(
                f"{network.path}: cannot be converted from operator set {network.opset} to {self.opset}, that of the "
                f"other network: {str(error).splitlines()[0]}"
            ) from error

    def _add_behind(self, node: onnx.NodeProto, addend: str) -> None:
        """Add a flat tensor to the first output of a node, in whatever shape that has."""
        whole, bare = node.output[0], f"{node.output[0]}/bare"
        node.output[0] = bare
        shape = f"{whole}/shape"
        self._nodes.append(helper.make_node("Shape", [bare], [shape], name=shape))
        self._nodes.append(helper.make_node("Reshape", [addend, shape], [f"{whole}/added"], name=f"{whole}/added"))
        self._nodes.append(helper.make_node("Add", [bare, f"{whole}/added"], [whole], name=f"{whole}/sum"))

    def _flat(self, tensor: str, size: int) -> str:
        flat = self._reshape(tensor, (1, size), f"{tensor}/flat")
        self._sizes[flat] = size
        return flat

    def _reshape(self, tensor: str, shape: tuple[int, ...], name: str) -> str:
        wanted = self._store(np.array(shape, dtype=np.int64))
        self._nodes.append(helper.make_node("Reshape", [tensor, wanted], [name], name=name))
        return name

    def _store(self, array: npt.NDArray[Any]) -> str:
        name = f"constant{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def _add(self, op: str, inputs: list[str], size: int, **attributes: Any) -> str:
        name = f"{op.lower()}{len(self._nodes)}"
        self._nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        self._sizes[name] = size
        return name


def save(network: Network, path: str | Path) -> Network:
    """Write a composed network as an ONNX file; the same network with that path. It replaces nothing:
    raises InputError where another file is there, or none can be written."""
    from dataclasses import replace

    path = Path(path)
    Place(path, "model", same(network.data), "this very model").write(network.data)
    return replace(network, path=path)
