"""The radius by branch and bound: prove ever larger radii, the last one just below the witness.

Each proof is rigorous, so the lower end does not rest on a solver's tolerances. The radius to prove next is in
the middle of the interval, because a proof gets much harder towards the witness; counterexamples found on the
way bring the upper end down.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ..deadline import Deadline
from ..network.exact import ExactVector, FloatArray, float_below
from ..results import Trust
from .bab import branch_and_bound
from .radius import RadiusSearch

# The last proof is tried this far below the witness, relatively, once the interval is this narrow.
LAST, NARROW, COARSE = Fraction(5, 10**7), Fraction(2, 100), Fraction(1, 1000)
# The first radius tried is at most this much larger than the one proved, the next at most its square, and so on.
FIRST_GROWTH = Fraction(5, 4)


def search_bab(search: RadiusSearch, clock: Deadline, threads: int) -> None:
    """Close the interval to a relative gap below 1e-6, or stop when `clock` runs out or a proof fails.

    On balls that are no polytopes a search ends at a linear region that it can neither exclude nor enter; then smaller
    radii are tried, down to a gap of `COARSE` below the one that failed.
    """
    search.enter("bab")
    failed: Fraction | None = None
    growth = FIRST_GROWTH
    while not clock.passed():
        cap, lower = search.cap, search.lower
        if lower >= cap * (1 - LAST) or (failed is not None and failed - lower <= COARSE * cap):
            break
        radius = (lower + cap) / 2 if cap - lower > NARROW * cap else cap * (1 - LAST / 2)
        if failed is not None and failed < cap:
            radius = (lower + failed) / 2
        elif search.upper is None and lower > 0:
            radius = cap
        elif lower > 0:
            # Far below the witness the middle may be out of reach, and what is not tried is not proved.
            radius = min(radius, growth * lower)
            growth *= growth
        if not _prove(search, float_below(radius), clock, threads) and search.cap == cap:
            if search.family.is_box:
                break
            failed = radius


def _prove(search: RadiusSearch, radius: float, clock: Deadline, threads: int) -> bool:
    """Try to exclude every polytope at this radius; True on success."""
    remaining = [i for i, low in enumerate(search.lowers) if low < Fraction(radius)]

    def try_points(points: FloatArray) -> bool:
        found = False
        for point in points[:4]:
            if search.offer(ExactVector.of(point)):
                search.polish(point)
                found = True
                break
        return found

    outcome = branch_and_bound(
        search.graph,
        search.bounds_at(radius),
        [search.unsafe.polytopes[i] for i in remaining],
        clock,
        try_points,
        lambda least, waiting, visited: search.report(),
        threads,
        search.device,
    )
    if outcome.proved:
        for i in remaining:
            search.prove(i, Fraction(radius), Trust.RIGOROUS)
    elif np.isfinite(outcome.lower) and not clock.passed():
        search.notes.append(f"radius {radius:.6g} was not proved: {outcome.reason}")
    return outcome.proved
