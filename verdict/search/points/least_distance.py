"""The point of a polytope nearest to the origin, in the norm L1 or L2, and the multipliers that prove that it is.

L2: least distance programming (Lawson and Hanson 1974, chapter 23) is non-negative least squares, min |E u - f| over
u >= 0, where E has the rows G^T and h^T and f is (0, ..., 0, 1): the nearest point is in the residual, and without one
the polytope {x : G x >= h} is empty. L1: a linear program, its duals, or its Farkas ray. Either way the multipliers
u >= 0 say u . h - |G^T u| >= 0, in the dual norm, about a unit ball that the polytope does not meet.
"""

from __future__ import annotations

import numpy as np

from verdict.solvers import LinearModel, Status, solver

from ...base.deadline import checkpoint
from ...base.errors import SolverError
from ...network.exact import FloatArray

# A residual below this is none: the polytope is empty.
EMPTY = 1e-12
# Seconds for one linear program.
SECONDS = 10.0
# The depth of a point is known to this share.
NEAR = 0.1


def least_distance(rows: FloatArray, ends: FloatArray, norm: str) -> tuple[FloatArray | None, FloatArray]:
    """The point (n,) nearest to 0 with `rows` @ x >= `ends`, None where none is found, and multipliers (rows,)."""
    checkpoint()
    # Rows of any length: what counts is their direction.
    size = np.sqrt((rows**2).sum(axis=1) + ends**2)
    size[size == 0] = 1.0
    find = _by_program if norm == "l1" else _by_squares
    nearest, weights = find(rows / size[:, None], ends / size)
    return nearest, weights / size


def deepest(rows: FloatArray, ends: FloatArray, norm: str, chosen: slice, nearest: FloatArray) -> FloatArray:
    """A point (n,) of the polytope in the unit ball that lies about as far beyond the rows `chosen` as any, relative to
    the length of each, from `nearest` to 0, which is in both."""
    lengths = np.sqrt((rows[chosen] ** 2).sum(axis=1))
    best, low, high = nearest, 0.0, 2.0
    while high - low > NEAR * high and high > EMPTY:
        depth = (low + high) / 2
        raised = ends.copy()
        raised[chosen] += depth * lengths
        point, _ = least_distance(rows, raised, norm)
        if point is not None and _length(point, norm) <= 1:
            best, low = point, depth
        else:
            high = depth
    return best


def _length(x: FloatArray, norm: str) -> float:
    return float(np.linalg.norm(x, 1 if norm == "l1" else 2))


def _by_squares(rows: FloatArray, ends: FloatArray) -> tuple[FloatArray | None, FloatArray]:
    from scipy.optimize import nnls

    system, aim = np.concatenate([rows.T, ends[None]]), np.append(np.zeros(rows.shape[1]), 1.0)
    try:
        weights, length = nnls(system, aim)
    except RuntimeError:
        # It has not converged.
        return None, np.zeros(len(ends))
    rest = system @ weights - aim
    return (None if length <= EMPTY or rest[-1] >= 0 else -rest[:-1] / rest[-1]), weights


def _by_program(rows: FloatArray, ends: FloatArray) -> tuple[FloatArray | None, FloatArray]:
    from scipy import sparse

    # x = up - down, and the length is the sum of both.
    count, size = rows.shape
    model = LinearModel(
        np.ones(2 * size),
        sparse.csr_array(np.concatenate([rows, -rows], axis=1)),
        ends,
        np.full(count, np.inf),
        np.zeros(2 * size),
        np.full(2 * size, np.inf),
        np.zeros(2 * size, bool),
    )
    try:
        found = solver("highs", isolate=False).solve(model, time_limit=SECONDS)
    except SolverError:
        return None, np.zeros(count)
    if found.status is Status.OPTIMAL and found.point is not None and found.duals is not None:
        point = np.asarray(found.point)
        return point[:size] - point[size:], np.maximum(np.asarray(found.duals), 0)
    ray = np.zeros(count) if found.ray is None else np.maximum(np.asarray(found.ray), 0)
    return None, ray
