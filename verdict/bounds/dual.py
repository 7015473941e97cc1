"""The bound of any multipliers: the one rule behind every linear bound, LP dual and certificate leaf.

Each ReLU's equation between its pre-activation z and the layers below may be weighted by any vector mu; what is
left to minimise is one number at a time, nu f(z) - mu z over [l, u]: for a ReLU least at l, at u or at the kink
(Wong and Kolter 1711.00851; design section 7). A multiplier cannot be wrong, only weak, so an LP solver's duals
go in as they come and its word is not needed. Rounding is charged by docs/rounding.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..base.never import assert_never
from ..network.graph import Affine, Graph, Input, Pointwise, Product
from ..network.maps.namespace import namespace, next_below, product, zeros_like_shape
from .bounds import Bounds
from .rounding import gamma, underflow, unit


def dual_bound(graph: Graph, bounds: Bounds, number: int, rows: Any, multipliers: Mapping[int, Any]) -> Any:
    """Lower bounds (batch, rows) of `rows` @ node `number` over every box of `bounds`, or the ball in it, in its float
    type.

    `rows` is (rows, size) or (batch or 1, rows, size); `multipliers` holds, per ReLU node, mu of shape
    (batch or 1, rows, size of the node), zero where it is missing. Not-a-number among them gives -infinity.
    """
    xp = namespace(rows)
    rows = rows if rows.ndim == 3 else rows[None]
    batch = max([bounds.batch, len(rows), *(len(mu) for mu in multipliers.values())])
    pending: dict[int, Any] = {number: zeros_like_shape(rows, (batch, *rows.shape[1:])) + rows}
    total = zeros_like_shape(rows, (batch, rows.shape[1]))
    magnitude = zeros_like_shape(rows, (batch, rows.shape[1]))
    count = 8 + 4 * graph.input_size
    # Multipliers may be of any size: an overflow ends as a not-a-number, which knows nothing.
    with np.errstate(over="ignore", invalid="ignore"):
        for current in range(number, 0, -1):
            nu = pending.pop(current, None)
            if nu is None:
                continue
            node = graph.nodes[current]
            count += node.size + 8
            if isinstance(node, Pointwise):
                mu = multipliers.get(current)
                mu = zeros_like_shape(nu, nu.shape) + (0 if mu is None else mu)
                low, high = (side[:, None, :] for side in bounds.in_front(graph, current))
                total = total + xp.sum(node.function.least(nu, mu, low, high), axis=-1)
                least, most = node.function.enclosure(low, high)
                size = xp.maximum(xp.maximum(xp.abs(low), xp.abs(high)), xp.maximum(xp.abs(least), xp.abs(most)))
                magnitude = magnitude + xp.sum((xp.abs(nu) + xp.abs(mu)) * size, axis=-1)
                _add(pending, node.source, mu)
            elif isinstance(node, Product):
                sent, gain, size = bounds.through_product(graph, current, nu)
                total, magnitude, count = total + gain, magnitude + size, count + 2 * node.size
                for source, mu in sent:
                    _add(pending, source, mu)
            elif isinstance(node, Affine):
                total = total + product(nu, node.bias.like(nu))
                magnitude = magnitude + _rowdot(xp.abs(nu), bounds.magnitude(graph, current))
                for linear, source in node.terms:
                    count += linear.fan_in + linear.fan_out + 2
                    _add(pending, source, linear.apply_transpose(nu))
            elif not isinstance(node, Input):
                assert_never(node)
        slope, before = pending.get(0), total
        if slope is not None:
            low, high = bounds.lower[0][:, None, :], bounds.upper[0][:, None, :]
            # The minimum over the box, per coordinate at one of its ends.
            total = total + xp.sum(xp.minimum(slope * low, slope * high), axis=-1)
            magnitude = magnitude + _rowdot(xp.abs(slope), xp.maximum(xp.abs(low), xp.abs(high))[:, 0, :])
        lost = underflow(count, bounds.reach(graph, number), rows.dtype)[:, None]
        charge = 2 * gamma(count, unit(rows.dtype)) * magnitude + lost
        lower = total - charge
        if slope is not None and bounds.ball is not None:
            # The slope's own errors meet inputs of the box, and are in the charge already.
            least_, size = bounds.ball.least_within(slope, bounds.lower[0], bounds.upper[0])
            within = before + least_ - charge - 2 * gamma(count, unit(rows.dtype)) * size
            lower = xp.maximum(lower, next_below(xp.where(xp.isnan(within), -xp.inf, within)))
    return xp.where(xp.isnan(lower), -xp.inf, lower)


def row_multipliers(graph: Graph, definitions: Mapping[int, tuple[Any, int, Any]], duals: Any) -> dict[int, Any]:
    """Per ReLU node mu of shape (1, bounds, size) from an LP's row duals or Farkas rays (bounds, rows).

    `definitions` says, per ReLU node, which neurons have a row (M x - z)/s = -c/s, where the first of these rows is,
    and the units s. A dual y of that row stands for -y/s (M x + c - z) in the Lagrangian, so mu is -y/s; a neuron
    without a row is always off, where zero is best.
    """
    result = {}
    for node, (neurons, first, units) in definitions.items():
        result[node] = np.zeros((1, len(duals), graph.nodes[node].size))
        result[node][0][:, neurons] = -duals[:, first : first + len(neurons)] / units
    return result


def _rowdot(rows: Any, vector: Any) -> Any:
    """(batch, rows, n) times (batch or 1, n) -> (batch, rows)."""
    return product(rows, vector[:, :, None])[:, :, 0]


def _add(pending: dict[int, Any], number: int, rows: Any) -> None:
    pending[number] = pending[number] + rows if number in pending else rows

