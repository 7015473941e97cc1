"""A child process that is kept takes one piece of work after another, as long as it is the one that is wanted."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from verdict.base.errors import SolverError
from verdict.solvers import LinearModel, Status, solver, watchdog
from verdict.solvers.mathopt import Highs

HERE = "support.children"


def _run(child: watchdog.Child, target: str, payload: Any = None, **limits: Any) -> watchdog.Ending:
    return child.run(
        f"{HERE}:{target}", payload, on_report=lambda news: None, stop=lambda: None, limits=watchdog.Limits(**limits)
    )


def test_the_same_process_takes_one_piece_after_another() -> None:
    with watchdog.Child("no.such.module", HERE) as child:
        child.start()
        first = _run(child, "process", 1).result
        assert first[1] == 1
        assert _run(child, "process", 2, seconds=60.0).result == (first[0], 2)
        # What it may take for good is another matter, and so is one that is not there any more.
        other = _run(child, "process", 3, threads=2).result
        assert other[0] != first[0]
        assert _run(child, "dying").status is Status.ERROR
        assert _run(child, "process", 4, threads=2).result[0] not in (first[0], other[0])


def test_one_that_refuses_or_is_stopped_has_a_successor() -> None:
    with watchdog.Child() as child:
        before = _run(child, "process").result
        with pytest.raises(SolverError, match="not that"):
            _run(child, "refusing")
        stopped = child.run(f"{HERE}:endless", None, on_report=lambda news: None, stop=lambda: Status.INTERRUPTED)
        assert stopped.status is Status.INTERRUPTED
        after = _run(child, "process").result
        assert after[0] != before[0]
        # What it was asked to end is not what it does next.
        assert after == _run(child, "process").result


def test_a_soft_stop_is_about_one_piece_of_work() -> None:
    with watchdog.Child() as child:
        asked = child.run(
            f"{HERE}:patient", None, on_report=lambda news: None, stop=lambda: Status.INTERRUPTED,
            limits=watchdog.Limits(soft=True),
        )  # fmt: skip
        assert asked == watchdog.Ending("asked to end", Status.INTERRUPTED)
        assert _run(child, "impatient", soft=True).result == "not asked to end"


def _model(cost: float) -> LinearModel:
    """The least cost * x with 2 x >= 3, x whole, in [0, 10]."""
    return LinearModel(
        objective=np.array([cost]), matrix=sparse.csr_matrix(np.array([[2.0]])), row_lower=np.array([3.0]),
        row_upper=np.array([np.inf]), lower=np.array([0.0]), upper=np.array([10.0]), integer=np.array([True]),
    )  # fmt: skip


def test_a_solver_that_is_kept_says_what_one_that_is_not_says() -> None:
    for name in ("highs", "scip", "cbc"):
        with solver(name).kept(load=True) as kept:
            for cost in (1.0, -1.0, 3.0):
                assert kept.solve(_model(cost)).objective == solver(name).solve(_model(cost)).objective


def test_one_that_was_cancelled_goes_on_with_the_next_model() -> None:
    cancel = threading.Event()
    cancel.set()
    with Highs().kept() as kept:
        assert kept.solve(_model(1.0), cancel=cancel).status is Status.INTERRUPTED
        assert kept.solve(_model(1.0)).objective == 2
        assert kept.solve(_model(1.0), threads=2).objective == 2


def test_what_needs_no_child_process_starts_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "_Process", None)
    with Highs(isolate=False).kept(load=True) as kept:
        assert kept.solve(_model(1.0)).objective == 2
