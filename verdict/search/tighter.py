"""Which of two networks that compute the same is bounded more tightly on a set.

A pair of networks can be composed in two ways (`verdict.compose.twin`), and which is better depends on the set: the
plain one where the inputs move by more than their set is wide, the twin one elsewhere. Linear bounds of both tell.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ..bounds import linear_bounds, output_bounds
from ..network.exact import FloatArray
from ..network.network import Network
from ..property import Box

# The larger network has to be worth its size: its bounds are narrower by this factor, or its radius larger.
WORTH = Fraction(7, 10)


def tighter(small: Network, large: Network, inputs: Box, rows: FloatArray) -> Network:
    """The large network if the bounds of `rows` @ outputs are clearly narrower on it, the widest row compared."""
    return large if _width(large, inputs, rows) < WORTH * _width(small, inputs, rows) else small


def _width(network: Network, inputs: Box, rows: FloatArray) -> float:
    lower, upper = inputs.floats()
    bounds = linear_bounds(network.graph, lower[None], upper[None])
    found = output_bounds(network.graph, bounds, np.vstack([rows, -rows])).lower[0]
    return float((-found[: len(rows)] - found[len(rows) :]).max())
