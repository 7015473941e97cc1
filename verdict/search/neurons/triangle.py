"""Tightening single neurons by linear programming over the triangle relaxation (Ehlers 1705.01320).

The convex hull of a ReLU over [l, u] is a triangle; a neuron's minimum over the triangles of all layers below is
a linear program: the big-M encoding with its binaries free between 0 and 1. HiGHS solves it in this process, for
each end of each unstable neuron with another objective. Its optimum is not believed: the duals of the rows that
define pre-activations become multipliers of `dual_bound`, which charges its own rounding.
"""

from __future__ import annotations

import numpy as np

from verdict.encoders.milp import encode_below
from verdict.solvers import Status, solver

from ...base.deadline import Deadline
from ...bounds.bounds import Bounds
from ...bounds.dual import dual_bound, row_multipliers
from ...bounds.layers import layer_by_layer, open_ends, replaced
from ...network.exact import FloatArray
from ...network.graph import Graph
from ...property.input_set import InputSet


def triangle_bounds(
    graph: Graph,
    lower: FloatArray,
    upper: FloatArray,
    deadline: Deadline | None = None,
    inputs: InputSet | None = None,
) -> Bounds:
    """Rigorous bounds of every node over one box [lower, upper], each (1, input_size), or the set `inputs` in it.

    Neurons not reached before the deadline keep their linear bounds. Raises SolverError where HiGHS cannot run.
    """

    def step(bounds: Bounds, number: int, clock: Deadline) -> Bounds:
        return tighten_layer(graph, bounds, number, clock, inputs)

    ball = None if inputs is None else inputs.ball
    return layer_by_layer(graph, lower, upper, deadline or Deadline(), step, ball)


def tighten_layer(
    graph: Graph, bounds: Bounds, number: int, clock: Deadline, inputs: InputSet | None = None
) -> Bounds:
    """The bounds with those of node `number` improved by one linear program for each open end."""
    below = encode_below(graph, bounds, number, inputs)
    backend, ends, duals = solver("highs", isolate=False), [], []
    for neuron, sign in open_ends(graph, bounds, number):
        if clock.passed():
            break
        solution = backend.solve(below.objective(neuron, sign).relaxed(), time_limit=clock.limit())
        if solution.status is Status.OPTIMAL and solution.duals is not None:
            ends.append((neuron, sign))
            duals.append(solution.duals)
    if not ends:
        return bounds
    neurons, signs = np.array([neuron for neuron, _ in ends]), np.array([sign for _, sign in ends])
    rows = np.zeros((len(ends), graph.nodes[number].size))
    rows[np.arange(len(ends)), neurons] = signs
    mu = row_multipliers(graph, below.definitions, np.array(duals))
    found = dual_bound(graph, bounds, number, rows, mu)[0]
    low, high = bounds.lower[number].copy(), bounds.upper[number].copy()
    up, down = signs > 0, signs < 0
    low[0, neurons[up]] = np.maximum(low[0, neurons[up]], found[up])
    high[0, neurons[down]] = np.minimum(high[0, neurons[down]], -found[down])
    return replaced(graph, bounds, number, low, high)
