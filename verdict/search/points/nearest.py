"""The nearest counterexample of a norm that is no box around a given one: within its linear region, and by projections.

Around a counterexample the network is one affine function, so the nearest of its linear region is the nearest point of
a polytope (`least_distance`). Large networks have too many rows for that. Of those only the unsafe polytope's most
violated row is looked at, one half-space; the point of it nearest to the centre is in closed form. There the region may
be another one, so this is repeated (Moosavi-Dezfooli et al. 1511.04599). The results are candidates, each a little
farther out than the last: the gate replays them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...base.deadline import Deadline
from ...network.evaluate import evaluate_all, vjp
from ...network.exact import ExactVector, FloatArray
from ...network.graph import Graph
from ...property import NormBall, Polytope
from ...property.norms import Norm
from .affine_region import AffineRegion, around
from .least_distance import deepest, least_distance
from .region import phases_at

STEPS = 30
# How much farther than the boundary the candidates lie, relatively.
PUSHES = (1e-9, 1e-7, 1e-5, 1e-3)
# How far towards the deepest point of a region the candidates lie.
SHARES = (0.0, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4)
# The most numbers in the affine functions of a region's nodes, and in the rows that matter in it.
MOST_ENTRIES, MOST_ROWS = 2**21, 2**17


def nearest_in_region(
    graph: Graph, family: NormBall, unsafe: Polytope, point: FloatArray, reach: float
) -> Iterator[ExactVector]:
    """Candidates of least radius, at most `reach`, in the linear region around a float point (input_size,), the best
    first; none where the network is too large for that."""
    if (len(point) + 1) * sum(node.size for node in graph.nodes) > MOST_ENTRIES:
        return
    phases, center = phases_at(graph, point), family.center.floats()
    region = AffineRegion(graph, phases, center)
    sides, ends = region.sides({i: np.where(on, 1.0, -1.0) for i, on in phases.items()})
    # Rows farther away than the reach hold within it.
    matter = ends > -reach * family.norm.duals(sides)
    low, high = family.floats(np.inf)
    parts, within = [region.unsafe(unsafe), (sides[matter], ends[matter])], around(center, reach, low, high)
    rows, limits = np.concatenate([a for a, _ in parts]) * reach, np.concatenate([b for _, b in parts])
    if rows.size > MOST_ROWS:
        return
    nearest, _ = least_distance(rows, limits, family.norm, within)
    if nearest is None or family.norm.lengths(nearest) > 1:
        return
    # The nearest point is on the boundary; towards a deep one, a little farther out, there is room for rounding. Where
    # the unsafe rows are ties all over the region, the one deepest in the region counts.
    for part in (slice(len(parts[0][1])), slice(None)):
        end = deepest(rows, limits, family.norm, part, within, nearest)
        for share in SHARES:
            yield ExactVector.of(np.clip(center + reach * (nearest + share * (end - nearest)), low, high))


def nearest_candidates(
    graph: Graph, family: NormBall, unsafe: Polytope, point: FloatArray, clock: Deadline
) -> Iterator[ExactVector]:
    """Candidates near the boundary of the polytope, the nearest first, starting from a counterexample (input_size,)."""
    low, high = family.floats(np.inf)
    center, best, distance = family.center.floats(), point, np.inf
    x = point
    for _ in range(STEPS):
        if clock.passed():
            break
        slack, slope = _slack(graph, unsafe, x)
        x = _project(center, slack + float(slope @ (center - x)), slope, family.norm, low, high)
        reached, _ = _slack(graph, unsafe, x)
        length = float(family.distances(x[None])[0])
        if reached <= 1e-6 * (1 + float(np.abs(slope).sum())) and length < distance:
            best, distance = x, length
    for push in PUSHES:
        yield ExactVector.of(np.clip(center + (best - center) * (1 + push), low, high))


def _slack(graph: Graph, unsafe: Polytope, x: FloatArray) -> tuple[float, FloatArray]:
    """The polytope's slack at x and its gradient there."""
    values = evaluate_all(graph, x[None])
    rows = unsafe.matrix.values @ values[graph.output][0] - unsafe.offset.values
    worst = int(rows.argmax())
    gradient: FloatArray = vjp(graph, values, unsafe.matrix.values[worst][None])[0]
    return float(rows[worst]), gradient


def _project(
    center: FloatArray, value: float, slope: FloatArray, norm: Norm, low: FloatArray, high: FloatArray
) -> FloatArray:
    """The point of {x : value + slope . (x - center) <= 0} and the box that is nearest to the centre.

    Coordinates that meet the end of the box stay there, and the others take over what is left to go.
    """
    x: FloatArray = center.copy()
    free = slope != 0
    for _ in range(len(center)):
        rest = value + float(slope @ (x - center))
        if rest <= 0 or not free.any():
            break
        left = np.where(free, slope, 0.0)
        x = np.clip(x - rest / float(norm.duals(left)) * norm.steepest(left), low, high)
        free &= (x > low) & (x < high)
    return x
