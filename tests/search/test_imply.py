"""Sides that follow from a bound, the estimates that point to them, and the proofs that they are part of."""

from fractions import Fraction

import numpy as np
import pytest
from search.test_proofs import ball
from support.networks import random_network

import verdict
from verdict.bounds import linear_bounds
from verdict.models import data
from verdict.network.evaluate import evaluate_all
from verdict.search.relus import trees
from verdict.search.relus.ascent import optimise
from verdict.search.relus.estimate import estimate
from verdict.search.relus.imply import imply
from verdict.search.relus.space import Space


def near_the_edge(seed, folder):
    """A space whose row takes values on both sides of its offset, its root, sides of its ReLUs and the row's value at
    points of the box."""
    rng = np.random.default_rng([seed, 59])
    graph = verdict.load(random_network(rng, "dense", folder)).graph
    low, high = -np.ones((1, graph.input_size)), np.ones((1, graph.input_size))
    points = rng.uniform(-1, 1, (4000, graph.input_size))
    points[::2] = np.sign(points[::2])
    values, row = evaluate_all(graph, points), rng.normal(size=(1, graph.output_size))
    reached = values[graph.output] @ row[0]
    space = Space(graph, linear_bounds(graph, low, high), row, np.quantile(reached, [0.02]))
    sides = np.zeros((len(points), space.size))
    for i, columns in space.columns.items():
        sides[:, space.slices[i]] = values[graph.nodes[i].sources[0]][:, columns]
    root, _ = optimise(space, space.root(), 20)
    return space, root, sides, reached <= space.offsets[0]


def looked_at(space, domains):
    seen = space.relax(domains, domains.slopes, domains.betas)
    return imply(space, domains, seen, estimate(space, domains, seen))


def test_sides_hold_wherever_the_row_is_reached(tmp_path):
    found = 0
    for seed in range(60):
        space, root, sides, unsafe = near_the_edge(seed, tmp_path)
        if not space.size or root.lower[0] > 0:
            continue
        implied = looked_at(space, root)
        found += len(implied.column)
        assert unsafe.any()
        signs = implied.after.signs[0]
        assert (signs * sides[unsafe] >= -1e-9).all()
        assert np.array_equal(np.flatnonzero(signs), implied.column)
    assert found >= 20


def test_nothing_is_lost_by_the_sides(tmp_path):
    """The bound gets no worse, and every excluded half stays closed with the other sides that follow."""
    found = 0
    for seed in range(60):
        space, root, *_ = near_the_edge(seed, tmp_path)
        if not space.size or root.lower[0] > 0:
            continue
        implied = looked_at(space, root)
        after, slack = implied.after, 1e-5 * (1 + abs(float(root.lower[0])))
        assert space.verify(after)[0] >= space.verify(root)[0] - slack
        for column, side, beta in zip(implied.column, implied.excluded, implied.beta, strict=True):
            half = after.take([0])
            half.signs[0, column], half.betas[0, column] = side, beta
            assert space.verify(half)[0] > -slack
            found += 1
    assert found >= 20


def test_estimates_of_the_first_layer_are_near(tmp_path):
    asked = ball("digits-mlp", digit(0), Fraction(1, 10), 0, 1)
    row = asked.polytopes[0].matrix.values
    space = Space(asked.network.graph, asked.bounds(), row, np.zeros(1))
    root, _ = optimise(space, space.root(), 30)
    seen = space.relax(root, root.slopes, root.betas)
    guess, errors = estimate(space, root, seen), []
    for column in range(space.first_layer):
        for sign in (-1, 1):
            half = root.take([0])
            away = guess.away[0, column] == sign
            half.signs[0, column], half.betas[0, column] = sign, guess.beta[0, column] if away else 0
            real = space.relax(half, half.slopes, half.betas, follow=False).lower[0]
            errors.append(float((guess.bound_away if away else guess.bound_near)[0, column] - real))
    scale = float(np.abs(seen.slope).sum())
    assert space.first_layer >= 5
    assert np.median(np.abs(errors)) < 0.01 * scale
    assert np.max(np.abs(errors)) < 0.25 * scale


def test_gradients_are_those_of_the_lines(tmp_path):
    for seed in range(10):
        space, *_ = near_the_edge(seed, tmp_path)
        slope = np.random.default_rng(seed).random((1, space.size)).astype(np.float32)
        count = space.reduced.inputs
        steps = np.eye(count, dtype=np.float32)
        forward = space.reduced.forward(steps, 0, np.repeat(slope, count, axis=0), np.zeros((count, space.size)))
        assert np.allclose(space.reduced.gradients(slope[0]), forward.T, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("any_order", [False, True])
def test_a_proof_has_the_sides_that_follow(any_order, tmp_path, monkeypatch):
    counts = []
    own = trees.SplitTrees.imply

    def counted(self, implied):
        counts.append(len(implied.column))
        return own(self, implied)

    monkeypatch.setattr(trees.SplitTrees, "imply", counted)
    asked = ball("digits-mlp", digit(1), Fraction(1, 10), 0, 1)
    asked.proof.any_order = any_order
    assert asked.search().proved
    assert sum(counts) >= 5
    assert sum(tree.leaves for tree in asked.trees()) > sum(counts)
    asked.accepted(tmp_path / "a.vcert")


def digit(number):
    return [Fraction(float(v)) for v in data("digits").load()[0][number]]
