"""Deciding one problem: attack, then bounds, then an engine for what they leave open (a dear attack in two parts).

Each step is dearer and stronger than the one before and works only on the polytopes of the unsafe set that
are still open. Steps return evidence; the gate turns it into a verdict.
"""

from __future__ import annotations

from ..answer.evidence import Evidence
from ..base.deadline import OutOfTime, last_words
from ..property import Box, Problem
from .decision import Decision
from .effort import Effort
from .engines.engine import Engine
from .observer import Observer


def decide(problem: Problem, box: Box, engine: Engine, effort: Effort, observer: Observer | None = None) -> Evidence:
    """Search for a witness or a proof over `box` with one engine, until the clock that is running has run out.

    The `observer` is told what is excluded and how. Raises InputError for a box, and UnsupportedError for
    functions, that the engine does not take.
    """
    engine.refuse(box)
    engine.refuse_functions(problem.network.graph)
    run = Decision(problem, box, effort, observer or Observer())
    try:
        _decide(run, engine)
    except OutOfTime as end:
        # In the middle of a step: what was complete before it is kept, and how the time was spent.
        run.evidence.reason = "; ".join(dict.fromkeys(filter(None, [str(end), run.evidence.reason])))
        with last_words():
            run.enter("end")
    return run.evidence


def _decide(run: Decision, engine: Engine) -> None:
    evidence = run.evidence
    if not (run.attack() or run.bounds() or run.attack_again()):
        if run.deadline.passed():
            evidence.reason = "; ".join(filter(None, ["the time limit was reached", evidence.reason]))
        else:
            engine.decide(run)
    if evidence.proof is not None:
        run.split_rest()
    run.enter("end")


def prove(problem: Problem, box: Box, effort: Effort, observer: Observer) -> str:
    """Find a proof by linear bounds and branch and bound; returns "", or why there is none.

    Looks for no witness, so that a box may be proved which has a tie at its edge (`Observer.has_tie`).
    """
    run = Decision(problem, box, effort, observer)
    run.looking = False
    if not run.bounds():
        run.bab()
    return run.evidence.reason
