"""The default: branch and bound, beside it what else may close, then what closes the rest.

Of a problem, a MILP solver works on what splits leave of the second core, and MILP takes over where splits end at a
region of a ball that they can neither exclude nor enter. Of a radius, a tree of splits is searched, and once that turns
out to be long MILP works on the other core for as long as it keeps up; what is left after both goes to MILP or, on
small networks, to exact arithmetic, the one first that can close.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...base.deadline import OutOfTime
from ...network.functions import Feature
from .engine import Engine, Features, register

if TYPE_CHECKING:
    from ..decision import Decision
    from ..radius import RadiusSearch

# With one thread nothing works beside splits, and they get this share of the time.
SPLIT_SHARE = 0.6
# What splits and MILP leave open of a network with at most so many coefficients is finished in exact arithmetic, in at
# most so many seconds.
FEW_COEFFICIENTS, EXACT_SECONDS = 20_000, 60.0


@register
class Auto(Engine):
    name = "auto"
    idea = "branch and bound, MILP beside it, exact arithmetic for the rest"
    features = Features(exactness="solver")

    def decide(self, run: Decision) -> None:
        _by_splits_beside(run)
        if run.box.ball is not None and run.is_undecided() and run.graph.has(Feature.ON_OFF):
            from verdict.solvers import solver

            from .parts.milp import Backend, decide_by_milp

            decide_by_milp(run, Backend(solver("highs")))

    def close(self, search: RadiusSearch, threads: int) -> None:
        if not search.floats_tell and search.graph.has(Feature.PIECEWISE_LINEAR):
            _exactly(search)
        if self.can_tell(search):
            _close(search, threads)


def _by_splits_beside(run: Decision) -> None:
    """Splits, and a MILP solver on what they leave of the second core once they take long."""
    from .parts.milp_beside import MilpBeside

    if not MilpBeside.can(run):
        run.bab()
        return
    beside = MilpBeside(run)
    try:
        with beside, beside.clock.running():
            run.bab(beside.clock)
    except OutOfTime:
        if not beside.has_answer:
            raise
    finally:
        beside.take_over()


def _close(search: RadiusSearch, threads: int) -> None:
    from .parts.radius_bab import search_bab

    before = len(search.notes)
    if not search.graph.has(Feature.ON_OFF):
        # What comes after splits needs pieces.
        search_bab(search, search.deadline, threads)
        return
    _by_splits(search, threads)
    _finish(search, threads)
    if not search.is_open():
        # What one engine could not do does not matter any more.
        del search.notes[before:]


def _by_splits(search: RadiusSearch, threads: int) -> None:
    """Splits, and a MILP solver on the other core once they take long."""
    from verdict.solvers import solver

    from .parts.beside import Beside
    from .parts.radius_bab import search_bab
    from .parts.radius_milp import can_close, search_milp

    if threads < 2 or not can_close(search):
        search_bab(search, search.deadline.share(SPLIT_SHARE, math.inf), threads)
        return

    def by_milp(other: RadiusSearch) -> None:
        with solver("highs").kept(load=True) as highs:
            search_milp(other, highs, 1)

    with Beside(search, "milp", by_milp) as beside:
        search_bab(search, search.deadline, threads, beside)
        beside.harvest()


def _finish(search: RadiusSearch, threads: int) -> None:
    """Let MILP and exact arithmetic close what splits have left open, the one first that can."""
    from verdict.solvers import solver

    from .parts.radius_milp import can_close, search_milp

    def by_milp() -> None:
        search_milp(search, solver("highs"), threads)

    def exactly() -> None:
        _exactly(search)

    for step in (by_milp, exactly) if can_close(search) else (exactly, by_milp):
        if search.is_open() and not search.deadline.passed():
            step()


def _exactly(search: RadiusSearch) -> None:
    """Let Z3 close the interval of a small network."""
    from ..settle import coefficients
    from .parts.radius_smt import search_smt

    if coefficients(search.graph) <= FEW_COEFFICIENTS:
        search_smt(search, clock=search.deadline.share(1.0, EXACT_SECONDS))
