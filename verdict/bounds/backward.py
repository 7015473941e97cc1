"""Linear bounds by backward substitution (CROWN, Zhang et al. 1811.00866), for any choice of lines.

To bound a linear function of a layer, replace each ReLU by a line below or above it, whichever the sign of
its coefficient asks for, and go back layer by layer until the function is linear in the input, where its
minimum over the box is in closed form. The lines are given by `lines.Lines`; CROWN's own choice is one of many,
and `alpha` improves it.

The result is sound by the rule of docs/rounding.md: the multipliers mu need not be right, only the sums
computed from them, and their rounding error is at most gamma * sum_k |mu_k| . (|M_k| a_k + |b_k| + |z_k|), with
a_k and z_k the largest magnitudes of a layer's inputs and outputs. Those vectors are computed once per box,
so the guarantee costs one dot product per layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..base.deadline import checkpoint
from ..base.never import assert_never
from ..network.graph import Affine, Graph, Input, Pointwise, Product
from ..network.maps.namespace import cast, namespace, next_above, next_below, product, zeros_like_shape
from .bounds import Bounds
from .lines import Lines, crown_lines
from .rounding import gamma, tiny, underflow, unit

# The most numbers in one array of coefficients (16 MiB in float64): more rows than that go in several passes. Larger
# ones the allocator takes from the system each time, which costs as much again for its pages. On a device, whose
# memory is pooled, more.
MOST_ENTRIES, ON_DEVICE = 2**21, 8


def most_entries(array: Any) -> int:
    """The most numbers in one array of coefficients, where this one is."""
    return MOST_ENTRIES if isinstance(array, np.ndarray) else ON_DEVICE * MOST_ENTRIES


@dataclass(frozen=True, eq=False)
class LinearBound:
    """Lower bounds of linear functions of one node, one per (box, row).

    For every x in box b, function r is at least `slope[b, r] . x + constant[b, r]` (up to rounding) and at
    least `lower[b, r]`: rigorously, if rounding was charged. `slope` is (batch, rows, input_size).
    `coefficients` holds, per Pointwise or Product node, the coefficients nu (batch, rows, size) that its output was met
    with.
    """

    lower: Any
    slope: Any
    constant: Any
    coefficients: dict[int, Any] = field(default_factory=dict)


def output_bounds(graph: Graph, bounds: Bounds, rows: Any, keep: bool = False) -> LinearBound:
    """Lower bounds of `rows` @ outputs, rows of shape (rows, output_size), over every box of `bounds`; `keep` the
    coefficients met on the way."""
    lines = {i: crown_lines(graph, bounds, i) for i in graph.pointwise}
    found = backward(graph, bounds, graph.output, rows, lines, KEEPING if keep else RIGOROUS)
    if graph.output not in graph.bent:
        return found
    # Lines leave the range of a function, which its own bounds do not.
    xp, (low, high) = namespace(rows), (ends[graph.output] for ends in (bounds.lower, bounds.upper))
    with np.errstate(invalid="ignore", over="ignore"):
        rising, falling = xp.clip(rows, 0, None), xp.clip(rows, None, 0)
        within = low @ rising.T + high @ falling.T
        size = gamma(rows.shape[-1] + 4, unit(rows.dtype)) * (xp.maximum(abs(low), abs(high)) @ abs(rows).T)
        # A row that picks one entry, or minus one, is not rounded.
        plain = (xp.sum(abs(rows), axis=-1) == 1) & (xp.max(abs(rows), axis=-1) == 1)
        within = xp.where(plain, within, within - size - tiny(rows.dtype))
    return replace(found, lower=xp.maximum(found.lower, xp.where(xp.isnan(within), -np.inf, within)))


def output_lower(
    graph: Graph, bounds: Bounds, rows: Any, stop: Callable[[], bool] = lambda: False
) -> Any:
    """The lower bounds of `output_bounds` alone, (batch, rows), a few rows at a time where the network is large; minus
    infinity for those that are left once `stop` returns True."""
    widest = max(graph.nodes[i].size for i in graph.ancestors(graph.output))
    chunk = max(1, most_entries(rows) // (bounds.batch * widest))
    if len(rows) <= chunk:
        return output_bounds(graph, bounds, rows).lower
    lines = {i: crown_lines(graph, bounds, i) for i in graph.pointwise}
    xp = namespace(rows)
    lower = xp.full((bounds.batch, len(rows)), -np.inf, dtype=rows.dtype, device=rows.device)
    for start in range(0, len(rows), chunk):
        if stop():
            break
        here = slice(start, start + chunk)
        lower[:, here] = backward(graph, bounds, graph.output, rows[here], lines).lower
    return lower


@dataclass(frozen=True, eq=False)
class Pass:
    """What a pass back through a network does: without `rigorous` no rounding is charged and the result is a hint;
    `keep` returns the coefficients met at each ReLU. With `errors` the bounds hold for every evaluation of the network
    that is off by at most errors[i], (1 or batch, size), at each affine node i, if the node bounds hold for it."""

    rigorous: bool = True
    keep: bool = False
    errors: Mapping[int, Any] | None = None


RIGOROUS, KEEPING = Pass(), Pass(keep=True)


def backward(
    graph: Graph, bounds: Bounds, number: int, rows: Any, lines: Mapping[int, Lines], how: Pass = RIGOROUS
) -> LinearBound:
    """Lower bounds of `rows` @ node `number`, by backward substitution through the ReLUs below it.

    `rows` has shape (rows, size) or (batch, rows, size); `bounds` must hold all nodes below `number`, for the
    whole batch or for one box that contains every domain of the batch, in which case the batch is that of
    `rows` and `lines`.
    """
    xp = namespace(rows)
    batch = max(bounds.batch, len(rows) if rows.ndim == 3 else 1, *(len(line.slope_above) for line in lines.values()))
    pending: dict[int, Any] = {number: xp.broadcast_to(rows, (batch, *rows.shape[-2:]))}
    kept: dict[int, Any] = {}
    constant = zeros_like_shape(rows, (batch, rows.shape[-2]))
    magnitude = xp.zeros_like(constant)
    products = 8
    for current in range(number, 0, -1):
        checkpoint()
        nu = pending.pop(current, None)
        if nu is None:
            continue
        node = graph.nodes[current]
        if how.keep and current in graph.bent:
            kept[current] = nu
        if isinstance(node, Pointwise):
            mu, gain = lines[current].substitute(nu)
            constant += gain
            extent = lines[current].extent(bounds.magnitude(graph, node.source)) if how.rigorous else None
            if extent is not None:
                products += node.size
                magnitude += rowdot(xp.abs(nu), extent)
            _add(pending, node.source, mu)
        elif isinstance(node, Product):
            sent, gain, size = bounds.through_product(graph, current, nu)
            constant, magnitude, products = constant + gain, magnitude + size, products + 2 * node.size + 4
            for source, mu in sent:
                _add(pending, source, mu)
        elif isinstance(node, Affine):
            constant += product(nu, node.bias.like(constant))
            products += node.size + 2
            for linear, source in node.terms:
                products += linear.fan_in + linear.fan_out + 2
                _add(pending, source, linear.apply_transpose(nu))
            if how.rigorous:
                magnitude += rowdot(xp.abs(nu), bounds.magnitude(graph, current))
            if how.errors is not None:
                constant -= rowdot(xp.abs(nu), how.errors[current])
        elif not isinstance(node, Input):
            assert_never(node)
    slope = pending.get(0)
    if slope is None:
        slope = zeros_like_shape(rows, (batch, rows.shape[-2], graph.input_size))
    charge, rate = None, 0.0
    if how.rigorous:
        products += 4 * graph.input_size + sum(graph.nodes[i].size for i in graph.bent)
        magnitude += rowdot(xp.abs(slope), xp.maximum(xp.abs(bounds.lower[0]), xp.abs(bounds.upper[0])))
        rate = 2 * gamma(products, unit(rows.dtype))
        with np.errstate(invalid="ignore"):
            charge = rate * magnitude + underflow(products, bounds.reach(graph, number), rows.dtype)[:, None]
    return LinearBound(_least(bounds, slope, constant, charge, rate), slope, constant, kept)


def _least(bounds: Bounds, slope: Any, constant: Any, charge: Any, rate: float) -> Any:
    """The least values of linear functions over the inputs, less the `charge` for rounding (None: nothing is charged);
    on a ball `rate` times the size of what is summed is charged too."""
    xp = namespace(slope)
    low, high = bounds.lower[0], bounds.upper[0]
    center, radius = low / 2 + high / 2, next_above(high / 2 - low / 2)
    lower = rowdot(slope, center) - rowdot(xp.abs(slope), radius) + constant
    if charge is not None:
        with np.errstate(invalid="ignore"):
            lower = lower - charge
    if bounds.ball is not None:
        least, size = bounds.ball.least_within(slope, low, high)
        least = least + constant
        if charge is not None:
            # The slope's own errors, which meet inputs of the box, are in the charge already.
            least = least - charge - rate * size
        lower = xp.maximum(lower, next_below(cast(least, lower.dtype)))
    # An overflow on the way knows nothing.
    return xp.where(xp.isnan(lower), -np.inf, lower)


def rowdot(rows: Any, vector: Any) -> Any:
    """(batch, rows, n) times (batch or 1, n) -> (batch, rows)."""
    if rows.shape[1] == 1:
        xp = namespace(rows)
        return xp.einsum("brn,bn->br", rows, xp.broadcast_to(vector, (len(rows), vector.shape[-1])))
    return product(rows, vector[:, :, None])[:, :, 0]


def _add(pending: dict[int, Any], number: int, rows: Any) -> None:
    pending[number] = pending[number] + rows if number in pending else rows
