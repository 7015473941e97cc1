"""Polytopes of several rows on the tree of radii: the same network, no point lost, and the radius that Z3 finds."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.networks import KINDS, random_network
from support.seeds import seeds

import verdict
from verdict.base.deadline import Deadline
from verdict.bounds import linear_bounds
from verdict.network.evaluate import evaluate
from verdict.network.exact import Coefficients, ExactVector, float_below
from verdict.property import Polytope, UnsafeSet
from verdict.property.norm_ball import ball_family
from verdict.property.norms import norm_of
from verdict.search.engines.parts.by_edges import ByEdges
from verdict.search.engines.parts.last_programs import LastByPrograms
from verdict.search.engines.parts.radius_tree import RadiusTree, last_radius
from verdict.search.engines.parts.tree_search import search_tree
from verdict.search.means import Means
from verdict.search.points.radius_witness import seek_witness
from verdict.search.radius import RadiusSearch
from verdict.search.relus.sides import Sides

NORMS = ("linf", "linf", "l1", "l2")


def _case(seed: int, kind: str, folder: Path):
    """A random network that passes its inputs through, a family, and two polytopes of one to three rows of quarters."""
    rng = np.random.default_rng([seed, KINDS.index(kind), 21])
    network = verdict.load(random_network(rng, kind, folder)).passing_inputs()
    center = ExactVector.of(rng.integers(-8, 9, network.input_size) / 8)
    family = ball_family(norm_of(NORMS[seed % len(NORMS)]), center, Fraction(-2), Fraction(2))
    here = evaluate(network.graph, center.floats()[None])[0]
    polytopes = []
    for _ in range(2):
        rows = rng.integers(-4, 5, (int(rng.integers(1, 4)), network.output_size)) / 4
        # The first row does not hold at the centre, the others may.
        limits = np.round(4 * (rows @ here)) / 4 - np.array([0.5, *rng.integers(-2, 2, len(rows) - 1) / 4])
        polytopes.append(Polytope(Coefficients(rows), Coefficients(limits)))
    return rng, network, family, polytopes


@pytest.mark.parametrize("kind", KINDS)
def test_the_network_computes_the_same_and_bounds_hold_its_new_neurons(kind: str, tmp_path: Path) -> None:
    split = 0
    for seed in seeds(6, 40):
        rng, network, family, polytopes = _case(seed, kind, tmp_path)
        sides = Sides(network.graph, polytopes)
        low, high = family.floats(0.5)
        points = rng.uniform(low, high, (500, len(low)))
        ball = family.ball(0.5)
        points = points if ball is None else ball.inward(points, 1e-9)
        outputs = evaluate(network.graph, points)
        assert (evaluate(sides.graph, points) == outputs).all()
        bounds = sides.around(linear_bounds(network.graph, low[None], high[None], ball=ball))
        assert len(bounds.lower) == len(sides.graph.nodes)
        search = RadiusSearch(network, family, UnsafeSet(tuple(polytopes), network.output_size), Deadline(60.0))
        tree = RadiusTree(search, [0, 1], 0.5, search.bounds_at(0.5), Means())
        values = [outputs @ p.matrix.values.T - p.offset.values for p in polytopes]
        roots, alive = tree.sides.root(tree.space, [0, 1])
        for number, reached in enumerate(values):
            assert alive[number] or not (reached <= 0).all(axis=1).any()
        node = len(sides.graph.nodes) - 2
        if node in tree.space.columns:
            inside = evaluate(network.graph, points) @ np.concatenate([p.matrix.values[1:] for p in polytopes]).T
            assert inside.shape[1] >= len(tree.space.columns[node])
            signs = roots.signs[:, tree.space.slices[node]]
            assert (signs <= 0).all()
            split += signs.any()
    assert split


@pytest.mark.parametrize("kind", KINDS)
def test_no_sample_that_fulfils_all_rows_lies_below_what_is_proved(kind: str, tmp_path: Path) -> None:
    closed = hit = 0
    for seed in seeds(6, 60):
        rng, network, family, polytopes = _case(seed, kind, tmp_path)
        search = RadiusSearch(network, family, UnsafeSet(tuple(polytopes), network.output_size), Deadline(30.0))
        seek_witness(search)
        search_tree(search, Deadline(10.0), 1)
        low, high = family.floats(min(2.0, 2 * float(search.cap)))
        points = rng.uniform(low, high, (4000, len(low)))
        distances = family.distances(points)
        outputs = evaluate(network.graph, points)
        for polytope, lower in zip(polytopes, search.lowers, strict=True):
            unsafe = polytope.slack(outputs) <= 0
            assert (distances[unsafe] >= float(lower) * (1 - 1e-12)).all(), (kind, seed)
            hit += int(unsafe.sum())
        closed += not search.is_open()
    assert closed
    assert hit


@pytest.mark.parametrize("way", [LastByPrograms, ByEdges])
def test_programs_and_planes_alone_prove_no_more_than_samples_allow(way, tmp_path: Path) -> None:
    raised = 0
    for seed in seeds(8, 60):
        rng, network, family, polytopes = _case(4 * seed, KINDS[seed % len(KINDS)], tmp_path)
        search = RadiusSearch(network, family, UnsafeSet(tuple(polytopes), network.output_size), Deadline(30.0))
        seek_witness(search)
        last = last_radius(search)
        numbers = search.open_polytopes()
        tree = RadiusTree(search, numbers, last, search.bounds_at(last), Means())
        side = way(search)
        for _ in range(3):
            side.work(tree, 1e9, Deadline(2.0))
        low, high = family.floats(min(2.0, 2 * float(search.cap)))
        points = rng.uniform(low, high, (4000, len(low)))
        outputs, distances = evaluate(network.graph, points), family.distances(points)
        for polytope, lower in zip(polytopes, search.lowers, strict=True):
            assert (distances[polytope.slack(outputs) <= 0] >= float(lower) * (1 - 1e-12)).all(), seed
        raised += search.lower > 0
    assert raised


@pytest.mark.parametrize("kind", KINDS)
def test_a_radius_under_a_condition_is_the_one_that_z3_finds(kind: str, tmp_path: Path) -> None:
    closed = 0
    for seed in seeds(3, 40):
        rng = np.random.default_rng([seed, KINDS.index(kind), 22])
        network = verdict.load(random_network(rng, kind, tmp_path))
        x = rng.integers(-8, 9, network.input_size) / 8
        total = " + ".join(f"x[{i}]" for i in range(network.input_size))
        given = f"{total} <= {Fraction(float(x.sum())) + Fraction(int(rng.integers(-1, 3)), 8)}"
        found, exact = (
            verdict.maxeps(network, x, given=given, range=(-2, 2), engine=engine, timeout=20)
            for engine in ("bab", "smt")
        )
        assert found.upper is None or found.upper >= exact.lower, (kind, seed)
        assert exact.upper is None or found.lower <= exact.upper, (kind, seed)
        closed += found.status in ("closed", "safe")
    assert closed


def test_a_row_that_is_positive_everywhere_closes_its_polytope(tmp_path: Path) -> None:
    """Though the first row alone is fulfilled by all points."""
    _, network, family, _ = _case(0, KINDS[0], tmp_path)
    outputs = network.output_size
    never = np.zeros((2, outputs))
    far = Polytope(Coefficients(never), Coefficients(np.array([1.0, -1.0])))
    search = RadiusSearch(network, family, UnsafeSet((far,), outputs), Deadline(30.0))
    tree = RadiusTree(search, [0], 0.5, search.bounds_at(0.5), Means())
    assert tree.explore(Deadline(30.0))
    assert float_below(search.lowers[0]) == 0.5
