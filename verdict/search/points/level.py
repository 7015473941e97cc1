"""The nearest counterexample of a family of boxes where there are no linear regions: along the corners of the boxes.

On a box whose size is a radius, what the slack falls along fastest is the corner opposite to its gradient. So from a
counterexample, go to the least radius at which the corner of that radius is one too, take the gradient there, and
repeat: a fixed point satisfies the conditions of a nearest point. The results are candidates, which are replayed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...base.deadline import Deadline
from ...network.evaluate import BoolArray, evaluate, evaluate_all, vjp
from ...network.exact import ExactVector, FloatArray
from ...network.graph import Graph
from ...property import Perturbation, Polytope

STEPS, RADII, ROUNDS = 20, 32, 6
# How much farther out than floats see the boundary the candidates lie, relatively.
PUSHES = (1e-12, 1e-10, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4)


def along_corners(
    graph: Graph, family: Perturbation, unsafe: Polytope, point: FloatArray, reach: float, clock: Deadline
) -> Iterator[ExactVector]:
    """Candidates of least radius, the nearest first, from a counterexample (input_size,) within `reach`."""
    x, best, corner = point, reach, None
    for _ in range(STEPS):
        if clock.passed():
            break
        rising = _gradient(graph, unsafe, x) > 0
        radius = _least_radius(graph, family, unsafe, rising, best)
        if radius is None or (corner is not None and radius >= best):
            break
        best, corner = radius, rising
        x = _corner(family, corner, radius)
    if corner is None:
        return
    for push in PUSHES:
        yield ExactVector.of(_corner(family, corner, best * (1 + push)))


def _corner(family: Perturbation, rising: BoolArray, radius: float) -> FloatArray:
    low, high = family.floats(radius)
    found: FloatArray = np.where(rising, low, high)
    return found


def _least_radius(
    graph: Graph, family: Perturbation, unsafe: Polytope, rising: BoolArray, reach: float
) -> float | None:
    """The least radius up to `reach` with an unsafe corner, as far as a few rounds of a grid show; None without one."""
    low, high = 0.0, reach
    for number in range(ROUNDS):
        radii = np.linspace(low, high, RADII)
        slack = unsafe.slack(evaluate(graph, np.stack([_corner(family, rising, float(r)) for r in radii])))
        inside = np.flatnonzero(slack <= 0)
        if not len(inside):
            return None if number == 0 else high
        first = int(inside[0])
        low, high = float(radii[max(first - 1, 0)]), float(radii[first])
    return high


def _gradient(graph: Graph, unsafe: Polytope, x: FloatArray) -> FloatArray:
    """That of the polytope's worst row at a point."""
    values = evaluate_all(graph, x[None])
    rows = unsafe.matrix.values @ values[graph.output][0] - unsafe.offset.values
    gradient: FloatArray = vjp(graph, values, unsafe.matrix.values[int(rows.argmax())][None])[0]
    return gradient
