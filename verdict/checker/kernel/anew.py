"""Bounds of hidden neurons on one domain of a tree, given its splits and that the outputs are unsafe (Kotha et al.
2302.01404).

What is sought has every row of the unsafe polytope at most 0. So lambda times the rows, lambda >= 0, may be added to
the row of a neuron before the rule goes back, and beta times each split above. The rows are those of the goal that the
tree is about, which is about one disjunct, and nothing outside of the tree below can use the bounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arithmetic.interface import Arithmetic
from ..errors import RejectedError
from ..network import Network
from ..readers.multipliers import Domains, Sizes
from ..surroundings import Surroundings
from .lines import lines_of
from .region import Region
from .tree import Domain, Walk


@dataclass(frozen=True, eq=False)
class Anew:
    """For a goal whose rows are the outputs `own` of the network; `chunk` bounds are looked at together."""

    work: Surroundings
    network: Network
    arithmetic: Arithmetic
    own: Any
    chunk: int

    def region(self, prefix: str, region: Region, domain: Domain, sizes: Sizes) -> Region:
        """The region, which is changed, met with all stored bounds, one layer after the other. Raises RejectedError."""
        network, certificate = self.network, self.work.certificate
        for at, layer in enumerate(certificate.layers(prefix, len(network.pointwise))):
            node = network.nodes[network.pointwise[layer]].source
            size = network.size(node)
            group, neuron, side = certificate.bounds(f"{prefix}.l{at}", sizes, size)
            walk, lower = Walk(self.work.nodes, 0), np.zeros(len(neuron))
            for start in range(0, len(neuron), self.chunk):
                some = slice(start, start + self.chunk)
                leaves = walk.same(domain, len(neuron[some]), sizes.neurons)
                lower[some] = self._least(region, node, group.domains(leaves), side[some], neuron[some])
                self.work.count(len(leaves))
            group.finish(walk)
            low, high, up = np.full((1, size), -np.inf), np.full((1, size), np.inf), side > 0
            np.maximum.at(low[0], neuron[up], lower[up])
            np.minimum.at(high[0], neuron[~up], -lower[~up])
            region.meet(node, low, high)
        return region

    def _least(self, region: Region, node: int, domains: Domains, side: Any, neuron: Any) -> Any:
        """Lower bounds (n,) of side * neuron of a node, wherever the rows are at most 0."""
        network, output, weights, scale = self.network, self.network.output, domains.weights, domains.scale
        if weights is None or node not in network.needed(output):
            raise RejectedError("bounds found anew without lambda, or of what no row depends on")
        # All on the grid of lambda: a power of two, by which the bound is divided exactly.
        rows, goal = (np.zeros((len(side), 1, network.size(i))) for i in (node, output))
        rows[np.arange(len(side)), 0, neuron] = side * scale[:, 0]
        goal[:, 0, self.own] = np.maximum(weights, 0)
        found, empty = lines_of(network, region, domains, len(network.pointwise), True)
        lower = self.arithmetic.lower(region, output, goal, found, (node, rows))[:, 0]
        return np.where(empty, np.inf, lower / scale[:, 0])
