"""A child that was long in starting gets a little time for its work, and no limit is overrun by more than that."""

from __future__ import annotations

import time

import pytest

from verdict.solvers import watchdog


def _left(monkeypatch: pytest.MonkeyPatch, waited: float, seconds: float) -> float | None:
    said: list[tuple[str, object]] = []
    asked = time.monotonic() - waited
    monkeypatch.setattr(watchdog, "_start", (asked, lambda kind, value: said.append((kind, value))))
    left = watchdog.begins(seconds)
    assert said == [("begun", left)]
    return left


def test_a_late_child_gets_a_second_at_the_most(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _left(monkeypatch, 100.0, 60.0) == watchdog.LEAST_SECONDS
    # Of a short limit half: more would be a longer overrun than the limit.
    assert _left(monkeypatch, 100.0, 0.5) == 0.25


def test_one_in_time_gets_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    left = _left(monkeypatch, 10.0, 60.0)
    assert left is not None
    assert 49.0 < left <= 50.0
