"""Lower and upper bounds of every node, for a batch of input boxes at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..base.device import Device
from ..base.never import assert_never
from ..network.graph import Affine, Graph, Input, Pointwise, Product
from ..network.maps.namespace import Constant, cast, namespace, next_above, next_below, product, zeros_like_shape
from .ball import Ball
from .planes import Planes, crown_planes
from .rounding import tiny


@dataclass(frozen=True, eq=False)
class Bounds:
    """`lower[i]`, `upper[i]`: arrays (batch, size of node i); the true value lies between them.

    They are about the inputs between `lower[0]` and `upper[0]`, and in the `ball`, if there is one.
    """

    lower: tuple[Any, ...]
    upper: tuple[Any, ...]
    ball: Ball | None = None
    _magnitudes: dict[int, Any] = field(default_factory=dict, repr=False)
    _placed: dict[Any, Bounds] = field(default_factory=dict, repr=False)
    _planes: dict[int, Planes] = field(default_factory=dict, repr=False)

    def with_ends(self, lower: Iterable[Any], upper: Iterable[Any]) -> Bounds:
        """Other bounds, of these or fewer nodes, on the same inputs."""
        return Bounds(tuple(lower), tuple(upper), self.ball)

    def met(self, other: Bounds) -> Bounds:
        """The tighter end of both, which are of the same nodes, everywhere; on these inputs."""
        return self.with_ends(map(np.maximum, self.lower, other.lower), map(np.minimum, self.upper, other.upper))

    def with_planes(self, planes: dict[int, Planes]) -> Bounds:
        """The same bounds with other planes of some products, one set each or one for each row of a batch."""
        return Bounds(self.lower, self.upper, self.ball, self._magnitudes, _planes={**self._planes, **planes})

    @property
    def batch(self) -> int:
        return len(self.lower[0])

    def in_front(self, graph: Graph, number: int) -> tuple[Any, Any]:
        """The bounds of a Pointwise node's pre-activations."""
        source = graph.nodes[number].sources[0]
        return self.lower[source], self.upper[source]

    def factors(self, graph: Graph, number: int) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
        """The ends of the two factors of a Product node."""
        left, right = graph.nodes[number].sources
        return (self.lower[left], self.upper[left]), (self.lower[right], self.upper[right])

    def planes(self, graph: Graph, number: int) -> Planes:
        """CROWN's planes of a Product node on the bounds of its factors."""
        if number not in self._planes:
            self._planes[number] = crown_planes(*self.factors(graph, number))
        return self._planes[number]

    def through_product(self, graph: Graph, number: int, nu: Any) -> tuple[list[tuple[int, Any]], Any, Any]:
        """What coefficients nu (batch, rows, size) of a product come to in each factor, what its planes add, and the
        size of what is rounded, both (batch, rows)."""
        planes, (left, right) = self.planes(graph, number), graph.nodes[number].sources
        mu, kappa, gain = planes.substitute(nu)
        extent = planes.extent(self.magnitude(graph, left), self.magnitude(graph, right))
        return [(left, mu), (right, kappa)], gain, product(abs(nu), extent[:, :, None])[:, :, 0]

    def magnitude(self, graph: Graph, number: int) -> Any:
        """|M| a + |b| + |z| of an affine node, (batch, size): what its rounding error is proportional to."""
        if number not in self._magnitudes:
            node = graph.nodes[number]
            xp = namespace(self.lower[0])
            size = self._largest(number) if number < len(self.lower) else 0.0
            if isinstance(node, Affine):
                size = size + xp.abs(node.bias.like(self.lower[0]))
                # Of infinite bounds, outside a function's domain, nothing is known.
                with np.errstate(invalid="ignore"):
                    for linear, source in node.terms:
                        size = size + linear.apply_abs(self._largest(source))
            elif not isinstance(node, Input | Pointwise | Product):
                assert_never(node)
            self._magnitudes[number] = size
        return self._magnitudes[number]

    def put_magnitude(self, number: int, size: Any) -> None:
        """What `magnitude` is to return for a node: no less than what it would compute."""
        self._magnitudes[number] = size

    def reach(self, graph: Graph, number: int) -> Any:
        """The sum of the largest magnitudes of all that node `number` depends on, (batch,): what an underflow in a
        coefficient may meet at most."""
        key = -1 - number
        if key not in self._magnitudes:
            xp = namespace(self.lower[0])
            total = zeros_like_shape(self.lower[0], (self.batch,))
            for i in graph.ancestors(number)[:-1]:
                total = total + xp.sum(self._largest(i), axis=1)
            self._magnitudes[key] = total
        return self._magnitudes[key]

    def _largest(self, number: int) -> Any:
        """The largest magnitudes, (batch, size); at least `tiny`, so that what is charged relative to them is more
        than what underflows."""
        xp = namespace(self.lower[number])
        largest = xp.maximum(xp.abs(self.lower[number]), xp.abs(self.upper[number]))
        return largest.clip(tiny(largest.dtype), None)

    def unstable(self, graph: Graph, box: int = 0) -> int:
        """How many neurons bend in one box of the batch, ReLUs that may be on either side of zero, and products of
        factors that both move."""
        count = 0
        for number in graph.pointwise:
            low, high = self.in_front(graph, number)
            count += int(graph.bent_by(number, low[box], high[box]).sum())
        for number in graph.products:
            (low, high), (bottom, top) = self.factors(graph, number)
            moving = (low[box] < high[box]) & (bottom[box] < top[box])
            count += int(graph.only_relevant(number, moving).sum())
        return count

    def astype(self, dtype: Any) -> Bounds:
        """The same bounds in another float type, rounded outward."""
        with np.errstate(over="ignore"):
            lower = tuple(next_below(cast(low, dtype)) for low in self.lower)
            return self.with_ends(lower, tuple(next_above(cast(high, dtype)) for high in self.upper))

    def to(self, device: Device) -> Bounds:
        """These bounds (NumPy arrays), the same numbers, on a device."""
        return self.with_ends(map(device.put, self.lower), map(device.put, self.upper))

    def like(self, x: Any) -> Bounds:
        """These bounds (NumPy arrays), the same numbers, where `x` is; kept there."""
        if isinstance(x, np.ndarray):
            return self
        if x.device not in self._placed:
            lower, upper = ([Constant(end).like(x) for end in ends] for ends in (self.lower, self.upper))
            self._placed[x.device] = self.with_ends(lower, upper)
        return self._placed[x.device]
