"""Whatever else PuLP finds on the machine (Gurobi, CPLEX, XPRESS, COPT, HiGHS by highspy, GLPK, ...), as
"pulp:NAME".

The model is built through PuLP's interface and solved in a child process under the watchdog, because PuLP's
own time limits depend on the solver and its drivers leave files and processes behind. PuLP reports little: no
bound, and for a stopped solver sometimes Optimal, so `sol_status` decides and a solve that used up its time
limit is never optimal.
"""

from __future__ import annotations

import functools
import importlib.util
import math
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from verdict.base.errors import SolverError
from verdict.solvers import watchdog
from verdict.solvers.base import Solver
from verdict.solvers.model import LinearModel
from verdict.solvers.monitor import Monitor
from verdict.solvers.results import Features, Raw, Request, Status


class Pulp(Solver):
    """A solver of PuLP's list by its name there; statuses are PuLP's LpSolution constants, by name."""

    drops_below = 1e-9
    features = Features(memory_limit=True)
    statuses: ClassVar = {
        "Optimal Solution Found": Status.OPTIMAL,
        "Solution Found": Status.FEASIBLE,
        # PuLP's drivers file "infeasible or unbounded" under infeasible (seen with HiGHS on an unbounded
        # MILP).
        "No Solution Exists": Status.INFEASIBLE_OR_UNBOUNDED,
        "Solution is Unbounded": Status.UNBOUNDED,
        "No Solution Found": Status.UNKNOWN,
        "Time Limit": Status.TIME_LIMIT,
        # A driver that writes files rounds to 12 digits: what it says is about another model.
        "Rounded": Status.UNKNOWN,
    }

    def __init__(self, member: str) -> None:
        self.member = member
        self.name = f"pulp:{member}"

    def available(self) -> str | None:
        if importlib.util.find_spec("pulp") is None:
            return "pip install 'pulp>=2.9'"
        known, usable = _listing()
        if self.member not in known:
            raise SolverError(f"PuLP knows no solver {self.member!r}. It knows: {', '.join(known)}")
        if self.member in usable:
            return None
        return f"PuLP does not find {self.member} on this machine; install it and put it on the PATH"

    def _solve(self, model: LinearModel, request: Request, monitor: Monitor) -> Raw:
        # The folder is made here, so that it goes even if the child is killed.
        with tempfile.TemporaryDirectory(prefix="verdict-pulp-") as folder:
            ending = watchdog.run(
                "verdict.solvers.pulp:solve_in_child",
                (self.member, model, request, folder),
                on_report=lambda news: None,
                stop=monitor.stop,
                limits=watchdog.Limits(request.time_limit, memory=request.memory_limit),
            )
        if ending.result is None:
            return monitor.stopped(ending.status or Status.ERROR, ending.message)
        raw: Raw = ending.result
        return raw


BACKENDS: dict[str, Callable[..., Solver]] = {"pulp:NAME": Pulp}


def found() -> list[str]:
    """The solvers that PuLP finds here, as registry names; not CBC, which has a backend of its own."""
    if importlib.util.find_spec("pulp") is None:
        return []
    own = ("PULP_CBC_CMD", "COIN_CMD", "COINMP_DLL")
    return [f"pulp:{name}" for name in _listing()[1] if name not in own]


@functools.cache
def _listing() -> tuple[list[str], list[str]]:
    """The solvers that PuLP knows, and those that it finds; asked once, in a child process.

    Importing PuLP here would load highspy where that is installed, and then OR-Tools cannot be loaded any
    more: both bring a HiGHS of their own, with the same symbols.
    """
    ending = watchdog.run(
        "verdict.solvers.pulp:list_in_child",
        None,
        on_report=lambda news: None,
        stop=lambda: None,
        limits=watchdog.Limits(60.0),
    )
    if ending.result is None:
        raise SolverError(f"PuLP cannot be asked for its solvers: {ending.message}")
    known, usable = ending.result
    return known, usable


def list_in_child(
    payload: None, emit: Callable[[object], None], cancelled: Callable[[], bool]
) -> tuple[list[str], list[str]]:
    """PuLP's two lists; the watchdog's target."""
    import pulp

    return pulp.listSolvers(), pulp.listSolvers(onlyAvailable=True)


def solve_in_child(
    payload: tuple[str, LinearModel, Request, str],
    emit: Callable[[object], None],
    cancelled: Callable[[], bool],
) -> Raw:
    """Builds the LpProblem and solves it; the watchdog's target.

    Raises:
        SolverError: PuLP or the solver's driver failed.
    """
    import pulp

    member, model, request, folder = payload
    request = replace(request, time_limit=watchdog.begins(request.time_limit))
    started = time.monotonic()
    problem, columns = _problem(model)
    options: dict[str, object] = {"msg": False}
    if request.time_limit is not None:
        options["timeLimit"] = request.time_limit
    try:
        driver = pulp.getSolver(member, **options)
        writes_files = isinstance(driver, pulp.LpSolver_CMD)
        driver.tmpDir = folder
        os.chdir(folder)  # some drivers leave files where they stand
        problem.solve(driver)
    except (pulp.PulpError, OSError, ValueError, RuntimeError, AttributeError, TypeError) as error:
        raise SolverError(f"pulp:{member}: {type(error).__name__}: {error}") from error
    word = pulp.LpSolution.get(problem.sol_status, str(problem.sol_status))
    values = [column.varValue for column in columns]
    has_point = word in ("Optimal Solution Found", "Solution Found") and None not in values
    point = np.array(values, dtype=np.float64) if has_point else None
    spent = request.time_limit is not None and time.monotonic() - started >= 0.95 * request.time_limit
    if spent and word != "No Solution Exists":
        word = "Time Limit"
    elif writes_files and not _survives(model) and word != "Solution Found":
        word = "Rounded"
    return Raw(word, -math.inf, point)


def _problem(model: LinearModel) -> tuple[Any, list[Any]]:
    import pulp

    problem = pulp.LpProblem("verdict", pulp.LpMinimize)
    columns = [
        pulp.LpVariable(
            f"C{j}",
            None if math.isinf(low) else low,
            None if math.isinf(high) else high,
            pulp.LpInteger if integral else pulp.LpContinuous,
        )
        for j, (low, high, integral) in enumerate(
            zip(model.lower.tolist(), model.upper.tolist(), model.integer.tolist(), strict=True)
        )
    ]
    costs = zip(columns, model.objective.tolist(), strict=True)
    problem.setObjective(pulp.LpAffineExpression(list(costs), constant=model.offset))
    indptr, indices, data = model.matrix.indptr, model.matrix.indices, model.matrix.data
    for i, (low, high) in enumerate(zip(model.row_lower.tolist(), model.row_upper.tolist(), strict=True)):
        span = slice(indptr[i], indptr[i + 1])
        terms = [(columns[j], a) for j, a in zip(indices[span].tolist(), data[span].tolist(), strict=True)]
        if not terms and columns:
            terms = [(columns[0], 0.0)]
        wanted = (
            [(pulp.LpConstraintEQ, low)]
            if low == high
            else [
                (pulp.LpConstraintGE, low),
                (pulp.LpConstraintLE, high),
            ]
        )
        for sense, side in wanted:
            if math.isfinite(side):
                row = pulp.LpAffineExpression(terms)
                problem.addConstraint(pulp.LpConstraint(row, sense, rhs=side))
    for column in columns:
        problem.addVariable(column)  # also those that occur nowhere
    return problem, columns


def _survives(model: LinearModel) -> bool:
    """Whether every number of the model is the same after being printed with 12 significant digits."""
    arrays = (model.matrix.data, model.objective, model.lower, model.upper, model.row_lower, model.row_upper)
    return all(float(f"{v:.12g}") == v for a in arrays for v in np.unique(a).tolist())
