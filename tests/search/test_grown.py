"""Trees of splits that are kept: without the splits that lose, what their leaves prove is the best bound found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.networks import random_network

import verdict
from verdict.bounds import linear_bounds
from verdict.search.neurons.grown import Grown
from verdict.search.neurons.sharpen import grow
from verdict.search.relus.space import Space


def test_kept_trees_prove_their_best_bounds(tmp_path: Path) -> None:
    dropped = 0
    for seed in range(8):
        network = verdict.load(random_network(np.random.default_rng([seed, 5]), "dense", tmp_path))
        graph, size = network.graph, network.input_size
        bounds = linear_bounds(graph, np.full((1, size), -2.0), np.full((1, size), 2.0))
        space = Space(graph, bounds, np.vstack([np.eye(graph.output_size), -np.eye(graph.output_size)]),
                      np.zeros(2 * graph.output_size), graph.output)
        if not space.size:
            continue
        plain, kept = (grow(space, space.root(), 2, 12, lambda: False, kept=kept) for kept in (False, True))
        np.testing.assert_array_equal(kept.lower, plain.lower)
        np.testing.assert_array_equal(kept.proved, kept.lower)
        assert (plain.proved <= kept.proved).all()
        dropped += int((plain.column >= 0).sum() - (kept.column >= 0).sum())
    assert dropped > 0


def test_a_split_that_loses_takes_what_is_below_it_along() -> None:
    # Leaf 0 is split into 0 and 1, and 1 into 1 and 2: the first half proves less than the root did.
    signs = np.array([[[1, 0], [-1, 1], [-1, -1]]], np.int8)
    numbers = np.zeros((1, 3, 2), np.float32)
    grown = Grown(
        np.array([-2.0]), np.array([[-3.0, 5.0, 6.0]]), np.array([[0, 1]]), np.array([[0, 1]]), signs, numbers, numbers
    )
    before = np.array([[[0, 0], [-1, 0]]], np.int8), np.ones((1, 2, 2), np.float32), np.ones((1, 2, 2), np.float32)
    pruned = grown.pruned(np.array([[-2.0, 4.0]]), *before)
    assert pruned.proved == [-2.0]
    assert (pruned.column == -1).all()
    assert (pruned.signs[0, 0] == 0).all()
    assert (pruned.slopes[0, 0] == 1).all()
    # Where it wins, nothing changes.
    same = grown.pruned(np.array([[-4.0, 4.0]]), *before)
    assert (same.column == grown.column).all()
    assert same.proved == pytest.approx([-3.0])
