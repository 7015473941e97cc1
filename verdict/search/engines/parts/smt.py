"""Deciding by SMT: is there an input of the box whose outputs are unsafe, in Z3's exact arithmetic?

All open polytopes are asked about at once, with the bounds as lemmas. Z3's point is exact, but what ONNX Runtime
computes there is rounded, so points near it are tried too. Functions without a formula are relaxed, and cut where a
point that is no witness lies off them (incremental linearisation, `encoders/envelopes.py`).
"""

from __future__ import annotations

from verdict.encoders import smt
from verdict.encoders.envelopes import Relaxation, lacking
from verdict.solvers.z3_session import Session

from ....answer.replay import replay_exactly
from ....answer.results import Trust
from ....base.errors import SolverError
from ....bounds import Bounds
from ....network.exact import ExactVector
from ....network.functions import Feature
from ....property import UnsafeSet
from ...decision import Decision
from ...points.model_point import model_point, refined
from ...points.nearby import around


def decide_by_smt(run: Decision) -> None:
    """Exclude the open polytopes by Z3's exact arithmetic, or find a witness."""
    run.enter("smt/z3")
    if run.node_bounds is None:
        return
    try:
        _ask_z3(run, run.node_bounds)
    except SolverError as error:
        # Killed by a limit, or broken down: never a verdict.
        run.evidence.reason = f"Z3 gave up: {error}"


def _ask_z3(run: Decision, bounds: Bounds) -> None:
    unsafe, limit = UnsafeSet(tuple(run.polytopes(run.open)), run.unsafe.outputs), run.deadline.limit
    relaxation = Relaxation(run.graph, bounds, lacking(run.graph))
    with Session() as session:
        session.command(smt.prelude(run.graph, relaxation=relaxation), timeout=limit())
        session.command(smt.inputs_in_box(run.box), timeout=limit())
        for piece in smt.network(run.graph, bounds, relaxation=relaxation):
            session.command(piece, timeout=limit())
        session.command(smt.in_unsafe(run.graph, unsafe, bounds), timeout=limit())
        said, rounds = set(smt.set_rows(run.box)), 0
        while (answer := session.check(timeout=limit())) == "sat":
            point, rounds = model_point(session, run.graph.input_size), rounds + 1
            if _confirm_solution(run, point, bounds, attacks=not relaxation or not rounds & (rounds - 1)):
                break
            lines = refined(session, run.graph, bounds, relaxation) if relaxation else ""
            if not run.box.refine(point) and not lines:
                break
            session.command("\n".join([smt.further_rows(run.box, said), lines]), timeout=limit())
        if answer == "unsat":
            run.excluded_by(Trust.Z3)
        elif answer == "unknown":
            run.evidence.reason = f"Z3 gave up: {session.reason_unknown()}"


def _confirm_solution(run: Decision, point: ExactVector, bounds: Bounds, attacks: bool) -> bool:
    """Whether Z3's point, or one near it that it `attacks`, is a witness; if not, why is said."""
    if not run.box.contains(point):
        # A solution of the rows that the set has so far.
        return run.confirm([point])
    if run.confirm(around(run.problem, run.unsafe, point, bounds, run.deadline) if attacks else [point]):
        return True
    run.evidence.real = replay_exactly(run.network, run.unsafe, point)
    if run.evidence.real:
        what = "violated over the reals"
    elif run.graph.has(Feature.POLYNOMIAL):
        what = "Z3's model failed its exact replay"
    else:
        what = "Z3's model lies between the lines around functions, as close as floats tell"
    run.evidence.reason = f"{what}: {run.evidence.reason}"
    return False
