"""Without a valid range an input may move by any distance: how far a search for a radius looks.

It begins with a ball of some size. Where all of that is proved and no violation is known, Z3 is asked once whether
there is one at any distance, which settles small networks, and after that the ball grows by ever larger factors, up to
the largest float32.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from ..answer.results import Trust
from ..base.deadline import Deadline
from ..base.errors import SolverError
from ..bounds import Bounds
from ..network.exact import ExactVector
from ..network.functions import Feature
from .options import DEFAULTS, SearchOptions
from .points.radius_witness import seek_witness
from .radius import RadiusSearch

# The largest radius that is looked at.
FARTHEST = Fraction(float(np.finfo(np.float32).max))
# The share of the time, and most seconds, for the question about all distances.
SHARE, SECONDS = 0.3, 20.0
# By how much the reach grows at first; then by the square of that, and so on.
FIRST_FACTOR = 16


def tighten(
    search: RadiusSearch, close: Callable[[RadiusSearch], object], options: SearchOptions = DEFAULTS
) -> None:
    """Let `close` end the interval that an attack and bounds have left open, again with a larger reach where all of the
    present one is proved."""
    factor = FIRST_FACTOR
    while True:
        if search.is_open() and not search.deadline.passed():
            close(search)
        if search.upper is not None or search.family.limit is not None or search.is_open() or search.deadline.passed():
            return
        if factor == FIRST_FACTOR and _asked_everywhere(search, search.deadline.share(SHARE, SECONDS), options):
            if search.upper is None:
                return
        elif search.reach >= FARTHEST:
            search.notes.append(
                f"no violation within {float(FARTHEST):.4g}, the largest float32, where the search ends: a valid range "
                "says how far an input can move"
            )
            return
        else:
            search.reach = min(search.reach * factor, FARTHEST)
        factor *= factor
        seek_witness(search)
        search.prove_by_bounds()


def _asked_everywhere(search: RadiusSearch, clock: Deadline, options: SearchOptions) -> bool:
    """Whether Z3 has settled if there is a violation at any distance, in exact arithmetic; offers the one it finds."""
    # Only balls that grow come here.
    from verdict.encoders import smt
    from verdict.solvers.z3_session import Session

    from .settle import coefficients

    if coefficients(search.graph) > options.most_coefficients or not search.graph.has(Feature.PIECEWISE_LINEAR):
        return False
    search.enter("smt/z3")
    names = [smt.name(0, i) for i in range(search.graph.input_size)]
    bounds, limit = _no_bounds(search), clock.limit
    try:
        with Session() as session:
            session.command(smt.prelude(search.graph), timeout=limit())
            session.command(smt.inputs_anywhere(search.family), timeout=limit())
            for piece in smt.network(search.graph, bounds):
                session.command(piece, timeout=limit())
            session.command(smt.in_unsafe(search.graph, search.unsafe, bounds), timeout=limit())
            answer = session.check(timeout=limit())
            if answer == "sat":
                return search.offer(ExactVector.of(session.values(names).values()))
    except SolverError:
        # The search goes on without it.
        return False
    if answer == "unsat":
        for i in range(len(search.lowers)):
            search.prove(i, search.reach, Trust.Z3)
        search.trusts = [Trust.Z3] * len(search.trusts)
        search.is_safe_everywhere = True
    return answer == "unsat"


def _no_bounds(search: RadiusSearch) -> Bounds:
    """Bounds that know nothing."""
    sizes = [node.size for node in search.graph.nodes]
    return Bounds(
        tuple(np.full((1, size), -np.inf) for size in sizes), tuple(np.full((1, size), np.inf) for size in sizes)
    )
