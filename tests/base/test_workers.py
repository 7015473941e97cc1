"""Threads that work on batches see the clock of the thread that asks."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

from verdict.base.deadline import Deadline, OutOfTime, checkpoint, seconds_left
from verdict.base.workers import WORTH, Workers, at_hand
from verdict.network.exact import Coefficients
from verdict.network.maps.dense import Dense


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


def test_a_long_step_has_the_workers_of_its_context() -> None:
    assert at_hand().count == 1
    with Workers(2) as workers:
        assert at_hand() is workers
        # What is shared out has none, but where it is all there is.
        assert workers.map(lambda item: at_hand().count, [1, 2]) == [1, 1]
        assert workers.map(lambda item: at_hand().count, [1]) == [2]
        with Workers(1):
            assert at_hand().count == 1
        assert at_hand() is workers
    assert at_hand().count == 1


def test_a_share_does_not_wait_for_the_thread_that_it_has() -> None:
    with Workers(2) as workers:
        inside = workers.map(lambda item: workers.map(lambda _: threading.get_ident(), [1, 2]), [1, 2])
        with Workers(2) as others:
            own = workers.map(lambda item: others.map(lambda _: threading.get_ident(), [1, 2]), [1, 2])
    assert all(one == other for one, other in inside + own)


def test_runs_are_worth_a_thread() -> None:
    with Workers(2) as workers:
        assert workers.runs(10, WORTH // 10) == [slice(0, 10)]
        assert workers.runs(10, WORTH // 5 + 1) == [slice(0, 5), slice(5, 10)]
        assert workers.runs(3, WORTH) == [slice(0, 2), slice(2, 3)]
        assert workers.runs(1, 4 * WORTH) == [slice(0, 1)]
        assert workers.runs(0, WORTH) == []
        assert workers.runs(10, -1) == [slice(0, 10)]
        workers.spare = 1
        assert workers.runs(10, WORTH) == [slice(0, 10)]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_product_in_runs_is_the_product(kind: type) -> None:
    rng = np.random.default_rng(3)
    linear = Dense(Coefficients(rng.normal(size=(2000, 1500)).astype(np.float32)))
    x, y = rng.normal(size=(5, 9, 1500)).astype(kind), rng.normal(size=(5, 9, 2000)).astype(kind)
    alone = linear.apply(x), linear.apply_transpose(y)
    with Workers(2) as workers:
        assert len(workers.runs(45, linear.work - 3500)) == 2
        shared = linear.apply(x), linear.apply_transpose(y)
    for one, other in zip(alone, shared, strict=True):
        assert other.shape == one.shape
        assert other.dtype == one.dtype
        np.testing.assert_allclose(other, one, rtol=1e-4 if kind is np.float32 else 1e-11, atol=1e-3)
