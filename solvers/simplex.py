"""A linear program that is solved again and again, each time with other bounds or costs.

The basis that was best last time is a few pivots from the next best, so the dual simplex method of GLOP goes on from
there (a hot start) in place of beginning anew: the way in which branch and bound solves the programs of its nodes
(Achterberg 2007). What comes back is a float solver's word; callers prove with the multipliers, whatever they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from verdict.base.errors import SolverError
from verdict.solvers.model import LinearModel, Vector

PARAMETERS = (
    "use_dual_simplex: true use_preprocessing: false change_status_to_imprecise: false "
    "primal_feasibility_tolerance: 1e-9 dual_feasibility_tolerance: 1e-9"
)


@dataclass(frozen=True, eq=False)
class Vertex:
    """An optimum: the objective, x (columns,), the rows' multipliers (rows,) and the reduced costs (columns,), signed
    so that each is the derivative of the objective with respect to the bound that holds."""

    objective: float
    point: Vector
    duals: Vector
    reduced_costs: Vector


class Simplex:
    """A linear program kept in the solver; one thread at a time may use it. OR-Tools lets go of Python's lock while it
    solves.

    Raises:
        SolverError: OR-Tools cannot be loaded, or the model has whole numbers.
    """

    def __init__(self, model: LinearModel) -> None:
        if not model.is_lp:
            raise SolverError("the simplex method solves linear programs: this model has whole numbers")
        try:
            from ortools.linear_solver import linear_solver_pb2, pywraplp
        except ImportError as error:
            raise SolverError(f"OR-Tools cannot be loaded: {error}") from error
        self._lp: Any = pywraplp
        self._proto: Any = linear_solver_pb2
        self._solver = pywraplp.Solver.CreateSolver("GLOP")
        self._solver.SetSolverSpecificParametersAsString(PARAMETERS)
        proto = linear_solver_pb2.MPModelProto()
        for low, high, cost in zip(model.lower.tolist(), model.upper.tolist(), model.objective.tolist(), strict=True):
            proto.variable.add(lower_bound=low, upper_bound=high, objective_coefficient=cost)
        _put_rows(proto, model.matrix)
        self._solver.LoadModelFromProto(proto)
        self._columns, self._rows = self._solver.variables(), self._solver.constraints()
        self._objective, self._offset = self._solver.Objective(), model.offset
        self._costs, self._lower, self._upper = model.objective, model.lower, model.upper
        self._row_lower = self._row_upper = np.zeros(len(self._rows))
        self.bound_rows(model.row_lower, model.row_upper)

    def aim(self, costs: Vector, offset: float = 0.0) -> None:
        """Minimise costs @ x + offset from now on."""
        for at in np.flatnonzero(costs != self._costs).tolist():
            self._objective.SetCoefficient(self._columns[at], float(costs[at]))
        self._costs, self._offset = costs, offset

    def bound(self, lower: Vector, upper: Vector) -> None:
        """Other bounds of the columns."""
        for at in np.flatnonzero((lower != self._lower) | (upper != self._upper)).tolist():
            self._columns[at].SetBounds(float(lower[at]), float(upper[at]))
        self._lower, self._upper = lower, upper

    def bound_rows(self, lower: Vector, upper: Vector) -> None:
        """Other bounds of the rows."""
        for at in np.flatnonzero((lower != self._row_lower) | (upper != self._row_upper)).tolist():
            self._rows[at].SetBounds(float(lower[at]), float(upper[at]))
        self._row_lower, self._row_upper = lower, upper

    def solve(self, seconds: float | None) -> Vertex | None:
        """The optimum, None where the solver has none within the time."""
        if seconds is not None:
            self._solver.SetTimeLimit(max(1, int(1000 * seconds)))
        if self._solver.Solve() != self._lp.Solver.OPTIMAL:
            return None
        found = self._proto.MPSolutionResponse()
        self._solver.FillSolutionResponseProto(found)
        return Vertex(
            found.objective_value + self._offset,
            *(np.array(values) for values in (found.variable_value, found.dual_value, found.reduced_cost)),
        )


def _put_rows(proto: Any, matrix: Any) -> None:
    """Write the rows of a CSR matrix into a model, as equations: rows without ends would be left out."""
    for start, stop in zip(matrix.indptr[:-1].tolist(), matrix.indptr[1:].tolist(), strict=True):
        row = proto.constraint.add(lower_bound=0.0, upper_bound=0.0)
        row.var_index.extend(matrix.indices[start:stop].tolist())
        row.coefficient.extend(matrix.data[start:stop].tolist())
