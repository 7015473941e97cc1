"""The point of a polytope {x : G x >= h} nearest to the origin, by a program for the norm, with its multipliers.

L2: least distance programming (Lawson and Hanson 1974, chapter 23) is non-negative least squares, min |E u - f| over
u >= 0, where E has the rows G^T and h^T and f is (0, ..., 0, 1): the nearest point is in the residual, and without one
the polytope is empty. Within a box of many inputs its walls would be most of the rows, so there the rows' multipliers
alone are looked for: the dual is concave and piecewise quadratic, and semismooth Newton steps end it (Qi and Sun 1993).
Other norms: a linear program, its duals, or its Farkas ray.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...base.errors import SolverError
from ...network.exact import FloatArray
from ..rows import RadiusRow

if TYPE_CHECKING:
    from verdict.solvers import Solution

# A residual below this is none: the polytope is empty.
EMPTY = 1e-12
# Numbers in rows and walls beyond which these are no rows; steps of either kind; by how much a point may miss a row.
MANY, STEPS, NEWTON, MISSED = 2**14, 500, 50, 1e-9
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


def by_newton(
    rows: FloatArray, ends: FloatArray, low: FloatArray, high: FloatArray
) -> tuple[FloatArray | None, FloatArray]:
    """In the norm L2 within the box [low, high]: x = clip(rows^T u), where u >= 0 is greatest in the dual."""
    from scipy.optimize import minimize

    def dual(u: FloatArray) -> tuple[float, FloatArray]:
        pull = rows.T @ u
        x = np.clip(pull, low, high)
        return float(pull @ x - x @ x / 2 - ends @ u), rows @ x - ends

    count = len(ends)
    how = {"maxiter": STEPS, "maxfun": 2 * STEPS, "ftol": 1e-16, "gtol": 1e-12, "maxcor": 30}
    u = minimize(dual, np.zeros(count), jac=True, method="L-BFGS-B", bounds=[(0, None)] * count, options=how).x
    for _ in range(NEWTON):
        pull = rows.T @ u
        x, free = np.clip(pull, low, high), (pull > low) & (pull < high)
        tight = (u > 0) | (ends - rows @ x > EMPTY)
        own, held = rows[tight][:, free], rows[tight][:, ~free] @ x[~free]
        after = np.zeros(count)
        after[tight] = np.maximum(np.linalg.lstsq(own @ own.T, ends[tight] - held, rcond=None)[0], 0)
        if np.allclose(after, u, rtol=1e-13, atol=1e-15):
            break
        u = after
    # Of an empty polytope, and where steps have not ended, the multipliers are hints as good as any.
    x = np.clip(rows.T @ u, low, high)
    return (x if (ends - rows @ x).max(initial=0.0) <= MISSED else None), u


def walls(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rows and ends with rows @ x >= ends, of the finite ends of a box."""
    one = np.eye(len(low))
    below, above = np.isfinite(low), np.isfinite(high)
    return np.concatenate([one[below], -one[above]]), np.concatenate([low[below], -high[above]])


def by_parts(
    rows: FloatArray, ends: FloatArray, low: FloatArray | None = None, high: FloatArray | None = None
) -> tuple[FloatArray | None, FloatArray]:
    """In the norm L1: x = up - down, and the length is the sum of both; perhaps within the box [low, high]."""
    count, size = rows.shape
    most = None if low is None or high is None else np.concatenate([high, -low])
    found = _solved(np.ones(2 * size), np.concatenate([rows, -rows], axis=1), ends, np.zeros(2 * size), most)
    point, weights = _answer(found, count)
    return None if point is None else point[:size] - point[size:], weights


def deepest_by_parts(
    rows: FloatArray, ends: FloatArray, lengths: FloatArray, low: FloatArray, high: FloatArray
) -> FloatArray | None:
    """In the norm L1 the point of the unit ball and the box [low, high] with rows @ x >= ends + t lengths for the
    greatest t."""
    count, size = rows.shape
    matrix = np.zeros((count + 1, 2 * size + 1))
    matrix[:count] = np.concatenate([rows, -rows, -lengths[:, None]], axis=1)
    matrix[count, : 2 * size] = -1.0
    costs, least = np.append(np.zeros(2 * size), -1.0), np.zeros(2 * size + 1)
    most = np.concatenate([high, -low, [np.inf]])
    point, _ = _answer(_solved(costs, matrix, np.append(ends, -1.0), least, most), count + 1)
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


def _solved(
    costs: FloatArray, matrix: FloatArray, ends: FloatArray, least: FloatArray, most: FloatArray | None = None
) -> Solution | None:
    """The least costs . z over `least` <= z <= `most` with matrix @ z >= ends; None where the solver breaks down."""
    from scipy import sparse

    from verdict.solvers import LinearModel, solver

    free, most = np.full(len(ends), np.inf), np.full(len(costs), np.inf) if most is None else most
    model = LinearModel(costs, sparse.csr_array(matrix), ends, free, least, most, np.zeros(len(costs), bool))
    try:
        return solver("highs", isolate=False).solve(model, time_limit=SECONDS)
    except SolverError:
        return None


def _answer(found: Solution | None, count: int) -> tuple[FloatArray | None, FloatArray]:
    """The point, and the duals of the rows, or the weights that prove that there is no point."""
    from verdict.solvers import Status

    if found is None:
        return None, np.zeros(count)
    if found.status is Status.OPTIMAL and found.point is not None and found.duals is not None:
        return np.asarray(found.point), np.maximum(np.asarray(found.duals), 0)
    ray = np.zeros(count) if found.ray is None else np.maximum(np.asarray(found.ray), 0)
    return None, ray
