"""The engines by name, and how each closes what an attack and bounds have left open of a radius."""

from __future__ import annotations

import math
from typing import Any

from ...base.arguments import optional_word, word
from ...base.deadline import ProcessorTime
from ...base.errors import InputError

ENGINES = ("auto", "bab", "milp", "smt")
# How long `auto` splits domains in `maxeps` before a MILP solver takes over what is left, in seconds of processor time.
AUTO_BAB_SECONDS = 1.0
# With at most so many unstable ReLUs it takes over as soon as the last proof by splits turns out to be long.
FEW_UNSTABLE = 150
# The same where few inputs can vary, so that their box is split and not ReLUs.
AUTO_SPLIT_SECONDS = 20.0
# What splits and MILP leave open of a network with at most so many coefficients is finished in exact arithmetic, in at
# most so many seconds.
FEW_COEFFICIENTS, EXACT_SECONDS = 20_000, 60.0


def find_engine(name: str, solver: str | None) -> tuple[str, Any]:
    """The engine's full name and, for milp, its backend. Raises InputError and SolverError."""
    name, solver = word(name, "engine"), optional_word(solver, "solver")
    if name not in ENGINES:
        raise InputError(f"engine {name!r} is not one of {', '.join(ENGINES)}")
    if name == "smt":
        if solver not in (None, "z3"):
            raise InputError(f"the smt engine has the solver z3, not {solver!r}")
        return "smt/z3", None
    if name != "milp":
        if solver is not None:
            raise InputError(f"the {name} engine takes no solver; --solver goes with --engine milp")
        return name, None
    from verdict.solvers import solver as find

    backend = find(solver or "highs")
    missing = backend.available()
    if missing:
        raise InputError(f"solver {solver} is not available: {missing}")
    if not backend.features.integer or not backend.features.continuous:
        raise InputError(f"solver {solver} does not solve mixed-integer models; try highs, scip or cbc")
    return f"milp/{backend.name}", backend


def close(search: Any, engine: str, backend: Any, threads: int) -> None:
    """Let the chosen engine close what the attack and the bounds have left of the interval."""
    if engine == "smt":
        from .radius_smt import search_smt

        search_smt(search)
    elif not search.floats_tell:
        if engine == "auto":
            _exactly(search)
        if search.is_open():
            search.notes.append("what is left of the interval is less than float64 rounds away: smt can tell")
    elif engine == "milp":
        from .radius_milp import search_milp

        search_milp(search, backend, threads)
    else:
        from ...network.exact import float_below
        from .bab import FEW_INPUTS, FEW_RELUS
        from .radius_bab import search_bab

        if engine == "bab":
            search_bab(search, search.deadline, threads)
            return
        # On balls that are no boxes, splits prove what they can without a solver's word, all if there are few ReLUs;
        # tangents close the rest.
        is_quick = search.family.is_box and search.family.size > FEW_INPUTS
        seconds = AUTO_BAB_SECONDS if is_quick else AUTO_SPLIT_SECONDS
        unstable = search.bounds_at(float_below(search.cap)).unstable(search.graph)
        share = 0.3 if search.family.is_box or unstable > FEW_RELUS else 0.8
        clock = ProcessorTime(seconds, search.deadline.share(share, math.inf))
        before = len(search.notes)
        search_bab(search, clock, threads, brief=is_quick and unstable <= FEW_UNSTABLE)
        _finish(search, threads)
        if not search.is_open():
            # What one engine could not do does not matter any more.
            del search.notes[before:]


def _finish(search: Any, threads: int) -> None:
    """Let MILP and exact arithmetic close what splits have left open, the one first that can."""
    from verdict.solvers import solver

    from .radius_milp import can_close, search_milp

    def by_milp() -> None:
        search_milp(search, solver("highs"), threads)

    def exactly() -> None:
        _exactly(search)

    for step in (by_milp, exactly) if can_close(search) else (exactly, by_milp):
        if search.is_open() and not search.deadline.passed():
            step()


def _exactly(search: Any) -> None:
    """Let Z3 close the interval of a small network."""
    from ..settle import coefficients
    from .radius_smt import search_smt

    if coefficients(search.graph) <= FEW_COEFFICIENTS:
        search_smt(search, clock=search.deadline.share(1.0, EXACT_SECONDS))
