"""Closing a domain in which every ReLU has a side, by a linear program in the input alone.

There the network is one affine function, and the program's rows are the sides of its neurons, added when violated
(`points.lazy_region` does the same for the nearest point). The duals of the rows are multipliers of the splits, and the
bound that they make in float64 decides, as for any other multipliers.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from verdict.encoders.writer import Phases
from verdict.solvers import LinearModel, Solution, Status, solver

from ...base.errors import SolverError
from ...network.exact import FloatArray
from ..points.lazy_region import Neuron, gradients, sides, violated
from .leaf import phases_of
from .space import Domains, Space

# Solutions looked at, and seconds that one may take.
TURNS, SECONDS = 40, 60.0


def close_by_rows(space: Space, domain: Domains) -> tuple[bool, FloatArray | None]:
    """Whether the one domain, with every ReLU split, is safe, rigorously; else the least point (input_size,) of its
    row, if there is one that a solver finds."""
    graph = space.graph
    phases: Phases = {node: side > 0 for node, side in phases_of(space, domain.signs[0]).items()}
    row = int(domain.row[0])
    cost, limit = gradients(graph, phases, space.number, space.rows[row : row + 1], -space.offsets[row : row + 1])
    places = {
        (node, int(column)): space.slices[node].start + at
        for node, columns in space.columns.items()
        for at, column in enumerate(columns)
    }
    rows, ends = np.zeros((0, graph.input_size)), np.zeros(0)
    joined: list[Neuron] = []
    for _ in range(TURNS):
        solution = _least(space, cost[0], -float(limit[0]), rows, ends)
        if solution is None or solution.point is None or solution.duals is None:
            return False, None
        betas = np.zeros((1, space.size))
        for neuron, dual in zip(joined, np.asarray(solution.duals).tolist(), strict=True):
            betas[0, places[neuron]] = max(-dual, 0.0)
        if space.verify(replace(domain, betas=betas))[0] > 0:
            return True, None
        point = np.asarray(solution.point)
        # A stable neuron has its side, whatever floats say.
        crossed = [neuron for neuron in violated(graph, phases, point, joined) if neuron in places]
        if not crossed:
            return False, point
        more, most = sides(graph, phases, crossed)
        rows, ends = np.concatenate([rows, more]), np.concatenate([ends, most])
        joined.extend(crossed)
    return False, None


def _least(space: Space, cost: FloatArray, constant: float, rows: FloatArray, ends: FloatArray) -> Solution | None:
    """The least value of an affine function on the space's box under rows @ x <= ends, with duals."""
    from scipy import sparse

    low, high = space.bounds.lower[0][0], space.bounds.upper[0][0]
    free = np.full(len(ends), -np.inf)
    model = LinearModel(cost, sparse.csr_array(rows), free, ends, low, high, np.zeros(len(low), bool), constant)
    try:
        solution = solver("highs", isolate=False).solve(model, time_limit=SECONDS)
    except SolverError:
        return None
    return solution if solution.status is Status.OPTIMAL else None
