"""Deadlines: parts end with the whole, and early where they are told to."""

from __future__ import annotations

import math
import time

from verdict.base.deadline import Deadline, ProcessorTime


def test_a_share_ends_with_the_whole() -> None:
    whole = Deadline(1000)
    share = whole.share(0.5, math.inf).share(1.0, math.inf)
    assert 400 < share.remaining() <= 500
    whole.stop()
    assert whole.passed()
    assert share.passed()


def test_a_share_that_is_stopped_leaves_the_whole() -> None:
    whole = Deadline()
    share = whole.share(1.0, math.inf)
    share.stop()
    assert share.passed()
    assert not whole.passed()
    assert whole.limit() is None


def test_processor_time_stands_still_while_the_process_sleeps() -> None:
    work, wall = ProcessorTime(0.05), Deadline(0.05)
    share = work.share(1.0, math.inf)
    time.sleep(0.1)
    assert wall.passed()
    assert not work.passed()
    assert not share.passed()
    while not work.passed():
        pass
    assert share.passed()


def test_processor_time_ends_with_a_whole_of_the_clock() -> None:
    assert ProcessorTime(1000, Deadline(0.0)).passed()
