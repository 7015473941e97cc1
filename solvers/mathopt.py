"""HiGHS, SCIP, GLOP and CP-SAT through OR-Tools MathOpt.

One function solves inside the current process; unless told otherwise the backends call it in a child process
under the watchdog, because HiGHS through MathOpt knows no interruption and native code that hangs or crashes
must not take the verifier along. Tolerances are the tightest that each takes without complaint (1e-9), gaps
are closed to what the caller asks.
"""

from __future__ import annotations

import contextlib
import copy
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from verdict.base.errors import SolverError
from verdict.solvers import farkas, logs, watchdog
from verdict.solvers.base import Solver
from verdict.solvers.mathopt_proto import dense, hint_proto, model_proto, parameters
from verdict.solvers.model import LinearModel, Vector
from verdict.solvers.monitor import Monitor
from verdict.solvers.results import Features, Raw, Request, Status
from verdict.solvers.silence import silence

# What a child process that is kept loads first: this, the arrays of models, and MathOpt.
LOADED = (
    __name__,
    "scipy.sparse",
    "ortools.math_opt.core.python.solver",
    "ortools.math_opt.parameters_pb2",
    "ortools.util.python.solve_interrupter",
)

# Termination reasons; FEASIBLE and NO_SOLUTION_FOUND are split by the limit that ended the run.
STATUSES = {
    "OPTIMAL": Status.OPTIMAL,
    "INFEASIBLE": Status.INFEASIBLE,
    "UNBOUNDED": Status.UNBOUNDED,
    "INFEASIBLE_OR_UNBOUNDED": Status.INFEASIBLE_OR_UNBOUNDED,
    "IMPRECISE": Status.UNKNOWN,
    "NUMERICAL_ERROR": Status.ERROR,
    "OTHER_ERROR": Status.ERROR,
    "FEASIBLE/TIME": Status.TIME_LIMIT,
    "NO_SOLUTION_FOUND/TIME": Status.TIME_LIMIT,
    "FEASIBLE/INTERRUPTED": Status.INTERRUPTED,
    "NO_SOLUTION_FOUND/INTERRUPTED": Status.INTERRUPTED,
    "FEASIBLE/MEMORY": Status.MEMORY_LIMIT,
    "NO_SOLUTION_FOUND/MEMORY": Status.MEMORY_LIMIT,
    "FEASIBLE/OTHER": Status.FEASIBLE,
    "FEASIBLE/UNDETERMINED": Status.FEASIBLE,
}


@dataclass(frozen=True)
class Job:
    """What the child process needs to know; it pickles."""

    backend: str
    model: LinearModel
    request: Request
    # HiGHS fixes its thread count at its first use in a process: only a process of its own may choose it.
    own_process: bool


class MathOpt(Solver):
    """A MathOpt backend; `isolate=False` solves in this process: no start-up cost, but then a solver that
    ignores
    its limit, or Ctrl-C, is waited for, HiGHS cannot be cancelled, and no memory limit can be held."""

    kind: ClassVar[str]
    statuses = STATUSES

    def __init__(self, isolate: bool = True) -> None:
        self.isolate = isolate
        # The child process for all models, where it is kept.
        self._child: watchdog.Child | None = None
        if not isolate:
            self.features = replace(
                self.features, memory_limit=False, threads=self.kind in ("GSCIP", "CP_SAT")
            )

    def available(self) -> str | None:
        import importlib.util

        if importlib.util.find_spec("ortools") is None:
            return "pip install 'ortools>=9.12'"
        return None

    @contextlib.contextmanager
    def kept(self, load: bool = False) -> Iterator[Solver]:
        with watchdog.Child(*LOADED) as child:
            if load and self.isolate:
                child.start()
            same = copy.copy(self)
            same._child = child
            yield same

    def _solve(self, model: LinearModel, request: Request, monitor: Monitor) -> Raw:
        job = Job(self.kind, model, request, self.isolate)
        if not self.isolate:
            # Only MILPs print, and linear programs are too many to pay for it.
            with contextlib.nullcontext() if model.is_lp else silence():
                return solve_here(job, lambda news: monitor.report(*news), monitor.stop)
        run = watchdog.run if self._child is None else self._child.run
        ending = run(
            "verdict.solvers.mathopt:solve_in_child",
            job,
            on_report=lambda news: monitor.report(*news),
            stop=monitor.stop,
            limits=watchdog.Limits(
                request.time_limit, self.features.interrupt, request.memory_limit, request.background, request.threads
            ),
        )
        if ending.result is None:
            return monitor.stopped(ending.status or Status.ERROR, ending.message)
        raw: Raw = ending.result
        if ending.status is not None and self._status(raw) in (Status.INTERRUPTED, Status.FEASIBLE):
            raw = replace(raw, status=ending.status)
        # The log may have shown more than the result repeats.
        return replace(raw, bound=max(raw.bound, monitor.bound))


class Highs(MathOpt):
    """HiGHS: LP and MILP, duals, hints; progress from its log; not interruptible, so it is killed."""

    name = "highs"
    kind = "HIGHS"
    drops_below = 1e-9
    features = Features(duals=True, warm_start=True, progress=True, threads=True, memory_limit=True)


class Scip(MathOpt):
    """SCIP: MILP and LP without duals; progress with points; interruptible."""

    name = "scip"
    kind = "GSCIP"
    drops_below = 1e-9
    features = Features(
        warm_start=True, progress=True, threads=True, interrupt=True, memory_limit=True, products=True
    )


class Glop(MathOpt):
    """GLOP: Google's simplex code; LP only, with duals."""

    name = "glop"
    kind = "GLOP"
    drops_below = 1e-12
    features = Features(integer=False, duals=True, interrupt=True, memory_limit=True)


class CpSat(MathOpt):
    """CP-SAT: pure integer models with integer data only, since it would round the rest to its own grid."""

    name = "cpsat"
    kind = "CP_SAT"
    features = Features(
        continuous=False,
        integral_data=True,
        warm_start=True,
        progress=True,
        threads=True,
        interrupt=True,
        memory_limit=True,
    )


BACKENDS: dict[str, Callable[..., Solver]] = {"highs": Highs, "scip": Scip, "glop": Glop, "cpsat": CpSat}


def solve_in_child(job: Job, emit: Callable[[object], None], cancelled: Callable[[], bool]) -> Raw:
    """`solve_here` with the signature that the watchdog calls."""
    return solve_here(job, emit, lambda: Status.INTERRUPTED if cancelled() else None, watchdog.begins)


def solve_here(
    job: Job,
    emit: Callable[[Any], None],
    stop: Callable[[], Status | None],
    begins: Callable[[float | None], float | None] = lambda seconds: seconds,
) -> Raw:
    """Solves in this process.

    Args:
        job: the model, with the backend and its options.
        emit: gets (bound, incumbent, point or None), in this thread.
        stop: polled in this thread; a status interrupts the backend where that works and becomes the
            result's.
        begins: told of the time limit when all is loaded, and gives what is left of it.

    Raises:
        SolverError: MathOpt refused the model or an option.
    """
    model, proto = job.model, model_proto(job.model)
    _core()
    request = replace(job.request, time_limit=begins(job.request.time_limit))
    job, started = replace(job, request=request), time.monotonic()
    params = parameters(job.backend, job.request, job.own_process)
    extra = hint_proto(request.hint if request.hint is not None else np.empty(0))
    result, asked = _Attended(job, proto, params, extra).run(emit, stop)
    raw = _raw(job, result)
    if asked is not None and raw.status in ("FEASIBLE/INTERRUPTED", "NO_SOLUTION_FOUND/INTERRUPTED"):
        raw = replace(raw, status=asked)
    if raw.status == "INFEASIBLE" and model.is_lp and job.backend in ("HIGHS", "GLOP") and model.rows:
        left = request.time_limit
        if left is not None:
            left -= time.monotonic() - started
        # An answer must not be lost to the search for its proof.
        if left is None or left > 0:
            raw = replace(raw, ray=_farkas(job, left, stop))
    return raw


class _Attended:
    """One solve by MathOpt in a thread of its own, so that the caller's can report and be interrupted meanwhile."""

    def __init__(self, job: Job, proto: Any, params: Any, hint: Any) -> None:
        from ortools.util.python import solve_interrupter

        self.backend, self.columns = job.backend, job.model.columns
        self.proto, self.params, self.hint = proto, params, hint
        self.news: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.outcome: list[Any] = []
        self.is_integer = any(proto.variables.integers)
        self.read = {"HIGHS": logs.highs, "GSCIP": logs.scip}.get(job.backend)
        self.interrupter = solve_interrupter.SolveInterrupter()

    def run(self, emit: Callable[[Any], None], stop: Callable[[], Status | None]) -> tuple[Any, Status | None]:
        """MathOpt's result, and the status under which it was asked to stop; see `solve_here`."""
        core = _core()
        thread = threading.Thread(target=self._work, args=(core,), daemon=True)
        thread.start()
        asked: Status | None = None
        try:
            while True:
                try:
                    item = self.news.get(timeout=watchdog.TICK)
                except queue.Empty:
                    item = ()
                if item is None:
                    break
                if item:
                    emit(item)
                if asked is None:
                    asked = stop()
                    if asked is not None:
                        self.interrupter.interrupt()
        finally:
            self.interrupter.interrupt()
            thread.join()
        outcome = self.outcome[0]
        if isinstance(outcome, MemoryError):
            raise outcome
        if isinstance(outcome, Exception):
            raise SolverError(f"MathOpt ({self.backend}): {outcome}") from outcome
        return outcome, asked

    def _work(self, core: Any) -> None:
        """The thread's side."""
        from ortools.math_opt import parameters_pb2
        from pybind11_abseil.status import StatusNotOk  # type: ignore[import-untyped]

        registration = self._registration()
        try:
            self.outcome.append(
                core.solve(
                    self.proto,
                    getattr(parameters_pb2, f"SOLVER_TYPE_{self.backend}"),
                    parameters_pb2.SolverInitializerProto(),
                    self.params,
                    self.hint,
                    self._on_messages if self.read is not None and self.is_integer else None,
                    registration,
                    self._on_event if registration.request_registration else None,
                    self.interrupter.pybind_interrupter if self.backend != "HIGHS" else None,
                )
            )
        except (StatusNotOk, RuntimeError, ValueError, MemoryError) as error:
            self.outcome.append(error)
        finally:
            self.news.put(None)

    def _registration(self) -> Any:
        """Which events the backend reports."""
        from ortools.math_opt import callback_pb2

        registration = callback_pb2.CallbackRegistrationProto()
        if self.is_integer and self.backend in ("GSCIP", "CP_SAT"):
            registration.request_registration.append(callback_pb2.CALLBACK_EVENT_MIP_SOLUTION)
        if self.is_integer and self.backend == "CP_SAT":
            registration.request_registration.append(callback_pb2.CALLBACK_EVENT_MIP)
        return registration

    def _on_event(self, data: Any) -> Any:
        from ortools.math_opt import callback_pb2

        point = value = None
        if data.HasField("primal_solution_vector"):
            point = dense(data.primal_solution_vector, self.columns)
            costs = dense(self.proto.objective.linear_coefficients, self.columns)
            value = float(costs @ point) + self.proto.objective.offset
        # SCIP's dual bound is not read here: at the first events it is that of the transformed problem.
        bound = data.mip_stats.dual_bound if self.backend == "CP_SAT" else -np.inf
        self.news.put((bound, np.inf if value is None else value, point))
        return callback_pb2.CallbackResultProto()

    def _on_messages(self, lines: list[str]) -> None:
        for line in lines:
            pair = self.read(line) if self.read is not None else None
            if pair is not None:
                self.news.put((*pair, None))


def _core() -> Any:
    """MathOpt's own module, which can solve."""
    try:
        from ortools.math_opt.core.python import solver as core
    except ImportError as error:
        # Seen when highspy was loaded first: its HiGHS takes the place of OR-Tools' own.
        advice = "highspy or another HiGHS may be loaded in this process; solve with isolate=True"
        raise SolverError(f"OR-Tools cannot be loaded: {error}; {advice}") from error
    return core


def _raw(job: Job, result: Any) -> Raw:
    from ortools.math_opt import result_pb2

    model, end = job.model, result.termination
    reason = _name(result_pb2.TerminationReasonProto, end.reason, "TERMINATION_REASON_")
    if reason in ("FEASIBLE", "NO_SOLUTION_FOUND"):
        limit = _name(result_pb2.LimitProto, end.limit, "LIMIT_")
        seconds = result.solve_stats.solve_time.ToNanoseconds() / 1e9
        allowed = job.request.time_limit
        if limit == "UNDETERMINED" and allowed is not None and seconds >= 0.95 * allowed:
            limit = "TIME"  # CP-SAT does not say which limit it was
        reason = f"{reason}/{limit}"
    point: Vector | None = None
    duals = reduced = None
    # MathOpt orders solutions best first.
    for solution in result.solutions[:1]:
        if solution.HasField("primal_solution"):
            point = dense(solution.primal_solution.variable_values, model.columns)
        if solution.HasField("dual_solution") and model.is_lp and reason == "OPTIMAL":
            duals = dense(solution.dual_solution.dual_values, model.rows)
            reduced = dense(solution.dual_solution.reduced_costs, model.columns)
    bound = float(end.objective_bounds.dual_bound)
    # An LP code that was stopped leaves a dual objective that nobody checked for dual feasibility.
    if model.is_lp and reason != "OPTIMAL":
        bound = -np.inf
    return Raw(reason, bound, point, duals=duals, reduced_costs=reduced, message=end.detail)


def _name(enum: Any, value: int, prefix: str) -> str:
    try:
        return str(enum.Name(value)).removeprefix(prefix)
    except ValueError:
        return f"{prefix}{value}"


def _farkas(job: Job, time_limit: float | None, stop: Callable[[], Status | None]) -> Vector | None:
    """The ray of an infeasible LP; see `farkas`."""
    model = farkas.elastic(job.model)
    again = replace(job, model=model, request=replace(job.request, time_limit=time_limit, hint=None))
    nothing = hint_proto(np.empty(0))
    options = parameters(again.backend, again.request, again.own_process)
    result, _ = _Attended(again, model_proto(model), options, nothing).run(lambda news: None, stop)
    return farkas.ray(job.model, _raw(again, result).duals)
