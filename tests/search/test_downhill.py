"""Witnesses near relaxed minimisers: nearer ones are found, each is what it says, and the interval holds the radius."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from support.open_search import open_search

from verdict.base.deadline import Deadline
from verdict.base.workers import Workers
from verdict.network.exact import float_below
from verdict.search.means import Means
from verdict.search.points.attack import aimed_at
from verdict.search.points.downhill import seek_downhill
from verdict.search.relus.edge_tree import EdgeTree
from verdict.search.relus.space import Space

MEANS = Means(Workers(1))
# What every engine says of this search (`test_edge_tree`).
RADIUS = 0.11571815554859


def _far_witness(search) -> None:
    """Replace the closest witness by one a third farther out, in the same direction."""
    center = search.family.center.floats()
    point = center + 4 / 3 * (search.closest.point.floats() - center)
    search.closest = None
    assert search.offer(search.family.inside(point.clip(*search.family.floats(np.inf))))


def test_minimisers_of_planes_lead_to_a_nearer_witness() -> None:
    search = open_search()
    _far_witness(search)
    before = search.cap
    rows = np.concatenate([p.matrix.values for p in search.unsafe.polytopes])
    space = Space(search.graph, search.bounds_at(float_below(before)), rows, np.zeros(len(rows)), means=MEANS)
    tree = EdgeTree(space, space.root(), None, MEANS, lambda points: False)
    tree.explore(Deadline(60.0), lambda: tree.is_begun)
    found = tree.minimisers()
    assert found
    assert not tree.minimisers()
    numbers, points = [number for number, _ in found], np.array([point for _, point in found])
    low, high = search.family.floats(float_below(before))
    assert (points >= low).all()
    assert (points <= high).all()
    polytopes = [search.unsafe.polytopes[number] for number in numbers]
    assert seek_downhill(search, points, polytopes, Deadline(60.0))
    assert search.cap < before
    assert search.cap >= Fraction(RADIUS) * (1 - Fraction(1, 10**9))
    assert search.closest is not None
    assert any(polytope.contains(search.closest.outputs) for polytope in search.unsafe.polytopes)
    assert search.family.radius_of(search.closest.point) == search.cap


def test_nothing_is_found_where_there_is_no_violation() -> None:
    """Within a ball that is proved no start finds one, and the upper end stays."""
    search = open_search()
    before, center = search.cap, search.family.center.floats()
    polytope = search.unsafe.polytopes[0]
    low, high = search.family.floats(RADIUS * 0.99)
    points = np.random.default_rng(0).uniform(low, high, (8, len(center)))
    found = seek_downhill(search, points, [polytope] * len(points), Deadline(0.0))
    assert found == (search.cap < before)
    assert search.cap >= Fraction(RADIUS) * (1 - Fraction(1, 10**9))


def test_each_start_has_its_own_polytope_and_short_ones_are_filled_up() -> None:
    search = open_search()
    some = [search.unsafe.polytopes[number] for number in (0, 1, 0)]
    matrix, offset = aimed_at(some, search.unsafe.outputs)
    for start, polytope in enumerate(some):
        assert (matrix[start, : len(polytope.offset.values)] == polytope.matrix.values).all()
        assert (offset[start, : len(polytope.offset.values)] == polytope.offset.values).all()
