"""Tightening single neurons by mixed-integer programming (Tjeng, Xiao, Tedrake 1711.07356).

As the linear program of `triangle`, but with the binaries of the layers below kept, each solve under a budget of
its own: a solve that is cut short still leaves its best proved bound. That bound is a float solver's word,
reduced by its tolerances. Nothing re-proves it, so it may serve an engine whose proofs are labelled so, MILP, and
no rigorous one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from verdict.encoders.milp import encode_below
from verdict.solvers import Status, solver

from ..deadline import Deadline
from ..network.exact import FloatArray
from ..network.graph import Graph
from .bounds import Bounds
from .layers import layer_by_layer, open_ends, replaced
from .triangle import tighten_layer

# Seconds for one end of one neuron.
PER_END = 1.0
# A solver's bound counts less this much, absolutely and relatively: its tolerances are 1e-9 a row.
TOLERANCE = 1e-6


@dataclass
class Count:
    """What became of the neurons: ends tried, ends improved, solves cut short, neurons made stable."""

    tried: int = 0
    improved: int = 0
    cut: int = 0
    stabilised: int = 0


@dataclass(frozen=True, eq=False)
class Tightened:
    """Bounds by a solver's word, and what it did."""

    bounds: Bounds
    count: Count = field(default_factory=Count)


def milp_bounds(
    graph: Graph, lower: FloatArray, upper: FloatArray, deadline: Deadline | None = None, per_end: float = PER_END
) -> Tightened:
    """Bounds of every node over one box [lower, upper], each (1, input_size): LP first, MILP for what is left open.

    `per_end` are the seconds for each end of a neuron. Raises SolverError where HiGHS cannot run.
    """
    count = Count()

    def step(bounds: Bounds, number: int, clock: Deadline) -> Bounds:
        # Linear programs first: cheap, and most neurons need no more.
        bounds = tighten_layer(graph, bounds, number, clock.share(0.5, np.inf))
        return _tighten_layer(graph, bounds, number, clock, per_end, count)

    return Tightened(layer_by_layer(graph, lower, upper, deadline or Deadline(), step), count)


def _tighten_layer(
    graph: Graph, bounds: Bounds, number: int, clock: Deadline, per_end: float, count: Count
) -> Bounds:
    below = encode_below(graph, bounds, number)
    backend = solver("highs", isolate=False)
    low, high = bounds.lower[number].copy(), bounds.upper[number].copy()
    for neuron, sign in open_ends(graph, bounds, number):
        if clock.passed() or below.model.is_lp:
            break
        if number != graph.output and (low[0, neuron] >= 0 or high[0, neuron] <= 0):
            continue  # its other end has made it stable
        solution = backend.solve(below.objective(neuron, sign), time_limit=clock.share(1.0, per_end).limit())
        count.tried += 1
        count.cut += solution.status is Status.TIME_LIMIT
        # The network has a value on every input: "infeasible" can only be a numerical failure.
        if solution.status is Status.INFEASIBLE or not np.isfinite(solution.bound):
            continue
        bound = solution.bound - TOLERANCE * max(1.0, abs(solution.bound))
        if sign > 0 and low[0, neuron] < bound <= high[0, neuron]:
            low[0, neuron] = bound
            count.improved += 1
        elif sign < 0 and low[0, neuron] <= -bound < high[0, neuron]:
            high[0, neuron] = -bound
            count.improved += 1
    after = replaced(graph, bounds, number, low, high)
    count.stabilised += bounds.unstable(graph) - after.unstable(graph)
    return after
