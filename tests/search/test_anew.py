"""Bounds of hidden neurons found anew on a domain, given that the outputs are unsafe, and the search by them."""

import numpy as np
import pytest
from support.networks import random_network

import verdict
from verdict.base.deadline import Deadline, ProcessorTime
from verdict.bounds import linear_bounds
from verdict.network.evaluate import evaluate_all
from verdict.network.exact import Coefficients
from verdict.property import Polytope
from verdict.search.means import Means
from verdict.search.observer import AnewObserver, Observer, Watch
from verdict.search.relus import anew_tree
from verdict.search.relus.anew import Anew
from verdict.search.relus.anew_tree import AnewTree
from verdict.search.relus.space import Space

SEEDS = range(40)


class Case:
    """A random network, a polytope of so many rows at a quantile of its outputs, and sampled points of the box."""

    def __init__(self, seed, folder, count=1, quantile=0.03):
        rng = np.random.default_rng([seed, 77])
        self.graph = verdict.load(random_network(rng, "dense", folder)).graph
        low, high = -np.ones((1, self.graph.input_size)), np.ones((1, self.graph.input_size))
        self.bounds = linear_bounds(self.graph, low, high)
        points = rng.uniform(-1, 1, (6000, self.graph.input_size))
        points[::2] = np.sign(points[::2])
        self.values, rows = evaluate_all(self.graph, points), rng.normal(size=(count, self.graph.output_size))
        reached = self.values[self.graph.output] @ rows.T
        self.limits = np.quantile(reached, quantile if count == 1 else 0.3, axis=0)
        self.rows, self.rng = rows, rng
        self.unsafe = (reached <= self.limits).all(axis=1)
        self.space = Space(self.graph, self.bounds, rows, self.limits)

    @property
    def polytope(self):
        return Polytope(Coefficients(self.rows), Coefficients(self.limits), "unsafe")

    def pre(self):
        """The unstable neurons' pre-activations at the points, (points, size)."""
        found = np.zeros((len(self.unsafe), self.space.size))
        for relu, columns in self.space.columns.items():
            found[:, self.space.slices[relu]] = self.values[self.graph.nodes[relu].sources[0]][:, columns]
        return found

    def signs(self):
        """Sides of up to three neurons, and which points are on them."""
        signs, pre = np.zeros(self.space.size, np.int8), self.pre()
        inside = np.ones(len(pre), bool)
        for column in self.rng.permutation(self.space.size)[: self.rng.integers(0, 4)]:
            signs[column] = self.rng.choice([-1, 1])
            inside &= pre[:, column] * signs[column] >= 0
        return signs, inside


@pytest.mark.parametrize("rows", [1, 3])
def test_unsafe_points_of_the_domain_lie_within_and_others_need_not(rows, tmp_path):
    held = left_out = 0
    for seed in SEEDS:
        case = Case(seed, tmp_path, rows)
        if not case.space.size:
            continue
        signs, inside = case.signs()
        anew = Anew(case.space, signs)
        anew.climb(12)
        pre, sought = case.pre(), case.unsafe & inside
        if anew.is_empty:
            assert not sought.any()
            continue
        within = (pre >= anew.low - 1e-9) & (pre <= anew.high + 1e-9)
        assert within[sought].all()
        held += int(sought.sum())
        left_out += int((~within[inside]).any(axis=1).sum())
        all_ends = anew.bounds()
        for node, values in enumerate(case.values):
            assert (values[sought] >= all_ends.lower[node] - 1e-9).all()
            assert (values[sought] <= all_ends.upper[node] + 1e-9).all()
    assert held > 1000
    assert left_out > 1000


def test_what_is_sought_makes_bounds_narrower(tmp_path):
    """Beside the same steps for a polytope that says nothing."""
    gained = 0
    for seed in SEEDS:
        case = Case(seed, tmp_path)
        if not case.space.size:
            continue
        nothing = Space(case.graph, case.bounds, 0 * case.rows, case.limits * 0)
        assumed, plain = Anew(case.space, np.zeros(case.space.size)), Anew(nothing, np.zeros(case.space.size))
        for anew in (assumed, plain):
            anew.climb(12)
        if not assumed.is_empty:
            gained += (assumed.high - assumed.low).sum() < 0.98 * (plain.high - plain.low).sum()
        assert not any(ends.lam.any() for ends in plain.found)
    assert gained > 10


class _Told(AnewObserver):
    """Counts how often bounds were found anew."""

    def __init__(self):
        self.found = 0

    def anew(self, place, found, space):
        self.found += 1
        return place


class _Counting(Observer):
    def __init__(self):
        self.told = _Told()

    def anew(self, polytopes):
        return self.told


@pytest.mark.parametrize("rows", [1, 3])
def test_the_tree_proves_what_holds_and_nothing_else(rows, tmp_path):
    proved = refuted = 0
    counting = _Counting()
    for seed in SEEDS:
        for quantile in (0.0, 0.03):
            case = Case(seed, tmp_path, rows, quantile)
            if quantile == 0:
                # A little below what any sample has reached.
                case.limits = case.limits - (0.02 if rows == 1 else 1.0)
            unsafe = (case.values[case.graph.output] @ case.rows.T <= case.limits).all(axis=1).any()
            offered = []

            def looked_at(points, offered=offered, case=case):
                offered.append(points)
                return _is_unsafe(case, points)

            watch = Watch(looked_at, proof=counting)
            tree = AnewTree(case.graph, case.bounds, [case.polytope], watch, Means())
            outcome = tree.run(Deadline(5))
            assert not (outcome.proved and unsafe)
            assert outcome.refuted == any(_is_unsafe(case, points) for points in offered)
            if outcome.proved:
                assert outcome.share == 1
                proved += 1
            refuted += outcome.refuted
    assert proved > 20
    assert refuted > (20 if rows == 1 else 5)
    assert counting.told.found


def _is_unsafe(case, points):
    reached = evaluate_all(case.graph, points)[case.graph.output] @ case.rows.T
    return bool((reached <= case.limits).all(axis=1).any())


def test_a_step_that_would_outlast_its_turn_by_far_waits(tmp_path, monkeypatch):
    case = Case(3, tmp_path)
    tree = AnewTree(case.graph, case.bounds, [case.polytope], Watch(), Means())
    steps = []

    def step(node):
        clock = ProcessorTime()
        while clock.elapsed() < 0.2:
            sum(range(1000))
        steps.append(node)
        return anew_tree._Step(1, space=node.space, neuron=0)

    monkeypatch.setattr(tree, "_step", step)
    monkeypatch.setattr(tree, "_take", lambda node, step: tree._open.append(node))
    assert tree.run(ProcessorTime(0.25)).resumable
    assert len(steps) == 1
    tree.run(ProcessorTime(0.35))
    assert len(steps) == 3


def test_what_is_ahead_is_told_by_what_splits_have_gained(tmp_path, monkeypatch):
    """Steps of half a second each: a root that misses 4, whose halves miss 3 and 2, and nothing closes yet."""
    case = Case(3, tmp_path)
    tree = AnewTree(case.graph, case.bounds, [case.polytope] * 2, Watch(), Means())
    lower = iter([-4.0, -3.0, -2.0, -5.0])
    asked = []
    monkeypatch.setattr(tree, "_step", lambda node: anew_tree._Step(1, space=node.space, neuron=0, lower=next(lower)))
    monkeypatch.setattr(tree._size, "domains", lambda missing: asked.append([*missing]) or 6.0)

    def take():
        node = tree._open.pop()
        tree._take(node, tree._step(node))
        tree._spent += 0.5
        return tree._ahead

    tree._open.append(tree._root(tree._waiting.pop(0)))
    assert take() is None
    # One half alone says nothing of what a split gains.
    assert take() is None
    tree._open.append(tree._open.pop(0))
    assert take() == pytest.approx(6.0 / 3 * 1.5)
    # A root that waits is as the worst one is.
    assert asked.pop() == [3.0, 3.0, 2.0, 2.0, 4.0]
    tree._open.append(tree._root(tree._waiting.pop(0)))
    assert take() == pytest.approx(6.0 / 4 * 2.0)
    assert asked.pop() == [3.0, 3.0, 2.0, 2.0, 5.0, 5.0]
