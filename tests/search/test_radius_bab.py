"""The radius by branch and bound: the last proof first, and what happens where it turns out to be long."""

from __future__ import annotations

import pytest
from support.open_search import open_search

from verdict.search.engines.parts import radius_bab
from verdict.search.engines.parts.radius_bab import search_bab
from verdict.search.radius import RadiusSearch


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch) -> RadiusSearch:
    """A search whose sets are treated as those that are no boxes: one proof after the other, no tree of all radii."""
    monkeypatch.setattr(radius_bab, "uses_tree", lambda search: False)
    return open_search()


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The radii that are tried."""
    radii: list[float] = []
    prove = radius_bab._prove

    def noted(search: RadiusSearch, radius: float, *rest: object) -> bool:
        radii.append(radius)
        return prove(search, radius, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(radius_bab, "_prove", noted)
    return radii


def test_where_few_domains_are_open_one_proof_is_enough(search: RadiusSearch, tried: list[float]) -> None:
    upper = search.upper
    search_bab(search, search.deadline, threads=1)
    assert not search.is_open()
    assert search.upper == upper
    assert len(tried) == 1


def test_a_long_last_proof_is_given_up_for_smaller_radii(
    search: RadiusSearch, tried: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(radius_bab, "MANY", 0)
    search_bab(search, search.deadline, threads=1)
    assert not search.is_open()
    # After the proof that was given up radii rise to it again.
    assert tried[0] == tried[-1] > tried[1]
    assert tried[1:] == sorted(tried[1:])
