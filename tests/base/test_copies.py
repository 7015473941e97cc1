"""Copies of this process do what it does itself, and whatever happens to them the results are there."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from verdict.base import blas
from verdict.base.copies import Copies
from verdict.base.deadline import Deadline, OutOfTime, ProcessorTime, checkpoint
from verdict.base.processes import family
from verdict.base.workers import Workers, at_hand

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="copies are made on Linux")


@pytest.fixture(autouse=True)
def own_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "is_own", True)


def doubled(item: int) -> tuple[int, int]:
    return 2 * item, os.getpid()


def test_each_item_has_a_process_of_its_own() -> None:
    copies = Copies(doubled)
    assert copies.are_to_be_had
    for _ in range(3):
        found = copies.map([1, 2, 3], doubled)
        assert [value for value, _ in found] == [2, 4, 6]
        assert len({process for _, process in found}) == 3
        assert found[0][1] == os.getpid()
    children = family(os.getpid())[1:]
    assert {process for _, process in found[1:]} <= set(children)
    copies.end()
    assert not set(family(os.getpid())[1:]) & {process for _, process in found[1:]}


def test_large_items_and_results_pass() -> None:
    copies = Copies(bytes.upper)
    found = copies.map([b"a" * 2**24, b"b" * 2**24], bytes.upper)
    assert found == [b"A" * 2**24, b"B" * 2**24]
    copies.end()


def test_a_process_of_somebody_else_is_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "is_own", False)
    assert not Copies(doubled).are_to_be_had


def raises(item: int) -> int:
    raise ValueError(item)


def exits(item: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return item


@pytest.mark.parametrize("function", [raises, exits])
def test_what_a_copy_cannot_do_is_done_here(function: object) -> None:
    copies = Copies(function)
    assert copies.map([1, 2], lambda item: 2 * item) == [2, 4]
    # None is made again.
    assert not copies.are_to_be_had
    copies.end()


def test_a_copy_that_is_stuck_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verdict.base.copies.SECONDS", 0.1)
    copies, began = Copies(lambda item: time.sleep(60)), time.monotonic()
    assert copies.map([1, 2], lambda item: None) == [None, None]
    assert time.monotonic() - began < 30
    assert not copies.are_to_be_had
    copies.end()


def test_the_clock_ends_the_wait_and_the_copies() -> None:
    copies = Copies(lambda item: time.sleep(60))
    before = set(family(os.getpid()))
    with Deadline(0.2).running(), pytest.raises(OutOfTime):
        copies.map([1, 2], lambda item: None)
    assert set(family(os.getpid())) <= before


def test_an_exception_here_ends_the_copies() -> None:
    copies, before = Copies(doubled), set(family(os.getpid()))
    with pytest.raises(ValueError, match="1"):
        copies.map([1, 2], raises)
    assert set(family(os.getpid())) <= before


def working(item: int) -> float:
    began = time.process_time()
    while time.process_time() - began < 0.2:
        checkpoint()
    return 0.0


def test_what_copies_take_counts_as_processor_time() -> None:
    copies, clock = Copies(working), ProcessorTime()
    copies.map([1, 2], lambda item: 0.0)
    assert clock.elapsed() >= 0.2
    copies.end()


def test_a_copy_has_no_workers_at_hand() -> None:
    """The threads of the process that was copied are not in the copy."""
    copies = Copies(lambda item: at_hand().count)
    with Workers(2) as workers:
        workers.map(lambda item: item, [1, 2])
        assert copies.map([1, 2], lambda item: 0) == [0, 1]
    copies.end()


def test_ctrl_c_is_for_the_process_that_was_copied() -> None:
    copies = Copies(doubled)
    _, (_, process) = copies.map([1, 2], doubled)
    os.kill(process, signal.SIGINT)
    assert copies.map([1, 2], doubled)[1] == (4, process)
    copies.end()
