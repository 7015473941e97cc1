"""Deciding by mixed-integer programming: the least margin of every open polytope (Tjeng et al. 1711.07356).

Only margins within the solver's tolerances are asked for, as hard rows, so mostly the answer is that there is none. A
solver's bound above its tolerances, or its word that the model has no solution, excludes a polytope, on its word alone;
a solution is a candidate, which is replayed exactly. A set that is no polytope is given as rows, which grow where a
solution lies outside.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from verdict.encoders.milp import Encoding, blur, encode_margin
from verdict.solvers import Solver, Status
from verdict.solvers.mathopt import Highs

from ....answer.results import Trust
from ....base.errors import SolverError
from ....bounds import Bounds
from ....network.exact import ExactVector, FloatArray
from ....property import Polytope
from ...decision import Decision
from ...points.nearby import reached_from

# A float solver's margin counts as positive only beyond its tolerances, relative to the sizes involved.
MARGIN = 1e-6
# Points of the input set at which what a solver calls infeasible is looked at, seconds for each, and the share of a
# ball's radius by which they keep from its surface.
POINTS, PINNED_SECONDS, ROOM = 3, 2.0, 0.01


def decide_by_milp(run: Decision, solver: Solver) -> None:
    """Exclude the open polytopes by a solver, or find a witness."""
    run.enter(f"milp/{solver.name}")
    if run.node_bounds is None:
        return
    failures, excluded = [], 0
    for polytope in run.polytopes(run.open):
        if run.deadline.passed():
            failures.append("the time limit was reached")
            break
        try:
            outcome = _margin(run, solver, run.node_bounds, polytope)
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


def _margin(run: Decision, solver: Solver, bounds: Bounds, polytope: Polytope) -> str:
    """Solve margin models, again while a solution shows what rows the input set lacks. Returns "" when the solver
    excludes the polytope, else why not."""
    scale = max(1.0, float(np.abs(polytope.offset.values).max(initial=0.0)))
    needed = max(MARGIN * scale, blur(run.graph, bounds, polytope))
    while True:
        encoding = encode_margin(run.graph, bounds, polytope, inputs=run.box, most=needed)
        outcome, point = _solve_margin(run, solver, encoding, needed)
        if point is None or run.deadline.passed() or not run.box.refine(ExactVector.of(point)):
            return outcome


def _denies_points(run: Decision, solver: Solver, encoding: Encoding) -> bool:
    """Whether the solver says of points of the input set, too, that the model has no solution, with any margin.

    The network has an output on every input, so that can only be a numerical failure, and then nothing that it calls
    infeasible is.
    """
    model, size = encoding.model, encoding.input_size
    # Binaries follow from the input, and a child process is not worth its start.
    quick = Highs(isolate=False) if isinstance(solver, Highs) else solver
    lower, upper = run.box.floats()
    points = run.box.sample(POINTS, np.random.default_rng(0))
    for point in points if run.box.ball is None else run.box.ball.inward(points, ROOM):
        low, high = model.lower.copy(), model.upper.copy()
        low[:size] = high[:size] = np.clip(point, lower, upper)
        high[encoding.goal] = np.inf
        pinned = replace(model, lower=low, upper=high)
        try:
            found = quick.solve(pinned, time_limit=run.deadline.share(1.0, PINNED_SECONDS).limit())
        except SolverError:
            found = solver.solve(pinned, time_limit=run.deadline.limit())
        if found.status is Status.INFEASIBLE:
            return True
    return False


def _solve_margin(
    run: Decision, solver: Solver, encoding: Encoding, needed: float
) -> tuple[str, FloatArray | None]:
    """As `_margin`, and a solution that could not be confirmed, or None."""
    solution = solver.solve(
        encoding.model,
        time_limit=run.deadline.limit(),
        threads=run.threads if solver.features.threads else 1,
        target_bound=needed if solver.features.progress else None,
    )
    if solution.status is Status.INFEASIBLE:
        if _denies_points(run, solver, encoding):
            return f"{solver.name} calls a model infeasible that has a point by construction", None
        return "", None
    if solution.bound >= needed:
        return "", None
    if solution.point is not None and (solution.objective or 0.0) <= needed:
        x = np.asarray(solution.point[: encoding.input_size])
        if run.confirm([x, *reached_from(run.problem, x, run.deadline)]):
            return "a witness", None
        found = run.evidence.reason
        return f"the least margin is {solution.objective:.3g}, but {found}", x
    if math.isfinite(solution.bound):
        return f"{solver.name}: {solution.status.value}, margin at least {solution.bound:.3g}", None
    return f"{solver.name}: {solution.status.value} {solution.message}".strip(), None
