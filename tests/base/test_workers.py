"""Threads that work on batches see the clock of the thread that asks."""

from __future__ import annotations

import os
import threading

import pytest

from verdict.base.deadline import Deadline, OutOfTime, checkpoint, seconds_left
from verdict.base.workers import Workers


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1}, raising=False)


def test_a_thread_has_the_clock_that_is_running() -> None:
    main = threading.get_ident()
    with Workers(2) as workers, Deadline(1000).running():
        found = workers.map(lambda item: (threading.get_ident() != main, seconds_left() <= 1000, item), [1, 2, 3])
    assert found == [(True, True, item) for item in (1, 2, 3)]


def test_a_step_in_a_thread_ends_when_the_time_is_up() -> None:
    with Workers(2) as workers, Deadline(0).running(), pytest.raises(OutOfTime):
        workers.map(lambda item: checkpoint(), [1, 2])


def test_a_thread_is_left_without_the_clock_of_the_last_batch() -> None:
    with Workers(2) as workers:
        with Deadline(0).running():
            workers.map(lambda item: item, [1, 2])
        workers.map(lambda item: checkpoint(), [1, 2])
