"""The program that is solved again and again says the same as a solver that begins anew."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from verdict.base.errors import SolverError
from verdict.solvers import LinearModel, Status, solver
from verdict.solvers.simplex import Simplex


def _model(rng: np.random.Generator) -> LinearModel:
    rows, columns = int(rng.integers(1, 8)), int(rng.integers(1, 8))
    matrix = rng.integers(-3, 4, (rows, columns)) * (rng.random((rows, columns)) < 0.7)
    inside = rng.integers(-2, 3, columns)
    ends = matrix @ inside
    low = np.where(rng.random(rows) < 0.3, -np.inf, ends - rng.integers(0, 3, rows))
    high = np.where(rng.random(rows) < 0.3, np.inf, ends + rng.integers(0, 3, rows))
    box = inside - rng.integers(0, 4, columns), inside + rng.integers(0, 4, columns)
    free = np.zeros(columns, bool)
    offset = float(rng.integers(-3, 4))
    return LinearModel(rng.normal(size=columns), sparse.csr_array(matrix.astype(float)), low, high, *box, free, offset)


def _anew(model: LinearModel) -> float:
    solution = solver("highs", isolate=False).solve(model, time_limit=10.0)
    assert solution.status is Status.OPTIMAL
    assert solution.objective is not None
    return solution.objective


def test_changed_programs_end_where_new_ones_do() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        model = _model(rng)
        hot = Simplex(model)
        for _ in range(3):
            found = hot.solve(10.0)
            assert found is not None
            assert found.objective == pytest.approx(_anew(model), abs=1e-7)
            # The duals are signed as derivatives are: together they make up the costs.
            costs = found.duals @ model.matrix.toarray() + found.reduced_costs
            assert costs == pytest.approx(model.objective, abs=1e-7)
            # One more box around the optimum, and other costs.
            at = np.round(found.point)
            lower, upper = np.minimum(model.lower, at), np.maximum(model.upper, at + 1)
            costs = rng.normal(size=len(at))
            loose = np.where(rng.random(len(model.row_lower)) < 0.3, -np.inf, model.row_lower)
            model = LinearModel(costs, model.matrix, loose, model.row_upper, lower, upper, model.integer, 1.0)
            hot.bound(lower, upper)
            hot.bound_rows(loose, model.row_upper)
            hot.aim(costs, 1.0)


def test_a_row_that_nothing_meets_has_no_optimum() -> None:
    ends = np.array([[2.0], [3.0], [0.0], [1.0]])
    empty = Simplex(LinearModel(np.ones(1), sparse.csr_array([[1.0]]), *ends, np.zeros(1, bool)))
    assert empty.solve(10.0) is None


def test_whole_numbers_are_refused() -> None:
    with pytest.raises(SolverError, match="whole numbers"):
        Simplex(LinearModel(np.ones(1), sparse.csr_array([[1.0]]), *np.array([[0.0], [1.0]] * 2), np.ones(1, bool)))
