"""Small networks whose rows repeat others, as they are, scaled, or negative: what rewriting of graphs looks for."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from verdict.network.exact import Coefficients
from verdict.network.graph import Graph, sequential


def repeated_rows(seed: int, sizes: list[int]) -> Graph:
    """A ReLU network of layers of these sizes, the input's first, with zeros and exact floats."""
    rng, layers = np.random.default_rng([seed, 17]), []
    for before, size in pairwise(sizes):
        weight = rng.integers(-2, 3, (size, before)) / 2 * (rng.random((size, before)) < 0.6)
        bias = rng.integers(-2, 3, size) / 4
        for row in range(1, size):
            if rng.random() < 0.4:
                other, scale = rng.integers(0, row), rng.choice([-2.0, -1.0, -0.5, 1.0])
                weight[row], bias[row] = scale * weight[other], scale * bias[other]
        layers.append((Coefficients(weight), Coefficients(bias)))
    return sequential(layers)
