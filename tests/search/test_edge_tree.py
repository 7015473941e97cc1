"""Branch and bound by planes: what it closes is safe, what is unsafe it leaves, and it raises the end of a radius."""

from __future__ import annotations

import math
import sys
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from support.networks import KINDS, random_network
from support.open_search import open_search
from support.seeds import seeds

import verdict
from verdict.answer.results import Trust
from verdict.base import blas, memory, workers
from verdict.base import copies as copies_module
from verdict.base.deadline import Deadline
from verdict.base.workers import Workers
from verdict.bounds import linear_bounds
from verdict.bounds.edges import Lines, edges
from verdict.network.evaluate import evaluate
from verdict.network.exact import Coefficients, ExactVector, float_below
from verdict.network.functions import RELU
from verdict.network.graph import Affine, Graph, Input, Pointwise, sequential
from verdict.network.maps import Dense
from verdict.property.norm_ball import ball_family
from verdict.property.norms import norm_of
from verdict.search.engines.parts import by_edges
from verdict.search.engines.parts.by_edges import ByEdges
from verdict.search.engines.parts.radius_tree import RadiusTree, last_radius
from verdict.search.means import Means
from verdict.search.relus.edge_ascent import chords, climb
from verdict.search.relus.edge_tree import EdgeTree
from verdict.search.relus.grouping import MOST
from verdict.search.relus.radii import Radii
from verdict.search.relus.space import Space

RADIUS = 0.5
MEANS = Means(Workers(1))


def _tree(seed: int, kind: str, folder: Path, slack, seen: list[np.ndarray], apart: bool = False, means: Means = MEANS):
    """A tree about rows that samples come within `slack` of; the samples' values (points, rows) less the offsets, and
    their distances."""
    rng = np.random.default_rng([seed, KINDS.index(kind), 13])
    graph = verdict.load(random_network(rng, kind, folder)).graph
    center = ExactVector.of(rng.integers(-8, 9, graph.input_size) / 8)
    family = ball_family(norm_of("linf"), center, Fraction(-2), Fraction(2))
    low, high = family.floats(RADIUS)
    points = rng.uniform(low, high, (4000, len(low)))
    rows = np.concatenate([np.eye(graph.output_size), -np.eye(graph.output_size)])
    values = evaluate(graph, points) @ rows.T
    offsets = values.min(axis=0) + slack(rng, len(rows))
    space = Space(graph, linear_bounds(graph, low[None], high[None]), rows, offsets)
    if space.reduced is None or not space.size:
        return None
    tree = EdgeTree(space, space.root(), Radii(space, family, 0.0, RADIUS), means, seen.append, apart)
    tree.family = family
    distances = np.abs(points - center.floats()).max(axis=1)
    return tree, values - offsets, distances


def _explore(tree: EdgeTree, turns: int) -> None:
    """So many turns of the search."""
    left = iter(range(turns))
    tree.explore(Deadline(60.0), lambda: next(left, None) is None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("apart", [False, True])
def test_what_is_proved_is_safe_at_all_samples(kind: str, apart: bool, tmp_path: Path) -> None:
    proved = opened = 0
    for seed in seeds(3, 40):
        made = _tree(seed, kind, tmp_path, lambda rng, count: rng.choice([0.05, -0.01, -0.5], count), [], apart)
        if made is None:
            continue
        tree, margins, distances = made
        _explore(tree, 40)
        for row in range(margins.shape[1]):
            reached = tree.reached(row)
            assert (margins[distances < reached, row] > 0).all(), (kind, seed, row)
            proved += reached >= RADIUS
            opened += reached < RADIUS
    assert proved
    assert opened


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_proved_of_smaller_radii_on_the_same_box_is_safe(kind: str, tmp_path: Path) -> None:
    """A tree that is aimed lower closes no less than before, and nothing that a sample contradicts."""
    proved = opened = 0

    def slack(rng: np.random.Generator, count: int) -> np.ndarray:
        # Rows that are unsafe well within the box stay open below it, whatever the first turns close.
        return rng.choice([0.3, 0.05, -0.01, -0.5], count)

    for seed in seeds(3, 40):
        made = _tree(seed, kind, tmp_path, slack, [], True)
        if made is None:
            continue
        tree, margins, distances = made
        rows, lower = range(margins.shape[1]), RADIUS
        _explore(tree, 4)
        while lower > RADIUS / 4:
            before = [min(tree.reached(row), lower) for row in rows]
            lower = 0.8 * lower
            tree.aim(Radii(tree.space, tree.family, 0.0, lower))
            assert all(tree.reached(row) >= min(old, lower) for row, old in zip(rows, before, strict=True))
            _explore(tree, 4)
            for row in rows:
                reached = tree.reached(row)
                assert reached <= before[row] or reached <= lower
                assert (margins[distances < reached, row] > 0).all(), (kind, seed, row)
                proved += reached == lower > before[row]
                opened += reached < lower
    assert proved
    assert opened


@pytest.mark.skipif(sys.platform != "linux", reason="copies are made on Linux")
def test_copies_of_the_process_prove_what_it_proves_itself(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(workers.os, "sched_getaffinity", lambda process: {0, 1})
    monkeypatch.setattr(memory, "left", lambda: 2**50)
    asked, ask = [], copies_module._Copy.ask
    monkeypatch.setattr(copies_module._Copy, "ask", lambda copy, item: asked.append(item[0]) or ask(copy, item))
    found: dict[bool, list[float]] = {True: [], False: []}
    for is_own in (True, False):
        monkeypatch.setattr(blas, "is_own", is_own)
        asked.clear()
        for seed in range(6):
            with Workers(2) as two:
                made = _tree(seed, KINDS[0], tmp_path, lambda rng, count: np.full(count, -0.01), [], True, Means(two))
                assert made is not None
                tree, margins, distances = made
                # What can be neither closed nor split is left, and the search ends.
                assert tree.explore(Deadline(60.0), lambda: False)
            for row in range(margins.shape[1]):
                assert (margins[distances < tree.reached(row), row] > 0).all()
                found[is_own].append(tree.reached(row))
        assert bool(asked) == is_own
    assert found[True] == pytest.approx(found[False], abs=RADIUS / 20)


def test_rows_far_below_all_samples_are_closed_at_the_root(tmp_path: Path) -> None:
    made = _tree(0, KINDS[0], tmp_path, lambda rng, count: np.full(count, -1000.0), [])
    assert made is not None
    assert made[0].explore(Deadline(60.0), lambda: False)
    assert made[0].is_begun
    assert all(made[0].reached(row) == RADIUS for row in range(made[1].shape[1]))
    assert all(lower > 0 for lower in made[0].roots.values())


def test_a_layer_of_inputs_is_in_groups_where_none_read_through_it_and_gains(tmp_path: Path) -> None:
    """Of one dense layer every falling ReLU is in a group, and the root is better than by planes of each alone."""
    rng = np.random.default_rng(0)
    weights, bias, row = rng.normal(size=(24, 8)), rng.normal(size=24), -np.abs(rng.normal(size=(1, 24)))
    hidden = Affine(((Dense(Coefficients(weights)), 0),), Coefficients(bias))
    output = Affine(((Dense(Coefficients(row)), 2),), Coefficients(np.zeros(1)))
    graph = Graph((Input(8), hidden, Pointwise(RELU, 1, 24), output), 3)
    space = Space(graph, linear_bounds(graph, np.full((1, 8), -1.0), np.ones((1, 8))), np.eye(1), np.zeros(1))
    tree = EdgeTree(space, space.root(), None, MEANS, lambda points: False)
    alone = edges(space.reduced)
    assert sum(int(block.has.sum()) for block in tree.form.blocks) == space.size
    assert any(block.has.shape[1] == MOST for block in tree.form.blocks)
    found = []
    for form in (alone, tree.form):
        begin = Lines(np.zeros(space.size, np.int8), space.floors.astype(np.float32),
                      np.zeros(space.size, np.float32), chords(form))  # fmt: skip
        found.append(form.bound(0, 0.0, climb(form, 0, begin, 150, 0.3)[0])[0])
    assert found[0] < found[1] <= evaluate(graph, rng.uniform(-1, 1, (20000, 8))).min()


def test_radii_that_wait_are_gone_on_with(monkeypatch) -> None:
    """Where no radius has the time to be proved at once, those that were begun go on, on smaller boxes too."""
    monkeypatch.setattr(by_edges, "GAIN", 1e9)
    monkeypatch.setattr(by_edges, "TURN", 1e-3)
    monkeypatch.setattr(by_edges, "TRIAL", 1e-9)
    search = open_search()
    before, planes, clock = search.cap - search.lower, ByEdges(search), Deadline()
    last = last_radius(search)
    tree = RadiusTree(search, search.open_polytopes(), last, search.bounds_at(last), MEANS)
    resumed, again = [], ByEdges._resumed
    monkeypatch.setattr(ByEdges, "_resumed", lambda self, goal: resumed.append(goal.radius) or again(self, goal))
    turns = 0
    while search.cap - search.lower > before / 2 or not resumed:
        planes.work(tree, 1e9, clock)
        turns += 1
        assert turns < 500
    assert float_below(search.lower) <= 0.11571815554859 * (1 + 1e-6)
    assert float(search.cap) >= 0.11571815554858 * (1 - 1e-6)


def test_a_radius_that_is_nearly_proved_goes_on_before_the_last_one_but_once(monkeypatch) -> None:
    search = open_search()
    planes, last = ByEdges(search), last_radius(search)
    middle = float_below((search.lower + search.cap) / 2)
    monkeypatch.setattr(by_edges, "NARROW", 1)  # the last radius is due
    goals = [
        by_edges.Goal(radius, [0], SimpleNamespace(is_begun=True, least=-least, roots={0: -1.0}), radius)
        for radius, least in ((middle, 0.2), (middle * 1.0001, 0.5), (last, 0.5))
    ]
    planes._is_scouting, planes._waiting = False, list(goals)
    assert planes._next(None) is goals[0]
    planes._waiting.append(goals[0])
    assert planes._next(None) is goals[2]


def test_planes_raise_the_lower_end_alone(monkeypatch) -> None:
    """Given all the time planes make the interval of digits-mlp much narrower, and it stays around the exact radius."""
    monkeypatch.setattr(by_edges, "GAIN", 1e9)
    search = open_search()
    before, planes, clock = search.cap - search.lower, ByEdges(search), Deadline()
    last = last_radius(search)
    tree = RadiusTree(search, search.open_polytopes(), last, search.bounds_at(last), MEANS)
    while search.cap - search.lower > before / 2:
        planes.work(tree, 1e9, clock)
        assert planes.spent < 100
    assert planes.leads(1e9, math.inf)
    assert not planes.leads(planes.spent, 0.0)
    assert float_below(search.lower) <= 0.11571815554859 * (1 + 1e-6)
    assert float(search.cap) >= 0.11571815554858 * (1 - 1e-6)
    assert all(trust in (Trust.RIGOROUS, Trust.EXACT) for trust in search.trusts)
    assert search.ways["planes"].closed > 0


def test_a_relu_that_hardly_moves_is_no_unit_to_divide_by() -> None:
    # Its values are below 2^-200, which no float32 but 0 is near.
    small = 2.0**-200
    first = np.array([[1.0, 0.5], [0.5, -1.0], [small, small]])
    second, last = np.array([[1.0, -1.0, 1.0], [-1.0, 1.0, 1.0], [1.0, 1.0, -1.0]]), np.array([[1.0, -1.0, -1.0]])
    layers = [(Coefficients(first), Coefficients(np.zeros(3))), (Coefficients(second), Coefficients(np.full(3, -0.1))),
              (Coefficients(last), Coefficients(np.zeros(1)))]  # fmt: skip
    graph = sequential(layers)
    low = np.full((1, 2), -1.0)
    space = Space(graph, linear_bounds(graph, low, -low), np.eye(1), np.array([-3.0]))
    family = ball_family(norm_of("linf"), ExactVector.of(np.zeros(2)), Fraction(-1), Fraction(1))
    tree = EdgeTree(space, space.root(), Radii(space, family, 0.0, 1.0), MEANS, [].append)
    # Whatever NumPy warns of is an error here.
    _explore(tree, 10)
    points = np.random.default_rng(0).uniform(-1, 1, (4000, 2))
    assert (tree.reached(0) >= 1.0, evaluate(graph, points).min() > -3.0) == (True, True)
