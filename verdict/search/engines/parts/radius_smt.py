"""The radius by SMT: Z3's exact arithmetic proves that no smaller radius than the witness's is unsafe.

A witness is made locally optimal first, so its radius is a rational p/q; then Z3 is asked whether any radius
below p/q is unsafe. If it finds one, that point is polished and the question asked again with the smaller
radius; if not, p/q is the exact answer. Bisecting on the way raises the lower end for those who stop early. What is
not piecewise linear is relaxed, and cut where a point that is no nearer witness lies off it (`encoders/envelopes.py`).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from fractions import Fraction

from verdict.encoders import smt
from verdict.encoders.envelopes import Cuts, Relaxation
from verdict.solvers.z3_session import Session

from ....answer.results import Trust
from ....base.deadline import Deadline
from ....base.errors import SolverError
from ....network.exact import ExactVector, float_above
from ....network.functions import Feature, Form
from ....property import UnsafeSet
from ...points.model_point import model_point, refined
from ...points.radius_witness import polish
from ...radius import RadiusSearch
from .radius_tree import LAST

# Below the least positive float64 a nearer witness says nothing more: for all that floats can tell the radius is 0.
LEAST = Fraction(2) ** -1074
# An interval narrower than this, relatively, is asked about at its upper end.
NEAR = Fraction(1, 50)


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
# The optimiser does not take a logic's name.
OPTIMISING = "(set-option :produce-models true)"


def search_smt(search: RadiusSearch, way: Way = WAY, clock: Deadline | None = None) -> None:
    """Close the interval exactly, or stop when the time, or that of the `clock`, is up or Z3 gives up."""
    search.enter("smt/z3")
    clock = clock or search.deadline
    leap, again, cuts = 1, False, Cuts()
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
            again = _round(_Asked(search, remaining, clock, cuts), way, leap)
        except SolverError as error:
            # Z3 was killed by a limit, or broke down: what is proved so far stands.
            search.notes.append(str(error))
            break
        if not again:
            break


@dataclass
class _Asked:
    """What a session asks about: the polytopes that remain of a search, on the time of a clock. The `cuts` of its
    relaxation go from session to session."""

    search: RadiusSearch
    remaining: list[int]
    clock: Deadline
    cuts: Cuts

    def tell(self, session: Session, way: Way, most: Fraction) -> None:
        """Tell a session all but a condition on eps, which is at `most` that."""
        search, graph, limit = self.search, self.search.graph, self.clock.limit
        self.bounds = search.tight_bounds_at(float_above(most))
        self.relaxation = Relaxation(graph, self.bounds, Feature.RATIONAL, self.cuts)
        unsafe = UnsafeSet(tuple(search.unsafe.polytopes[i] for i in self.remaining), search.unsafe.outputs)
        search.refine_at_witness()
        optimises = way.strategy is Strategy.OPTIMISE
        prelude = OPTIMISING if optimises else smt.prelude(graph, relaxation=self.relaxation)
        session.command(prelude, timeout=limit())
        session.command(smt.inputs_in_family(search.family), timeout=limit())
        for piece in smt.network(graph, self.bounds, way.form, self.relaxation):
            session.command(piece, timeout=limit())
        session.command(smt.in_unsafe(graph, unsafe, self.bounds), timeout=limit())
        session.command(f"(assert (>= eps {smt.number(search.lower)}))", timeout=limit())

    def proved(self, radius: Fraction) -> None:
        """Z3 says that no radius below this one is unsafe."""
        for i in self.remaining:
            self.search.prove(i, radius, Trust.Z3)

    def cut(self, session: Session) -> str:
        """New lines, where Z3's model lies off functions."""
        if not self.relaxation:
            return ""
        lines = refined(session, self.search.graph, self.bounds, self.relaxation)
        self.cuts.update(self.relaxation.cuts)
        return lines


def _round(asked: _Asked, way: Way, leap: int) -> bool:
    """One session under the present cap; True if the cap fell, or the lower end left 0, and another round is worth it.

    With a `leap` above 1, so many halvings below the cap are asked for first.
    """
    search, strategy = asked.search, way.strategy
    cap = search.cap
    if not search.graph.has(Feature.PIECEWISE_LINEAR):
        return _halving(asked, way)
    with Session(memory=way.memory) as session:
        asked.tell(session, way, cap)
        if strategy is Strategy.OPTIMISE:
            return _optimise(asked, session, cap)
        if strategy is Strategy.BISECT and not _bisect(asked, session):
            return False
        if search.cap < cap:
            return True
        if leap > 1 and strategy is Strategy.DESCEND:
            _ask(asked, session, f"(<= eps {smt.number(cap / 2**leap)})", cap / 2**leap)
            return session.dead is None and (search.cap < cap or search.lower > 0)
        # On a ball without corners the least radius is no rational number, and the question about it has no end.
        radius = cap if search.family.is_box else cap * (1 - LAST)
        relation = "<" if search.upper is not None else "<="
        return _ask(asked, session, f"({relation} eps {smt.number(radius)})", radius)


def _halving(asked: _Asked, way: Way) -> bool:
    """The same where functions are relaxed: questions are the harder the nearer to the cap, and so is each under bounds
    of its own."""
    search = asked.search
    lower, cap = search.lower, search.cap
    is_near = cap - lower <= NEAR * cap
    radius = cap * (1 - LAST) if is_near else (lower + cap) / 2
    with Session(memory=way.memory) as session:
        asked.tell(session, way, radius)
        _ask(asked, session, f"(<= eps {smt.number(radius)})", radius)
        return session.dead is None and (search.lower, search.cap) != (lower, cap)


def _ask(asked: _Asked, session: Session, condition: str, radius: Fraction) -> bool:
    """Ask for an unsafe input under `condition` on eps, which covers all radii below `radius`.

    Unsat raises the lower end to `radius`; sat offers the point. True if a new witness was found.
    """
    # Z3 may simplify for long while it is told of an assertion, so that has a limit too.
    search, limit = asked.search, asked.clock.limit
    session.command(f"(push)\n(assert {condition})", timeout=limit())
    said, lines = set(smt.set_rows(search.family)), list[str]()
    while (answer := session.check(timeout=limit())) == "sat":
        *values, eps = model_point(session, search.graph.input_size, "eps").fractions()
        point = ExactVector.of(values)
        found = search.offer(point)
        if found:
            break
        lines.append(asked.cut(session))
        if not search.family.refine(point, eps) and not lines[-1]:
            break
        session.command("\n".join([smt.further_rows(search.family, said), lines[-1]]), timeout=limit())
    if answer == "unsat":
        asked.proved(radius)
    elif answer == "sat":
        if not found:
            search.notes.append(f"the point that Z3 finds below radius {float(radius):.6g} is no nearer witness")
        polish(search, point.floats())
    else:
        search.notes.append(f"Z3 gave up below radius {float(radius):.6g}: {session.reason_unknown()}")
        return False
    if session.dead is None:
        # Lines hold whatever is asked.
        session.command("\n".join(["(pop)", *lines]), timeout=limit())
    return answer == "sat" and found


def _bisect(asked: _Asked, session: Session) -> bool:
    """Halve the interval until it is within 1 %; False when Z3 gave up."""
    search = asked.search
    while search.cap - search.lower > search.cap / 100:
        middle = (search.lower + search.cap) / 2
        before = (search.lower, search.cap)
        _ask(asked, session, f"(<= eps {smt.number(middle)})", middle)
        if (search.lower, search.cap) == before or session.dead is not None:
            return False
    return True


def _optimise(asked: _Asked, session: Session, cap: Fraction) -> bool:
    """Z3's optimiser on eps; its optimum is replayed like any other candidate."""
    search, limit = asked.search, asked.clock.limit
    session.command(f"(assert (<= eps {smt.number(cap)}))\n(minimize eps)", timeout=limit())
    answer = session.check(timeout=limit())
    if answer == "unsat":
        asked.proved(cap)
    elif answer == "sat":
        optimum = session.objectives()[0]
        names = [smt.name(0, i) for i in range(search.graph.input_size)]
        search.offer(ExactVector.of(session.values(names).values()))
        if optimum is not None:
            asked.proved(optimum)
    else:
        search.notes.append(f"Z3's optimiser gave up: {session.reason_unknown()}")
    return False
