"""Certificates at smaller radii than the one that was proved: which is kept where, and how the time is shared."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from verdict.answer.results import Certificate
from verdict.base.deadline import Deadline
from verdict.search import radius_certificate
from verdict.search.radius_certificate import _smaller, holds

PATH, LOWER = Path("r.vcert"), Fraction(1)
NONE = Certificate(None, reason="the time limit was reached")


class Clock(Deadline):
    """Moves when it is told to."""

    now = 0.0

    @staticmethod
    def clock() -> float:
        return Clock.now


@dataclass
class Asked:
    """Has certificates of radii up to `most`, for float32 up to `float32`; each takes so many seconds of the clock."""

    most: float
    float32: float
    seconds: float = 1.0
    search: Any = None
    tried: list[tuple[str, float, bool]] = field(default_factory=list)

    def at(self, path: Path, radius: Fraction, clock: Deadline, only_float32: bool = False) -> Certificate:
        Clock.now += self.seconds
        self.tried.append((path.name, float(radius), only_float32))
        any_order = float(radius) <= self.float32
        if float(radius) > self.most or (only_float32 and not any_order):
            return NONE
        report = SimpleNamespace(accepted=True, tier="rigorous", any_order=any_order)
        return Certificate(path, None, 1, cast(Any, report), "", radius)


@pytest.fixture(autouse=True)
def cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Float32 costs 1 % of the radius."""
    monkeypatch.setattr(radius_certificate, "_float32_cost", lambda search, lower: 0.01)


def smaller(asked: Asked, made: Certificate, seconds: float) -> tuple[Certificate, Certificate | None]:
    Clock.now = 0.0
    return _smaller(cast(Any, asked), PATH, made, LOWER, Clock(seconds))


def test_beside_a_proof_over_the_reals_there_is_one_for_float32() -> None:
    asked = Asked(most=1.0, float32=0.9)
    made, float32 = smaller(asked, asked.at(PATH, LOWER, Deadline()), 100)
    assert (made.path, made.radius) == (PATH, LOWER)
    assert float32 is not None
    assert float32.path != PATH
    assert float(float32.radius or 0) == pytest.approx(0.875)
    # The real one is there already, so no other is wanted than one for float32.
    assert [only for *_, only in asked.tried[1:]] == [True, True]


def test_without_one_at_the_lower_end_the_radius_climbs_while_there_is_time() -> None:
    asked = Asked(most=0.95, float32=0.5)
    made, float32 = smaller(asked, NONE, 100)
    assert holds(made)
    assert made.path == PATH
    assert float32 is None
    # The first that holds is 0.875; what failed was 0.98.
    assert float(made.radius or 0) > 0.927
    late = Asked(most=0.95, float32=0.5, seconds=10.0)
    made, _ = smaller(late, NONE, 40)
    # One more would take as long as the last.
    assert float(made.radius or 0) == pytest.approx(0.875)


def test_a_certificate_for_float32_is_not_given_up_for_a_larger_radius() -> None:
    asked = Asked(most=0.95, float32=0.9)
    made, float32 = smaller(asked, NONE, 100)
    assert made is float32
    assert made.any_order
    assert 0.875 < float(made.radius or 0) <= 0.9


def test_a_file_that_was_not_accepted_makes_room_for_one_that_was() -> None:
    asked = Asked(most=0.99, float32=0.5)
    unchecked = Certificate(PATH, None, 1, None, "the time ran out before it was checked", LOWER)
    made, _ = smaller(asked, unchecked, 1000)
    assert holds(made)
    assert made.path == PATH
    nothing = Asked(most=0.0, float32=0.0)
    made, float32 = smaller(nothing, unchecked, 1000)
    assert (made, float32) == (unchecked, None)
    assert len(nothing.tried) == 3
