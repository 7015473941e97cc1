"""Z3 for linear models: exact rationals, no tolerance anywhere; and `Session`, which the SMT engine uses.

The minimum is found by satisfiability alone, so that a stopped run still has both ends: every "sat" is a
better exact point (with its integers fixed, an LP in rationals makes the best of it), every "unsat" of a
half-space "objective <= t" a proved bound. The interval is halved a few times, then closed by asking for
anything strictly better.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar

import numpy as np

from verdict.base.errors import SolverError
from verdict.solvers.base import Solver
from verdict.solvers.model import LinearModel
from verdict.solvers.monitor import Monitor
from verdict.solvers.results import Features, Raw, Request, Status
from verdict.solvers.sexpr import literal
from verdict.solvers.z3_session import Session, binary

__all__ = ["BACKENDS", "Z3", "Session", "binary", "smtlib"]

# So often is [bound, incumbent] halved before the end game, which asks for strictly better points only.
HALVINGS = 12


class Z3(Solver):
    """Z3 as an exact MILP backend: the results' exact_point and exact_bound are rationals, and facts as far
    as
    Z3's arithmetic is trusted."""

    name = "z3"
    features = Features(exact=True, progress=True, interrupt=True, memory_limit=True)
    statuses: ClassVar = {"sat": Status.OPTIMAL, "unsat": Status.INFEASIBLE, "unbounded": Status.UNBOUNDED}

    def available(self) -> str | None:
        return None if binary() is not None else "pip install 'z3-solver>=4.12', or put z3 on the PATH"

    def _solve(self, model: LinearModel, request: Request, monitor: Monitor) -> Raw:
        search = _Search(model, request, monitor)
        try:
            with Session(memory=request.memory_limit) as session:
                return search.run(session)
        except _Stopped as stop:
            return search.result(stop.status, stop.message)
        except SolverError as error:
            if request.memory_limit is None or "memory" not in str(error):
                raise
            return search.result(Status.MEMORY_LIMIT, str(error))


BACKENDS: dict[str, Callable[..., Solver]] = {"z3": Z3}


def smtlib(model: LinearModel) -> Iterator[str]:
    """The feasible set as SMT-LIB commands: columns x0, x1, ... (Int or Real), one assertion per side."""
    columns = zip(model.lower.tolist(), model.upper.tolist(), model.integer.tolist(), strict=True)
    for j, (low, high, integral) in enumerate(columns):
        yield f"(declare-const x{j} {'Int' if integral else 'Real'})"
        if math.isfinite(low):
            side = Fraction(math.ceil(low)) if integral else Fraction(low)
            yield f"(assert (>= x{j} {literal(side, real=not integral)}))"
        if math.isfinite(high):
            side = Fraction(math.floor(high)) if integral else Fraction(high)
            yield f"(assert (<= x{j} {literal(side, real=not integral)}))"
    rows = zip(model.exact_rows(), model.row_lower.tolist(), model.row_upper.tolist(), strict=True)
    for row, low, high in rows:
        total = _sum(row, model)
        if low == high:
            yield f"(assert (= {total} {literal(Fraction(low))}))"
            continue
        if math.isfinite(low):
            yield f"(assert (>= {total} {literal(Fraction(low))}))"
        if math.isfinite(high):
            yield f"(assert (<= {total} {literal(Fraction(high))}))"


def _sum(terms: list[tuple[int, Fraction]], model: LinearModel) -> str:
    """Σ a·x as a term of sort Real."""
    parts = [f"(* {literal(a)} {f'(to_real x{j})' if model.integer[j] else f'x{j}'})" for j, a in terms]
    if not parts:
        return "0.0"
    return parts[0] if len(parts) == 1 else f"(+ {' '.join(parts)})"


class _Stopped(Exception):  # noqa: N818 - not an error: how the search unwinds when its time is up
    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass
class _Search:
    """The state of one minimisation: the exact incumbent and the exact bound."""

    model: LinearModel
    request: Request
    monitor: Monitor
    point: list[Fraction] | None = None
    value: Fraction | None = None
    bound: Fraction | None = None
    _names: list[str] = field(default_factory=list)

    def run(self, session: Session) -> Raw:
        model = self.model
        costs = [(j, Fraction(c)) for j, c in enumerate(model.objective.tolist()) if c]
        self._names = [f"x{j}" for j in range(model.columns)]
        session.command("\n".join(smtlib(model)))
        objective = _sum(costs, model)
        if self._check(session) == "unsat":
            return Raw("unsat")
        if not costs:
            self._take(session)
            self._prove(Fraction(model.offset))
            return self.result("sat")
        self._take(session)
        if not self._relaxation(session, objective):
            return self.result("unbounded")
        if not model.is_lp:
            self._close(session, objective)
        return self.result("sat")

    def result(self, status: str | Status, message: str = "") -> Raw:
        """What is known, under the given status."""
        point = None if self.point is None else np.array([float(v) for v in self.point])
        low = -math.inf if self.bound is None else _below(self.bound)
        return Raw(status, low, point, exact_point=self.point, exact_bound=self.bound, message=message)

    def _relaxation(self, session: Session, objective: str) -> bool:
        """Minimises the linear relaxation: for an LP the answer, else the first bound. False: unbounded.

        The model is known to have a point; with rational data it is then unbounded if its relaxation is.
        """
        if self.model.is_lp:
            session.push()
            optimum = self._minimum(session, objective)
            session.pop()
            return optimum
        relaxed = self.model.relaxed()
        costs = [(j, Fraction(c)) for j, c in enumerate(relaxed.objective.tolist()) if c]
        with Session(memory=self.request.memory_limit) as other:
            other.command("\n".join(smtlib(relaxed)))
            return self._minimum(other, _sum(costs, relaxed), keep_point=False)

    def _minimum(self, session: Session, objective: str, keep_point: bool = True) -> bool:
        session.command(f"(minimize {objective})")
        if self._check(session) != "sat":
            raise SolverError(
                "Z3 contradicts itself: the relaxation of a satisfiable model is not satisfiable"
            )
        optimum = session.objectives()[0]
        if optimum is None:
            return False
        if keep_point:
            self._take(session)
        self._prove(optimum + Fraction(self.model.offset))
        return True

    def _close(self, session: Session, objective: str) -> None:
        """Halves the interval, then asks for strictly better points until there is none."""
        halvings = 0
        offset = Fraction(self.model.offset)
        self._polish(session, objective)
        while (
            self.value is not None and self.bound is not None and self.value - self.bound > self.request.gap
        ):
            session.push()
            if halvings < HALVINGS:
                middle = (self.value + self.bound) / 2
                session.command(f"(assert (<= {objective} {literal(middle - offset)}))")
            else:
                middle = self.value
                session.command(f"(assert (< {objective} {literal(middle - offset)}))")
            halvings += 1
            verdict = self._check(session)
            if verdict == "sat":
                self._take(session)
            session.pop()
            if verdict == "sat":
                self._polish(session, objective)
            else:
                self._prove(middle)

    def _polish(self, session: Session, objective: str) -> None:
        """The best point with the incumbent's integers, so that only finitely many improvements follow."""
        if self.point is None or bool(self.model.integer.all()):
            return
        session.push()
        for j in np.flatnonzero(self.model.integer).tolist():
            session.command(f"(assert (= x{j} {literal(self.point[j], real=False)}))")
        session.command(f"(minimize {objective})")
        if self._check(session) == "sat" and session.objectives()[0] is not None:
            self._take(session)
        session.pop()

    def _check(self, session: Session) -> str:
        """A check within what is left of the time; "unknown" unwinds the search."""
        left = None
        if self.request.time_limit is not None:
            left = self.request.time_limit - self.monitor.seconds()
            if left <= 0:
                raise _Stopped(Status.TIME_LIMIT, "")
        verdict = session.check(timeout=left, watch=lambda: self.monitor.stop() is not None)
        self._obey()
        if verdict == "unknown":
            reason = session.reason_unknown()
            late = left is not None and (
                "timeout" in reason or "canceled" in reason or session.dead is not None
            )
            if "memout" in reason or "memory" in reason:
                raise _Stopped(Status.MEMORY_LIMIT, reason)
            raise _Stopped(Status.TIME_LIMIT if late else Status.UNKNOWN, f"Z3: {reason}")
        return verdict

    def _obey(self) -> None:
        status = self.monitor.stop()
        if status is not None:
            raise _Stopped(status, "")

    def _take(self, session: Session) -> None:
        """Keeps the model of the last "sat" if it is the best so far, after an exact check."""
        values = session.values(self._names)
        point = [values[name] for name in self._names]
        if not self.model.satisfies(point):
            raise SolverError("Z3 called a point a model that does not satisfy the constraints")
        value = self.model.exact_value(point)
        if self.value is None or value < self.value:
            self.point, self.value = point, value
            known = -math.inf if self.bound is None else _below(self.bound)
            self.monitor.report(known, _above(value), np.array([float(v) for v in point]))

    def _prove(self, bound: Fraction) -> None:
        if self.bound is None or bound > self.bound:
            self.bound = bound
            self.monitor.report(_below(bound), math.inf)
            self._obey_target()

    def _obey_target(self) -> None:
        if self.value is None or self.bound is None or self.value > self.bound:
            self._obey()


def _below(value: Fraction) -> float:
    """The largest float <= value."""
    near = float(value)
    return near if Fraction(near) <= value else math.nextafter(near, -math.inf)


def _above(value: Fraction) -> float:
    """The least float >= value."""
    near = float(value)
    return near if Fraction(near) >= value else math.nextafter(near, math.inf)
