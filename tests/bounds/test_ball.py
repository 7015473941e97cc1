"""Bounds over balls: nothing inside is missed, corners of the box are gained, one layer is exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.networks import KINDS, random_network

import verdict
from verdict.bounds import linear_bounds, output_bounds
from verdict.bounds.alpha import alpha_bounds
from verdict.bounds.ball import Ball
from verdict.network.evaluate import evaluate_all
from verdict.network.exact import Coefficients
from verdict.network.functions import RELU
from verdict.network.graph import Affine, Graph, Input, Pointwise
from verdict.network.maps import Dense
from verdict.property.norms import L1, L2, Norm
from verdict.search.means import Means
from verdict.search.neurons.sharpen import Round, sharpen
from verdict.search.relus.ascent import optimise
from verdict.search.relus.space import Space

NORMS = (L1(), L2())


def inside(ball: Ball, count: int, rng: np.random.Generator) -> np.ndarray:
    """Points of the ball, half of them on its surface and half of those along few axes, where L1 is pointed."""
    steps = rng.standard_normal((count, len(ball.center)))
    steps[::4] *= rng.random((len(steps[::4]), steps.shape[1])) < 0.4
    lengths = np.abs(steps).sum(axis=1) if isinstance(ball.norm, L1) else np.sqrt((steps**2).sum(axis=1))
    steps *= (ball.eps * (1 - 1e-12) / np.maximum(lengths, 1e-300))[:, None]
    steps[1::2] *= rng.random((len(steps[1::2]), 1))
    return ball.center + steps


@pytest.mark.parametrize("norm", NORMS, ids=["l1", "l2"])
@pytest.mark.parametrize("seed", range(8))
def test_sampled_points_lie_within_all_bounds(seed: int, norm: Norm, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    network = verdict.load(random_network(rng, KINDS[seed % len(KINDS)], tmp_path, (1.0, 1e-3)))
    graph, size = network.graph, network.input_size
    ball = Ball(rng.uniform(-1, 1, size), float(rng.uniform(0.2, 2)), norm)
    low, high = (ball.center - ball.eps)[None], (ball.center + ball.eps)[None]
    boxed, points = linear_bounds(graph, low, high), inside(ball, 400, rng)
    values = evaluate_all(graph, points)
    for dtype, slip in ((np.float64, 1e-12), (np.float32, 1e-12)):
        ends = np.nextafter(low.astype(dtype), dtype(-np.inf)), np.nextafter(high.astype(dtype), dtype(np.inf))
        bounds = linear_bounds(graph, *ends, ball=ball)
        for i, value in enumerate(values):
            if i:
                room = slip * (1 + np.abs(value).max())
                assert (bounds.lower[i][0] <= value.min(axis=0) + room).all()
                assert (bounds.upper[i][0] >= value.max(axis=0) - room).all()
    bounds = linear_bounds(graph, low, high, ball=ball)
    sharp = sharpen(graph, bounds, Round(2), Means())
    for better in (alpha_bounds(graph, bounds), sharp):
        assert better.ball is ball
        assert (better.lower[-1] >= bounds.lower[-1] - 1e-9).all()
        for i, value in enumerate(values[1:], 1):
            assert (better.lower[i][0] <= value.min(axis=0) + 1e-9).all()
            assert (better.upper[i][0] >= value.max(axis=0) - 1e-9).all()
    # Behind that, CROWN's lines differ and nothing has to follow.
    first = graph.nodes[graph.pointwise[0]].sources[0]
    assert (bounds.lower[first] >= boxed.lower[first] - 1e-9).all()


@pytest.mark.parametrize("norm", NORMS, ids=["l1", "l2"])
def test_splits_know_the_ball(norm: Norm, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    network = verdict.load(random_network(rng, "dense", tmp_path))
    graph, size = network.graph, network.input_size
    ball = Ball(rng.uniform(-1, 1, size), 1.0, norm)
    bounds = linear_bounds(graph, (ball.center - 1)[None], (ball.center + 1)[None], ball=ball)
    rows = rng.standard_normal((3, network.output_size))
    space = Space(graph, bounds, rows, np.zeros(3))
    found, seen = optimise(space, space.root(), 10)
    least = (evaluate_all(graph, inside(ball, 2000, rng))[graph.output] @ rows.T).min(axis=0)
    rough = output_bounds(graph, bounds, rows).lower[0]
    assert (found.lower <= least + 1e-6).all()
    assert (found.lower >= rough - 1e-4 * (1 + np.abs(rough))).all()
    points = space.points(seen.x)
    steps = points - ball.center
    lengths = np.abs(steps).sum(axis=1) if isinstance(norm, L1) else np.sqrt((steps**2).sum(axis=1))
    assert (lengths <= 1 + 1e-9).all()


@pytest.mark.parametrize("norm", NORMS, ids=["l1", "l2"])
def test_the_least_value_is_attained(norm: Norm) -> None:
    rng = np.random.default_rng(0)
    ball = Ball(rng.uniform(-1, 1, 5), 0.7, norm)
    slope = np.concatenate([rng.standard_normal((50, 5)), 1e-200 * rng.standard_normal((1, 5)), np.zeros((1, 5))])
    value, size = ball.least(slope[None])
    low, high = np.full((1, 5), -9.0), np.full((1, 5), 9.0)
    x = ball.argmin(slope, low, high)
    assert np.allclose((slope * x).sum(axis=1), value[0], rtol=1e-12, atol=0)
    assert (size >= np.abs(value)).all()


@pytest.mark.parametrize("norm", NORMS, ids=["l1", "l2"])
def test_ball_and_box_together(norm: Norm) -> None:
    # Against a convex solver: the least of slope . x on a ball cut off by a box.
    rng = np.random.default_rng(1)
    for _ in range(20):
        ball = Ball(rng.uniform(0, 1, 4), float(rng.uniform(0.1, 1.5)), norm)
        low, high, slope = np.zeros((1, 4)), np.ones((1, 4)), rng.standard_normal((1, 4))
        share = ball.share(slope, low, high)
        rest = slope - share
        least = ball.least(share[None])[0][0, 0] + np.minimum(rest * low, rest * high).sum()
        x = ball.argmin(slope, low, high)
        assert ((x >= -1e-12) & (x <= 1 + 1e-12)).all()
        length = np.linalg.norm(x[0] - ball.center, 1 if isinstance(norm, L1) else 2)
        assert length <= ball.eps * (1 + 1e-9)
        # A point that reaches its own lower bound is least, and the bound is exact.
        assert np.isclose((slope * x).sum(), least, rtol=1e-9, atol=1e-12)


def test_one_layer_is_exact() -> None:
    # z = 3 x0 + 4 x1 - 1 on the unit ball around 0: [-6, 4] for L2, [-5, 3] for L1, [-8, 6] on the box.
    weights = Coefficients(np.array([[3.0, 4.0]]))
    graph = Graph((Input(2), Affine(((Dense(weights), 0),), Coefficients(np.array([-1.0]))), Pointwise(RELU, 1, 1)), 2)
    for norm, ends in ((L2(), (-6, 4)), (L1(), (-5, 3))):
        bounds = linear_bounds(graph, -np.ones((1, 2)), np.ones((1, 2)), ball=Ball(np.zeros(2), 1.0, norm))
        assert np.allclose((bounds.lower[1][0, 0], bounds.upper[1][0, 0]), ends, rtol=1e-12)
