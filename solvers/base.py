"""What every backend has in common: statuses, results, declared features and the one way a solve runs.

A backend writes `_solve`, which returns a `Raw` result in its own words; `Solver.solve` does the rest, once for all:
it refuses what the backend does not declare, hides from the solver what the solver would silently drop, maps the
status by a total table, and audits the point. What leaves here is a `Solution` whose every number is labelled with
how far it can be trusted, so that a tolerance is never mistaken for a truth.
"""

from __future__ import annotations

import contextlib
import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np

from verdict.base.errors import SolverError
from verdict.solvers.guard import guarded
from verdict.solvers.model import LinearModel, Vector
from verdict.solvers.monitor import Monitor
from verdict.solvers.results import Features, Progress, Raw, Request, Solution, Status

# A float solver's point is kept when its scaled violation, integers rounded, is at most this. Backends run at
# 1e-9; the slack is for rows that their presolve aggregated.
ACCEPT = 1e-6
# OPTIMAL needs incumbent - bound <= gap + this x max(1, |incumbent|): float solvers stop a little short of
# closed.
CLOSED = 1e-6


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

    @contextlib.contextmanager
    def kept(self, load: bool = False) -> Iterator[Solver]:
        """The same for several models: where it has a child process of Python, that takes one after another, but for
        those with other limits on threads, memory and priority than the one before. One for models without such limits
        can `load` from now on."""
        yield self

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
        background: bool = False,
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
            background: let whatever else is at work on the machine go first, where the backend has a child process of
                Python (MathOpt's have).

        Ctrl-C ends the backend's process and propagates as KeyboardInterrupt; the last `progress` report
        holds the bound that was proved until then.

        Raises:
            SolverError: the backend is not available, or something was asked for that it does not declare.
        """
        request = Request(time_limit, threads, hint, gap, memory_limit, background)
        self._refuse(model, request, progress is not None, target_bound is not None)
        monitor = Monitor(progress, cancel, target_bound)
        shown, changed = (model, False) if self.features.exact else guarded(model, self.drops_below)
        raw = self._solve(shown, request, monitor)
        status = self._status(raw)
        if status is Status.INFEASIBLE_OR_UNBOUNDED:
            status, raw = self._disambiguate(shown, request, monitor, raw)
        return self._audit(model, status, raw, changed, request, monitor)

    def _status(self, raw: Raw) -> Status:
        return raw.status if isinstance(raw.status, Status) else self.statuses.get(raw.status, Status.UNKNOWN)

    def _refuse(self, model: LinearModel, request: Request, progress: bool, target: bool) -> None:
        """Refuse what the backend does not declare; `progress` and `target` say whether these are asked for."""
        problem = self.available()
        if problem is not None:
            raise SolverError(f"solver {self.name} is not available: {problem}")
        can = self.features
        wishes = (
            (not model.is_lp and not can.integer, "integer columns"),
            (not bool(model.integer.all()) and not can.continuous, "continuous columns"),
            (bool(model.products) and not can.products, "products of columns"),
            (
                can.integral_data and not _integral(model),
                "coefficients or bounds that are not finite integers",
            ),
            (request.threads > 1 and not can.threads, "more than one thread"),
            (request.hint is not None and not can.warm_start, "a hint"),
            (progress and not can.progress, "progress reports"),
            (target and not can.progress, "a target bound"),
            (request.memory_limit is not None and not can.memory_limit, "a memory limit"),
        )
        refused = [what for wish, what in wishes if wish]
        if refused:
            raise SolverError(f"solver {self.name} does not support {', '.join(refused)}")
        threads, gap, limit = request.threads, request.gap, request.time_limit
        if threads < 1 or not gap >= 0 or (limit is not None and not limit > 0):
            raise SolverError(f"threads={threads}, gap={gap}, time_limit={limit}: out of range")
        if request.hint is not None and np.shape(request.hint) != (model.columns,):
            raise SolverError(f"the hint has shape {np.shape(request.hint)}, expected ({model.columns},)")

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
