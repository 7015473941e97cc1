"""Planes as a way: what a trial of them needs, and what its worst root is compared with."""

from types import SimpleNamespace

import numpy as np
import pytest

import verdict
from verdict.base.deadline import Deadline, ProcessorTime
from verdict.bounds import linear_bounds
from verdict.models import data
from verdict.property import UnsafeSet, misclassification
from verdict.search.engines.parts import plane_split
from verdict.search.means import Means
from verdict.search.observer import Watch
from verdict.search.relus.space import Space
from verdict.search.rows import Rows


@pytest.fixture
def way():
    """The way on a digit, beside rounds that have sharpened nothing yet."""
    graph = verdict.load("digits-mlp").graph
    x = data("digits").load()[0][0].astype(np.float64).reshape(1, -1)
    bounds = linear_bounds(graph, np.maximum(x - 0.2, 0), np.minimum(x + 0.2, 1))
    polytopes = misclassification(int(data("digits").load()[1][0]), graph.output_size).polytopes
    rows = Rows(UnsafeSet(tuple(polytopes), graph.output_size))
    space = Space(graph, bounds, rows.matrix, rows.limits)
    rounds = SimpleNamespace(root=None, whole=Deadline(), form_seconds=0.25, whole_box=lambda: (space, rows))
    return plane_split.PlaneSplit(rounds, polytopes, Watch(), Means()), rounds


def _looks(monkeypatch, *shares):
    """Looks at the worst root leave these shares of what chords do; how long each was, in first ones."""
    told, left = [], iter(shares)

    def glance(tree, times=1):
        told.append(times)
        return next(left) * -1.0

    monkeypatch.setattr(plane_split.EdgeTree, "glance", glance)
    return told


def test_a_trial_is_announced_as_dear_as_the_form_and_then_as_a_look(way):
    planes, _ = way
    assert planes.needs == 0.25
    told = planes.run(Deadline())
    assert told.resumable
    assert 0 < planes.needs < 0.25
    assert not planes._tree.roots


def test_planes_that_leave_little_are_taken_before_anything_is_sharpened(way, monkeypatch):
    planes, _ = way
    planes.run(Deadline())
    planes._missed = -1.0
    _looks(monkeypatch, 0.2)
    # A turn as short as can be judges, and bounds the first root behind that.
    assert planes.run(ProcessorTime(1e-3)).resumable
    assert planes.needs == 0
    worst = planes._tree.begin.row[0]
    assert list(planes._tree.roots) == [worst]


def test_planes_that_leave_most_are_not(way, monkeypatch):
    planes, _ = way
    planes.run(Deadline())
    planes._missed = -1.0
    _looks(monkeypatch, 0.6)
    assert planes.run(Deadline()).reason == plane_split.NO_USE


@pytest.mark.parametrize(("chords", "pays"), [(-0.9, True), (-0.7, False)])
def test_others_wait_for_chords_behind_sharpened_bounds(chords, pays, way, monkeypatch):
    """After a second look, twice as long; then what is known is compared, and nothing is bounded again."""
    planes, rounds = way
    planes.run(Deadline())
    planes._missed = -1.0
    told = _looks(monkeypatch, 0.45, 0.4)
    first = planes.needs
    assert planes.run(Deadline()).resumable
    assert planes.needs == 2 * first
    assert planes.run(Deadline()).resumable
    assert told == [1, 2]
    assert planes.needs == np.inf
    rounds.root = chords
    assert planes.needs < first
    outcome = planes.run(ProcessorTime(1e-3))
    assert told == [1, 2]
    assert (outcome.reason == plane_split.NO_USE) != pays


def test_a_turn_in_which_planes_were_to_wait_judges_by_what_is_known(way, monkeypatch):
    """For then nobody else has anything left to do."""
    planes, _ = way
    planes.run(Deadline())
    planes._missed = -1.0
    _looks(monkeypatch, 0.45, 0.4)
    for _ in range(3):
        planes.run(ProcessorTime(1e-3))
    assert planes._tree.roots
    assert planes.needs == 0
