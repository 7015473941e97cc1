"""One tree for all radii: what a domain reaches, what survives a smaller ball, and how the search ends."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.networks import KINDS, random_network
from support.open_search import new_search, open_search
from support.seeds import seeds

import verdict
from verdict.answer.results import Trust
from verdict.base.deadline import Deadline, ProcessorTime
from verdict.base.errors import SolverError
from verdict.bounds import linear_bounds
from verdict.models import data
from verdict.network.evaluate import evaluate_exact_all
from verdict.network.exact import ExactVector, float_below
from verdict.property import LinfBall, misclassification
from verdict.property.norm_ball import ball_family
from verdict.property.norms import norm_of
from verdict.search.engines.parts import tree_search
from verdict.search.engines.parts.radius_tree import RadiusTree, last_radius
from verdict.search.engines.parts.tree_search import search_tree
from verdict.search.means import Means
from verdict.search.points.radius_witness import seek_witness
from verdict.search.radius import RadiusSearch
from verdict.search.relus import tuned
from verdict.search.relus.ascent import optimise
from verdict.search.relus.carry import carry
from verdict.search.relus.leaf_rows import close_by_rows
from verdict.search.relus.radii import Radii
from verdict.search.relus.space import Domains, Space
from verdict.search.relus.tuned import Tuned

SEEDS = 12
NORMS = "linf", "l1", "l2"


def _case(seed: int, kind: str, folder: Path, norm: str = "linf"):
    """A random network's graph, a family of balls in it, of a norm, and a random radius."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    graph = verdict.load(random_network(rng, kind, folder)).graph
    center = rng.integers(-8, 9, graph.input_size) / 8
    family = ball_family(norm_of(norm), ExactVector.of(center), Fraction(-2), Fraction(2))
    radius = float(rng.choice([0.25, 0.5, 1.0, 2.0]))
    return rng, graph, family, radius


def _space(graph, family, radius: float) -> Space:
    lower, upper = family.floats(radius)
    rows = np.concatenate([np.eye(graph.output_size), -np.eye(graph.output_size)])
    bounds = linear_bounds(graph, lower[None], upper[None], ball=family.ball(radius))
    return Space(graph, bounds, rows, np.zeros(len(rows)))


def _sides(space: Space, point: np.ndarray) -> np.ndarray:
    """The sides (+1, -1, 0 on the threshold) of the unstable ReLUs at a point, exactly."""
    values = evaluate_exact_all(space.graph, ExactVector.of(point))
    sides = np.zeros(space.size, np.int8)
    for node, columns in space.columns.items():
        z = values[space.graph.nodes[node].sources[0]].numerators[columns]
        sides[space.slices[node]] = np.sign(z).astype(np.int8)
    return sides


def _points(rng, family, radius: float, count: int) -> np.ndarray:
    """Points of the ball of a radius, some of them corners."""
    low, high = family.floats(radius)
    points = rng.uniform(low, high, (count, len(low)))
    points[::2] = np.where(rng.random(points[::2].shape) < 0.5, low, high)
    ball = family.ball(radius)
    return points if ball is None else ball.inward(points, 1e-9)


def _domains(rng, space: Space, points: np.ndarray) -> Domains:
    """A domain around each point, some of its ReLUs split, with random multipliers."""
    signs = np.array([_sides(space, point) for point in points]).reshape(len(points), space.size)
    signs = np.where(signs == 0, rng.choice([-1, 1], signs.shape), signs).astype(np.int8)
    signs[rng.random(signs.shape) < rng.choice([0.0, 0.5, 1.0], (len(points), 1))] = 0
    root = space.root().take(rng.integers(0, len(space.rows), len(points)))
    betas = (rng.random(signs.shape) * rng.choice([0.1, 1.0, 10.0])).astype(np.float32)
    return replace(root, signs=signs, betas=betas)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_a_domain_reaches_is_safe_in_exact_arithmetic(seed, kind, tmp_path):
    rng, graph, family, radius = _case(seed, kind, tmp_path, NORMS[seed % 3])
    space = _space(graph, family, radius)
    # Offsets far below make some rows safe up to a radius in between.
    offsets = space.bounds.lower[graph.output][0]
    space = Space(graph, space.bounds, space.rows, np.concatenate([offsets * 0.9 - 0.05, offsets * 0.5 - 0.1]))
    points = np.concatenate([_points(rng, family, radius * share, 12) for share in (0.1, 0.3, 0.6, 0.9)])
    domains = _domains(rng, space, points)
    domains, _ = optimise(space, domains, 4)
    reach = Radii(space, family, 0.0, radius).reach(domains, space.relax(domains, domains.slopes, domains.betas))
    assert (reach > 0).any()
    for number, most in enumerate(reach.tolist()):
        if not most:
            continue
        row = int(domains.row[number])
        for point in np.concatenate([points[number : number + 1], _points(rng, family, most, 4)]):
            exact = ExactVector.of(point)
            distance = family.radius_of(exact)
            split = domains.signs[number] != 0
            inside = (domains.signs[number] * _sides(space, point) >= 0)[split].all()
            if inside and distance is not None and distance <= Fraction(most):
                outputs = evaluate_exact_all(graph, exact)[graph.output].fractions()
                value = sum(Fraction(c) * y for c, y in zip(space.rows[row].tolist(), outputs, strict=True))
                assert value > Fraction(space.offsets[row])


def test_a_larger_radius_is_reached_behind_better_multipliers(tmp_path):
    """The ladder is of use: some domain reaches a radius between its ends, and more steps never reach less."""
    between = 0
    for seed, kind in itertools.product(range(SEEDS), KINDS):
        _, graph, family, radius = _case(seed, kind, tmp_path, NORMS[seed % 3])
        space = _space(graph, family, radius)
        radii, roots = Radii(space, family, 0.0, radius), space.root()
        before = radii.reach(roots, space.relax(roots, roots.slopes, roots.betas))
        better, _ = optimise(space, replace(roots, reach=before), 10)
        after = radii.reach(better, space.relax(better, better.slopes, better.betas))
        assert (after >= before).all()
        between += int(((after > 0) & (after < radius)).sum())
    assert between > 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_smaller_ball_loses_no_point(seed, kind, tmp_path):
    """Every point of the smaller ball lies in a domain that survives, when all domains are carried over."""
    rng, graph, family, radius = _case(seed, kind, tmp_path, NORMS[seed % 3])
    old, new = _space(graph, family, radius), _space(graph, family, radius * 0.4)
    chosen = rng.permutation(old.size)[:4]
    count = len(chosen)
    sides = np.array(list(itertools.product((-1, 1), repeat=count)), np.int8).reshape(2**count, count)
    domains = old.root().take(np.zeros(len(sides), int))
    domains.signs[:, chosen] = sides
    carried, alive = carry(old, new, domains)
    carried = carried.take(alive)
    assert set(carried.row.tolist()) == {0}
    for point in _points(rng, family, radius * 0.4, 24):
        at = _sides(new, point)
        assert ((carried.signs * at >= 0) | (carried.signs == 0)).all(axis=1).any()


def test_neurons_that_bend_no_more_close_domains(tmp_path):
    closed = 0
    for seed, kind in itertools.product(range(SEEDS), KINDS):
        _, graph, family, radius = _case(seed, kind, tmp_path)
        old, new = _space(graph, family, radius), _space(graph, family, radius * 0.1)
        for column, side in itertools.product(range(old.size), (-1, 1)):
            domain = old.root().take([0])
            domain.signs[:, column] = side
            closed += int((~carry(old, new, domain)[1]).sum())
    assert closed > 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_leaves_closed_by_rows_hold_no_unsafe_point(seed, kind, tmp_path):
    rng, graph, family, radius = _case(seed, kind, tmp_path)
    space = _space(graph, family, radius)
    for point in _points(rng, family, radius, 6):
        signs = _sides(space, point)
        domain = space.root().take([int(rng.integers(len(space.rows)))])
        domain.signs[0] = np.where(signs == 0, 1, signs)
        row = space.rows[domain.row[0]]
        values = [float(row @ graph_outputs) for graph_outputs in [_outputs(graph, point)]]
        closed, least = close_by_rows(space, domain)
        assert not (closed and min(values) <= 0)
        if least is not None:
            # What a solver takes for the least point of the region is about as low as the point that it began from.
            assert float(row @ _outputs(graph, least)) <= values[0] + 1e-6


def _outputs(graph, point) -> np.ndarray:
    return np.array([float(y) for y in evaluate_exact_all(graph, ExactVector.of(point))[graph.output].fractions()])


def test_leaves_are_closed_by_rows_where_their_region_is_safe(tmp_path):
    closed = total = 0
    for seed, kind in itertools.product(seeds(4, SEEDS), KINDS):
        rng, graph, family, radius = _case(seed, kind, tmp_path)
        space = _space(graph, family, radius)
        for point in _points(rng, family, radius, 4):
            for row in range(len(space.rows)):
                domain = space.root().take([row])
                domain.signs[0] = np.where(_sides(space, point) > 0, 1, -1)
                done, least = close_by_rows(space, domain)
                closed += done
                total += done or least is not None
    assert 0 < closed < total


def test_programs_find_multipliers_no_worse_than_gradient_steps():
    """On domains of digits-resnet near its radius, most of which gradient steps leave open."""
    network, x = verdict.load("digits-resnet"), data("digits").load()[0][0].ravel()
    label = int(network.evaluate(x[None])[0].argmax())
    family = LinfBall(ExactVector.of(x), Fraction(0), Fraction(1))
    lower, upper = family.floats(0.3)
    unsafe = misclassification(label, network.output_size)
    rows = np.concatenate([p.matrix.values for p in unsafe.polytopes])
    space = Space(network.graph, linear_bounds(network.graph, lower[None], upper[None]), rows, np.zeros(len(rows)))
    rng = np.random.default_rng(0)
    roots = space.root().take(rng.integers(0, len(rows), 60))
    roots.signs[:] = rng.choice([-1, 0, 1], roots.signs.shape, p=[0.2, 0.6, 0.2])
    domains, _ = optimise(space, roots, 12)
    domains = domains.take(~(domains.lower > 0))
    before = space.verify(domains)
    tuned = Tuned(space)
    for at in range(len(domains)):
        tuned.tune(domains, at)
    after = space.verify(domains)
    assert (after >= before - 1e-4 * (1 + np.abs(before))).all()
    assert (after > 0).sum() > 0


@pytest.fixture
def search() -> RadiusSearch:
    """Attack and bounds have left the interval of an image open."""
    return open_search()


@pytest.mark.parametrize("threads", [1, 2])
def test_the_tree_closes_the_interval(search, threads):
    search_tree(search, search.deadline, threads)
    assert not search.is_open()
    assert not search.notes
    assert search.lower_trust in (Trust.RIGOROUS, Trust.EXACT)


def test_a_far_witness_is_replaced_on_the_way():
    """Without an attack the only witness is far: the tree finds nearer ones and goes on below them."""
    near, far = new_search(), new_search()
    x = near.family.center.floats()
    seek_witness(near)
    assert near.closest is not None
    point = np.array([float(v) for v in near.closest.point.fractions()])
    assert far.offer(ExactVector.of(np.clip(x + 1.5 * (point - x), 0, 1)))
    assert far.upper > near.upper
    search_tree(far, far.deadline, 1)
    search_tree(near, near.deadline, 1)
    assert not far.is_open()
    assert abs(far.upper - near.upper) <= near.upper / 10**6


def test_the_search_ends_with_its_clock(search):
    before = search.lower
    search_tree(search, Deadline(0.0), 1)
    assert search.is_open()
    assert search.lower >= before


def test_smaller_radii_raise_the_lower_end_while_the_last_proof_is_long(search, monkeypatch):
    radii = []
    begin = tree_search.Attempt.__init__

    def noted(self, search, radius, *rest):
        radii.append(radius)
        begin(self, search, radius, *rest)

    monkeypatch.setattr(tree_search.Attempt, "__init__", noted)
    monkeypatch.setattr(tree_search, "_is_long", lambda last, search: search.is_open())
    monkeypatch.setattr(tree_search.Attempt, "_search", _idle_at(last_radius(search), tree_search.Attempt._search))
    before = search.lower
    search_tree(search, ProcessorTime(3.0), 1)
    assert len(radii) > 1
    assert radii[0] == max(radii)
    assert search.lower > before


def _idle_at(radius, work):
    """The last proof never gets anywhere."""

    def search(self, clock):
        if self.tree.radius < radius:
            return work(self, clock)
        self.rest = np.inf
        self._spent += 0.05
        return False

    return search


def test_without_a_solver_no_program_closes_a_domain(monkeypatch) -> None:
    def missing(space):
        raise SolverError("OR-Tools cannot be loaded")

    search = open_search()
    radius = last_radius(search)
    tree = RadiusTree(search, search.open_polytopes(), radius, search.bounds_at(radius), Means())
    domains = tree.space.root()
    monkeypatch.setattr(tuned, "Program", missing)
    monkeypatch.setattr(tuned, "LEFT", 10**6)
    assert Tuned(tree.space).close(domains, lambda: False) == {}


def test_where_no_float_lies_between_no_smaller_radius_is_tried(monkeypatch) -> None:
    search = open_search()
    monkeypatch.setattr(tree_search, "_is_long", lambda *given: True)
    monkeypatch.setattr(tree_search, "_between", lambda search, failed: float_below(search.lower))
    search_tree(search, Deadline(60.0), 1)
    assert not search.is_open()
