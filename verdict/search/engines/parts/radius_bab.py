"""The radius by branch and bound: prove ever larger radii, the last one just below the witness.

Each proof is rigorous, so the lower end does not rest on a solver's tolerances. Once the interval is not too wide the
last proof is tried, and given up as soon as many domains are open; then the radius to prove next is in the middle of
the interval, because a proof gets much harder towards the witness. Counterexamples found on the way bring the upper
end down.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from ....answer import credit
from ....answer.results import Trust
from ....base.deadline import Deadline, ProcessorTime
from ....network.exact import FloatArray, float_below
from ...effort import Effort
from ...observer import Watch
from ...options import DEFAULTS
from ...points.radius_witness import polish
from ...radius import RadiusSearch
from .bab import branch_and_bound, splits_inputs, splits_neurons
from .beside import Beside
from .radius_tree import LAST, last_radius
from .tree_search import search_tree

# The last proof is tried, LAST below the witness, once the interval is this narrow, relatively.
NARROW, COARSE = Fraction(2, 100), Fraction(1, 1000)
# An interval no wider than this, relatively, is first tried to be closed with at most so many domains open: trees that
# end have seldom more, others soon do.
WIDE, MANY = Fraction(1, 4), 100
# The first radius tried is at most this much larger than the one proved, the next at most its square, and so on.
FIRST_GROWTH = Fraction(5, 4)


def search_bab(search: RadiusSearch, clock: Deadline, threads: int, beside: Beside | None = None) -> None:
    """Close the interval to a relative gap below 1e-6, or stop when `clock` runs out or a proof fails.

    Where that takes long, `beside` works on one core as long as it keeps up.

    On balls that are no polytopes a search ends at
    a linear region that it can neither exclude nor enter; then smaller radii are tried, down to a gap of `COARSE` below
    the one that failed.
    """
    if uses_tree(search):
        search_tree(search, clock, threads, beside)
        return
    stopwatch = ProcessorTime()

    def look() -> None:
        if beside is not None:
            beside.look(stopwatch.elapsed())

    search.enter("bab")
    failed: Fraction | None = None
    growth, hopeful, creeps = FIRST_GROWTH, True, False
    while not clock.passed():
        cap, lower = search.cap, search.lower
        if lower >= cap * (1 - LAST) or (failed is not None and failed - lower <= COARSE * cap):
            break
        at_once = hopeful and search.upper is not None and cap - lower <= WIDE * cap
        radius = cap * (1 - LAST / 2) if at_once or cap - lower <= NARROW * cap else (lower + cap) / 2
        if failed is not None and failed < cap:
            radius = (lower + failed) / 2
        elif creeps:
            radius = (lower + cap) / 2
        elif search.upper is None and lower > 0:
            radius = cap
        elif lower > 0 and not at_once:
            # Far below the witness the middle may be out of reach, and what is not tried is not proved.
            radius = min(radius, growth * lower)
            growth *= growth
        at, most = float_below(radius), MANY if at_once else math.inf
        if Fraction(at) <= lower:
            break  # no float lies between, as above 0 and below the least positive one
        proved = _prove(search, at, Effort(clock.share(1.0, math.inf), threads, search.device), most, look)
        # A witness that is hardly nearer than the one before: so one would get on by a millionth at a time.
        creeps |= cap * (1 - 4 * LAST) < search.cap < cap
        if proved or search.cap != cap or search.lower >= Fraction(at):
            continue
        if at_once:
            hopeful = False
        elif search.family.is_box:
            break
        else:
            failed = radius


def uses_tree(search: RadiusSearch) -> bool:
    """Whether the family's sets are boxes on which ReLUs are split: one tree does that for all radii."""
    bounds = search.bounds_at(last_radius(search))
    halves = splits_inputs(search.graph, bounds, DEFAULTS) and not splits_neurons(search.graph, bounds, DEFAULTS)
    is_known = search.family.is_box or bounds.ball is not None
    return is_known and not halves


def _prove(search: RadiusSearch, radius: float, effort: Effort, most: float, look: Callable[[], None]) -> bool:
    """Try to exclude every polytope at this radius, until more than `most` domains are open or another way has done it;
    True on success. It will `look` around now and then."""
    clock = effort.deadline
    remaining = [i for i, low in enumerate(search.lowers) if low < Fraction(radius)]

    def try_points(points: FloatArray) -> bool:
        found = False
        for point in points[:4]:
            if search.offer(search.family.inside(point)):
                polish(search, point)
                found = True
                break
        return found

    def progress(least: float, waiting: int, visited: int) -> None:
        look()
        search.report()
        done = all(search.lowers[i] >= Fraction(radius) for i in remaining) or search.cap <= Fraction(radius)
        if waiting > most or done:
            clock.stop()

    before = search.closest
    outcome = branch_and_bound(
        search.graph,
        search.bounds_at(radius),
        [search.unsafe.polytopes[i] for i in remaining],
        effort,
        Watch(try_points, progress),
    )
    for way, done in outcome.ways.items():
        search.spend(way, done.seconds)
        if done.found and search.closest is not before:
            search.finder = way
    if outcome.proved:
        for i in remaining:
            search.prove(i, Fraction(radius), Trust.RIGOROUS, credit.shares(outcome.ways))
    elif np.isfinite(outcome.lower) and not clock.passed():
        search.notes.append(f"radius {radius:.6g} was not proved: {outcome.reason}")
    return outcome.proved
