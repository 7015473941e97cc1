"""Running a graph: in floats for many points at once, in exact rationals for one, and backwards for gradients.

The exact run is the definition of the network's real semantics; the float run is fast and only ever a hint.
`float32_error` bounds how far any float32 execution, in any order of summation, can be from the exact run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ..base.deadline import checkpoint
from ..base.never import assert_never
from .exact import ExactVector, FloatArray
from .graph import Affine, Graph, Input, Pointwise, Product
from .maps.namespace import namespace, zeros_like_shape

# Seconds of one product of Python's integers in the first layer, and more in each one behind it; measured.
FIRST_PRODUCT, DEEPER_PRODUCT = 3e-8, 1.5e-8
BoolArray: TypeAlias = npt.NDArray[np.bool_]


def evaluate_all(graph: Graph, x: Any, last: Sequence[int] | None = None) -> list[Any]:
    """The value of every node for a batch `x` of shape (batch, input_size), any array library and dtype.

    With `last`, the number of the last node that reads each one, a value is dropped (None) once it is used.
    """
    values: list[Any] = []
    for node in graph.nodes:
        if isinstance(node, Input):
            values.append(x)
        elif isinstance(node, Affine):
            total = None
            for linear, source in node.terms:
                term = linear.apply(values[source])
                total = term if total is None else total + term
            bias = node.bias.like(x)
            values.append(zeros_like_shape(x, (x.shape[0], node.size)) + bias if total is None else total + bias)
        elif isinstance(node, Pointwise):
            values.append(node.function.value(values[node.source]))
        elif isinstance(node, Product):
            values.append(values[node.left] * values[node.right])
        else:
            assert_never(node)
        if last is not None:
            for source in node.sources:
                if last[source] == len(values) - 1:
                    values[source] = None
    return values


def evaluate(graph: Graph, x: Any) -> Any:
    """The network's outputs, shape (batch, output_size), for `x` of shape (batch, input_size)."""
    return evaluate_all(graph, x, last_uses(graph))[graph.output]


def vjp(graph: Graph, values: list[Any], cotangent: Any, least: Mapping[int, Any] | None = None) -> Any:
    """The gradient of <cotangent, output> with respect to the input, shape (batch, input_size).

    `values` are what `evaluate_all` returned, `cotangent` has shape (batch, output_size). At a kink the
    derivative is that of one side, for a ReLU 0. Derivatives of the functions at the nodes of `least` count as at least
    so much, (batch, size of the node) each.
    """

    def bent(number: int, node: Pointwise | Product, gradient: Any) -> list[tuple[int, Any]]:
        if isinstance(node, Product):
            return [(node.left, gradient * values[node.right]), (node.right, gradient * values[node.left])]
        slope = node.function.derivative(values[node.source])
        if least is not None and number in least:
            slope = namespace(slope).maximum(slope, least[number])
        return [(node.source, gradient * slope)]

    def affine(node: Affine, gradient: Any) -> list[tuple[int, Any]]:
        return [(source, linear.apply_transpose(gradient)) for linear, source in node.terms]

    found = pull_back(graph, graph.output, cotangent, bent, affine)
    return zeros_like_shape(cotangent, (cotangent.shape[0], graph.input_size)) if found is None else found


def pull_back(
    graph: Graph,
    number: int,
    row: Any,
    bent: Callable[[int, Pointwise | Product, Any], list[tuple[int, Any]]],
    affine: Callable[[Affine, Any], list[tuple[int, Any]]],
) -> Any | None:
    """A linear function `row` of node `number` as one of the input, in any arithmetic that adds; None where the input
    plays no part in it. `bent` (number, node, row) and `affine` (node, row) take a row one node back, to each of its
    sources."""
    pending: dict[int, Any] = {number: row}
    for current in range(number, 0, -1):
        gradient = pending.pop(current, None)
        if gradient is None:
            continue
        node = graph.nodes[current]
        if isinstance(node, Pointwise | Product):
            moved = bent(current, node, gradient)
        elif isinstance(node, Affine):
            moved = affine(node, gradient)
        elif isinstance(node, Input):
            moved = []
        else:
            assert_never(node)
        for source, part in moved:
            pending[source] = pending[source] + part if source in pending else part
    return pending.get(0)


def evaluate_exact_all(graph: Graph, x: ExactVector) -> list[ExactVector]:
    """The exact value of every node at one rational point of `input_size` coordinates."""
    values: list[ExactVector] = []
    for node in graph.nodes:
        checkpoint()
        if isinstance(node, Input):
            values.append(x)
        elif isinstance(node, Affine):
            total = ExactVector(*node.bias.integers)
            for linear, source in node.terms:
                total = total + linear.apply_exact(values[source])
            values.append(total.reduced())
        elif isinstance(node, Pointwise):
            values.append(node.function.exact(values[node.source]))
        elif isinstance(node, Product):
            values.append((values[node.left] * values[node.right]).reduced())
        else:
            assert_never(node)
    return values


def evaluate_exact(graph: Graph, x: ExactVector) -> ExactVector:
    """The network's exact outputs at one rational point."""
    return evaluate_exact_all(graph, x)[graph.output]


def exact_seconds(graph: Graph) -> float:
    """About how many seconds of processor time an exact run takes: numbers grow by a few digits in every layer."""
    total, layers = 0.0, 0
    for node in graph.nodes:
        if isinstance(node, Affine):
            products = sum(linear.out_size * linear.fan_in for linear, _ in node.terms)
            layers += any(linear.fan_in > 1 for linear, _ in node.terms)
            total += products * (FIRST_PRODUCT + layers * DEEPER_PRODUCT)
    return total


def float32_error(graph: Graph, x: FloatArray) -> FloatArray:
    """How far any float32 run may be from the exact one, per point and output; `x` is (batch, input_size).

    Estimated in float64 around the float64 values: a yardstick for the importer's self-check, not part of a proof.
    """
    return running_error(graph, [np.abs(v) for v in evaluate_all(graph, x)], 2.0**-24, 2.0**-126)


def running_error(
    graph: Graph, sizes: Sequence[FloatArray], unit: float, smallest: float = 0.0, roundings: int = 0
) -> FloatArray:
    """How far the outputs may be off (batch, outputs) in arithmetic that rounds relatively by `unit` and loses at most
    `smallest` to underflow; `sizes[i]` (batch, size of node i) are the largest magnitudes of each node's values.

    `roundings` are those that the coefficients themselves may have behind them, beyond one.

    Running error analysis (Higham, Accuracy and Stability, ch. 3): a sum of n products has an error of at
    most gamma_{n+2} (|W||a| + |b|), whatever the order and with or without fused multiply-add, and the error
    made so far passes through |W|.
    """
    batch = len(sizes[0])
    errors: list[FloatArray] = []
    for node in graph.nodes:
        if isinstance(node, Input):
            errors.append(np.zeros((batch, node.size)))
        elif isinstance(node, Affine):
            error = np.zeros((batch, node.size))
            size = np.abs(node.bias.values) + error
            count = 2 + len(node.terms) + roundings
            for linear, source in node.terms:
                # Both at once: the map's coefficients are read a single time.
                both = linear.apply_abs(np.concatenate([sizes[source] + errors[source], errors[source]]))
                size, error = size + both[:batch], error + both[batch:]
                count += linear.fan_in
            gamma = count * unit / (1 - min(count * unit, 0.5))
            errors.append(error + gamma * size + count * smallest)
        elif isinstance(node, Pointwise):
            errors.append(node.function.carried(errors[node.source], sizes[node.source], unit, smallest))
        elif isinstance(node, Product):
            pairs = [(errors[source], sizes[source]) for source in node.sources]
            errors.append(_product_error(*pairs[0], *pairs[1], unit) + smallest)
        else:
            assert_never(node)
    return errors[graph.output]


def _product_error(
    wrong: FloatArray, size: FloatArray, other_wrong: FloatArray, other_size: FloatArray, unit: float
) -> FloatArray:
    """How far a rounded product may be off whose factors are, by so much."""
    return wrong * other_size + (size + wrong) * other_wrong + 2 * unit * (size + wrong) * (other_size + other_wrong)


@dataclass(frozen=True, eq=False)
class Look:
    """What a run in float64 sees at each point: the outputs (batch, outputs), how far another arithmetic may be off
    there, and whether every number on the way stays within its range, (batch,)."""

    outputs: FloatArray
    errors: FloatArray
    fits: BoolArray


def look(graph: Graph, x: FloatArray, unit: float, smallest: float, largest: float, roundings: int = 0) -> Look:
    """`evaluate` and `running_error` in one pass that forgets each node's numbers once they are used, (batch, inputs).

    The errors are those of `running_error`, with one product for both of their parts.
    """
    last = last_uses(graph)
    found: dict[int, tuple[FloatArray, FloatArray]] = {}
    fits = np.ones(len(x), dtype=bool)
    for number, node in enumerate(graph.nodes):
        if isinstance(node, Input):
            value, error = x, np.zeros_like(x)
        elif isinstance(node, Affine):
            count = 2 + len(node.terms) + roundings + sum(linear.fan_in for linear, _ in node.terms)
            gamma = count * unit / (1 - min(count * unit, 0.5))
            value = np.broadcast_to(node.bias.values, (len(x), node.size))
            error = gamma * np.abs(value) + count * smallest
            for linear, source in node.terms:
                size, wrong = found[source]
                value = value + linear.apply(size)
                error += linear.apply_abs((1 + gamma) * wrong + gamma * np.abs(size))
        elif isinstance(node, Pointwise):
            before, error = found[node.source]
            value = node.function.value(before)
            error = node.function.carried_at(before, error, unit, smallest)
        elif isinstance(node, Product):
            (left, wrong_left), (right, wrong_right) = found[node.left], found[node.right]
            value = left * right
            error = _product_error(wrong_left, np.abs(left), wrong_right, np.abs(right), unit) + smallest
        else:
            assert_never(node)
        fits &= (np.abs(value) <= largest).all(axis=1)
        found[number] = value, error
        for source in {s for s in node.sources if last[s] == number}:
            del found[source]
    outputs, errors = found[graph.output]
    return Look(outputs, errors, fits & np.isfinite(errors).all(axis=1))


def last_uses(graph: Graph) -> list[int]:
    """For each node the number of the last one that reads it; the output is never forgotten."""
    last = list(range(len(graph.nodes)))
    for number, node in enumerate(graph.nodes):
        for source in node.sources:
            last[source] = number
    last[graph.output] = len(graph.nodes)
    return last


def classify(outputs: FloatArray) -> int:
    """The class of one output vector: the first index of the largest entry, as ONNX ArgMax."""
    return int(namespace(outputs).argmax(outputs))
