"""The weight layers of a network's file, and the same file with something added behind them or with other weights.

A layer is a Gemm, MatMul or Conv with constant weights: z = W h. If its weights change by dW, z changes by t = dW h.
With h fixed t is linear in dW, and where every weight feeds a single entry of z the entries of t are independent of
each other: with |dW_ij| <= eps, t_i takes exactly the values up to eps * sum_j |h_j|. So weights that are perturbed
become an input t that is added behind the layer, and the network itself stays as it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, reduce
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx.shape_inference
from onnx import helper, numpy_helper

from ..base.errors import InputError, UnsupportedError
from ..network.exact import FloatArray
from ..network.graph import Affine
from ..network.network import Network
from ..ops.importer.onnx_import import network_of, plain_model
from .composer import LEAST_IR_VERSION, Composer

# Weights are told apart by numbers that float32 has to hold.
MOST_WEIGHTS = 2**24
# What a layer reads at a fixed input is rational; as constants of a file it has to be a sum of so few floats.
MOST_PARTS = 16
Integers = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer: its node's name, and the names of the tensors it reads (h), multiplies by (W) and gives (z)."""

    network: Network
    name: str
    op: str
    source: str
    weight: str
    output: str
    values: FloatArray

    @cached_property
    def before(self) -> Network:
        """The network up to what the layer reads: its output is h."""
        return up_to(self.network, self.source)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """The shape of z."""
        return up_to(self.network, self.output).outputs[0].shape

    @property
    def size(self) -> int:
        """How many entries z has."""
        return math.prod(self.shape)

    @cached_property
    def incidence(self) -> tuple[Integers, Integers, Integers]:
        """Every product of the layer: the entry of z that it is added to, its entry of h and its weight, flat."""
        shape = self.before.outputs[0].shape
        model = plain_model(self.network.data, self.network.path)
        (node,) = (n for n in model.graph.node if n.output[0] == self.output)
        # Without the bias, and with the numbers 1, 2, ... for weights.
        alone = onnx.NodeProto()
        alone.CopyFrom(node)
        del alone.input[2:]
        numbers = np.arange(1, self.values.size + 1, dtype=np.float32).reshape(self.values.shape)
        weights: dict[str, Any] = {self.weight: numbers}
        if self.op == "Gemm":
            # Up to operator set 10 a Gemm has to have a bias.
            alone.input.append(f"{self.weight} zero")
            weights[alone.input[2]] = np.zeros(1, np.float32)
        graph = helper.make_graph(
            [alone],
            "layer",
            [helper.make_tensor_value_info(self.source, onnx.TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(self.output, onnx.TensorProto.FLOAT, self.shape)],
            [numpy_helper.from_array(array, name) for name, array in weights.items()],
        )
        opsets = [helper.make_opsetid("", self.network.opset)]
        single = helper.make_model(graph, opset_imports=opsets, ir_version=max(LEAST_IR_VERSION, model.ir_version))
        lowered = network_of(single.SerializeToString(), Path(self.name)).graph.nodes
        if len(lowered) != 2 or not isinstance(lowered[1], Affine):
            raise UnsupportedError(f"{self.network.path}: {self.name} ({self.op}): its weights are not read")
        linear = lowered[1].terms[0][0]
        rows, columns, which = linear.entries
        return rows, columns, linear.coefficients.values.ravel()[which].astype(np.intp) - 1

    @property
    def is_independent(self) -> bool:
        """Whether every weight feeds a single entry of z, so that the entries of t are independent of each other."""
        return len(self.incidence[2]) == len(np.unique(self.incidence[2]))


def layers(network: Network) -> list[Layer]:
    """The layers with weights that this module reads, in the order of the file."""
    graph = plain_model(network.data, network.path).graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            constants[node.output[0]] = node.attribute[0].t
    found = []
    for node in graph.node:
        if node.op_type not in ("Gemm", "MatMul", "Conv") or node.input[1] not in constants:
            continue
        if node.input[0] in constants:
            continue
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        values = numpy_helper.to_array(constants[node.input[1]])
        if attributes.get("transA") or attributes.get("alpha", 1.0) != 1.0 or values.size > MOST_WEIGHTS:
            continue
        source, weight = node.input[:2]
        found.append(Layer(network, node.name or node.output[0], node.op_type, source, weight, node.output[0], values))
    return found


def choose(network: Network, which: str | int) -> list[Layer]:
    """The layer of that name or number, or all of them for "all". Raises InputError, UnsupportedError."""
    every = layers(network)
    if not every:
        raise UnsupportedError(f"{network.path}: has no Gemm, MatMul or Conv with constant weights to perturb")
    if isinstance(which, bool) or not isinstance(which, str | int | np.integer):
        raise InputError(f"the layer is {which!r}, expected a name, a number or all")
    if which == "all":
        weights = {layer.op: 0 for layer in every}
        nodes = plain_model(network.data, network.path).graph.node
        missed = [n.op_type for n in nodes if n.op_type in ("Gemm", "MatMul", "Conv", "ConvTranspose")]
        if len(missed) > len(every):
            raise UnsupportedError(f"{network.path}: not all of its layers can be perturbed, only {sorted(weights)}")
        return every
    named = [layer for i, layer in enumerate(every) if which in (layer.name, i, str(i))]
    if len(named) != 1:
        there = ", ".join(f"{i} ({layer.name})" for i, layer in enumerate(every))
        raise InputError(f"layer {which!r} is not one of {there}, or all")
    return named


def up_to(network: Network, tensor: str) -> Network:
    """The network whose output is one of its own tensors."""
    model = onnx.shape_inference.infer_shapes(plain_model(network.data, network.path))
    known = {info.name: info for info in (*model.graph.value_info, *model.graph.input, *model.graph.output)}
    if tensor not in known:
        raise UnsupportedError(f"{network.path}: the shape of {tensor!r} is not known")
    info = onnx.ValueInfoProto()
    info.CopyFrom(known[tensor])
    # A node of its own, because an input of the file cannot be an output too.
    info.name = f"{tensor}/read"
    model.graph.node.append(helper.make_node("Identity", [tensor], [info.name], name=info.name))
    del model.graph.output[:]
    model.graph.output.append(info)
    return network_of(model.SerializeToString(), Path(f"{network.path.name} up to {tensor}"))


def shaken(network: Network, chosen: Sequence[Layer], *, tensor: str | None = None) -> Network:
    """The network that takes (x, t_1, t_2, ...), each t flat and added to what its layer gives; t is 0 for the network.

    Its outputs are the class scores or, if a `tensor` is named, that tensor's entries.
    """
    sizes = [layer.size for layer in chosen]
    subject = network if tensor is None else up_to(network, tensor)
    draft = Composer(network.input_size + sum(sizes), subject)
    start, added = network.input_size, {}
    for layer, size in zip(chosen, sizes, strict=True):
        added[layer.output] = draft.part(draft.x, start, start + size)
        start += size
    return _finish(draft, subject, added)


def reweighted(layer: Layer, h: Sequence[Fraction]) -> Network | None:
    """The network that takes (x, dW), with W + dW for the weights of one layer, wherever the layer reads `h`.

    At inputs x where the layer reads something else, the network computed is another one. None where an entry of `h` is
    no sum of at most `MOST_PARTS` floats of the network's type.
    """
    rows, columns, which = layer.incidence
    size = layer.network.input_size
    draft = Composer(size + layer.values.size, layer.network)
    parts = _parts(h, draft.dtype)
    if parts is None:
        return None
    change = draft.part(draft.x, size, size + layer.values.size)
    added = []
    for part in parts:
        matrix = np.zeros((layer.values.size, layer.size))
        # A weight reaches an entry of z through one entry of h alone.
        matrix[which, rows] = part[columns]
        added.append(draft.affine(change, matrix))
    return _finish(draft, layer.network, {layer.output: reduce(draft.add, added)})


def _parts(values: Sequence[Fraction], dtype: np.dtype[Any]) -> list[FloatArray] | None:
    """Arrays of floats of that type that add up to the values, exactly; at least one."""
    rest = list(values)
    parts: list[FloatArray] = []
    while not parts or any(rest):
        with np.errstate(over="ignore"):
            part = np.array([float(v) for v in rest]).astype(dtype).astype(np.float64)
        if len(parts) == MOST_PARTS or not np.isfinite(part).all():
            return None
        rest = [v - Fraction(p) for v, p in zip(rest, part.tolist(), strict=True)]
        parts.append(part)
    return parts


def _finish(draft: Composer, network: Network, added: Mapping[str, str]) -> Network:
    x = draft.part(draft.x, 0, network.input_size)
    output = draft.run(network, x, scores=True, added=added)
    return draft.finish(output, f"{network.path.name} with perturbed weights")


def with_weights(network: Network, weights: Mapping[str, npt.NDArray[Any]]) -> Network:
    """The same network with other weights, by the names of their tensors."""
    model = plain_model(network.data, network.path)
    for tensor in model.graph.initializer:
        if tensor.name in weights:
            dtype = numpy_helper.to_array(tensor).dtype
            tensor.CopyFrom(numpy_helper.from_array(weights[tensor.name].astype(dtype), tensor.name))
    for node in model.graph.node:
        if node.op_type == "Constant" and node.output[0] in weights:
            value = node.attribute[0].t
            dtype = numpy_helper.to_array(value).dtype
            value.CopyFrom(numpy_helper.from_array(weights[node.output[0]].astype(dtype), value.name))
    return network_of(model.SerializeToString(), Path(f"{network.path.name} with other weights"))
