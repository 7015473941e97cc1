"""Where float solvers answer something else than was asked, and what an honest user of the result sees
instead.
"""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from conformance_models import INF, backends, build, market_split, mixed, quick

from verdict.solvers import Status, cbc, mathopt, solver, watchdog
from verdict.solvers.guard import guarded
from verdict.solvers.results import Raw


def test_a_stopped_cbc_is_not_optimal() -> None:
    """PuLP calls it Optimal: whoever believes that has a wrong minimum. Here: TIME_LIMIT, with both ends."""
    result = solver("cbc").solve(market_split(), time_limit=0.7)
    assert result.status is Status.TIME_LIMIT
    assert result.objective is not None
    assert result.bound < result.objective


@pytest.mark.parametrize("name", backends(lambda f: f.continuous))
def test_a_small_coefficient_on_a_big_column_counts(name: str) -> None:
    """1e-10 x + y >= 1 with x <= 2e10, y <= 1/2 has points; HiGHS and SCIP drop the 1e-10 and say infeasible.

    An honest backend either finds a point of the model or does not answer; INFEASIBLE would be a false proof.
    """
    model = build([0, 0], [[1e-10, 1]], [1], [INF], [0, 0], [2e10, 0.5])
    result = quick(name).solve(model)
    assert result.status in (Status.OPTIMAL, Status.FEASIBLE, Status.UNKNOWN)
    if result.point is not None:
        assert model.violation(result.point) <= 1e-6
    minimum = quick(name).solve(model.with_objective(np.array([1.0, 0.0])))
    assert minimum.bound <= 5e9 * (1 + 1e-6)
    if minimum.status is Status.OPTIMAL:
        assert minimum.objective == pytest.approx(5e9, rel=1e-6)


def test_the_guard_only_ever_adds_points() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        n, m = 4, 3
        rows = rng.normal(size=(m, n)) * 10.0 ** rng.integers(-12, 2, (m, n))
        x = rng.normal(size=n) * 10.0 ** rng.integers(0, 9, n)
        model = build(rng.normal(size=n) * 1e-10, rows, rows @ x - 0.1, rows @ x + 0.1, x - 1, x + 1)
        shown, changed = guarded(model, 1e-9)
        assert changed
        assert np.abs(shown.matrix.data).min() >= 1e-9
        point = [Fraction(v) for v in x.tolist()]
        assert shown.satisfies(point)
        assert shown.exact_value(point) <= model.exact_value(point)
    huge = build([1], [[1]], [-INF], [1e25], [0], [1e21])
    shown, changed = guarded(huge, 1e-9)
    assert changed
    assert shown.upper[0] == INF
    assert shown.row_upper[0] == INF


@pytest.mark.parametrize("name", backends(lambda f: f.continuous))
@pytest.mark.parametrize("excess", [1e-8, 1e-10, 1e-12])
def test_infeasible_by_less_than_a_tolerance(name: str, excess: float) -> None:
    """x <= 1, x >= 1 + excess: a float solver may call it feasible. Then the point is marked as within
    tolerance
    only and does not satisfy the model exactly; an exact solver says INFEASIBLE."""
    model = build([0, 1], [[1, 0], [1, 1]], [1 + excess, 0], [INF, INF], [0, 0], [1, 1])
    result = quick(name).solve(model)
    if solver(name).features.exact:
        assert result.status is Status.INFEASIBLE
    elif result.status is not Status.INFEASIBLE:
        assert result.within_tolerance
        assert 0 < result.max_violation <= 1e-6
        assert not model.satisfies(result.fractions() or [])
        assert not result.exact


@pytest.mark.parametrize("name", backends(mixed))
def test_big_m_does_not_leak(name: str) -> None:
    """y <= 1e8 b, b binary, y >= 5 fixed by a row: with b = 1e-7 called integral y may reach 10 for free."""
    model = build([0, 1], [[1, -1e8], [1, 0]], [-INF, 5], [0, INF], [0, 0], [10, 1], [0, 1])
    result = quick(name).solve(model)
    assert result.status is Status.OPTIMAL
    assert result.objective == 1
    assert result.max_violation <= 1e-6


class _Leaky(mathopt.Highs):
    """HiGHS, but its first answer is a point with an integrality leak."""

    calls = 0

    def __init__(self, leak: list[float]) -> None:
        super().__init__(isolate=False)
        self.leak = leak

    def _solve(self, model: Any, request: Any, monitor: Any) -> Raw:
        self.calls += 1
        if self.calls == 1:
            return Raw("OPTIMAL", float(model.objective @ self.leak), np.array(self.leak))
        return super()._solve(model, request, monitor)


def test_a_leaked_point_is_mended_or_dropped() -> None:
    model = build([-1, 1], [[1, -1e8]], [-INF], [0], [0, 0], [10, 1], [0, 1])
    result = _Leaky([10.0, 1e-7]).solve(model)
    # With b rounded to 0 the best honest y is 0: a point, but nowhere near the claimed -10.
    assert result.status is Status.FEASIBLE
    assert result.point is not None
    assert result.point.tolist() == [0, 0]
    assert "mended" in result.message
    needed = build([0, 1], [[1, -1e8]], [-INF], [0], [5, 0], [10, 1], [0, 1])
    result = _Leaky([5.0, 5e-8]).solve(needed)
    assert result.status is Status.UNKNOWN
    assert result.point is None
    assert result.objective is None
    assert "violates the model" in result.message


def test_a_rounded_bound_in_a_log_is_moved_outward() -> None:
    from verdict.solvers import logs

    assert logs.cbc(
        "Cbc0010I After 9 nodes, 1 on tree, 3.5 best solution, best possible 2.34568 (1.4 seconds)"
    )
    low, high = logs.cbc(
        "After 9 nodes, 1 on tree, 3.5 best solution, best possible 2.34568 (1.4 seconds)"
    ) or (0, 0)
    assert low < 2.345675
    assert high > 3.5
    line = "      3925     102       286   0.59%   0.1             8           98.75%      770     11   1.0s"
    low, high = logs.highs(line) or (0.0, 0.0)
    assert 0.0999 < low < 0.1
    assert 8 < high < 8.001
    assert logs.highs("Coefficient ranges: 50% of nothing") is None
    row = "  1.6s| 13300 |  1996 | 21766 |   1.6 |  8388k |  27 |  34 |  16 |  10 | 343 |  1 |  88 | 330 |"
    low, high = logs.scip(row + " 1.234567e+00 | 5.000000e+00 |    Inf |   6.97%") or (0.0, 0.0)
    assert 1.2345 < low < 1.2345665
    assert high > 5
    low, high = logs.scip(row + "      --      |      --      |    Inf |   6.97%") or (0.0, 1.0)
    assert (low, high) == (0.0, 1.0)


def stubborn(payload: float, emit: Any, cancelled: Any) -> str:
    """Ignores everything for `payload` seconds."""
    emit((1.0, 7.0, None))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    time.sleep(payload)
    return "done"


def crashing(payload: object, emit: Any, cancelled: Any) -> str:
    """Reports, then dies as native code does."""
    emit((1.0, 7.0, None))
    os.kill(os.getpid(), signal.SIGSEGV)
    return "never"


def _watch(
    target: str, payload: object, stop: Callable[[], Status | None] = lambda: None, **limits: Any
) -> tuple[watchdog.Ending, list[Any]]:
    seen: list[Any] = []
    told = watchdog.Limits(**limits)
    return watchdog.run(f"test_traps:{target}", payload, on_report=seen.append, stop=stop, limits=told), seen


def test_a_solver_that_ignores_its_limit_is_killed_and_its_reports_survive() -> None:
    started = time.monotonic()
    ending, seen = _watch("stubborn", 60.0, seconds=3.0)
    assert time.monotonic() - started < 40
    assert ending.status is Status.TIME_LIMIT
    assert ending.result is None
    assert seen == [(1.0, 7.0, None)]


def starting(payload: float, emit: Any, cancelled: Any) -> float | None:
    """Says what it may take once it has started."""
    return watchdog.begins(payload)


def test_what_a_child_took_to_start_is_nothing_that_it_is_killed_for() -> None:
    ending, _ = _watch("starting", 100.0, seconds=100.0)
    assert 50 <= ending.result < 100
    assert _watch("starting", None)[0].result is None
    assert watchdog.begins(7.0) == 7.0
    # The parent: its limit of no time has passed when the result comes, and the child has said that it may take longer.
    frames: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    frames.put(("begun", 60.0))
    threading.Timer(watchdog.GRACE + 0.3, lambda: frames.put(("result", 7))).start()
    stay: list[Any] = [queue.SimpleQueue(), lambda report: None, lambda: None, watchdog.Limits(0.0)]
    assert watchdog._attend(frames, *stay) == watchdog.Ending(7)


def test_a_solver_that_ignores_an_interrupt_is_killed() -> None:
    event = threading.Event()
    threading.Timer(0.5, event.set).start()
    started = time.monotonic()
    ending, _ = _watch(
        "stubborn", 60.0, soft=True, stop=lambda: Status.INTERRUPTED if event.is_set() else None
    )
    assert time.monotonic() - started < 40
    assert ending.status is Status.INTERRUPTED


def test_a_crash_is_an_error_and_not_ours() -> None:
    ending, seen = _watch("crashing", None)
    assert ending.status is Status.ERROR
    assert str(-signal.SIGSEGV) in ending.message
    assert seen == [(1.0, 7.0, None)]


def breaking(payload: object, emit: Any, cancelled: Any) -> str:
    """Raises what nobody expects."""
    raise ZeroDivisionError("an unheard-of error")


def test_what_a_child_raises_is_told() -> None:
    """And not hidden by how the interpreter ends where a thread waits for input."""
    for _ in range(3):
        ending, _ = _watch("breaking", None)
        assert ending.status is Status.ERROR
        assert "unheard-of" in ending.message
        assert "code 1" in ending.message


def test_cbc_that_breaks_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cbc, "_command", lambda model, request, folder: ["/bin/false"])
    result = solver("cbc").solve(build([1], [[1]], [0], [1], [0], [1]))
    assert result.status is Status.ERROR
    assert result.bound == -INF
