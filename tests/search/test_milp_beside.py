"""A MILP solver beside splits: what it finds ends them, at once or when they have had their time."""

from __future__ import annotations

import os
import threading
from fractions import Fraction
from typing import Any

import pytest

import verdict
from verdict.answer.results import Trust
from verdict.base.deadline import TIME_LIMIT, Deadline, OutOfTime
from verdict.bounds import linear_bounds
from verdict.property import Box, Problem, misclassification
from verdict.search.decision import Decision
from verdict.search.effort import Effort
from verdict.search.engines.auto import Auto
from verdict.search.engines.parts import milp, milp_beside
from verdict.search.observer import Observer
from verdict.solvers import watchdog
from verdict.solvers.mathopt import Highs


class Recording(Observer):
    wants_splits = True


class Endless(Decision):
    """Its splits never end by themselves, and may find a step of theirs cut short."""

    cut_short = False

    def bab(self, clock: Deadline | None = None) -> None:
        clock = clock or self.deadline
        while not clock.passed():
            threading.Event().wait(0.01)
        if self.cut_short:
            raise OutOfTime(TIME_LIMIT)


def run_about(eps: str, observer: Observer | None = None, threads: int = 2, seconds: float = 300.0) -> Endless:
    """`xor` at (0, 1), where the radius is 1/4."""
    graph = verdict.load("xor").graph
    low, high = [Fraction(0) - Fraction(eps), 1 - Fraction(eps)], [Fraction(eps), 1 + Fraction(eps)]
    problem = Problem(verdict.load("xor"), Box(low, high), misclassification(1, graph.output_size))
    run = Endless(problem, problem.inputs, Effort(Deadline(seconds), threads), observer or Observer())
    lower, upper = run.box.floats()
    run.node_bounds = linear_bounds(graph, lower[None], upper[None])
    return run


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(milp_beside, "UNDECIDED", 0.0)


def test_a_witness_ends_the_splits() -> None:
    run = run_about("0.3")
    Auto().decide(run)
    assert run.evidence.witness is not None
    assert run.evidence.proof is None
    assert run.evidence.ways["milp"].found


@pytest.mark.parametrize("cut_short", [False, True])
def test_its_word_that_there_is_none_ends_them_later_and_is_called_that(cut_short: bool) -> None:
    run = run_about("0.2")
    run.cut_short = cut_short
    Auto().decide(run)
    assert run.evidence.proof is Trust.SOLVER
    assert run.evidence.ways["milp"].closed == 1
    assert run.deadline.elapsed() > milp_beside.AGAIN * run.evidence.ways["milp"].seconds


def test_splits_that_are_recorded_go_on_to_the_end() -> None:
    run = run_about("0.2", Recording(), seconds=8.0)
    Auto().decide(run)
    assert run.deadline.passed()


def test_an_answer_of_the_splits_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_about("0.2")

    def bab(clock: Deadline | None = None) -> None:
        Endless.bab(run, clock)
        run.excluded_by(Trust.RIGOROUS)

    monkeypatch.setattr(run, "bab", bab)
    Auto().decide(run)
    assert run.evidence.proof is Trust.RIGOROUS


def test_a_word_that_could_not_be_looked_at_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped between the solver's "infeasible" and the look at points that the model has."""
    run, backend = run_about("0.2"), milp.Backend(Highs(), threading.Event())
    looked = milp._denies_points

    def stopped(*given: Any) -> bool:
        assert backend.cancel is not None
        backend.cancel.set()
        return looked(*given)

    monkeypatch.setattr(milp, "_denies_points", stopped)
    milp.decide_by_milp(run, backend)
    assert run.evidence.proof is None
    assert "before that was looked at" in run.evidence.reason


def test_without_a_core_to_spare_there_is_none() -> None:
    run = run_about("0.2", threads=1, seconds=0.5)
    Auto().decide(run)
    assert run.evidence.proof is None
    assert "milp" not in run.evidence.ways


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="the system has no priorities")
@pytest.mark.parametrize("background", [False, True])
def test_in_the_background_others_go_first(background: bool) -> None:
    heard: list[int] = []
    watchdog.run(
        "support.priorities:priority", None, on_report=heard.append, stop=lambda: None,
        limits=watchdog.Limits(background=background),
    )  # fmt: skip
    assert heard == [os.getpriority(os.PRIO_PROCESS, 0) + (watchdog.NICE if background else 0)]


def test_a_solver_in_the_background_solves() -> None:
    from verdict.encoders.milp import encode_margin

    run = run_about("0.2")
    assert run.node_bounds is not None
    model = encode_margin(run.graph, run.node_bounds, run.unsafe.polytopes[0], inputs=run.box, most=1e-6).model
    assert Highs().solve(model, background=True, memory_limit=4096).status == Highs().solve(model).status
