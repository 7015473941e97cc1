"""Linear bounds by backward substitution (CROWN, Zhang et al. 1811.00866).

To bound a linear function of a layer, replace each unstable ReLU by a line below or above it, whichever the
sign of its coefficient asks for, and go back layer by layer until the function is linear in the input, where
its minimum over the box is in closed form. Intermediate layers are bounded the same way, only for neurons
that the cheaper bounds left unstable.

The result is sound in float64 by the rule of docs/rounding.md: the multipliers mu need
not be right, only the sums computed from them, and their rounding error is at most
gamma * sum_k |mu_k| . (|M_k| a_k + |b_k| + |z_k|), with a_k and z_k the largest magnitudes of a layer's inputs
and of its pre-activations. Those vectors are computed once per box, so the guarantee costs one dot product
per layer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..network.exact import FloatArray
from ..network.graph import Affine, Graph, Input, Relu
from .bounds import Bounds
from .interval import affine_interval
from .rounding import TINY, gamma


@dataclass(frozen=True, eq=False)
class LinearBound:
    """Lower bounds of several linear functions of one node.

    For every x in box b of the batch, row r of the functions is at least `slope[b, r] . x + constant[b, r]`
    (up to rounding) and at least `lower[b, r]` (rigorously). `slope` is (batch, rows, input_size).
    """

    lower: FloatArray
    slope: FloatArray
    constant: FloatArray
    error: FloatArray


def linear_bounds(graph: Graph, lower: FloatArray, upper: FloatArray) -> Bounds:
    """Bounds of every node over boxes [lower, upper] of shape (batch, input_size): CROWN where it can help.

    Every node gets interval bounds from its sources' bounds; pre-activations of ReLUs that these leave
    unstable in some box are then bounded by backward substitution and the two are intersected.
    """
    lows: list[FloatArray] = []
    highs: list[FloatArray] = []
    feeds_relu = {node.source for node in graph.nodes if isinstance(node, Relu)}
    for number, node in enumerate(graph.nodes):
        if isinstance(node, Input):
            low, high = lower, upper
        elif isinstance(node, Affine):
            low, high = affine_interval(node, lows, highs)
            if number in feeds_relu and number > 1:
                so_far = Bounds((*lows, low), (*highs, high))
                low, high = _tighten(graph, so_far, number)
        else:
            low, high = np.maximum(lows[node.source], 0), np.maximum(highs[node.source], 0)
        lows.append(low)
        highs.append(high)
    return Bounds(tuple(lows), tuple(highs))


def _tighten(graph: Graph, bounds: Bounds, number: int) -> tuple[FloatArray, FloatArray]:
    """Bounds of node `number` intersected with backward substitution for its unstable rows."""
    low, high = bounds.lower[number], bounds.upper[number]
    rows = np.flatnonzero(((low < 0) & (high > 0)).any(axis=0))
    if not len(rows):
        return low, high
    picks = np.zeros((2 * len(rows), low.shape[1]))
    picks[np.arange(len(rows)), rows] = 1
    picks[len(rows) + np.arange(len(rows)), rows] = -1
    bound = backward(graph, bounds, number, picks).lower
    low, high = low.copy(), high.copy()
    low[:, rows] = np.maximum(low[:, rows], bound[:, : len(rows)])
    high[:, rows] = np.minimum(high[:, rows], -bound[:, len(rows) :])
    return low, high


def output_bounds(graph: Graph, bounds: Bounds, rows: FloatArray) -> LinearBound:
    """Lower bounds of `rows` @ outputs, rows of shape (rows, output_size), over every box of `bounds`."""
    return backward(graph, bounds, graph.output, rows)


def backward(graph: Graph, bounds: Bounds, number: int, rows: FloatArray) -> LinearBound:
    """Lower bounds of `rows` @ node `number`, by backward substitution through the ReLUs below it.

    `rows` has shape (rows, size) or (batch, rows, size); `bounds` must hold all nodes below `number`.
    """
    batch = bounds.batch
    pending: dict[int, FloatArray] = {number: np.broadcast_to(rows, (batch, *rows.shape[-2:]))}
    constant = np.zeros((batch, rows.shape[-2]))
    magnitude = np.zeros_like(constant)
    products = 8
    for current in range(number, 0, -1):
        nu = pending.pop(current, None)
        if nu is None:
            continue
        node = graph.nodes[current]
        if isinstance(node, Relu):
            low, high = bounds.lower[node.source], bounds.upper[node.source]
            mu, gain = _relax(nu, low, high)
            constant += gain
            _add(pending, node.source, mu)
        elif isinstance(node, Affine):
            constant += nu @ node.bias.values
            size = np.abs(node.bias.values) + _largest(bounds, current)
            for linear, source in node.terms:
                size = size + linear.apply_abs(_largest(bounds, source))
                products += linear.fan_in + linear.fan_out + 2
                _add(pending, source, linear.apply_transpose(nu))
            magnitude += _rowdot(np.abs(nu), size)
    slope = pending.get(0)
    if slope is None:
        slope = np.zeros((batch, rows.shape[-2], graph.input_size))
    low, high = bounds.lower[0], bounds.upper[0]
    products += 4 * graph.input_size + sum(graph.nodes[i].size for i in graph.relus)
    center, radius = low / 2 + high / 2, np.nextafter(high / 2 - low / 2, np.inf)
    lowest = _rowdot(slope, center) - _rowdot(np.abs(slope), radius)
    magnitude += _rowdot(np.abs(slope), np.maximum(np.abs(low), np.abs(high)))
    error = 2 * gamma(products) * magnitude + TINY
    with np.errstate(invalid="ignore"):
        result = lowest + constant - error
    # An overflow on the way knows nothing.
    result = np.where(np.isnan(result), -np.inf, result)
    return LinearBound(result, slope, constant, error)


def _relax(nu: FloatArray, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Multipliers mu and constants with nu . relu(z) >= mu . z + constant for all z in [low, high].

    Upper line for negative coefficients: through (low, 0) and (high, high). Lower line for positive ones:
    slope 0 or 1, whichever leaves the smaller triangle.
    """
    below, above = np.minimum(low, 0), np.maximum(high, 0)
    width = above - below
    with np.errstate(invalid="ignore", divide="ignore"):
        chord = np.where(width > 0, above / width, 0.0)
    chord = np.where(high <= 0, 0.0, np.where(low >= 0, 1.0, chord))
    floor = np.where(low >= 0, 1.0, (above > -below).astype(np.float64))
    floor = np.where(high <= 0, 0.0, floor)
    negative = np.minimum(nu, 0)
    mu = negative * chord[:, None, :] + (nu - negative) * floor[:, None, :]
    return mu, _rowdot(negative, -chord * below)


def _rowdot(rows: FloatArray, vector: FloatArray) -> FloatArray:
    """(batch, rows, n) times (batch, n) -> (batch, rows)."""
    result: FloatArray = np.matmul(rows, vector[:, :, None])[:, :, 0]
    return result


def _largest(bounds: Bounds, number: int) -> FloatArray:
    return np.maximum(np.abs(bounds.lower[number]), np.abs(bounds.upper[number]))


def _add(pending: dict[int, FloatArray], number: int, rows: FloatArray) -> None:
    pending[number] = pending[number] + rows if number in pending else rows
