"""The attack on networks that jump: gradients there are none, and it finds what random points do not."""

from __future__ import annotations

import numpy as np

from verdict.network.builder import Builder
from verdict.network.evaluate import evaluate
from verdict.network.exact import Coefficients
from verdict.network.functions import STEP
from verdict.network.functions.floor import FLOOR
from verdict.network.graph import Graph
from verdict.network.maps import Dense
from verdict.property import UnsafeSet
from verdict.property.unsafe import Polytope
from verdict.search.points.attack import Starts, Within, attack


def binarised(rng: np.random.Generator, sizes: tuple[int, ...]) -> Graph:
    """Layers of +-1 weights and steps, and one output."""
    builder, node = Builder(sizes[0]), 0
    for k, (width, size) in enumerate(zip(sizes, (*sizes[1:], 1), strict=True)):
        weights, bias = rng.choice([-1.0, 1.0], (size, width)), np.zeros(size) + (k == 0) / 2
        node = builder.affine([(Dense(Coefficients(weights)), node)], Coefficients(bias))
        node = node if size == 1 else builder.sign(node)
    return builder.finish(node)


def test_it_finds_more_than_random_points_do() -> None:
    found = 0
    for seed in range(5):
        rng = np.random.default_rng(seed)
        graph = binarised(rng, (60, 80, 80))
        center = rng.integers(-20, 20, 60) / 1.0
        low, high = center - 2, center + 2
        corners = np.where(rng.random((2000, 60)) < 0.5, low, high)
        least = float(evaluate(graph, corners).min())
        # Beyond what two thousand random corners reach.
        row = Polytope(Coefficients(np.ones((1, 1))), Coefficients(np.array([least - 2])))
        points = attack(graph, UnsafeSet((row,), 1), Within(low, high), Starts(np.random.default_rng(0)))
        assert all(((low <= x) & (x <= high)).all() and evaluate(graph, x[None])[0, 0] <= least - 2 for x in points)
        found += len(points) > 0
    assert found >= 4


def test_slopes_stand_in_for_derivatives() -> None:
    z = np.array([[0.0, -3.0, 5.0, 0.1]])
    slopes = STEP.derivative(z)
    assert (slopes > 0).all()
    assert slopes[0].argsort().tolist() == [2, 1, 3, 0]
    assert np.isfinite(STEP.derivative(np.zeros((1, 3)))).all()
    assert (FLOOR.derivative(z) == 1).all()
