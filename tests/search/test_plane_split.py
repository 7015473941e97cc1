"""Planes as a way: what each step of their trial needs, and what ends it."""

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
def planes():
    """The way on a digit, beside rounds of which none comes next."""
    graph = verdict.load("digits-mlp").graph
    x = data("digits").load()[0][0].astype(np.float64).reshape(1, -1)
    bounds = linear_bounds(graph, np.maximum(x - 0.2, 0), np.minimum(x + 0.2, 1))
    polytopes = misclassification(int(data("digits").load()[1][0]), graph.output_size).polytopes
    rows = Rows(UnsafeSet(tuple(polytopes), graph.output_size))
    space = Space(graph, bounds, rows.matrix, rows.limits)
    rounds = SimpleNamespace(round_seconds=np.inf, whole=Deadline(), form_seconds=0.25, whole_box=lambda: (space, rows))
    return plane_split.PlaneSplit(rounds, polytopes, Watch(), Means())


def _looks(monkeypatch, *shares):
    """Looks at the worst root leave these shares of what chords do; how long each was, in first ones."""
    told, left = [], iter(shares)

    def glance(tree, times=1):
        told.append(times)
        return next(left) * -1.0

    monkeypatch.setattr(plane_split.EdgeTree, "glance", glance)
    return told


def test_a_trial_is_announced_as_dear_as_the_form_and_then_as_a_look(planes):
    assert planes.needs == 0.25
    told = planes.run(Deadline())
    assert told.resumable
    assert 0 < planes.needs < 0.25
    assert not planes._tree.roots


def test_planes_that_leave_little_are_taken_after_a_look(planes, monkeypatch):
    planes.run(Deadline())
    planes._missed = -1.0
    told = _looks(monkeypatch, 0.2)
    assert planes.run(ProcessorTime(1e-3)).resumable
    assert told == [1]
    assert planes.needs == 0
    tree = planes._tree
    assert tree.begin.row[0] in tree.roots


def test_others_show_what_a_split_gains(planes, monkeypatch):
    """After a second look, twice as long, comes the worst root and a split of it, whatever the turn; then planes say
    what their tree will take."""
    planes.run(Deadline())
    planes._missed = -1.0
    told = _looks(monkeypatch, 0.45, 0.4)
    assert planes.run(ProcessorTime(1e-3)).ahead is None
    assert planes.needs > 0
    assert planes.run(ProcessorTime(1e-3)).resumable
    assert told == [1, 2]
    needs = planes.needs
    assert needs == pytest.approx((plane_split.ROOTS + plane_split.SPLIT) * planes._trial)
    # A round of sharpening that is cheaper comes first.
    planes._rounds.round_seconds = needs / 2
    assert planes.needs == np.inf
    planes._rounds.round_seconds = 2 * needs
    assert planes.needs == needs
    outcome = planes.run(ProcessorTime(1e-3))
    tree = planes._tree
    assert told == [1, 2]
    assert planes.needs == 0
    assert tree.is_split
    assert outcome.resumable
    assert outcome.ahead == tree.ahead > 0
    # The other roots wait for the first split.
    assert len(tree.roots) == 1 < len(tree.begin)


def test_what_a_look_takes_is_measured(planes, monkeypatch):
    """The first guess is from two steps, and each look says it better."""
    planes.run(Deadline())
    planes._missed, planes._trial = -1.0, 1000.0
    _looks(monkeypatch, 0.5)
    planes.run(Deadline())
    assert planes.needs < 1
