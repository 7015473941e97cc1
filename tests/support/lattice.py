"""Lattice networks: the maximum of minima of linear functions, each minimum and maximum by four ReLUs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from verdict.network.builder import Builder
from verdict.network.exact import Coefficients
from verdict.network.graph import Graph, sequential
from verdict.network.maps import matrix_map

# A matrix and a bias.
Layer = tuple[Any, Any]


@dataclass(frozen=True)
class Lattice:
    """`graph` computes max_j min_{i in sets[j]} weight[i] . x + bias[i]."""

    graph: Graph
    weight: Any
    bias: Any
    sets: Any

    def value(self, x: Any) -> Any:
        """The output at points (n, inputs), by its definition."""
        linear = x @ self.weight.T + self.bias
        return np.max([linear[:, some].min(axis=1) for some in self.sets], axis=0)


def lattice(seed: int, functions: int, inputs: int = 2, folded: bool = False) -> Lattice:
    """One of as many sets of half of its `functions` (a power of two). `folded`: what makes minima and what takes their
    sums and differences is one matrix."""
    rng = np.random.default_rng([seed, functions])
    weight, bias = rng.integers(-16, 17, (functions, inputs)) / 8, rng.integers(-16, 17, functions) / 8
    sets = [rng.choice(functions, functions // 2, replace=False) for _ in range(functions)]
    chosen = np.concatenate(sets)
    layers: list[Layer] = [(weight[chosen], bias[chosen])]
    size = len(chosen)
    while size > 1:
        layers += _pairs(size, -1 if size > functions else 1)
        size //= 2
    return Lattice(_folded(layers) if folded else _plain(layers, inputs), weight, bias, sets)


def _pairs(size: int, sign: int) -> list[Layer]:
    """Sums and differences of neighbours in front of ReLUs, and what makes minima (-1) or maxima (1) of these."""
    before, behind = np.zeros((2 * size, size)), np.zeros((size // 2, 2 * size))
    for k in range(size // 2):
        at = slice(4 * k, 4 * k + 4)
        before[at, 2 * k], before[at, 2 * k + 1] = [1, -1, 1, -1], [1, -1, -1, 1]
        behind[k, at] = [0.5, -0.5, sign * 0.5, sign * 0.5]
    return [(before, np.zeros(2 * size)), (behind, np.zeros(size // 2))]


def _plain(layers: list[Layer], inputs: int) -> Graph:
    builder, at = Builder(inputs), 0
    for number, (weight, bias) in enumerate(layers):
        at = builder.affine([(matrix_map(Coefficients(weight)), at)], Coefficients(bias))
        at = builder.relu(at) if number % 2 else at
    return builder.finish(at)


def _folded(layers: list[Layer]) -> Graph:
    fronts = [
        (before @ weight, before @ bias)
        for (weight, bias), (before, _) in zip(layers[:-1:2], layers[1::2], strict=True)
    ]
    return sequential([(Coefficients(weight), Coefficients(bias)) for weight, bias in [*fronts, layers[-1]]])
