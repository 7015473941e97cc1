"""The second look: the import is compared with ONNX Runtime on the inputs of the question, not only on fixed points.

The points are the centre of the set, its corners and its inside: a misreading that the fixed points of loading do not
show (a limit at 4e38, a branch that only large inputs take) shows where the question is asked. Large networks get
fewer points, so that a look costs little beside the bounds that proved something.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..network.exact import FloatArray
from ..network.network import Network
from ..network.selfcheck import check_on, products
from ..property.input_set import InputSet

# Points of one set at most, sets at most, and how many products all points may take together, but for the first.
POINTS = 8
SETS = 4
MOST_PRODUCTS = 5 * 10**7
# What counts as an end where a set has none.
FAR = 1e6


def second_look(network: Network, sets: Sequence[InputSet]) -> None:
    """Raise ModelError where the import and ONNX Runtime differ at points of these sets, or a run overflows."""
    rng = np.random.default_rng(1)
    chosen = sets if len(sets) <= SETS else [sets[i] for i in np.linspace(0, len(sets) - 1, SETS).astype(int)]
    if not chosen:
        return
    room = max(1, min(POINTS, MOST_PRODUCTS // (1 + products(network.graph)) // len(chosen)))
    check_on(network, np.concatenate([points_of(each, room, rng) for each in chosen]))


def points_of(inputs: InputSet, count: int, rng: np.random.Generator) -> FloatArray:
    """The centre, two opposite corners of the box, points inside and random corners: `count` points (count, size)."""
    low, high = (np.clip(end, -FAR, FAR) if not np.isfinite(end).all() else end for end in inputs.floats())
    corners = np.where(rng.random((2, inputs.size)) < 0.5, low, high)
    inside = inputs.sample(max(count - 5, 0), rng) if np.isfinite(inputs.floats()).all() else np.empty((0, inputs.size))
    return np.vstack([low / 2 + high / 2, low, high, corners, inside])[:count]
