"""The radius by SMT: Z3's exact arithmetic proves that no smaller radius than the witness's is unsafe.

A witness is made locally optimal first, so its radius is a rational p/q; then Z3 is asked whether any radius
below p/q is unsafe. If it finds one, that point is polished and the question asked again with the smaller
radius; if not, p/q is the exact answer. Bisecting on the way raises the lower end for those who stop early.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from fractions import Fraction

from verdict.encoders import smt
from verdict.solvers.z3_session import Session

from ....answer.results import Trust
from ....base.deadline import Deadline
from ....base.errors import SolverError
from ....network.exact import ExactVector, float_above
from ....network.functions import Feature, Form
from ....property import UnsafeSet
from ...points.model_point import model_point
from ...points.radius_witness import polish
from ...radius import RadiusSearch
from .radius_tree import LAST

# Below the least positive float64 a nearer witness says nothing more: for all that floats can tell the radius is 0.
LEAST = Fraction(2) ** -1074


class Strategy(enum.Enum):
    """How the radius is found; `benchmarks smt-strategy` compares them."""

    DESCEND = "descend"  # ask below the witness at once
    BISECT = "bisect"  # raise the lower end by halving first, then ask below the witness
    OPTIMISE = "optimise"  # Z3's own optimiser


@dataclass(frozen=True)
class Way:
    """How Z3 is asked: the form of a ReLU, the strategy, and the most memory of Z3 in MiB."""

    form: Form = smt.DEFAULT_FORM
    strategy: Strategy = Strategy.DESCEND
    memory: int | None = None


WAY = Way()


def search_smt(search: RadiusSearch, way: Way = WAY, clock: Deadline | None = None) -> None:
    """Close the interval exactly, or stop when the time, or that of the `clock`, is up or Z3 gives up."""
    search.enter("smt/z3")
    clock = clock or search.deadline
    leap, again = 1, False
    while not clock.passed() and search.open_polytopes():
        remaining = search.prune()
        if not remaining:
            break
        if search.upper is not None and search.upper < LEAST:
            search.notes.append(f"violated at a radius below {float(LEAST):.3g}, the least positive float64")
            break
        try:
            # While nothing is proved the end may be 0 itself, and no witness the last: ever longer leaps towards it.
            leap = 2 * leap if again and not search.lower else 1
            again = _round(search, remaining, way, clock, leap)
        except SolverError as error:
            # Z3 was killed by a limit, or broke down: what is proved so far stands.
            search.notes.append(str(error))
            break
        if not again:
            break


def _round(search: RadiusSearch, remaining: list[int], way: Way, clock: Deadline, leap: int) -> bool:
    """One session under the present cap; True if the cap fell, or the lower end left 0, and another round is worth it.

    With a `leap` above 1, so many halvings below the cap are asked for first.
    """
    cap, strategy = search.cap, way.strategy
    bounds = search.tight_bounds_at(float_above(cap))
    unsafe = UnsafeSet(tuple(search.unsafe.polytopes[i] for i in remaining), search.unsafe.outputs)
    search.refine_at_witness()
    with Session(memory=way.memory) as session:
        limit = clock.limit
        optimises = strategy is Strategy.OPTIMISE
        session.command(_optimising_prelude() if optimises else smt.prelude(search.graph), timeout=limit())
        session.command(smt.inputs_in_family(search.family), timeout=limit())
        for piece in smt.network(search.graph, bounds, way.form):
            session.command(piece, timeout=limit())
        session.command(smt.in_unsafe(search.graph, unsafe, bounds), timeout=limit())
        session.command(f"(assert (>= eps {smt.number(search.lower)}))", timeout=limit())
        if strategy is Strategy.OPTIMISE:
            return _optimise(search, session, remaining, cap, clock)
        if strategy is Strategy.BISECT and not _bisect(search, session, remaining, clock):
            return False
        if search.cap < cap:
            return True
        if leap > 1 and strategy is Strategy.DESCEND:
            _ask(search, session, remaining, f"(<= eps {smt.number(cap / 2**leap)})", cap / 2**leap, clock)
            return session.dead is None and (search.cap < cap or search.lower > 0)
        # On a ball without corners, or of a polynomial, the least radius is no rational number, and the question about
        # it has no end.
        is_rational = search.family.is_box and search.graph.has(Feature.PIECEWISE_LINEAR)
        radius = cap if is_rational else cap * (1 - LAST)
        relation = "<" if search.upper is not None else "<="
        return _ask(search, session, remaining, f"({relation} eps {smt.number(radius)})", radius, clock)


def _ask(
    search: RadiusSearch, session: Session, remaining: list[int], condition: str, radius: Fraction, clock: Deadline
) -> bool:
    """Ask for an unsafe input under `condition` on eps, which covers all radii below `radius`.

    Unsat raises the lower end to `radius`; sat offers the point. True if a new witness was found.
    """
    # Z3 may simplify for long while it is told of an assertion, so that has a limit too.
    limit = clock.limit
    session.command(f"(push)\n(assert {condition})", timeout=limit())
    said = set(smt.set_rows(search.family))
    while (answer := session.check(timeout=limit())) == "sat":
        *values, eps = model_point(session, search.graph.input_size, "eps").fractions()
        point = ExactVector.of(values)
        found = search.offer(point)
        if found or not search.family.refine(point, eps):
            break
        session.command(smt.further_rows(search.family, said), timeout=limit())
    if answer == "unsat":
        for i in remaining:
            search.prove(i, radius, Trust.Z3)
    elif answer == "sat":
        if not found:
            search.notes.append(f"the point that Z3 finds below radius {float(radius):.6g} is no nearer witness")
        polish(search, point.floats())
        session.command("(pop)")
        return found
    else:
        search.notes.append(f"Z3 gave up below radius {float(radius):.6g}: {session.reason_unknown()}")
        return False
    if session.dead is None:
        session.command("(pop)")
    return False


def _bisect(search: RadiusSearch, session: Session, remaining: list[int], clock: Deadline) -> bool:
    """Halve the interval until it is within 1 %; False when Z3 gave up."""
    while search.cap - search.lower > search.cap / 100:
        middle = (search.lower + search.cap) / 2
        before = (search.lower, search.cap)
        _ask(search, session, remaining, f"(<= eps {smt.number(middle)})", middle, clock)
        if (search.lower, search.cap) == before or session.dead is not None:
            return False
    return True


def _optimising_prelude() -> str:
    # The optimiser does not take the logic's name.
    return "(set-option :produce-models true)"


def _optimise(search: RadiusSearch, session: Session, remaining: list[int], cap: Fraction, clock: Deadline) -> bool:
    """Z3's optimiser on eps; its optimum is replayed like any other candidate."""
    session.command(f"(assert (<= eps {smt.number(cap)}))\n(minimize eps)", timeout=clock.limit())
    answer = session.check(timeout=clock.limit())
    if answer == "unsat":
        for i in remaining:
            search.prove(i, cap, Trust.Z3)
    elif answer == "sat":
        optimum = session.objectives()[0]
        names = [smt.name(0, i) for i in range(search.graph.input_size)]
        search.offer(ExactVector.of(session.values(names).values()))
        if optimum is not None:
            for i in remaining:
                search.prove(i, optimum, Trust.Z3)
    else:
        search.notes.append(f"Z3's optimiser gave up: {session.reason_unknown()}")
    return False
