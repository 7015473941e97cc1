"""The default: branch and bound first, then what closes the rest.

Of a problem, MILP takes over where splits end at a region of a ball that they can neither exclude nor enter. Of a
radius, splits get a little time, then MILP and, on small networks, exact arithmetic, the one first that can close.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...base.deadline import ProcessorTime
from .engine import Engine, Features, register

if TYPE_CHECKING:
    from ..decision import Decision
    from ..radius import RadiusSearch

# How long domains are split for a radius before a MILP solver takes over what is left, in seconds of processor time.
BAB_SECONDS = 1.0
# With at most so many unstable ReLUs it takes over as soon as the last proof by splits turns out to be long.
FEW_UNSTABLE = 150
# The same where few inputs can vary, so that their box is split and not ReLUs.
SPLIT_SECONDS = 20.0
# What splits and MILP leave open of a network with at most so many coefficients is finished in exact arithmetic, in at
# most so many seconds.
FEW_COEFFICIENTS, EXACT_SECONDS = 20_000, 60.0


@register
class Auto(Engine):
    name = "auto"
    idea = "branch and bound, then MILP or exact arithmetic for the rest"
    features = Features(exactness="solver")

    def decide(self, run: Decision) -> None:
        run.bab()
        if run.box.ball is not None and run.is_undecided():
            from verdict.solvers import solver

            from .parts.milp import decide_by_milp

            decide_by_milp(run, solver("highs"))

    def close(self, search: RadiusSearch, threads: int) -> None:
        if not search.floats_tell:
            _exactly(search)
        if self.can_tell(search):
            _close(search, threads)


def _close(search: RadiusSearch, threads: int) -> None:
    from ...network.exact import float_below
    from ..options import DEFAULTS
    from .parts.radius_bab import search_bab

    # On balls that are no boxes, splits prove what they can without a solver's word, all if there are few ReLUs;
    # tangents close the rest.
    is_quick = search.family.is_box and search.family.size > DEFAULTS.few_inputs
    seconds = BAB_SECONDS if is_quick else SPLIT_SECONDS
    unstable = search.bounds_at(float_below(search.cap)).unstable(search.graph)
    share = 0.3 if search.family.is_box or unstable > DEFAULTS.few_relus else 0.8
    clock = ProcessorTime(seconds, search.deadline.share(share, math.inf))
    before = len(search.notes)
    search_bab(search, clock, threads, brief=is_quick and unstable <= FEW_UNSTABLE)
    _finish(search, threads)
    if not search.is_open():
        # What one engine could not do does not matter any more.
        del search.notes[before:]


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
