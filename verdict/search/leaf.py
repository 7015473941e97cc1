"""Closing a domain in which every ReLU has a side: a linear program, and its duals as the proof.

Gradient ascent on the multipliers of splits converges slowly when there are many; an LP solver finds the best
ones at once. Its duals are only floats, but any multipliers are sound: they are put into the same rigorous
bound as everything else, which then decides.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from verdict.encoders.milp import encode_margin
from verdict.solvers import Status, solver

from ..network.exact import Coefficients, FloatArray
from ..property import Polytope
from .relu_split import Domains, Space, verify


def close_leaf(space: Space, signs: Any) -> tuple[bool, FloatArray | None]:
    """Whether the domain of `signs` (size,), all ReLUs split, is proved safe; else a point of it to look at."""
    bounds = space.bounds[np.float64]
    phases = {}
    for i, columns in space.columns.items():
        on = bounds.of_relu(space.graph, i)[0][0] >= 0
        on[columns] = signs[space.slices[i]] > 0
        phases[i] = on
    for i in set(space.graph.relus) - set(phases):
        phases[i] = bounds.of_relu(space.graph, i)[0][0] >= 0
    row = Polytope(Coefficients(space.rows[np.float64][None]), Coefficients([space.offset]))
    encoding = encode_margin(space.graph, bounds, row, phases)
    solution = solver("highs", isolate=False).solve(encoding.model, time_limit=60.0)
    multipliers = solution.duals if solution.status is Status.OPTIMAL else solution.ray
    if multipliers is not None:
        # Scaling a Farkas ray up outweighs the row, whose bound is finite.
        scale = 1.0 if solution.status is Status.OPTIMAL else 1e3
        if _with_duals(space, signs, encoding.definitions, scale * multipliers):
            return True, None
    point = None if solution.point is None else np.asarray(solution.point[: encoding.input_size])
    return False, point


def _with_duals(space: Space, signs: Any, definitions: dict[int, Any], duals: Any) -> bool:
    """Turn the duals of the rows that define pre-activations into betas, last layer first, and verify."""
    domain = Domains(
        signs[None], np.zeros((1, space.size)), np.zeros((1, space.size)), np.full(1, -np.inf)
    )
    for i in sorted(space.columns, reverse=True):
        neurons, first = definitions[i]
        mu = np.zeros(space.graph.nodes[i].size)
        mu[neurons] = -duals[first : first + len(neurons)]
        mu = mu[space.columns[i]]
        lines = space.lines(domain.slopes, domain.betas, domain.signs, np.float64)
        bound = space.bound(lines, np.float64, rigorous=False, keep=True)
        if i not in bound.coefficients:
            continue
        nu = bound.coefficients[i][0, 0, space.columns[i]]
        here = signs[space.slices[i]]
        # On: mu = nu - beta. Off: mu = beta. Either way beta must not be negative.
        domain.betas[0, space.slices[i]] = np.maximum(np.where(here > 0, nu - mu, mu), 0)
    return bool(verify(space, domain)[0] > 0)
