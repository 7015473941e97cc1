"""The point of a polytope {x : G x >= h} nearest to the origin, and the multipliers that prove that it is.

The norm says how it is found (`verdict.property.norms`). The multipliers u >= 0 say u . h - |G^T u| >= 0, in the dual
norm, about a unit ball that the polytope does not meet.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from ...base.deadline import checkpoint
from ...network.exact import FloatArray
from ...property.norms import Norm
from ...property.norms.nearest import EMPTY

# The depth of a point is known to this share.
NEAR = 0.1


# A box: its lower and its upper ends, (n,).
Within: TypeAlias = tuple[FloatArray, FloatArray]


def least_distance(
    rows: FloatArray, ends: FloatArray, norm: Norm, within: Within | None = None
) -> tuple[FloatArray | None, FloatArray]:
    """The point (n,) nearest to 0 with `rows` @ x >= `ends`, perhaps within a box that holds 0, None where none is
    found, and multipliers (rows,)."""
    checkpoint()
    # Rows of any length: what counts is their direction.
    size = np.sqrt((rows**2).sum(axis=1) + ends**2)
    size[size == 0] = 1.0
    rows, ends = rows / size[:, None], ends / size
    nearest, weights = norm.nearest(rows, ends) if within is None else norm.nearest_within(rows, ends, *within)
    return nearest, weights / size


def deepest(
    rows: FloatArray, ends: FloatArray, norm: Norm, chosen: slice, within: Within, nearest: FloatArray
) -> FloatArray:
    """A point (n,) of the polytope in the unit ball and the box that lies about as far beyond the rows `chosen` as any,
    relative to the length of each, from `nearest` to 0, which is in all."""
    lengths = np.sqrt((rows[chosen] ** 2).sum(axis=1))
    raise_by = np.zeros(len(ends))
    raise_by[chosen] = lengths
    at_once = norm.deepest(rows, ends, raise_by, *within)
    if at_once is not None:
        return at_once
    best, low, high = nearest, 0.0, 2.0
    while high - low > NEAR * high and high > EMPTY:
        depth = (low + high) / 2
        raised = ends.copy()
        raised[chosen] += depth * lengths
        point, _ = least_distance(rows, raised, norm, within)
        if point is not None and float(norm.lengths(point)) <= 1:
            best, low = point, depth
        else:
            high = depth
    return best
