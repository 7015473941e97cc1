"""Inputs that a query fixes at numbers which no float equals: they do not move, and no bound forgets that they may."""

import numpy as np
import pytest
from support.networks import random_network

import verdict
from verdict.base.workers import Workers
from verdict.bounds import linear_bounds
from verdict.bounds.bounds import Bounds
from verdict.bounds.forward import forward_bounds
from verdict.bounds.growing import Growing
from verdict.bounds.moving import moving
from verdict.bounds.reduced import scale_of, unscaled_error
from verdict.network.evaluate import evaluate_all
from verdict.property import misclassification
from verdict.search.boxes.boxes import BACKWARD, bound_boxes
from verdict.search.engines.parts.bab import free_inputs
from verdict.search.relus.space import Space
from verdict.search.rows import Rows


def test_neighbouring_floats_do_not_move():
    low = np.array([0.0, 0.3, 0.3, -0.7, 1.0])
    high = np.array([0.0, np.nextafter(0.3, 1), np.nextafter(np.nextafter(0.3, 1), 1), np.nextafter(-0.7, 0), 2.0])
    assert moving(low, high).tolist() == [False, False, True, False, True]


@pytest.mark.parametrize("scale", [1e-300, 0.3, 1.0, 2.0**52])
def test_the_error_reaches_both_ends(scale):
    low = np.array([[scale, -scale, scale]])
    high = np.nextafter(low, np.inf)
    high[0, 2] = 3 * scale
    bounds = Bounds((low,), (high,))
    (center, radius), error = scale_of(bounds), unscaled_error(bounds)
    assert radius[:2].tolist() == [0, 0]
    assert radius[2] > 0 == error[2]
    for end in (low, high):
        assert (abs(end[0] - center) <= radius + error).all()


class Case:
    """A network and a box: of some inputs the ends are neighbouring floats, and with the end `exact` the same."""

    def __init__(self, seed, folder):
        self.rng = rng = np.random.default_rng([seed, 78])
        self.graph = graph = verdict.load(random_network(rng, "dense", folder)).graph
        self.fixed = rng.permutation(graph.input_size)[: graph.input_size // 2]
        self.low, self.high = -np.ones((1, graph.input_size)), np.ones((1, graph.input_size))
        self.low[0, self.fixed] = rng.uniform(-1, 1, len(self.fixed))
        self.high[0, self.fixed] = np.nextafter(self.low[0, self.fixed], np.inf)
        self.exact = self.high.copy()
        self.exact[0, self.fixed] = self.low[0, self.fixed]
        self.moves = graph.input_size - len(self.fixed)
        self.points = rng.uniform(self.low, self.high, (2000, graph.input_size))


@pytest.mark.parametrize("seed", range(20))
def test_what_is_fixed_is_no_variable(seed, tmp_path):
    case = Case(seed, tmp_path)
    graph, low, high = case.graph, case.low, case.high
    bounds, exact = linear_bounds(graph, low, high), linear_bounds(graph, low, case.exact)
    assert free_inputs(bounds) == free_inputs(exact) == case.moves
    assert len(forward_bounds(graph, low, high).free) == case.moves
    rows = np.eye(graph.output_size)
    spaces = [Space(graph, each, rows, np.zeros(len(rows))) for each in (bounds, exact)]
    lower = []
    for space in spaces:
        assert space.reduced.inputs == case.moves
        root = space.root()
        lower.append(space.relax(root, root.slopes, root.betas).lower)
    np.testing.assert_allclose(*lower, rtol=1e-4, atol=1e-4)
    assert (evaluate_all(graph, case.points)[graph.output] >= lower[0]).all()
    with Workers(1) as workers:
        growing = Growing(graph, Bounds((low,), (high,)), graph.output, 10**6, workers)
        assert growing.inputs == case.moves
        assert growing.reach(bounds, graph.output)
    points = spaces[0].points(case.rng.normal(size=(9, case.moves)).astype(np.float32))
    assert ((points == low) | (points == high)).all()
    assert (points[:, case.fixed] == low[0, case.fixed]).all()


@pytest.mark.parametrize("seed", range(20))
def test_boxes_are_halved_where_they_move(seed, tmp_path):
    case = Case(seed, tmp_path)
    rows = Rows(misclassification(0, case.graph.output_size))
    found = bound_boxes(case.graph, rows, case.low, case.high, BACKWARD)
    if case.moves:
        assert found.coordinate[0] not in case.fixed
