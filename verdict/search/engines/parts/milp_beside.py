"""A MILP solver on the processor time that splits leave over, once these take long.

Splits hardly use the second core to the full, and a process of low priority takes what is left. Its witness ends the
search at once, since witnesses are replayed. Its word that there is none is the weaker proof, so splits have time to
find their own after it; only if they do not is the answer the solver's, and says so.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from ....answer import credit
from ....base.deadline import Deadline, OutOfTime
from ....network.functions import Feature
from ...observer import Observer
from ...settle import coefficients

if TYPE_CHECKING:
    from ...decision import Decision

# The solver begins after so many seconds of splits. After its word they have so many times the time since they began.
UNDECIDED, AGAIN = 3.0, 2.0
# A network with more coefficients is no model that a solver solves in time, and one takes at most so many MiB.
MOST_COEFFICIENTS, MEMORY = 2_000_000, 4096


class MilpBeside:
    """A context in which a solver works beside what runs on `clock`, which it ends when it has an answer."""

    def __init__(self, run: Decision) -> None:
        from ...decision import Decision

        self._run = run
        self.clock, self._end = Deadline(None, run.deadline), threading.Event()
        effort = replace(run.effort, deadline=Deadline(None, run.deadline), threads=1, report=lambda stage: None)
        self._other = Decision(run.problem, run.box, effort, Observer())
        self._pool = ThreadPoolExecutor(1, "milp")
        self._work: Future[None] | None = None

    @staticmethod
    def can(run: Decision) -> bool:
        """Whether there is a core to spare, and a model that says all there is of the question."""
        is_exact = run.graph.has(Feature.ON_OFF) and run.box.ball is None and run.node_bounds is not None
        return is_exact and run.threads > 1 and coefficients(run.graph) <= MOST_COEFFICIENTS

    def __enter__(self) -> MilpBeside:
        self._work = self._pool.submit(contextvars.copy_context().run, self._solve)
        return self

    def _solve(self) -> None:
        """The solver's side."""
        run, other = self._run, self._other
        if self._end.wait(UNDECIDED):
            return
        from verdict.solvers import solver

        from .milp import Backend, decide_by_milp

        other.graph, other.open, other.node_bounds = run.graph, list(run.open), run.node_bounds
        with contextlib.suppress(OutOfTime), other.deadline.running(), solver("highs").kept() as highs:
            decide_by_milp(other, Backend(highs, self._end, background=True, memory=MEMORY))
            other.enter("end")
        if other.evidence.proof is not None and not self._end.is_set():
            if run.observer.wants_splits:
                return  # a solver's word cannot be recorded
            self._end.wait(AGAIN * self.clock.elapsed())
        if self.has_answer:
            self.clock.stop()

    @property
    def has_answer(self) -> bool:
        """Whether the solver has found a witness, or says that there is none."""
        return self._other.evidence.witness is not None or self._other.evidence.proof is not None

    def take_over(self) -> None:
        """Take the solver's answer, where the run has none. Raises what the solver's side has raised."""
        run, found = self._run, self._other.evidence
        credit.beside(run.evidence.ways, found.ways)
        if run.evidence.witness is not None or run.evidence.proof is not None:
            return
        if found.witness is not None:
            run.evidence.witness, run.evidence.reason = found.witness, ""
        elif found.proof is not None:
            run.excluded_by(found.proof)

    def __exit__(self, *end: object) -> None:
        self._end.set()
        self._other.deadline.stop()
        self._pool.shutdown(wait=True)
        if self._work is not None and end[0] is None:
            self._work.result()
