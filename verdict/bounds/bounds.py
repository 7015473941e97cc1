"""Lower and upper bounds of every node, for a batch of input boxes at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..network.exact import FloatArray
from ..network.graph import Graph, Relu


@dataclass(frozen=True, eq=False)
class Bounds:
    """`lower[i]`, `upper[i]`: arrays (batch, size of node i); the true value lies between them."""

    lower: tuple[FloatArray, ...]
    upper: tuple[FloatArray, ...]

    @property
    def batch(self) -> int:
        return len(self.lower[0])

    def unstable(self, graph: Graph, box: int = 0) -> int:
        """How many ReLUs may be on either side of zero in one box of the batch."""
        count = 0
        for node in graph.nodes:
            if isinstance(node, Relu):
                low, high = self.lower[node.source][box], self.upper[node.source][box]
                count += int(np.count_nonzero((low < 0) & (high > 0)))
        return count
