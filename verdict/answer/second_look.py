"""The second look: the import is compared with ONNX Runtime on the inputs of the question, not only on fixed points.

The points are the middle of the set's box, its corners and its inside: a misreading that the fixed points of loading do
not show (a limit at 4e38, a branch that only large inputs take) shows where the question is asked. Large networks get
fewer points, so that a look costs little beside the bounds of a proof.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..network.exact import FloatArray
from ..network.network import Network
from ..ops.importer.selfcheck import check_on, products
from ..property import Perturbation

# Points of one box and boxes, at most, and how many products all points may take together, but for the first.
POINTS = 8
BOXES = 4
MOST_PRODUCTS = 5 * 10**7
# What counts as an end where a box has none.
FAR = 1e6
# The parts of the largest radius of interest at which a family of sets is looked at.
PARTS = (1e-3, 0.03, 1.0)

Ends = tuple[FloatArray, FloatArray]


def second_look(network: Network, boxes: Sequence[Ends]) -> None:
    """Raise ModelError where the import and ONNX Runtime differ in these boxes (lower, upper), or a run overflows."""
    points = _points(network, boxes)
    if points is not None:
        check_on(network, points)


def second_look_along(network: Network, family: Perturbation, largest: float) -> None:
    """The same for the sets of a family up to that radius, which may be far more than what is proved: a run of large
    inputs that overflows is passed over."""
    points = _points(network, [family.floats(part * largest) for part in PARTS])
    if points is not None:
        check_on(network, points, overflow_is_an_error=False)


def _points(network: Network, boxes: Sequence[Ends]) -> FloatArray | None:
    rng = np.random.default_rng(1)
    room = max(1, min(POINTS * BOXES, MOST_PRODUCTS // (1 + products(network.graph))))
    count = min(len(boxes), BOXES, room)
    if not count:
        return None
    chosen = [boxes[i] for i in np.linspace(0, len(boxes) - 1, count).astype(int)]
    return np.concatenate([points_of(low, high, min(POINTS, room // count), rng) for low, high in chosen])


def points_of(lower: FloatArray, upper: FloatArray, count: int, rng: np.random.Generator) -> FloatArray:
    """Middle, two opposite corners, two random corners, and points inside: the first `count` of them (count, size)."""
    low = np.where(np.isfinite(lower), lower, np.minimum(-FAR, np.where(np.isfinite(upper), upper, 0)))
    high = np.where(np.isfinite(upper), upper, np.maximum(FAR, low))
    corners = np.where(rng.random((2, len(low))) < 0.5, low, high)
    share = rng.random((max(count - 5, 0), len(low)))
    return np.vstack([low / 2 + high / 2, low, high, corners, low * (1 - share) + high * share])[:count]
