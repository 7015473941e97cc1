"""Deciding one problem: attack, then bounds, then branch and bound, MILP or SMT for what they leave open.

Each step is dearer and stronger than the one before and works only on the polytopes of the unsafe set that
are still open. Steps return evidence; the gate turns it into a verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...answer.evidence import Evidence
from ...base.deadline import Deadline, OutOfTime
from ...base.device import CPU, Device
from ...certificate.recording import Recording
from ...property import Box, Problem
from .run import Run

if TYPE_CHECKING:
    from verdict.solvers import Solver


def decide(
    problem: Problem,
    box: Box,
    deadline: Deadline,
    solver: Solver | None,
    threads: int,
    report: Callable[[str], object],
    engine: str = "milp",
    bounds: str = "linear",
    device: Device = CPU,
    proof: Recording | None = None,
) -> Evidence:
    """Search for a witness or a proof over `box` with one engine: milp (with `solver`), smt, bab or auto.

    `bounds` names the method whose bounds milp and smt encode, see `verdict.search.neurons.methods`. The attack and the
    search for better bounds run on `device`. With `proof`, a recording for the problem's polytopes, a proof is
    recorded.
    """
    evidence = Evidence()
    run = Run(problem, box, deadline, evidence, report, device, proof)
    try:
        _decide(run, solver, threads, engine, bounds)
    except OutOfTime as end:
        raise OutOfTime("; ".join(filter(None, [str(end), evidence.reason]))) from end
    return evidence


def _decide(run: Run, solver: Solver | None, threads: int, engine: str, bounds: str) -> None:
    evidence, deadline = run.evidence, run.deadline
    if not (run.attack() or run.bounds()):
        if deadline.passed():
            evidence.reason = evidence.reason or "the time limit was reached"
        elif engine == "smt":
            from .smt import decide_by_smt

            if not run.tighten(bounds):
                decide_by_smt(run)
        elif engine == "milp" and solver is not None:
            from .milp import decide_by_milp

            if not run.tighten(bounds):
                decide_by_milp(run, solver, threads)
        else:
            run.bab(threads)
            if engine == "auto" and run.box.ball is not None and run.is_undecided():
                from verdict.solvers import solver as find_solver

                from .milp import decide_by_milp

                # Where splits end at a region that they can neither exclude nor enter.
                decide_by_milp(run, find_solver("highs"), threads)
    if evidence.proof is not None:
        run.record_rest(threads)
    run.enter("end")


def prove(
    problem: Problem,
    box: Box,
    deadline: Deadline,
    threads: int,
    report: Callable[[str], object],
    device: Device,
    proof: Recording,
) -> str:
    """Record a proof by linear bounds and branch and bound; returns "", or why there is none.

    Looks for no witness, so that a box may be proved which has a tie at its edge (`Recording.close_tie`).
    """
    evidence = Evidence()
    run = Run(problem, box, deadline, evidence, report, device, proof)
    run.looking = False
    if not run.bounds():
        run.bab(threads)
    return evidence.reason
