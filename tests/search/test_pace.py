"""Halving or hard work, by what each brings to an end; groups that are ended or given back; both on two cores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.safe_boxes import safe_box

from verdict.base import abreast, blas
from verdict.base.copies import Copies
from verdict.base.deadline import Deadline
from verdict.base.workers import Workers
from verdict.search.boxes.boxes import Boxes
from verdict.search.boxes.group import Group
from verdict.search.boxes.input_split import InputSplit
from verdict.search.boxes.open_boxes import OpenBoxes
from verdict.search.boxes.options import BoxOptions
from verdict.search.boxes.pace import HALVING, HARD, Pace
from verdict.search.means import Means
from verdict.search.options import SearchOptions


def _tried(hard: int, left: int) -> Pace:
    """Hard work has closed so many boxes in a second; a group of 32 has come down to so many in two."""
    pace = Pace(0.1, 0.9, 32)
    assert pace.next() is HARD
    pace.worked(hard, 1.0)
    assert pace.next() is HALVING
    pace.begin(32)
    pace.halved(64, 1.0)
    pace.halved(left, 1.0)
    return pace


def test_the_quicker_one_has_the_time_and_the_other_a_tenth() -> None:
    pace = _tried(hard=4, left=0)
    # 16 boxes a second against 4: larger and larger groups, and hard work in a tenth of the time.
    assert (pace.has_group, pace.size) == (False, 64)
    spent = {HARD: 1.0, HALVING: 2.0}
    for _ in range(200):
        way = pace.next()
        spent[way] += 0.5
        if way is HARD:
            pace.worked(2, 0.5)
        else:
            pace.begin(pace.size)
            assert pace.halved(0, 0.5)
    assert 0.08 < spent[HARD] / spent[HALVING] < 0.12


def test_a_group_has_as_long_as_hard_work_on_it_would_take() -> None:
    pace = Pace(0.1, 0.9, 32)
    pace.worked(8, 1.0)
    pace.begin(32)
    assert not pace.halved(100, 3.9)
    assert pace.halved(100, 0.2)
    assert pace.next() is HARD
    assert pace.size == 32
    pace.worked(100, 44.0)
    assert pace.next() is HALVING
    pace.begin(32)
    each = (0.9 * 1 + 44) / (0.9 * 8 + 100)
    assert not pace.halved(100, 31 * each)
    assert pace.halved(100, 2 * each)


def test_hard_work_goes_on_beside_a_group_that_does_not_end() -> None:
    pace = Pace(0.1, 0.9, 32)
    pace.worked(0, 1.0)
    pace.begin(32)
    turns = []
    for _ in range(100):
        turns.append(pace.next())
        if turns[-1] is HARD:
            pace.worked(0, 1.0)
        elif pace.halved(1000, 1.0):
            pace.begin(32)
    assert 7 <= turns.count(HARD) <= 12


def _boxes(count: int) -> tuple[Boxes, dict[str, np.ndarray]]:
    low = np.arange(2.0 * count).reshape(count, 2)
    none, slack = np.zeros((count, 0)), -1 - np.arange(float(count))
    boxes = Boxes(low, low + 1, none, slack, none, np.zeros(count, bool), none, np.arange(count), np.zeros(count, int))
    return boxes, {"slack": slack}


@pytest.mark.parametrize("parts", [0, 3, 4, 9])
def test_a_group_comes_back_as_what_it_was_unless_it_is_less(parts: int) -> None:
    group, waiting = Group("slack"), OpenBoxes("slack")
    group.begin(*_boxes(4))
    group.parts.take({"slack": 4})
    group.parts.add(*_boxes(parts))
    again = group.end(waiting)
    assert (again is None) == (parts < 4)
    assert len(waiting) == min(parts, 4)
    assert len(group) == 0
    group.begin(*_boxes(2))
    assert len(group) == 2


def test_copies_of_the_process_prove_what_it_proves_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Boxes are halved there, and single ones worked on hard."""
    asked: list[type] = []
    kept = Copies.map

    def counted(copies, items, here):  # type: ignore[no-untyped-def]
        asked.extend(type(item) for item in items[1:])
        return kept(copies, items, here)

    monkeypatch.setattr(Copies, "map", counted)
    monkeypatch.setattr(abreast, "COPIED", 0.0)
    monkeypatch.setattr(blas, "is_own", True)
    options = SearchOptions(boxes=BoxOptions(patience=8))
    proved = 0
    for seed in range(6):
        graph, unsafe, low, high = safe_box(seed, tmp_path, 0.98)
        with Workers(2) as workers:
            workers.count = 2
            means = Means(workers=workers, options=options)
            search = InputSplit(graph, unsafe, low, high, means=means)
            outcome = search.run(Deadline(60))
        assert outcome.proved
        assert outcome.share == pytest.approx(1.0)
        proved += search._by_relus > 0
    assert proved
    assert {kind.__name__ for kind in asked} == {"_Halved", "_Worked"}
