"""Hides from a float solver what it would silently misread, by relaxing the model and never by changing its
claim.

HiGHS and SCIP drop matrix entries below 1e-9 and call a model infeasible that has points once the entry meets
a column of size 1e9; both read a bound of 1e20 as infinity. Here a small entry is replaced by the interval it
can contribute, moved into the row's sides (outward), and a huge bound by infinity: the result contains every
point of the model, so "infeasible" and every lower bound carry over, and a point is audited against the model
itself.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from verdict.solvers.model import LinearModel, Vector

HUGE = 1e20


def guarded(model: LinearModel, drops_below: float) -> tuple[LinearModel, bool]:
    """A relaxation of the model without entries 0 < |a| < drops_below and finite bounds >= 1e20, and whether
    anything had to be changed. Sums are widened by more than their rounding error."""
    matrix = model.matrix
    small = (np.abs(matrix.data) < drops_below) & (matrix.data != 0)
    small_costs = (np.abs(model.objective) < drops_below) & (model.objective != 0)
    lower, upper = _opened(model.lower, model.upper)
    row_lower, row_upper = _opened(model.row_lower, model.row_upper)
    opened = any(
        not np.array_equal(new, old)
        for new, old in (
            (lower, model.lower),
            (upper, model.upper),
            (row_lower, model.row_lower),
            (row_upper, model.row_upper),
        )
    )
    if not (small.any() or small_costs.any() or opened):
        return model, False
    rows = np.repeat(np.arange(model.rows), np.diff(matrix.indptr))[small]
    low, high = _reach(
        matrix.data[small], model.lower[matrix.indices[small]], model.upper[matrix.indices[small]]
    )
    row_lower = row_lower - _outward(rows, high, model.rows, np.abs(row_lower))
    row_upper = row_upper + _outward(rows, -low, model.rows, np.abs(row_upper))
    kept = matrix.copy()
    kept.data = np.where(small, 0.0, matrix.data)
    kept.eliminate_zeros()
    cost_low, _ = _reach(model.objective[small_costs], model.lower[small_costs], model.upper[small_costs])
    loss = float(_outward(np.zeros(len(cost_low), dtype=np.intp), -cost_low, 1, np.abs([model.offset]))[0])
    objective = np.where(small_costs, 0.0, model.objective)
    if not np.isfinite(loss):
        # No finite bound survives without this cost: keep it and leave the solver its tolerance.
        objective, loss = model.objective, 0.0
    return (
        replace(
            model,
            objective=objective,
            offset=model.offset - loss,
            matrix=kept,
            row_lower=row_lower,
            row_upper=row_upper,
            lower=lower,
            upper=upper,
        ),
        True,
    )


def _opened(lower: Vector, upper: Vector) -> tuple[Vector, Vector]:
    return np.where(lower <= -HUGE, -np.inf, lower), np.where(upper >= HUGE, np.inf, upper)


def _reach(a: Vector, lower: Vector, upper: Vector) -> tuple[Vector, Vector]:
    """The least and the largest value of a·x over lower <= x <= upper, elementwise; a is nowhere zero."""
    ends = np.stack([a * lower, a * upper])
    return ends.min(axis=0), ends.max(axis=0)


def _outward(
    index: np.ndarray[tuple[int], np.dtype[np.intp]], parts: Vector, size: int, base: Vector
) -> Vector:
    """Sums of `parts` by index, each raised by a bound on its rounding error and on that of adding it to
    base.
    """
    total = np.bincount(index, weights=parts, minlength=size)
    weight = np.bincount(index, weights=np.abs(parts), minlength=size)
    count = np.bincount(index, minlength=size)
    slack = (count + 4) * np.finfo(np.float64).eps * (weight + np.where(np.isfinite(base), base, 0.0))
    return np.where(count > 0, total + slack, 0.0)
