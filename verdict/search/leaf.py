"""Closing a domain in which every ReLU has a side: a linear program, and its duals as the proof.

Gradient ascent on the multipliers of splits converges slowly when there are many, and one row of a polytope may not
be enough; an LP solver finds the best multipliers of all rows and splits at once. They are only floats, but any
multipliers are sound: they are put into the same rigorous bound as everything else, which then decides.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from verdict.encoders.milp import Encoding, encode_margin
from verdict.solvers import Solution, Status, solver

from ..bounds.linear import backward
from ..network.exact import FloatArray
from ..property import Polytope
from .space import Domains, Space

# Multipliers of rows are rounded to multiples of this, so that the combined row is exact.
GRID = 2.0**-24


def close_leaf(space: Space, signs: Any, polytope: Polytope) -> tuple[bool, FloatArray | None]:
    """Whether the domain of `signs` (size,), all ReLUs split, is proved safe; else a point of it to look at."""
    phases = {}
    for i, columns in space.columns.items():
        on = space.bounds.of_relu(space.graph, i)[0][0] >= 0
        on[columns] = signs[space.slices[i]] > 0
        phases[i] = on
    for i in set(space.graph.relus) - set(phases):
        phases[i] = space.bounds.of_relu(space.graph, i)[0][0] >= 0
    encoding = encode_margin(space.graph, space.bounds, polytope, phases)
    solution = solver("highs", isolate=False).solve(encoding.model, time_limit=60.0)
    if _proves(space, signs, polytope, encoding, solution):
        return True, None
    point = None if solution.point is None else np.asarray(solution.point[: encoding.input_size])
    return False, point


def _proves(space: Space, signs: Any, polytope: Polytope, encoding: Encoding, solution: Solution) -> bool:
    """Whether the solver's duals, or its Farkas ray, make a rigorous proof."""
    duals = solution.duals if solution.status is Status.OPTIMAL else solution.ray
    if duals is None:
        return False
    count = len(polytope.offset.values)
    row, offset = _combined(polytope, -np.asarray(duals[len(duals) - count :]))
    # A ray has no share of the rows; scaled up, it outweighs any row, whose bound is finite.
    scales = (1.0,) if solution.status is Status.OPTIMAL else (1e3, 1e6, 1e9)
    return row is not None and any(
        _with_duals(space, signs, row, offset, encoding.definitions, scale * np.asarray(duals)) for scale in scales
    )


def _combined(polytope: Polytope, multipliers: FloatArray) -> tuple[FloatArray | None, float]:
    """lambda^T C and a float not below lambda^T d for lambda near `multipliers`, exactly; None if no float is."""
    matrix, offset = polytope.matrix.values, polytope.offset.values
    if len(offset) == 1 or not (multipliers > GRID).any():
        return matrix[0], float(np.nextafter(offset[0], np.inf))
    shares = np.round(np.maximum(multipliers, 0) / GRID) * GRID
    row = shares @ matrix
    for j in range(matrix.shape[1]):
        if sum(Fraction(s) * Fraction(c) for s, c in zip(shares, matrix[:, j], strict=True)) != Fraction(row[j]):
            return None, 0.0
    above = [Fraction(s) * Fraction(np.nextafter(d, np.inf)) for s, d in zip(shares, offset, strict=True)]
    return row, float(np.nextafter(float(sum(above)), np.inf))


def _with_duals(
    space: Space, signs: Any, row: FloatArray, offset: float, definitions: dict[int, Any], duals: FloatArray
) -> bool:
    """Turn the duals of the rows that define pre-activations into betas, last layer first, and verify."""
    empty = np.zeros((1, space.size))
    domain = Domains(np.zeros(1, np.intp), signs[None], empty, empty.copy(), np.full(1, -np.inf))
    for i in sorted(space.columns, reverse=True):
        neurons, first = definitions[i]
        mu = np.zeros(space.graph.nodes[i].size)
        mu[neurons] = -duals[first : first + len(neurons)]
        mu = mu[space.columns[i]]
        lines = space.lines(domain)
        bound = backward(
            space.graph, space.bounds, space.number, row[None, None], lines, rigorous=False, keep=True
        )
        if i not in bound.coefficients:
            continue
        nu = bound.coefficients[i][0, 0, space.columns[i]]
        here = signs[space.slices[i]]
        # On: mu = nu - beta. Off: mu = beta. Either way beta must not be negative.
        domain.betas[0, space.slices[i]] = np.maximum(np.where(here > 0, nu - mu, mu), 0)
    return bool(space.verify(domain, row, offset)[0] > 0)
