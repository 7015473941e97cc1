"""Planes as a way: what a trial of them needs, and what its worst root is compared with."""

from types import SimpleNamespace

import numpy as np
import pytest

import verdict
from verdict.base.deadline import Deadline, ProcessorTime
from verdict.bounds import linear_bounds
from verdict.models import data
from verdict.property import misclassification
from verdict.search.engines.parts import plane_split
from verdict.search.first_box import FirstBox
from verdict.search.means import Means
from verdict.search.observer import Watch


@pytest.fixture
def way():
    """The way on a digit, beside rounds that have nothing to tell yet."""
    graph = verdict.load("digits-mlp").graph
    x = data("digits").load()[0][0].astype(np.float64).reshape(1, -1)
    bounds = linear_bounds(graph, np.maximum(x - 0.2, 0), np.minimum(x + 0.2, 1))
    polytopes = misclassification(int(data("digits").load()[1][0]), graph.output_size).polytopes
    rounds = SimpleNamespace(root=-np.inf, whole=Deadline())
    found = plane_split.PlaneSplit(graph, FirstBox(graph, bounds, Deadline()), rounds, polytopes, Watch(), Means())
    return found, rounds


def test_the_trial_is_a_glance_at_the_worst_root_and_known_before(way, monkeypatch):
    planes, _ = way
    assert planes.needs == 0
    told = planes.run(Deadline())
    assert told.resumable
    assert planes.needs > 0
    assert not planes._tree.roots
    monkeypatch.setattr(plane_split, "GAIN", 1e9)
    # A turn as short as can be judges, and bounds the first root behind that.
    assert planes.run(ProcessorTime(1e-3)).resumable
    assert planes.needs == 0
    assert len(planes._tree.roots) == 1
    worst = planes._tree.begin.row[0]
    assert list(planes._tree.roots) == [worst]


def test_chords_behind_better_bounds_are_what_planes_have_to_beat(way, monkeypatch):
    planes, rounds = way
    monkeypatch.setattr(plane_split, "GAIN", 1.0)
    planes.run(Deadline())
    rounds.root = -1e-6
    assert planes.run(ProcessorTime(1e-3)).reason == plane_split.NO_USE
