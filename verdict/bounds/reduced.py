"""The network on one box, written in its unstable ReLUs alone.

A ReLU that is stable on the box is linear there, so every pre-activation is an affine function of the input
and of the unstable ReLUs before it. Where these are few, bounding a domain of branch and bound costs two small
matrix products per layer, however wide the network is. Everything is float32 and still rigorous: what the
matrices and the arithmetic get wrong is bounded once per neuron, and charged by one dot product per domain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..base.deadline import checkpoint
from ..base.never import assert_never
from ..network.exact import FloatArray
from ..network.functions import Feature
from ..network.graph import Affine, Graph, Input, Pointwise, Product
from ..network.maps.base import STEP
from ..network.maps.namespace import Constant, namespace, negative, positive
from .bounds import Bounds
from .reduced_ball import ReducedBall, reduced_ball
from .rounding import gamma, tiny, unit

# Beyond it a float32 coefficient is too near to overflow to be of use.
LARGEST = 1e30
# Numbers whose magnitudes are summed at once.
CACHED = 2**17


@dataclass(frozen=True, eq=False)
class Layer:
    """The unstable neurons of one ReLU node: their outputs are the variables `start` to `stop`, their
    pre-activations `matrix` @ (the variables before `start`), matrix (stop - start, start)."""

    start: int
    stop: int
    matrix: Constant


@dataclass(frozen=True, eq=False)
class Reduced:
    """Rows of one node as affine functions of the variables: the input, 1, outputs of unstable ReLUs in order.

    The input is scaled, x = center + radius * s with s in [-1, 1], one variable per coordinate that can move
    (`inputs` of them); the constant 1 is variable number `inputs`. `rows` is (rows, variables). `charge`
    (unstable ReLUs,) and `row_charge` (rows,) bound what one unit of a multiplier gets wrong. Of the box only the part
    in the `ball` counts, if there is one.
    """

    inputs: int
    layers: tuple[Layer, ...]
    rows: Constant
    charge: Constant
    row_charge: Constant
    last_charge: float
    ball: ReducedBall | None = None

    def bound(self, row: Any, below: Any, above: Any, gap: Any, shift: Any) -> tuple[Any, Any, Any, Any, Any]:
        """Lower bounds (batch,) of rows number `row` (batch,), what they were charged for rounding, the coefficients
        nu (batch, unstable ReLUs) met, what `follow` needs, and the constant (batch,) with which the coefficients of
        the scaled input there bound the row on all of the box. In NumPy the bounds are rigorous.

        `below`, `above`, `gap`, `shift` (batch, unstable ReLUs) are the lines, as in `lines.Lines`.
        """
        xp, first = namespace(below), self.inputs + 1
        coefficients = self.rows.like(below)[row]
        multipliers = xp.empty_like(below)
        for layer in reversed(self.layers):
            checkpoint()
            here = slice(layer.start - first, layer.stop - first)
            nu = coefficients[:, layer.start : layer.stop]
            mu = positive(nu) * below[:, here]
            mu += negative(nu) * above[:, here]
            mu += shift[:, here]
            coefficients[:, : layer.start] += mu @ layer.matrix.like(mu)
            multipliers[:, here] = mu
        if self.ball is None:
            size = xp.sum(xp.abs(coefficients[:, : self.inputs]), axis=1)
            least = -size
        else:
            least, size = self.ball.least(coefficients[:, : self.inputs])
        constant, nu = coefficients[:, self.inputs], coefficients[:, first:]
        flat = xp.einsum("bn,bn->b", negative(nu), gap)
        lower = constant + least + flat
        wrong = xp.abs(multipliers) @ self.charge.like(below) + self.row_charge.like(below)[row]
        wrong += self.last_charge * (size + xp.abs(constant))
        return lower - wrong, wrong, nu, coefficients, constant + flat - wrong

    def follow(self, coefficients: Any, below: Any, above: Any, gap: Any) -> tuple[Any, Any]:
        """The minimiser s (batch, inputs) of a bound, and the pre-activations (batch, unstable) it leads to."""
        xp = namespace(coefficients)
        if self.ball is None:
            inputs = xp.where(coefficients[:, : self.inputs] > 0, np.float32(-1), np.float32(1))
        else:
            inputs = self.ball.argmin(coefficients[:, : self.inputs])
        falling = coefficients[:, self.inputs + 1 :] < 0
        slope, offset = xp.where(falling, above, below), xp.where(falling, gap, np.float32(0))
        return inputs, self.forward(inputs, 1, slope, offset)

    def forward(self, inputs: Any, constant: Any, slope: Any, offset: Any) -> Any:
        """Pre-activations (batch, unstable) at scaled inputs (batch, inputs), every ReLU replaced by a line slope * z +
        offset; with `constant` 0 and offsets 0 the derivatives in the direction `inputs`."""
        xp, first = namespace(slope), self.inputs + 1
        variables = xp.empty((len(slope), first + slope.shape[1]), dtype=slope.dtype, device=slope.device)
        variables[:, : self.inputs] = inputs
        variables[:, self.inputs] = constant
        pre = xp.empty_like(slope)
        for layer in self.layers:
            checkpoint()
            here = slice(layer.start - first, layer.stop - first)
            z = variables[:, : layer.start] @ layer.matrix.like(slope).T
            pre[:, here] = z
            variables[:, layer.start : layer.stop] = slope[:, here] * z + offset[:, here]
        return pre

    def gradients(self, slope: FloatArray) -> FloatArray:
        """Derivatives (unstable, inputs) of the pre-activations with respect to the scaled input, where the ReLUs have
        these slopes (unstable,)."""
        first = self.inputs + 1
        result = np.zeros((len(slope), self.inputs))
        for layer in self.layers:
            before, rows = layer.start - first, layer.matrix.values
            chunk = max(1, STEP // (1 + before * self.inputs))
            for at in range(0, len(rows), chunk):
                checkpoint()
                some = rows[at : at + chunk]
                from_relus = (some[:, first:] * slope[:before]) @ result[:before]
                result[before + at : before + at + len(some)] = some[:, : self.inputs] + from_relus
        return result


class _Form:
    """A node as `matrix` (variables, size) in float64, for boxes of variables |v| <= `largest`.

    `error` (size,) bounds |true value - form| over the box, `size` (size,) the sum of |coefficient| * largest.
    """

    def __init__(self, matrix: Any, error: Any, size: Any) -> None:
        self.matrix, self.error, self.size = matrix, error, size


def _size(matrix: Any, largest: Any) -> Any:
    """What the columns of a form come to at most, some rows at a time, so that their magnitudes stay in the cache."""
    size, chunk = np.zeros(matrix.shape[1]), max(1, CACHED // max(1, matrix.shape[1]))
    for start in range(0, len(matrix), chunk):
        some = np.abs(matrix[start : start + chunk])
        size += largest[start : start + len(some)] @ some
    return size


def reduce(graph: Graph, bounds: Bounds, number: int, rows: Any, most: int) -> Reduced | None:
    """The reduced form of `rows` @ node `number` over the box of `bounds` (batch 1, float64); None where the affine
    forms of one node would take more than `most` numbers.

    `rows` is (rows, size of the node), float64. The errors are those of docs/rounding.md, with the variables'
    largest magnitudes in place of activations. Raises UnsupportedError where a function is not ON_OFF.
    """
    graph.require(Feature.ON_OFF, "the reduced form of a network", number)
    matrix = _scaled_inputs(bounds)
    inputs, largest = len(matrix) - 1, np.ones(len(matrix))
    forms = {0: _Form(matrix, np.zeros(graph.input_size), _size(matrix, largest))}
    layers: list[Layer] = []
    charges: list[Any] = []
    for current in graph.ancestors(number):
        node = graph.nodes[current]
        if isinstance(node, Input):
            continue
        if isinstance(node, Affine):
            forms[current] = _affine(node, forms, len(largest), inputs, largest)
            continue
        if isinstance(node, Product):
            raise node.without("the reduced form of a network")
        if not isinstance(node, Pointwise):
            assert_never(node)
        low, high = bounds.lower[node.source][0], bounds.upper[node.source][0]
        unstable, form = np.flatnonzero(node.function.bends(low, high)), forms[node.source]
        start, stop = len(largest), len(largest) + len(unstable)
        if stop * node.size > most:
            return None
        layers.append(Layer(start, stop, Constant(_float32(form.matrix[:, unstable].T, start))))
        largest = np.concatenate([largest, high[unstable]])
        charges.append((form, unstable, np.maximum(-low, high)[unstable]))
        forms[current] = _behind(form, stop, unstable, (low, high))
    form = forms[number]
    count = len(largest) + 4 * len(layers) + 16
    error, wrong = 4 * gamma(count, unit(np.float32)), 1 + 2.0**-20
    # What an underflow may meet.
    slack = tiny(np.float32) * (1 + largest.sum() + sum(z.sum() for _, _, z in charges))
    charge = [wrong * (f.error[u] + error * (f.size[u] + z)) + slack for f, u, z in charges]
    last = form.matrix @ rows.T
    size = _size(last, largest)
    rounding = 4 * gamma(rows.shape[1] + 2) * (np.abs(rows) @ form.size)
    row_charge = wrong * (np.abs(rows) @ form.error + rounding + error * size) + slack
    if not (np.isfinite(row_charge).all() and all(np.isfinite(c).all() for c in charge)):
        return None
    if max(largest.max(), size.max(initial=0), *(f.size.max(initial=0) for f in forms.values())) > LARGEST:
        return None
    return Reduced(
        inputs,
        tuple(layers),
        Constant(_float32(last.T, len(largest))),
        Constant(_above(np.concatenate([*charge, np.zeros(0)]))),
        Constant(_above(row_charge)),
        error,
        _ball(bounds),
    )


def _ball(bounds: Bounds) -> ReducedBall | None:
    """The ball of the bounds over the scaled inputs that move, if any do."""
    center, width = scale_of(bounds)
    moving = np.flatnonzero(width)
    if bounds.ball is None or not len(moving):
        return None
    own = replace(bounds.ball, center=bounds.ball.center[moving])
    return reduced_ball(own, center[moving], width[moving])


def scale_of(bounds: Bounds) -> tuple[FloatArray, FloatArray]:
    """The centre and the radius of every coordinate of the box of `bounds`, (inputs,): x = center + radius * s."""
    low, high = bounds.lower[0][0], bounds.upper[0][0]
    center = low / 2 + high / 2
    # The two differences round: one more ulp, so that every x of the box has its s in [-1, 1].
    return center, np.where(high > low, np.nextafter(np.maximum(high - center, center - low), np.inf), 0)


def _scaled_inputs(bounds: Bounds) -> FloatArray:
    """The inputs of the box as functions of the scaled ones that move, and of 1: (moving + 1, inputs)."""
    center, radius = scale_of(bounds)
    moving = np.flatnonzero(radius)
    matrix = np.zeros((len(moving) + 1, len(center)))
    matrix[np.arange(len(moving)), moving] = radius[moving]
    matrix[-1] = center
    return matrix


def _affine(node: Affine, forms: dict[int, _Form], count: int, inputs: int, largest: Any) -> _Form:
    """The form of an affine node from those of its sources, in float64, with what its arithmetic gets wrong."""
    matrix: Any = None
    error, size = np.zeros(node.size), np.abs(node.bias.values)
    products = 4 + len(node.terms)
    for linear, source in node.terms:
        form = forms[source]
        made = linear.apply(form.matrix)
        if matrix is None and len(made) == count:
            matrix = made
        else:
            matrix = np.zeros((count, node.size)) if matrix is None else matrix
            matrix[: len(made)] += made
        error += linear.apply_abs(form.error)
        size = size + linear.apply_abs(form.size)
        products += linear.fan_in
    matrix = np.zeros((count, node.size)) if matrix is None else matrix
    matrix[inputs] += node.bias.values
    # Twice the rounding of the forms covers that of these sums of non-negative numbers too.
    lost = tiny(np.float64) * (1 + largest.sum())
    return _Form(matrix, error * (1 + 2.0**-20) + 4 * gamma(products) * size + lost, _size(matrix, largest))


def _behind(form: _Form, count: int, unstable: Any, ends: tuple[Any, Any]) -> _Form:
    """The form of ReLUs between `ends` behind a form: off, on, or one of the last of `count` variables each."""
    checkpoint()
    low, high = ends
    # Large: every number is written once.
    matrix = np.empty((count, len(low)))
    np.multiply(form.matrix, low >= 0, out=matrix[: len(form.matrix)])
    matrix[len(form.matrix) :] = 0
    matrix[count - len(unstable) + np.arange(len(unstable)), unstable] = 1
    size = form.size * (low >= 0)
    size[unstable] = high[unstable]
    return _Form(matrix, form.error * (low >= 0), size)


def _float32(matrix: Any, columns: int) -> Any:
    """As float32 with so many columns, zeros on the right."""
    result = np.zeros((len(matrix), columns), np.float32)
    with np.errstate(over="ignore"):
        result[:, : matrix.shape[1]] = matrix
    return result


def _above(values: Any) -> Any:
    """Float32 numbers at least as large."""
    with np.errstate(over="ignore"):
        return np.nextafter(values.astype(np.float32), np.float32(np.inf))
