"""The nearest counterexample of the L1 or L2 norm within one linear region: a projection instead of a linear program.

Around a counterexample the network is one affine function, and the unsafe polytope's most violated row one half-space;
the point of it nearest to the centre is in closed form. There the region may be another one, so this is repeated
(Moosavi-Dezfooli et al. 1511.04599). The results are candidates, each a little farther out than the last: the gate
replays them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..deadline import Deadline
from ..network.evaluate import evaluate_all, vjp
from ..network.exact import ExactVector, FloatArray
from ..network.graph import Graph
from ..property import NormBall, Polytope

STEPS = 30
# How much farther than the boundary the candidates lie, relatively.
PUSHES = (1e-9, 1e-7, 1e-5, 1e-3)


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
    center: FloatArray, value: float, slope: FloatArray, norm: str, low: FloatArray, high: FloatArray
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
        if norm == "l1":
            steepest = int(np.where(free, np.abs(slope), -1.0).argmax())
            moved = x.copy()
            moved[steepest] -= rest / slope[steepest]
        else:
            moved = np.where(free, x - rest * slope / float(slope[free] @ slope[free]), x)
        x = np.clip(moved, low, high)
        free &= (x > low) & (x < high)
    return x
