"""The point of a polytope {x : G x >= h} nearest to the origin, by a program for the norm, with its multipliers.

L2: least distance programming (Lawson and Hanson 1974, chapter 23) is non-negative least squares, min |E u - f| over
u >= 0, where E has the rows G^T and h^T and f is (0, ..., 0, 1): the nearest point is in the residual, and without one
the polytope is empty. Other norms: a linear program, its duals, or its Farkas ray.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from verdict.solvers import LinearModel, Solution, Status, solver

from ...base.errors import SolverError
from ...network.exact import FloatArray
from ..rows import RadiusRow

# A residual below this is none: the polytope is empty.
EMPTY = 1e-12
# Seconds for one linear program.
SECONDS = 10.0


def by_squares(rows: FloatArray, ends: FloatArray) -> tuple[FloatArray | None, FloatArray]:
    """In the norm L2."""
    from scipy.optimize import nnls

    system, aim = np.concatenate([rows.T, ends[None]]), np.append(np.zeros(rows.shape[1]), 1.0)
    try:
        weights, length = nnls(system, aim)
    except RuntimeError:
        # It has not converged.
        return None, np.zeros(len(ends))
    rest = system @ weights - aim
    return (None if length <= EMPTY or rest[-1] >= 0 else -rest[:-1] / rest[-1]), weights


def by_parts(rows: FloatArray, ends: FloatArray) -> tuple[FloatArray | None, FloatArray]:
    """In the norm L1: x = up - down, and the length is the sum of both."""
    count, size = rows.shape
    found = _solved(np.ones(2 * size), np.concatenate([rows, -rows], axis=1), ends, np.zeros(2 * size))
    point, weights = _answer(found, count)
    return None if point is None else point[:size] - point[size:], weights


def deepest_by_parts(rows: FloatArray, ends: FloatArray, lengths: FloatArray) -> FloatArray | None:
    """In the norm L1 the point of the unit ball with rows @ x >= ends + t lengths for the greatest t."""
    count, size = rows.shape
    matrix = np.zeros((count + 1, 2 * size + 1))
    matrix[:count] = np.concatenate([rows, -rows, -lengths[:, None]], axis=1)
    matrix[count, : 2 * size] = -1.0
    costs, least = np.append(np.zeros(2 * size), -1.0), np.zeros(2 * size + 1)
    point, _ = _answer(_solved(costs, matrix, np.append(ends, -1.0), least), count + 1)
    return None if point is None else point[:size] - point[size : 2 * size]


def by_rows(
    cuts: Sequence[RadiusRow], auxiliary: int, rows: FloatArray, ends: FloatArray
) -> tuple[FloatArray | None, FloatArray]:
    """In a norm whose balls around 0 are what the rows `cuts` say of x, auxiliary numbers and the radius."""
    count, size = rows.shape
    width = size + auxiliary + 1
    matrix = np.zeros((count + len(cuts), width))
    matrix[:count, :size] = rows
    for i, row in enumerate(cuts):
        matrix[count + i, list(row.columns)] = [-float(c) for c in row.coefficients]
        matrix[count + i, -1] = -float(row.slope)
    limits = np.concatenate([ends, [-float(row.constant) for row in cuts]])
    least = np.concatenate([np.full(size, -np.inf), np.zeros(auxiliary + 1)])
    point, weights = _answer(_solved(np.eye(width)[-1], matrix, limits, least), len(limits))
    return None if point is None else point[:size], weights[:count]


def _solved(costs: FloatArray, matrix: FloatArray, ends: FloatArray, least: FloatArray) -> Solution | None:
    """The least costs . z over z >= `least` with matrix @ z >= ends; None where the solver breaks down."""
    from scipy import sparse

    free = np.full(len(ends), np.inf), np.full(len(costs), np.inf)
    model = LinearModel(costs, sparse.csr_array(matrix), ends, free[0], least, free[1], np.zeros(len(costs), bool))
    try:
        return solver("highs", isolate=False).solve(model, time_limit=SECONDS)
    except SolverError:
        return None


def _answer(found: Solution | None, count: int) -> tuple[FloatArray | None, FloatArray]:
    """The point, and the duals of the rows, or the weights that prove that there is no point."""
    if found is None:
        return None, np.zeros(count)
    if found.status is Status.OPTIMAL and found.point is not None and found.duals is not None:
        return np.asarray(found.point), np.maximum(np.asarray(found.duals), 0)
    ray = np.zeros(count) if found.ray is None else np.maximum(np.asarray(found.ray), 0)
    return None, ray
