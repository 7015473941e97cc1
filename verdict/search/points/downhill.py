"""Witnesses near the minimisers of relaxed networks: short steps downhill from there, then linear regions.

Where a bound has its minimum the network itself is seldom unsafe, but it is low there, in a part of the ball that steps
from random points do not come to: on convolutional networks neurons turn on in few corners only. The relaxation knows
where (Sherali and Choi 1996 on what its minimisers tell of the problem), and a few dozen small steps do the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...base.deadline import Deadline
from ...network.exact import FloatArray, float_below
from ...property import Polytope
from ..radius import RadiusSearch
from .attack import aimed_at, descend
from .radius_witness import polish

# Sizes of steps, as shares of the box: the first, and how many there are; the last is as small as the first over these.
FIRST, STEPS = 0.02, 60
# Of the points found, so many are taken to the nearest one of their linear region.
POLISHED = 2


def seek_downhill(
    search: RadiusSearch, points: FloatArray, polytopes: Sequence[Polytope], clock: Deadline
) -> bool:
    """Go downhill from float points (k, input_size), each aimed at its own polytope, within the ball of the present
    upper end; whether that has found a nearer witness. The family's sets have to be boxes."""
    low, high = search.family.floats(float_below(search.cap))
    shape, before = (len(points), len(low)), search.cap
    ends = np.broadcast_to(low, shape), np.broadcast_to(high, shape)
    rates = [FIRST * (1 - step / STEPS) for step in range(STEPS)]
    aimed = aimed_at(polytopes, search.unsafe.outputs)
    found, least = descend(search.graph, aimed, points.clip(low, high), ends, rates)
    order = np.argsort(least)
    for at in order[least[order] <= 0].tolist():
        if search.offer(search.family.inside(found[at])):
            break
    for at in order[:POLISHED].tolist():
        if clock.passed():
            break
        polish(search, found[at], polytopes[at], clock)
    return search.cap < before
