"""Planes with a slope for every edge into a neuron of the small network, in place of chords.

Of a ReLU that reads w . v + b the values lie below sum_j t_j w_j v_j + c, for any slopes t in [0, 1], where c is the
larger of the most that sum_j -t_j w_j v_j comes to and the most that b + sum_j (1 - t_j) w_j v_j does: one for either
side (the hull of Anderson et al. 1811.01988). With a coefficient below zero the rule goes on from there to what the
neuron reads, past its pre-activation. Stored slopes are hints; what rounding gets wrong is charged as at affine nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arithmetic.floats import Floats, FloatSum, total_of
from ..kernel.region import Region
from ..network import Affine, Network


@dataclass(frozen=True, eq=False)
class Fan:
    """The stored edges into one layer of the small network: for each source node their numbers, the entries of the
    source and the neurons; and which of the neurons have any, (neurons,)."""

    places: dict[int, tuple[Any, Any, Any]]
    has: Any


class Planed(Floats):
    """Floats in which unstable neurons of the `fans`, by ReLU node, have planes where a leaf stores slopes."""

    def __init__(self, network: Network, fans: dict[int, Fan]) -> None:
        super().__init__(network, np.float64)
        self.fans = fans

    @property
    def dense(self) -> int:
        """How many edges there are, stored or not."""
        network = self.network
        terms = (term for number in self.fans for term in network.nodes[network.nodes[number].source].terms)
        return 1 + sum(int(linear.weight.size) for linear, _ in terms)

    def sum(self, region: Region, lines: dict[int, Any], shape: Any) -> FloatSum:
        return PlaneSum(self, region, lines, shape)


class PlaneSum(FloatSum):
    """The rule's sum with planes."""

    def __init__(self, floats: Planed, region: Region, lines: dict[int, Any], shape: Any) -> None:
        super().__init__(floats, region, lines, shape)
        self._fans = floats.fans
        # Of affine nodes: the coefficients of the neurons that have planes, (batch, rows, size), and the stored slopes.
        self._met: dict[int, tuple[Fan, Any, Any]] = {}
        self._here: tuple[Affine, Fan, Any, Any] | None = None

    def pointwise(self, nu: Any, number: int) -> Any:
        line, fan = self.lines[number], self._fans.get(number)
        if line.planes is None or fan is None:
            return super().pointwise(nu, number)
        # A neuron that was split has lines without a gap.
        used = fan.has & (line.low < 0) & (line.high > 0)
        falling = np.minimum(nu, 0) * used[:, None, :]
        self._met[self.floats.network.nodes[number].source] = fan, falling, line.planes
        return super().pointwise(nu - falling, number)

    def affine(self, nu: Any, number: int) -> Any:
        node: Affine = self.floats.network.nodes[number]
        met, self._here = self._met.pop(number, None), None
        if met is not None:
            fan, falling, planes = met
            self._here = node, fan, falling, planes
            off, on = 0.0, node.floats[None]
            for linear, source in node.terms:
                slopes, weight = _dense(fan, source, planes, linear.weight[0].shape), linear.weight[0][None]
                low, high = (ends[source][:, :, None] for ends in (self.region.low, self.region.high))
                off = off + (slopes * np.maximum(-weight * low, -weight * high)).sum(axis=1)
                on = on + ((1 - slopes) * np.maximum(weight * low, weight * high)).sum(axis=1)
                self.count += 4 * len(linear.weight[0])
            size = 3 * self.floats.magnitude(node, self.region)
            self.constant += total_of(falling, np.maximum(off, on))
            self.wrong += total_of(np.abs(falling), size)
            if node.error is not None:
                self.extra += total_of(np.abs(falling), node.error[None])
            self.count += 8 * node.size
        return super().affine(nu, number)

    def back(self, mu: Any, linear: Any) -> Any:
        found = super().back(mu, linear)
        if self._here is None:
            return found
        node, fan, falling, planes = self._here
        source = next(source for each, source in node.terms if each is linear)
        steep = _dense(fan, source, planes, linear.weight[0].shape) * linear.weight[0]
        return found + falling @ steep.swapaxes(1, 2)


def _dense(fan: Fan, source: int, planes: Any, shape: Any) -> Any:
    """The slopes of all edges from a source node, (batch, its size, neurons); 0 where none is stored."""
    found = np.zeros((len(planes), *shape))
    if source in fan.places:
        edges, entries, neurons = fan.places[source]
        found[:, entries, neurons] = planes[:, edges]
    return found


def fans(network: Network, columns: Any, edges: Any) -> dict[int, Fan]:
    """The fans of a small network, whose neurons have the numbers `columns` (ascending) in the large one: `edges` (2,
    edges) are the number of the neuron that each leads to and what it comes from, an input or a neuron, numbered behind
    the inputs. Edges of neurons that it does not have are left out."""
    target, target_node = _placed(network, columns, edges[0])
    source, source_node = _placed(network, columns, edges[1] - network.input_size)
    is_input = edges[1] < network.input_size
    source, source_node = np.where(is_input, edges[1], source), np.where(is_input, 0, source_node)
    found = {}
    for number in network.pointwise:
        places, has = {}, np.zeros(network.size(number), bool)
        for _, origin in network.nodes[network.nodes[number].source].terms:
            at = np.flatnonzero((target_node == number) & (source_node == origin))
            places[origin] = at, source[at], target[at]
            has[target[at]] = True
        found[number] = Fan(places, has)
    return found


def _placed(network: Network, columns: Any, numbers: Any) -> tuple[Any, Any]:
    """The places of neurons of the large network in their ReLU nodes of the small one, and these nodes; -1 if none."""
    nodes: Sequence[int] = network.pointwise
    if not len(columns):
        return np.full(len(numbers), -1), np.full(len(numbers), -1)
    at = np.searchsorted(columns, numbers).clip(0, len(columns) - 1)
    layer = np.searchsorted(np.asarray(network.starts), at, side="right") - 1
    known = columns[at] == numbers
    place = at - np.asarray(network.starts)[layer]
    return np.where(known, place, -1), np.where(known, np.asarray(nodes)[layer.clip(0, len(nodes) - 1)], -1)
