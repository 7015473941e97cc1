"""The lines that stand in for a pointwise function: one below it, one above it, and what a split adds.

A coefficient's sign decides which line is needed; the function knows its own (`network/functions`). A neuron that a
split fixes on one side of a kink has no gap at all, and any non-negative multiple beta of its constraint may be added
free of charge (Wang et al. 2103.06624).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..base.device import Device
from ..network.graph import Graph
from ..network.maps.namespace import cast, namespace, negative, product
from .bounds import Bounds


@dataclass(frozen=True, eq=False)
class Lines:
    """Lines of one Pointwise node, arrays (batch, size).

    Below: f(z) >= slope_below * z + offset_below (None: 0, and any slope in [0, 1] holds as well, where the slope above
    is between 0 and 1). Above: f(z) <= slope_above * z + offset_above. `shift` is added to the multipliers: +beta >= 0
    for neurons split off (z <= 0), -beta for neurons split on (z >= 0), else 0.
    """

    slope_below: Any
    slope_above: Any
    offset_above: Any
    shift: Any = None
    offset_below: Any = None

    def substitute(self, nu: Any) -> tuple[Any, Any]:
        """(mu, gain) with nu . f(z) >= mu . z + gain on the domain; nu is (batch, rows, size)."""
        xp, falling = namespace(nu), negative(nu)
        # One of the two is zero: no cancellation, mu is off by one rounding of its own size.
        mu = (nu - falling) * self.slope_below[:, None, :]
        mu += falling * self.slope_above[:, None, :]
        if self.shift is not None:
            mu += self.shift[:, None, :]
        if nu.shape[1] == 1:
            gain = xp.einsum("brn,bn->br", falling, xp.broadcast_to(self.offset_above, (len(nu), nu.shape[2])))
        else:
            gain = product(falling, self.offset_above[:, :, None])[:, :, 0]
        if self.offset_below is not None:
            gain = gain + product(nu - falling, self.offset_below[:, :, None])[:, :, 0]
        return mu, gain

    def free(self) -> Any:
        """Where any slope below in [0, 1] is sound, (batch, size)."""
        if self.offset_below is not None:
            return self.slope_above < self.slope_above
        return (self.slope_above > 0) & (self.slope_above < 1)

    def with_slopes(self, slopes: Any) -> Lines:
        """The lines with others below, which differ where these are `free`; without shifts."""
        return Lines(slopes, self.slope_above, self.offset_above, offset_below=self.offset_below)

    def extent(self, size: Any) -> Any:
        """The largest magnitudes of what the lines are made of where |z| is at most `size`: what roundings of lines
        with offsets are proportional to; None where |slope z| tells all, as on lines below through 0."""
        if self.offset_below is None:
            return None
        xp = namespace(size)
        steep = xp.maximum(xp.abs(self.slope_below), xp.abs(self.slope_above))
        with np.errstate(invalid="ignore", over="ignore"):
            return steep * size + xp.maximum(xp.abs(self.offset_below), xp.abs(self.offset_above))

    def astype(self, dtype: Any) -> Lines:
        """The same lines in another float type, to nearest: a hint, since the chord may now cut the ReLU."""
        return self._map(lambda values: cast(values, dtype))

    def to(self, device: Device) -> Lines:
        """These lines (NumPy arrays), the same numbers, on a device."""
        return self._map(device.put)

    def of(self, neurons: Any) -> Lines:
        """The lines of some neurons (numbers)."""
        return self._map(lambda values: values[:, neurons])

    def _map(self, move: Callable[[Any], Any]) -> Lines:
        shift, below = (None if values is None else move(values) for values in (self.shift, self.offset_below))
        return Lines(move(self.slope_below), move(self.slope_above), move(self.offset_above), shift, below)


def crown_lines(graph: Graph, bounds: Bounds, number: int) -> Lines:
    """CROWN's lines of the function of node `number` on its pre-activations' bounds."""
    below, offset_below, above, offset_above = graph.functions[number].lines(*bounds.in_front(graph, number))
    return Lines(below, above, offset_above, offset_below=offset_below)
