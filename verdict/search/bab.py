"""Branch and bound on one problem: choose between splitting inputs and splitting ReLUs, and run it.

Few inputs: halve boxes, all polytopes at once. Many inputs: tighten the intermediate bounds with optimised
slopes, then split ReLUs, one polytope of the unsafe set after the other, the easiest first.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..bounds.alpha import alpha_bounds
from ..bounds.bounds import Bounds
from ..bounds.linear import output_bounds
from ..deadline import Deadline
from ..device import CPU, Device
from ..network.exact import FloatArray
from ..network.graph import Graph
from ..property import Polytope, UnsafeSet
from .input_split import input_split
from .leaf import close_leaf
from .relu_split import Outcome, Space, relu_split

# With at most so many inputs that can vary, boxes are halved; beyond, ReLUs are split.
FEW_INPUTS = 12
# With at most so many unstable ReLUs there are few linear regions: splitting ReLUs ends, and its leaves are
# linear programs, while boxes would have to shrink without end around a tie.
FEW_RELUS = 24


def branch_and_bound(
    graph: Graph,
    bounds: Bounds,
    polytopes: list[Polytope],
    deadline: Deadline,
    try_points: Callable[[FloatArray], bool],
    on_progress: Callable[[float, int, int], object] = lambda lower, open_, visited: None,
    device: Device = CPU,
) -> Outcome:
    """Prove that no input of the box of `bounds` (batch 1) reaches any of the polytopes.

    Slopes are looked for on `device`.
    """
    for polytope in polytopes:
        if not polytope.matrix.is_dyadic:
            # The float rows would be other rows than those asked about.
            return Outcome(False, -np.inf, 0, f"{polytope.name}: coefficients that no float64 equals")
    low, high = bounds.lower[0][0], bounds.upper[0][0]
    if np.count_nonzero(high > low) <= FEW_INPUTS and bounds.unstable(graph) > FEW_RELUS:
        unsafe = UnsafeSet(tuple(polytopes), graph.output_size)
        return input_split(graph, unsafe, low, high, deadline, try_points, on_progress)
    tight = alpha_bounds(graph, bounds, device=device, stop=deadline.passed)
    visited = 0
    for polytope, row in _easiest_first(graph, tight, polytopes):
        if row is None:
            continue
        offset = float(np.nextafter(polytope.offset.values[row], np.inf))
        space = Space(graph, tight, polytope.matrix.values[row], offset)
        outcome = relu_split(space, deadline, try_points, partial(close_leaf, space), on_progress)
        visited += outcome.domains
        if not outcome.proved:
            return Outcome(False, outcome.lower, visited, f"{polytope.name}: {outcome.reason}".lstrip(": "))
    return Outcome(True, 0.0, visited)


def _easiest_first(graph: Graph, bounds: Bounds, polytopes: list[Polytope]) -> list[tuple[Polytope, int | None]]:
    """Each polytope with the row that the bounds are nearest to excluding; None where it is excluded."""
    ranked: list[tuple[float, int, Any]] = []
    for number, polytope in enumerate(polytopes):
        lower = output_bounds(graph, bounds, polytope.matrix.values).lower[0]
        margins = lower - np.nextafter(polytope.offset.values, np.inf)
        best = int(margins.argmax())
        ranked.append((-float(margins[best]), number, None if margins[best] > 0 else best))
    return [(polytopes[number], row) for _, number, row in sorted(ranked, key=lambda r: r[:2])]
