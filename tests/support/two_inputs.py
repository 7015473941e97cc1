"""Networks with two inputs, small enough for a grid, and the box that they are asked about."""

from __future__ import annotations

import itertools
import math

import numpy as np

from verdict.bounds.bounds import Bounds
from verdict.network.exact import Coefficients
from verdict.network.graph import Graph, sequential

BOX = np.array([[-1.0, -1.0]]), np.array([[1.0, 1.0]])
INPUTS = Bounds((BOX[0],), (BOX[1],))


def network(seed: int, scale: float = 1.0) -> Graph:
    """Two inputs, four layers of 24 ReLUs, one output."""
    rng, sizes = np.random.default_rng(seed), [2, 24, 24, 24, 24, 1]
    return sequential(
        [
            (Coefficients(rng.standard_normal((n, m)) * scale / math.sqrt(m)), Coefficients(rng.standard_normal(n) / 4))
            for m, n in itertools.pairwise(sizes)
        ]
    )
