"""Optimised lines for the outputs, one set for each end of each: what `alpha` does for the layers below.

Every step's bound is rigorous, so the best of them is taken as it is; with smooth functions the last one is.
"""

from __future__ import annotations

import numpy as np

from ..base.deadline import Deadline
from ..network.graph import Graph
from .alpha import Ascent, ascend_lines, climbed, climbing
from .backward import backward
from .bounds import Bounds
from .layers import replaced
from .lines import crown_lines

STEPS = 20


def optimised_output(graph: Graph, bounds: Bounds, clock: Deadline) -> Bounds:
    """Bounds (batch 1) with those of the output improved by `STEPS` steps of gradient ascent."""
    number, size = graph.output, graph.output_size
    lines = {i: crown_lines(graph, bounds, i) for i in graph.ancestors(number) if i in graph.pointwise}
    if not lines:
        return bounds
    rows = np.concatenate([np.eye(size), -np.eye(size)])[:, None, :]
    climbs = climbing(graph, bounds, lines, len(rows))
    best, slopes, both = ascend_lines(graph, bounds, number, rows, lines, Ascent(STEPS, clock.passed, climbs=climbs))
    if climbs:
        sound = {i: line.with_slopes(slopes[i]) for i, line in lines.items()} | climbed(graph, bounds, both)
        best = backward(graph, bounds, number, rows, sound).lower[:, 0]
    low, high = np.maximum(bounds.lower[number][0], best[:size]), np.minimum(bounds.upper[number][0], -best[size:])
    return replaced(graph, bounds, number, low[None], high[None])
