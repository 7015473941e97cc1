"""The radius by mixed-integer programming: minimise the radius subject to reaching one unsafe polytope.

One model per polytope, with the radius as its objective (the minimum distortion of Tjeng et al.). The upper
end found so far caps the radius, which tightens every big-M; a polytope that the bounds exclude below the cap
needs no model. The lower end is the solver's word, reduced by its tolerances; the upper end is always
replayed exactly.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from verdict.encoders.envelopes import Relaxation
from verdict.encoders.milp import blur, encode_radius, encode_relaxed_radius
from verdict.encoders.writer import Encoding, Phases
from verdict.solvers import Progress as SolverProgress
from verdict.solvers import Solution, Solver, Status

from ....answer.results import CLOSED, Trust, is_closed
from ....base.errors import SolverError
from ....network.exact import ExactVector, float_above, float_below
from ....network.functions import Feature
from ....property import Polytope
from ...points.radius_witness import polish
from ...points.region import best_in_region, deepest_in_region, phases_at
from ...radius import RadiusSearch
from .milp import MARGIN, quickly

# A float solver's optimal value is trusted up to this much, absolutely and relatively.
ABSOLUTE, RELATIVE = 1e-9, 2e-7
# How far beyond the solver's radius of a ball that is no box a witness is looked for, relatively.
PUSHES = (3e-7, 1e-5)
# The same from a point of a relaxation.
BEYOND = (0.0, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)
# The share of the time, and the most seconds, that may go into moving a relaxation's point to where the network is
# unsafe.
POLISHING = 0.05, 0.5


def can_close(search: RadiusSearch) -> bool:
    """Whether a solver's tolerances are finer than the gap that counts at the upper end."""
    return search.cap * CLOSED > Fraction(ABSOLUTE)


def search_milp(search: RadiusSearch, solver: Solver, threads: int) -> None:
    """Close the interval polytope by polytope, the one with the least lower end first, until time is up."""
    search.enter(f"milp/{solver.name}")
    done: set[int] = set()
    while not search.deadline.passed():
        remaining = [i for i in search.open_polytopes() if i not in done]
        if not remaining:
            break
        # Bounds are cheaper than a model.
        remaining = [i for i in search.prune() if i not in done]
        if remaining:
            done.add(remaining[0])
            _polytope(search, solver, threads, remaining[0])
    if search.is_open() and not search.deadline.passed():
        left = [search.unsafe.polytopes[i].name for i in search.open_polytopes() if not _is_done(search, i)]
        search.notes.append(f"{', '.join(left)}: {solver.name}'s tolerances leave a gap; auto and smt have none")


def _polytope(search: RadiusSearch, solver: Solver, threads: int, number: int) -> None:
    cap = float_above(search.cap)
    polytope = search.unsafe.polytopes[number]
    floor = float_below(search.lowers[number])
    bounds = search.tight_bounds_at(cap)
    if blur(search.graph, bounds, polytope) > MARGIN:
        search.notes.append(f"{polytope.name}: large numbers cancel, more than {solver.name} can see")
        return

    def progress(news: SolverProgress) -> None:
        if math.isfinite(news.bound):
            _record(search, number, news.bound)

    search.refine_at_witness()
    relaxation = Relaxation(search.graph, bounds, Feature.ON_OFF)
    while True:
        if relaxation:
            exactly = solver.features.products
            encoding = encode_relaxed_radius(relaxation, polytope, search.family, (floor, cap), exactly)
        else:
            encoding = encode_radius(search.graph, bounds, polytope, search.family, (floor, cap))
        try:
            # Nothing ends a solver within this process.
            quick = None if search.cancel is not None else quickly(solver, encoding, search.deadline)
            solution = quick or solver.solve(
                encoding.model,
                time_limit=search.deadline.limit(),
                threads=threads if solver.features.threads else 1,
                progress=progress if solver.features.progress else None,
                cancel=search.cancel,
            )
        except SolverError as error:
            # A solver that breaks down on one model: what is proved so far stands.
            search.notes.append(f"{solver.name} broke down on {polytope.name}: {error}")
            return
        if solution.point is not None:
            _use_point(search, encoding, solution, number)
        if solution.status is not Status.OPTIMAL or not _refined(search, encoding, relaxation, solution, number):
            break
    if solution.status is Status.INFEASIBLE:
        _record(search, number, cap)
    elif math.isfinite(solution.bound):
        _record(search, number, solution.bound)
    if solution.status not in (Status.OPTIMAL, Status.INFEASIBLE):
        search.notes.append(
            f"{solver.name} stopped on {polytope.name}: {solution.status.value} {solution.message}".strip()
        )


def _refined(
    search: RadiusSearch, encoding: Encoding, relaxation: Relaxation, solution: Solution, number: int
) -> bool:
    """Whether the model has to be solved again, with rows of the input set that its solution shows to lack, or with
    functions cut where it lies off them."""
    _record(search, number, solution.bound)
    if solution.point is None or search.deadline.passed() or _is_done(search, number):
        return False
    point = np.asarray(solution.point)
    cut = relaxation.refine(encoding.relaxed_values(point), ABSOLUTE)
    x = ExactVector.of(point[: search.graph.input_size])
    return search.family.refine(x, Fraction(solution.objective or 0.0)) or bool(cut)


def _is_done(search: RadiusSearch, number: int) -> bool:
    """Whether a polytope is proved as far as it counts."""
    return is_closed(search.lowers[number], search.cap)


def _use_point(search: RadiusSearch, encoding: Encoding, solution: Solution, number: int) -> None:
    """Turn the solver's point into an exact witness: its phases name a linear region, an LP its optimum."""
    if solution.point is None:
        return
    x = np.asarray(solution.point[: encoding.input_size])
    if encoding.envelopes:
        # The relaxation reaches farther than the network does.
        pushed = (ExactVector.of(search.family.pushed(x, push)) for push in BEYOND)
        if not any(search.offer(point) for point in pushed):
            polish(search, x, search.unsafe.polytopes[number], search.deadline.share(*POLISHING))
        return
    phases = dict(phases_at(search.graph, x))
    for node, chosen in encoding.phases(solution.point).items():
        phases[node] = phases[node].copy()
        phases[node][encoding.relus[node].neurons] = chosen
    reach = float_above(search.cap) * 1.001 + 1e-9
    polytope = search.unsafe.polytopes[number]
    if search.family.is_box:
        for candidate in best_in_region(search.graph, search.family, polytope, phases, reach, search.deadline):
            if search.offer(candidate):
                return
    else:
        _offer_deepest(search, polytope, phases, solution.objective or 0.0)
    search.offer(search.family.inside(x))
    polish(search, x, polytope)


def _offer_deepest(search: RadiusSearch, polytope: Polytope, phases: Phases, radius: float) -> None:
    """Offer what lies deepest in the polytope a little beyond the radius at which a linear region first reaches it."""
    for push in PUSHES:
        beyond = float_above(Fraction(radius * (1 + push)))
        bounds = search.bounds_at(beyond)
        inputs = search.family.at(Fraction(beyond))
        deepest = deepest_in_region(search.graph, inputs, bounds, polytope, phases, search.deadline)
        if deepest is not None and search.offer(search.family.inside(deepest)):
            return


def _record(search: RadiusSearch, number: int, bound: float) -> None:
    """A solver's bound, less its tolerances, as a proved lower end of one polytope."""
    discounted = bound - max(ABSOLUTE, RELATIVE * abs(bound))
    if discounted > 0:
        search.prove(number, Fraction(discounted), Trust.SOLVER)
