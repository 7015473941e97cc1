"""Deciding by mixed-integer programming: the least margin of every open polytope (Tjeng et al. 1711.07356).

Only margins within the solver's tolerances are asked for, as hard rows, so mostly the answer is that there is none. A
solver's bound above its tolerances, or its word that the model has no solution, excludes a polytope, on its word alone;
a solution is a candidate, which is replayed exactly. A set that is no polytope is given as rows, which grow where a
solution lies outside, and functions that are relaxed are cut where it lies off them.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, replace

import numpy as np

from verdict.encoders.envelopes import Relaxation
from verdict.encoders.milp import blur, encode_margin, encode_relaxed_margin
from verdict.encoders.writer import Encoding
from verdict.solvers import Solution, Solver, Status
from verdict.solvers.mathopt import Highs
from verdict.solvers.model import LinearModel

from ....answer.results import Trust
from ....base.deadline import Deadline
from ....base.errors import SolverError
from ....bounds import Bounds
from ....network.exact import ExactVector, FloatArray
from ....network.functions import Feature
from ....property import Polytope
from ...decision import Decision
from ...points.nearby import reached_from

# A float solver's margin counts as positive only beyond its tolerances, relative to the sizes involved.
MARGIN = 1e-6
# A small model (so many matrix entries) is first tried for so many seconds in this process: most polytopes are
# settled before a child process has started, and Ctrl-C waits no longer than that.
SMALL, QUICK = 50_000, 2.0
# Points of the input set at which what a solver calls infeasible is looked at, seconds for each, and the share of a
# ball's radius by which they keep from its surface.
POINTS, PINNED_SECONDS, ROOM = 3, 2.0, 0.01


@dataclass(frozen=True, eq=False)
class Backend:
    """A solver for one decision: `cancel` ends its work from another thread, and in the `background` it leaves the
    processors to what else is at work, and takes at most so many MiB."""

    solver: Solver
    cancel: threading.Event | None = None
    background: bool = False
    memory: int | None = None

    def solve(
        self, model: LinearModel, time_limit: float | None, threads: int = 1, target_bound: float | None = None
    ) -> Solution:
        """`Solver.solve` with what holds for this one."""
        return self.solver.solve(
            model, time_limit=time_limit, threads=threads, target_bound=target_bound,
            cancel=self.cancel, memory_limit=self.memory, background=self.background,
        )  # fmt: skip


def decide_by_milp(run: Decision, backend: Backend) -> None:
    """Exclude the open polytopes by a solver, or find a witness."""
    solver = backend.solver
    run.enter(f"milp/{solver.name}")
    if run.node_bounds is None:
        return
    failures, excluded = [], 0
    for polytope in run.polytopes(run.open):
        if run.deadline.passed():
            failures.append("the time limit was reached")
            break
        try:
            outcome = _margin(run, backend, run.node_bounds, polytope)
        except SolverError as error:
            outcome = str(error)
        if run.evidence.witness is not None:
            return
        if outcome:
            failures.append(f"{polytope.name}: {outcome}")
        else:
            excluded += 1
    if not failures:
        run.excluded_by(Trust.SOLVER)
    else:
        run.closed(excluded)
        run.evidence.reason = "; ".join([*filter(None, [run.evidence.reason]), *failures])


def _margin(run: Decision, backend: Backend, bounds: Bounds, polytope: Polytope) -> str:
    """Solve margin models, again while a solution shows what rows the input set lacks. Returns "" when the solver
    excludes the polytope, else why not."""
    scale = max(1.0, float(np.abs(polytope.offset.values).max(initial=0.0)))
    needed = max(MARGIN * scale, blur(run.graph, bounds, polytope))
    relaxation, excluded = Relaxation(run.graph, bounds, Feature.ON_OFF), False
    while True:
        if relaxation:
            encoding = encode_relaxed_margin(relaxation, polytope, run.box, needed, backend.solver.features.products)
        else:
            encoding = encode_margin(run.graph, bounds, polytope, inputs=run.box, most=needed)
        outcome, point = _solve_margin(run, backend, encoding, needed)
        if relaxation and not outcome and not excluded:
            # Coefficients of a relaxation may lead a presolve astray, so a finer one has to say the same.
            excluded = True
            relaxation.halve(1)
            continue
        if point is None or run.deadline.passed():
            return outcome
        excluded = False
        cut = relaxation.refine(encoding.relaxed_values(point), MARGIN)
        if not run.box.refine(ExactVector.of(point[: encoding.input_size])) and not cut:
            return outcome


def quickly(solver: Solver, encoding: Encoding, clock: Deadline) -> Solution | None:
    """The solution by a short run of HiGHS in this process; None if that leaves the model open.

    SCIP gains as much, but from this process it writes its complaints about event handlers to the terminal.
    """
    if not isinstance(solver, Highs) or not solver.isolate or encoding.model.matrix.nnz > SMALL:
        return None
    try:
        solution = Highs(isolate=False).solve(encoding.model, time_limit=clock.share(1, QUICK).limit())
    except SolverError:
        return None  # OR-Tools cannot be loaded beside another HiGHS; a child process can
    return solution if solution.status in (Status.OPTIMAL, Status.INFEASIBLE) else None


def _denies_points(run: Decision, backend: Backend, encoding: Encoding) -> bool:
    """Whether the solver says of points of the input set, too, that the model has no solution, with any margin.

    The network has an output on every input, so that can only be a numerical failure, and then nothing that it calls
    infeasible is.
    """
    model, size, quick = encoding.model, encoding.input_size, backend
    # Binaries follow from the input, and a child process is not worth its start; but nothing ends a solver within this
    # process, where another thread may have to.
    if isinstance(backend.solver, Highs) and backend.cancel is None:
        quick = Backend(Highs(isolate=False))
    lower, upper = run.box.floats()
    points = run.box.sample(POINTS, np.random.default_rng(0))
    for point in points if run.box.ball is None else run.box.ball.inward(points, ROOM):
        low, high = model.lower.copy(), model.upper.copy()
        low[:size] = high[:size] = np.clip(point, lower, upper)
        high[encoding.goal] = np.inf
        pinned = replace(model, lower=low, upper=high)
        try:
            found = quick.solve(pinned, run.deadline.share(1.0, PINNED_SECONDS).limit())
        except SolverError:
            found = backend.solve(pinned, run.deadline.limit())
        if found.status is Status.INFEASIBLE:
            return True
    return False


def _solve_margin(
    run: Decision, backend: Backend, encoding: Encoding, needed: float
) -> tuple[str, FloatArray | None]:
    """As `_margin`, and a solution that could not be confirmed, or None."""
    solver = backend.solver
    # A relaxation is solved again and again.
    quick = quickly(solver, encoding, run.deadline) if encoding.envelopes else None
    solution = quick or backend.solve(
        encoding.model,
        run.deadline.limit(),
        run.threads if solver.features.threads else 1,
        needed if solver.features.progress else None,
    )
    if solution.status is Status.INFEASIBLE:
        if _denies_points(run, backend, encoding):
            return f"{solver.name} calls a model infeasible that has a point by construction", None
        if run.deadline.passed() or (backend.cancel is not None and backend.cancel.is_set()):
            return f"{solver.name} says that there is none, and the time ended before that was looked at", None
        return "", None
    if solution.bound >= needed:
        return "", None
    if solution.point is not None and (solution.objective or 0.0) <= needed:
        x = np.asarray(solution.point[: encoding.input_size])
        if run.confirm([x, *reached_from(run.problem, x, run.deadline)]):
            return "a witness", None
        found = run.evidence.reason
        return f"the least margin is {solution.objective:.3g}, but {found}", np.asarray(solution.point)
    if math.isfinite(solution.bound):
        return f"{solver.name}: {solution.status.value}, margin at least {solution.bound:.3g}", None
    return f"{solver.name}: {solution.status.value} {solution.message}".strip(), None
