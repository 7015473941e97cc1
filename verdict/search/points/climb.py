"""The largest value of some linear functions of the outputs, from below: projected gradient ascent from many starts.

Where a value and not a crossing is asked for there is no slack to aim at, so every start climbs one row by steps along
the gradient's signs that get ever smaller (Madry et al. 1706.06083). What it finds is a hint until it is evaluated
exactly.
"""

from __future__ import annotations

import numpy as np

from ...base.deadline import Deadline
from ...network.evaluate import evaluate_all, vjp
from ...network.exact import FloatArray
from ...network.graph import Graph

STARTS, STEPS = 64, 100


def climb(
    graph: Graph, lower: FloatArray, upper: FloatArray, rng: np.random.Generator, deadline: Deadline
) -> FloatArray:
    """The point of the box [lower, upper], each (inputs,), at which the largest output is largest.

    The outputs are climbed in turn, from `STARTS` points in all, half of them corners.
    """
    x = rng.uniform(lower, upper, (STARTS, len(lower)))
    x[::2] = np.where(rng.random((len(x[::2]), len(lower))) < 0.5, lower, upper)
    aims = np.arange(STARTS) % graph.output_size
    best: FloatArray = x[0]
    most = -np.inf
    for step in range(STEPS + 1):
        nodes = evaluate_all(graph, x)
        reached = nodes[graph.output]
        top = np.unravel_index(int(reached.argmax()), reached.shape)
        if reached[top] > most:
            best, most = x[top[0]], float(reached[top])
        if step == STEPS or deadline.passed():
            break
        aim = np.zeros_like(reached)
        aim[np.arange(STARTS), aims] = 1.0
        rate = 0.25 * (1 - step / STEPS) ** 2 + 1e-4
        x = (x + rate * (upper - lower) * np.sign(vjp(graph, nodes, aim))).clip(lower, upper)
    return best
