"""Another way beside the tree of splits: when it begins, what it hands over, and what it ends."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from support.open_search import open_search

from verdict.answer.results import Trust
from verdict.base.deadline import Deadline
from verdict.search.engines.parts import beside as beside_parts
from verdict.search.engines.parts import tree_search
from verdict.search.engines.parts.beside import Beside
from verdict.search.engines.parts.tree_search import search_tree
from verdict.search.radius import RadiusSearch


@pytest.fixture
def search() -> RadiusSearch:
    """Attack and bounds have left the interval of an image open."""
    return open_search()


def test_it_hands_over_proofs_and_witnesses(search: RadiusSearch) -> None:
    upper = search.upper

    def close(other: Any) -> None:
        assert other is not search
        search_tree(other, other.deadline, 1)

    with Beside(search, "tree", close) as beside:
        assert not beside.started
        beside.start()
        while beside.is_running:
            pass
        assert search.is_open()
        beside.harvest()
    assert not search.is_open()
    assert search.upper <= upper


def test_a_step_ends_where_the_other_way_has_closed_the_interval(search: RadiusSearch) -> None:
    whole = Deadline(1000)
    with Beside(search, "tree", lambda other: search_tree(other, other.deadline, 1)) as beside:
        turns = beside.turns(whole)
        assert not turns.passed()
        beside.start()
        while beside.is_running:
            pass
        assert turns.passed()
    assert not whole.passed()
    with Beside(search, "idle", lambda other: None) as beside:
        turns = beside.turns(whole)
        beside.start()
        while beside.is_running:
            pass
        assert not turns.passed()


def test_a_search_that_its_tree_does_not_close_ends_with_the_other_way(
    search: RadiusSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tree never gets on, and the time never ends."""
    monkeypatch.setattr(tree_search.Attempt, "work", lambda attempt, clock: setattr(attempt, "_spent", 100.0))
    monkeypatch.setattr(tree_search.LastByPrograms, "work", lambda *_: None)
    monkeypatch.setattr(tree_search.ByEdges, "work", lambda *_: None)
    monkeypatch.setattr(tree_search, "_is_long", lambda *_: False)

    def close(other: Any) -> None:
        for number in range(len(other.lowers)):
            other.prove(number, other.cap, Trust.SOLVER)

    with Beside(search, "other", close) as beside:
        search_tree(search, search.deadline, 2, beside)
    assert not search.is_open()
    assert search.lower_trust is Trust.SOLVER


def test_where_programs_have_few_numbers_it_begins_by_itself(
    search: RadiusSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()
    with Beside(search, "idle", lambda other: begun.set()) as beside:
        beside.expect(beside_parts.FEW + 1)
        assert not beside.is_quick
    with Beside(search, "idle", lambda other: begun.set()) as beside:
        beside.expect(beside_parts.FEW)
        assert beside.is_quick
        # Nobody looks, and the time that counts is the processor's.
        assert not begun.wait(0.1)
        assert not beside.started
        while not begun.is_set():
            pass
        assert beside.started


def test_it_does_not_begin_after_the_end(search: RadiusSearch, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()
    with Beside(search, "idle", lambda other: begun.set()) as beside:
        beside.expect(beside_parts.FEW)
    assert not beside.is_running
    monkeypatch.setattr(beside_parts, "START", 0.0)
    with Beside(search, "idle", lambda other: begun.set()) as beside:
        beside.stop()
        beside.expect(0)
    assert not begun.is_set()


def test_it_ends_with_the_search(search: RadiusSearch) -> None:
    begun, ended = threading.Event(), threading.Event()

    def close(other: Any) -> None:
        begun.set()
        assert other.cancel.wait(60)
        ended.set()

    with Beside(search, "idle", close) as beside:
        beside.start()
        assert begun.wait(60)
    assert ended.is_set()
    assert not beside.is_running


def test_what_goes_wrong_there_is_said_here(search: RadiusSearch) -> None:
    def close(other: Any) -> None:
        raise ArithmeticError("beside")

    with Beside(search, "broken", close) as beside:
        beside.start()
        while beside.is_running:
            pass
        with pytest.raises(ArithmeticError, match="beside"):
            beside.harvest()


def test_a_contradicted_proof_is_discarded(search: RadiusSearch) -> None:
    """What the other way claims beyond an exact witness of the same polytope is not taken over."""

    def close(other: Any) -> None:
        number = next(i for i, p in enumerate(other.unsafe.polytopes) if p.contains(other.closest.outputs))
        other.lowers[number], other.trusts[number] = 2 * other.cap, Trust.SOLVER

    with Beside(search, "wrong", close) as beside:
        beside.start()
        while beside.is_running:
            pass
        beside.harvest()
    assert search.lower < search.upper
    assert any("contradicts" in note for note in search.notes)
