"""What every backend has in common: statuses, results, declared features and the one way a solve runs.

A backend writes `_solve`, which returns a `Raw` result in its own words; `Solver.solve` does the rest, once
for
all: it refuses what the backend does not declare, hides from the solver what the solver would silently drop,
maps the status by a total table, and audits the point. What leaves here is a `Solution` whose every number is
labelled with how far it can be trusted, so that a tolerance is never mistaken for a truth.
"""

from __future__ import annotations

import enum
import math
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import ClassVar

import numpy as np

from verdict.base.errors import SolverError
from verdict.solvers.guard import guarded
from verdict.solvers.model import LinearModel, Vector

# A float solver's point is kept when its scaled violation, integers rounded, is at most this. Backends run at
# 1e-9; the slack is for rows that their presolve aggregated.
ACCEPT = 1e-6
# OPTIMAL needs incumbent - bound <= gap + this x max(1, |incumbent|): float solvers stop a little short of
# closed.
CLOSED = 1e-6


class Status(enum.Enum):
    """How a solve ended. Only the first three say something about the model, and only as the backend's word.

    OPTIMAL: the incumbent is within `gap` of the minimum. INFEASIBLE, UNBOUNDED: as they say.
    FEASIBLE: an incumbent, no claim of optimality, no limit reached.
    TARGET: stopped because the bound reached `target_bound`.
    TIME_LIMIT, MEMORY_LIMIT, INTERRUPTED: stopped; the bound and the incumbent, if any, stand.
    INFEASIBLE_OR_UNBOUNDED: the backend could not tell, and neither could a second solve.
    ERROR: the backend broke down. UNKNOWN: none of these, or a status that the backend's table does not list.
    """

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    FEASIBLE = "feasible"
    TARGET = "target"
    TIME_LIMIT = "time limit"
    MEMORY_LIMIT = "memory limit"
    INTERRUPTED = "interrupted"
    INFEASIBLE_OR_UNBOUNDED = "infeasible or unbounded"
    ERROR = "error"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Features:
    """What a backend can do. What is not declared is refused with a SolverError, never ignored.

    integer, continuous: accepts such columns. integral_data: accepts only finite bounds and integer
    coefficients. exact: rational arithmetic, no tolerances. duals: row duals, reduced costs and, for an
    infeasible LP, a Farkas ray. warm_start: takes a hint. progress: reports bounds and incumbents while it
    runs. threads: runs on more than one. interrupt: stops softly, so that the last incumbent's point survives
    (every backend can be cancelled; those without it are killed). memory_limit: holds one.
    """

    integer: bool = True
    continuous: bool = True
    integral_data: bool = False
    exact: bool = False
    duals: bool = False
    warm_start: bool = False
    progress: bool = False
    threads: bool = False
    interrupt: bool = False
    memory_limit: bool = False


@dataclass(frozen=True)
class Progress:
    """One report of a running solve: both values only ever improve from one report to the next.

    Attributes:
        seconds: since the start.
        bound: proved lower bound on the minimum, -inf if none.
        incumbent: value of the best known point, inf if none.
        point: (n,) that point, when the backend gives it away while it runs.
    """

    seconds: float
    bound: float = -math.inf
    incumbent: float = math.inf
    point: Vector | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Request:
    """The options of one solve as a backend sees them, already checked against its features; see
    `Solver.solve`.
    """

    time_limit: float | None = None
    threads: int = 1
    hint: Vector | None = None
    gap: float = 0.0
    memory_limit: int | None = None


@dataclass(frozen=True)
class Raw:
    """A backend's result in its own words: `status` is a key of its table, or a Status where the layer itself
    stopped the run. Values include the model's offset. Fields as in `Solution`."""

    status: str | Status
    bound: float = -math.inf
    point: Vector | None = None
    exact_point: list[Fraction] | None = None
    exact_bound: Fraction | None = None
    duals: Vector | None = None
    reduced_costs: Vector | None = None
    ray: Vector | None = None
    message: str = ""


@dataclass(frozen=True, eq=False)
class Solution:
    """The result of one solve.

    Attributes:
        status: the outcome, after the audit.
        objective: objective·point + offset, recomputed from the point; None without a point.
        bound: lower bound on the minimum: the backend's word in float64, -inf if it proved none, inf if
            infeasible.
        point: (n,) the incumbent, integer columns rounded; None if none passed the audit.
        max_violation: largest absolute violation of the model at `point`, in float64; 0.0 for an exact
            backend.
        exact: status, objective, bound and exact_point were computed in rational arithmetic.
        exact_point, exact_bound: the same without rounding, from exact backends.
        duals, reduced_costs: (m,), (n,) of an LP: d = c - Aᵀy, y_i >= 0 at a row's lower side, d_j >= 0 at a
            column's lower bound. Feed them to `LinearModel.lower_bound` for a bound that holds without trust.
        ray: (m,) Farkas multipliers of an infeasible LP; `LinearModel.excludes` checks them exactly.
        seconds: wall time of the solve. backend: its name. raw_status: its own word. message: what else to
            know.
    """

    status: Status
    backend: str
    objective: float | None = None
    bound: float = -math.inf
    point: Vector | None = None
    max_violation: float = 0.0
    exact: bool = False
    exact_point: list[Fraction] | None = None
    exact_bound: Fraction | None = None
    duals: Vector | None = None
    reduced_costs: Vector | None = None
    ray: Vector | None = None
    seconds: float = 0.0
    raw_status: str = ""
    message: str = ""

    @property
    def gap(self) -> float:
        """objective - bound, at least 0; inf without an incumbent or a bound."""
        return math.inf if self.objective is None else max(0.0, self.objective - self.bound)

    @property
    def within_tolerance(self) -> bool:
        """True when there is a point but it meets the model only up to `max_violation` > 0."""
        return self.point is not None and self.max_violation > 0

    def fractions(self) -> list[Fraction] | None:
        """The point as exact rationals, for `LinearModel.satisfies`; None without a point."""
        if self.exact_point is not None or self.point is None:
            return self.exact_point
        return [Fraction(v) for v in self.point.tolist()]


class Monitor:
    """Collects the reports of one solve: keeps the best, passes on improvements, decides when to stop.

    `stop()` is asked by the running backend: None to go on, else the status under which to end.
    """

    def __init__(
        self,
        progress: Callable[[Progress], object] | None,
        cancel: threading.Event | None,
        target_bound: float | None,
    ) -> None:
        self._progress = progress
        self._cancel = cancel
        self._target = target_bound
        self._started = time.monotonic()
        self.bound = -math.inf
        self.incumbent = math.inf
        self.point: Vector | None = None

    def report(self, bound: float, incumbent: float, point: Vector | None = None) -> None:
        """Takes one report; forwards it when it improves on what is known. The callback's exceptions
        propagate.
        """
        if point is not None and incumbent <= self.incumbent:
            self.point = point
        better = bound > self.bound or incumbent < self.incumbent
        self.bound = max(self.bound, bound)
        self.incumbent = min(self.incumbent, incumbent)
        if better and self._progress is not None:
            seconds = time.monotonic() - self._started
            self._progress(Progress(seconds, self.bound, self.incumbent, self.point))

    def stop(self) -> Status | None:
        """Why the run should stop now, or None."""
        if self._cancel is not None and self._cancel.is_set():
            return Status.INTERRUPTED
        if self._target is not None and self.bound >= self._target:
            return Status.TARGET
        return None

    def quiet(self) -> Monitor:
        """For a second solve within the same call: it can be cancelled, and its values are not reported."""
        return Monitor(None, self._cancel, None)

    def seconds(self) -> float:
        """Wall time since the start."""
        return time.monotonic() - self._started

    def stopped(self, status: Status, message: str) -> Raw:
        """What is left when the backend was killed: the last bound and, if it was handed over, the last
        point.
        """
        if self.point is None and self.incumbent < math.inf:
            message += f"; its incumbent of value {self.incumbent!r} was lost with it"
        return Raw(status, self.bound, self.point, message=message)


class Solver(ABC):
    """One backend. Subclasses set the class attributes and write `available` and `_solve`.

    Attributes:
        name: what the registry and messages call it.
        features: what it can do.
        statuses: its raw statuses, each mapped; whatever is not in the table is UNKNOWN.
        drops_below: coefficients smaller than this may be dropped by it without a word; see `guard`.
    """

    name: str
    features: Features
    statuses: ClassVar[Mapping[str, Status]]
    drops_below: ClassVar[float] = 0.0

    @abstractmethod
    def available(self) -> str | None:
        """None when the backend can be used here, else one line that says what to install."""

    @abstractmethod
    def _solve(self, model: LinearModel, request: Request, monitor: Monitor) -> Raw:
        """Solves; reports to and obeys the monitor; leaves no process behind, whatever is raised."""

    def solve(
        self,
        model: LinearModel,
        *,
        time_limit: float | None = None,
        threads: int = 1,
        hint: Vector | None = None,
        progress: Callable[[Progress], object] | None = None,
        gap: float = 0.0,
        target_bound: float | None = None,
        cancel: threading.Event | None = None,
        memory_limit: int | None = None,
    ) -> Solution:
        """Minimises the model.

        Args:
            model: what to solve.
            time_limit: wall seconds; a backend that ignores it is killed shortly after.
            threads: at most so many.
            hint: (n,) a point to start from, NaN where nothing is suggested.
            progress: called in this thread with each improvement; what it raises ends the solve and
                propagates.
            gap: absolute: the solve may end, OPTIMAL, when incumbent - bound <= gap.
            target_bound: end, with status TARGET, as soon as the bound reaches it.
            cancel: end, with status INTERRUPTED, soon after it is set from another thread.
            memory_limit: MiB for the backend.

        Ctrl-C ends the backend's process and propagates as KeyboardInterrupt; the last `progress` report
        holds the bound that was proved until then.

        Raises:
            SolverError: the backend is not available, or something was asked for that it does not declare.
        """
        self._refuse(model, time_limit, threads, hint, progress, gap, target_bound, memory_limit)
        monitor = Monitor(progress, cancel, target_bound)
        request = Request(time_limit, threads, hint, gap, memory_limit)
        shown, changed = (model, False) if self.features.exact else guarded(model, self.drops_below)
        raw = self._solve(shown, request, monitor)
        status = self._status(raw)
        if status is Status.INFEASIBLE_OR_UNBOUNDED:
            status, raw = self._disambiguate(shown, request, monitor, raw)
        return self._audit(model, status, raw, changed, request, monitor)

    def _status(self, raw: Raw) -> Status:
        return raw.status if isinstance(raw.status, Status) else self.statuses.get(raw.status, Status.UNKNOWN)

    def _refuse(
        self,
        model: LinearModel,
        time_limit: float | None,
        threads: int,
        hint: Vector | None,
        progress: object,
        gap: float,
        target_bound: float | None,
        memory_limit: int | None,
    ) -> None:
        problem = self.available()
        if problem is not None:
            raise SolverError(f"solver {self.name} is not available: {problem}")
        can = self.features
        wishes = (
            (not model.is_lp and not can.integer, "integer columns"),
            (not bool(model.integer.all()) and not can.continuous, "continuous columns"),
            (
                can.integral_data and not _integral(model),
                "coefficients or bounds that are not finite integers",
            ),
            (threads > 1 and not can.threads, "more than one thread"),
            (hint is not None and not can.warm_start, "a hint"),
            (progress is not None and not can.progress, "progress reports"),
            (target_bound is not None and not can.progress, "a target bound"),
            (memory_limit is not None and not can.memory_limit, "a memory limit"),
        )
        refused = [what for wish, what in wishes if wish]
        if refused:
            raise SolverError(f"solver {self.name} does not support {', '.join(refused)}")
        if threads < 1 or not gap >= 0 or (time_limit is not None and not time_limit > 0):
            raise SolverError(f"threads={threads}, gap={gap}, time_limit={time_limit}: out of range")
        if hint is not None and np.shape(hint) != (model.columns,):
            raise SolverError(f"the hint has shape {np.shape(hint)}, expected ({model.columns},)")

    def _disambiguate(
        self, model: LinearModel, request: Request, monitor: Monitor, raw: Raw
    ) -> tuple[Status, Raw]:
        """Feasible at all? Then a model with rational data that was infeasible or unbounded is unbounded."""
        left = request.time_limit
        if left is not None:
            left = max(0.1, left - monitor.seconds())
        quiet = monitor.quiet()
        again = self._solve(
            model.with_objective(np.zeros(model.columns)), replace(request, time_limit=left, hint=None), quiet
        )
        status = self._status(again)
        if status is Status.OPTIMAL:
            return Status.UNBOUNDED, replace(raw, point=again.point)
        if status in (Status.INFEASIBLE, Status.INFEASIBLE_OR_UNBOUNDED):
            # The zero objective is not unbounded.
            return Status.INFEASIBLE, replace(raw, ray=again.ray)
        return Status.INFEASIBLE_OR_UNBOUNDED, raw

    def _audit(
        self, model: LinearModel, status: Status, raw: Raw, changed: bool, request: Request, monitor: Monitor
    ) -> Solution:
        """Checks the point against the caller's own model and takes back whatever the check does not bear
        out.
        """
        notes = [raw.message] if raw.message else []
        exact = self.features.exact
        point, bound = raw.point, raw.bound
        claim = math.nan if point is None else model.value(point)
        if status is Status.OPTIMAL and bound == -math.inf:
            bound = claim  # the backend calls its point optimal and names no bound of its own
        if point is not None and not exact:
            point, note = self._checked(model, point, request, monitor)
            notes += note
        violation = 0.0 if point is None or exact else model.violation(point)
        objective = None if point is None else model.value(point)
        if raw.exact_point is not None:
            objective = float(model.exact_value(raw.exact_point))
        if status is Status.INFEASIBLE:
            point, objective, violation, bound = None, None, 0.0, math.inf
        elif status is Status.UNBOUNDED:
            bound = -math.inf
            if changed:
                status = Status.UNKNOWN
                notes.append("unbounded only after coefficients too small for this solver were relaxed")
        elif status is Status.OPTIMAL and not exact:
            if objective is None:
                status = Status.UNKNOWN
                notes.append("the solver called optimal what is not a point of the model")
            elif not objective - bound <= request.gap + CLOSED * max(1.0, abs(objective)):
                status = Status.FEASIBLE
                notes.append("the checked point does not reach the solver's bound")
        elif status is Status.FEASIBLE and objective is None:
            status = Status.UNKNOWN
        elif status is Status.UNKNOWN and objective is not None:
            status = Status.FEASIBLE
        return Solution(
            status=status,
            backend=self.name,
            objective=objective,
            bound=bound,
            point=point,
            max_violation=violation,
            exact=exact,
            exact_point=raw.exact_point,
            exact_bound=raw.exact_bound,
            duals=raw.duals,
            reduced_costs=raw.reduced_costs,
            ray=raw.ray if status is Status.INFEASIBLE else None,
            seconds=monitor.seconds(),
            raw_status=raw.status.name if isinstance(raw.status, Status) else raw.status,
            message="; ".join(notes),
        )

    def _checked(
        self, model: LinearModel, point: Vector, request: Request, monitor: Monitor
    ) -> tuple[Vector | None, list[str]]:
        """The point with integer columns rounded, if the model then still holds; else one repaired by an LP.

        An integrality tolerance of 1e-7 times a big-M of 1e8 is a leak of 10: rounding shows it, and with the
        integers fixed at their rounded values the LP over the rest says whether an honest point is there.
        """
        if not np.isfinite(point).all():
            return None, ["the solver's point holds a NaN or an infinity"]
        rounded = np.where(model.integer, np.round(point), point)
        # Bounds are met exactly, at the price of the rows, which the next line measures.
        rounded = np.clip(rounded, model.lower, model.upper)
        if model.scaled_violation(rounded) <= ACCEPT:
            return rounded, []
        excess = model.violation(rounded)
        note = f"the solver's point violates the model by {excess:.3g} once integers are rounded"
        inside = bool(np.all((rounded == np.round(rounded)) | ~model.integer))
        if self.features.continuous and not model.is_lp and inside:
            left = 10.0 if request.time_limit is None else max(0.5, request.time_limit - monitor.seconds())
            columns = np.flatnonzero(model.integer)
            lp = model.fixed(columns, rounded[columns]).relaxed()
            raw = self._solve(lp, replace(request, time_limit=left, hint=None), monitor.quiet())
            if raw.point is not None and np.isfinite(raw.point).all():
                mended = np.clip(raw.point, lp.lower, lp.upper)
                if model.scaled_violation(mended) <= ACCEPT:
                    return mended, [note + "; mended by an LP over the continuous columns"]
        return None, [note]


def _integral(model: LinearModel) -> bool:
    """Finite integer column bounds and integer coefficients, small enough for 64-bit sums to be safe."""
    finite_rows = [side[np.isfinite(side)] for side in (model.row_lower, model.row_upper)]
    arrays = [model.objective, model.matrix.data, model.lower, model.upper, *finite_rows]
    if not all(bool(np.all(np.isfinite(a) & (a == np.round(a)))) for a in arrays):
        return False
    reach = np.maximum(np.abs(model.lower), np.abs(model.upper))
    largest = max((abs(model.matrix) @ reach).max(initial=0.0), float(np.abs(model.objective) @ reach))
    return bool(largest < 2.0**52)
