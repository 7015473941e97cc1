"""One pass of backward substitution: linear functions of a node, carried back node by node.

Coefficients are kept for each node that is `pending`; `through` puts what the node is made of in its place. At the
inputs, or anywhere on the way, their least value over the bounds of what is pending is a bound of the functions, less
what rounding may amount to (docs/rounding.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..base.never import assert_never
from ..network.graph import Affine, Graph, Input, Pointwise, Product
from ..network.maps.namespace import cast, namespace, next_above, next_below, product, zeros_like_shape
from .bounds import Bounds
from .lines import Lines
from .rounding import gamma, underflow, unit


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


@dataclass(frozen=True, eq=False)
class Pass:
    """What a pass back through a network does: without `rigorous` no rounding is charged and the result is a hint;
    `keep` returns the coefficients met at each ReLU. With `errors` the bounds hold for every evaluation of the network
    that is off by at most errors[i], (1 or batch, size), at each affine node i, if the node bounds hold for it."""

    rigorous: bool = True
    keep: bool = False
    errors: Mapping[int, Any] | None = None


RIGOROUS, KEEPING = Pass(), Pass(keep=True)


class Walk:
    """One pass back: the linear functions of the rows, in terms of the nodes that are `pending`."""

    def __init__(
        self, graph: Graph, bounds: Bounds, number: int, rows: Any, lines: Mapping[int, Lines], how: Pass
    ) -> None:
        self.graph, self.bounds, self.number, self.lines, self.how = graph, bounds, number, lines, how
        xp = namespace(rows)
        batch = len(rows) if rows.ndim == 3 else 1
        batch = max(bounds.batch, batch, *(len(line.slope_above) for line in lines.values()))
        self.pending: dict[int, Any] = {number: xp.broadcast_to(rows, (batch, *rows.shape[-2:]))}
        self.kept: dict[int, Any] = {}
        self.constant = zeros_like_shape(rows, (batch, rows.shape[-2]))
        self.magnitude = xp.zeros_like(self.constant)
        self.products = 8

    def through(self, current: int) -> None:
        """Put what the node is made of in its place, if it is pending."""
        nu = self.pending.pop(current, None)
        if nu is None:
            return
        graph, bounds, node, xp = self.graph, self.bounds, self.graph.nodes[current], namespace(nu)
        if self.how.keep and current in graph.bent:
            self.kept[current] = nu
        if isinstance(node, Pointwise):
            mu, gain = self.lines[current].substitute(nu)
            self.constant += gain
            rigorous = self.how.rigorous
            extent = self.lines[current].extent(bounds.magnitude(graph, node.source)) if rigorous else None
            if extent is not None:
                self.products += node.size
                self.magnitude += rowdot(xp.abs(nu), extent)
            self._add(node.source, mu)
        elif isinstance(node, Product):
            sent, gain, size = bounds.through_product(graph, current, nu)
            self.constant, self.magnitude = self.constant + gain, self.magnitude + size
            self.products += 2 * node.size + 4
            for source, mu in sent:
                self._add(source, mu)
        elif isinstance(node, Affine):
            self.constant += product(nu, node.bias.like(self.constant))
            self.products += node.size + 2
            for linear, source in node.terms:
                self.products += linear.fan_in + linear.fan_out + 2
                self._add(source, linear.apply_transpose(nu))
            if self.how.rigorous:
                self.magnitude += rowdot(xp.abs(nu), bounds.magnitude(graph, current))
            if self.how.errors is not None:
                self.constant -= rowdot(xp.abs(nu), self.how.errors[current])
        elif not isinstance(node, Input):
            assert_never(node)

    def _add(self, number: int, rows: Any) -> None:
        self.pending[number] = self.pending[number] + rows if number in self.pending else rows

    def so_far(self) -> Any:
        """The least values (batch, rows) over the bounds of what is pending, rounding charged."""
        graph, bounds, xp = self.graph, self.bounds, namespace(self.constant)
        lower, magnitude, products = self.constant, self.magnitude, self.products
        for i, nu in self.pending.items():
            low, high = bounds.lower[i], bounds.upper[i]
            with np.errstate(invalid="ignore"):
                center, radius = low / 2 + high / 2, next_above(high / 2 - low / 2)
                most = xp.maximum(xp.abs(low), xp.abs(high))
                spread = xp.abs(nu) @ xp.stack([radius, most], axis=-1)
                lower = lower + rowdot(nu, center) - spread[..., 0]
                magnitude = magnitude + spread[..., 1]
            products += 4 * graph.nodes[i].size + 4
        charge, _ = self._charge(magnitude, products)
        with np.errstate(invalid="ignore"):
            lower = lower - charge
        return xp.where(xp.isnan(lower), -np.inf, lower)

    def _charge(self, magnitude: Any, products: int) -> tuple[Any, float]:
        """What rounding may amount to in so many products, with sums of magnitudes like these, and its rate."""
        products += sum(self.graph.nodes[i].size for i in self.graph.bent)
        lost = underflow(products, self.bounds.reach(self.graph, self.number), self.constant.dtype)[:, None]
        rate = 2 * gamma(products, unit(self.constant.dtype))
        with np.errstate(invalid="ignore"):
            return rate * magnitude + lost, rate

    def keep(self, some: Any) -> None:
        """Go on with some rows only."""
        self.pending = {i: nu[:, some] for i, nu in self.pending.items()}
        self.constant, self.magnitude = self.constant[:, some], self.magnitude[:, some]

    def at_inputs(self) -> LinearBound:
        """The bounds, once nothing but the inputs is pending."""
        xp, bounds, charge, rate = namespace(self.constant), self.bounds, None, 0.0
        slope = self.pending.get(0)
        if slope is None:
            slope = zeros_like_shape(self.constant, (*self.constant.shape, self.graph.input_size))
        if self.how.rigorous:
            inputs = xp.maximum(xp.abs(bounds.lower[0]), xp.abs(bounds.upper[0]))
            magnitude = self.magnitude + rowdot(xp.abs(slope), inputs)
            charge, rate = self._charge(magnitude, self.products + 4 * self.graph.input_size)
        return LinearBound(_least(bounds, slope, self.constant, charge, rate), slope, self.constant, self.kept)


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
