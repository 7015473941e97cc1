"""Gradient ascent: a value that is reached, inside the box, and the largest one where that is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.networks import KINDS, random_network

import verdict
from verdict.base.deadline import Deadline
from verdict.search.points.climb import climb


@pytest.mark.parametrize("kind", KINDS)
def test_it_climbs_beyond_random_points(kind: str, tmp_path: Path) -> None:
    for seed in range(3):
        network = verdict.load(random_network(np.random.default_rng(seed), kind, tmp_path))
        lower, upper = np.full(network.input_size, -1.0), np.full(network.input_size, 1.5)
        found = climb(network.graph, lower, upper, np.random.default_rng(0), Deadline(None))
        assert (lower <= found).all()
        assert (found <= upper).all()
        points = np.random.default_rng(1).uniform(lower, upper, (200, len(lower)))
        assert network.evaluate(found[None]).max() >= np.quantile(network.evaluate(points).max(axis=1), 0.9)


def test_a_linear_network_s_largest_value_is_at_a_corner() -> None:
    network = verdict.load("digits-linear")
    scores = network.evaluate(np.eye(64)) - network.evaluate(np.zeros((1, 64)))
    found = climb(network.graph, np.zeros(64), np.ones(64), np.random.default_rng(0), Deadline(None))
    best = (network.evaluate(np.zeros((1, 64))) + np.maximum(scores, 0).sum(axis=0)).max()
    assert network.evaluate(found[None]).max() == pytest.approx(best, rel=1e-9)


def test_without_time_any_point_will_do() -> None:
    network = verdict.load("xor")
    found = climb(network.graph, np.zeros(2), np.ones(2), np.random.default_rng(0), Deadline(0.0))
    assert (found >= 0).all()
    assert (found <= 1).all()
