"""Balls of the L1 and L2 norm in the checker: never above the least value, close to it, and any division is sound."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import linprog
from support.networks import KINDS, random_network

from verdict.checker.arithmetic.floats import Floats
from verdict.checker.arithmetic.integers import Integers
from verdict.checker.arithmetic.rationals import Rationals
from verdict.checker.errors import OutOfRangeError
from verdict.checker.functions.lines import lines
from verdict.checker.functions.relu import RELU
from verdict.checker.kernel.bounds import bounded
from verdict.checker.kernel.region import Pieces
from verdict.checker.network import Affine, Linear, Network
from verdict.checker.readers.ball import Ball
from verdict.checker.readers.onnx import read_network

ARITHMETICS = {
    "one limb": (lambda n: Integers(n, 1), 1e-4),
    "two limbs": (lambda n: Integers(n, 2), 1e-9),
    "float32": (lambda n: Floats(n, np.float32), 1e-3),
    "float64": (lambda n: Floats(n, np.float64), 1e-9),
    "rationals": (Rationals, 1e-9),
}


def _ball(rng, size, norm, radius):
    """A ball whose box the valid range [-1, 1] cuts on some sides, and the float ends of what is left of it."""
    center = [Fraction(int(v), 30) for v in rng.integers(-30, 31, size)]
    ball = Ball(tuple(center), radius, (Fraction(-1),) * size, (Fraction(1),) * size, norm)
    low, high = ball.ends(radius)
    outward = np.nextafter([float(v) for v in low], -9)[None], np.nextafter([float(v) for v in high], 9)[None]
    return ball, *outward


def _points(rng, ball, count):
    """Points on the surface of the ball or within, moved into the valid range, exactly."""
    for number in range(count):
        step = rng.standard_normal(len(ball.center)) * (rng.random(len(ball.center)) < 0.6)
        if number % 4 == 0:
            step = np.eye(len(step))[number // 4 % len(step)] * rng.choice([-1, 1])
        length = np.abs(step).sum() if ball.norm == "l1" else np.linalg.norm(step)
        share = float(ball.radius) * (1 - 1e-12) / max(length, 1e-9)
        point = [min(max(c + Fraction(s * share), a), b)
                 for c, s, a, b in zip(ball.center, step.tolist(), ball.low, ball.high, strict=True)]
        if ball.contains(point, ball.radius):
            yield point


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("kind", ARITHMETICS)
@pytest.mark.parametrize("seed", range(5))
def test_points_lie_inside(tmp_path, seed, kind, norm):
    rng = np.random.default_rng(seed)
    network = read_network(random_network(rng, KINDS[seed % len(KINDS)], tmp_path).read_bytes())
    ball, low, high = _ball(rng, network.input_size, norm, Fraction(7, 10))
    region = bounded(network, ARITHMETICS[kind][0](network), Pieces(low, high, ball=ball))
    plain = bounded(network, ARITHMETICS[kind][0](network), Pieces(low, high))
    first = network.nodes[network.pointwise[0]].source
    assert (region.high[first] < plain.high[first] - 1e-6).any()
    seen = 0
    for point in _points(rng, ball, 40):
        seen += 1
        values = network.evaluate(point)
        for i in region.low:
            assert all(Fraction(float(a)) <= v <= Fraction(float(b))
                       for v, a, b in zip(values[i], region.low[i][0], region.high[i][0], strict=True))
    assert seen > 20


def _least(slope, ball, low, high):
    """The least of slope . x on ball and box: L1 by a linear program, L2 by bisection for how far x goes."""
    center, eps, size = np.array([float(c) for c in ball.center]), float(ball.radius), len(slope)
    if ball.norm == "l1":
        ends = [*((0, h - c) for c, h in zip(center, high, strict=True)),
                *((0, c - a) for c, a in zip(center, low, strict=True))]
        return slope @ center + linprog(np.r_[slope, -slope], np.ones((1, 2 * size)), [eps], bounds=ends).fun
    near, far = 0.0, 1e6
    for _ in range(200):
        middle = (near + far) / 2
        step = np.clip(center - middle * slope, low, high) - center
        near, far = (middle, far) if np.linalg.norm(step) <= eps else (near, middle)
    return slope @ np.clip(center - near * slope, low, high)


def _linear(rng, size):
    """A network of one linear map, some of whose entries are 0."""
    weight = rng.standard_normal((1, size, 6)) * rng.choice([0, 1, 1, 8], (1, size, 6))
    bias = np.array([Fraction(0)] * 6, dtype=object)
    return Network(size, (None, Affine(((Linear(np.arange(size).reshape(1, 1, -1), weight, size), 0),), bias)), 1)


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("kind", ARITHMETICS)
@pytest.mark.parametrize("radius", ["1/10", "1", "9"])
def test_the_least_value_of_linear_functions(kind, norm, radius):
    """From balls deep in the box to balls that hold all of it."""
    rng = np.random.default_rng(len(radius))
    make, tolerance = ARITHMETICS[kind]
    network = _linear(rng, 12)
    ball, low, high = _ball(rng, 12, norm, Fraction(radius))
    region = bounded(network, make(network), Pieces(low, high, ball=ball))
    found = make(network).lower(region, 1, np.eye(6)[None], {})[0]
    for got, slope in zip(found, network.nodes[1].terms[0][0].weight[0].T, strict=True):
        true = _least(slope, ball, low[0], high[0])
        assert -1e-7 <= true - got <= tolerance * (1 + np.abs(slope).sum()) + 1e-7


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("kind", ARITHMETICS)
@pytest.mark.parametrize("seed", range(4))
def test_any_division_is_sound(tmp_path, monkeypatch, seed, kind, norm):
    """What is left to the ball is chosen in floats, and nothing depends on the choice."""
    rng = np.random.default_rng(seed)
    network = read_network(random_network(rng, "dense", tmp_path).read_bytes())
    ball, low, high = _ball(rng, network.input_size, norm, Fraction(1, 2))

    def anything(self, nu, low, high, whole=False):
        most = np.abs(nu) * rng.uniform(0, 1, nu.shape)
        return np.clip(nu, -np.floor(most), np.floor(most)) if whole else np.clip(nu, -most, most)

    monkeypatch.setattr(Ball, "part", anything)
    arithmetic = ARITHMETICS[kind][0](network)
    region = bounded(network, arithmetic, Pieces(low, high, ball=ball))
    found = {r: lines(RELU, (region.low[network.nodes[r].source], region.high[network.nodes[r].source]))
             for r in network.pointwise}
    rows = np.eye(network.size(network.output))[None]
    bound = arithmetic.lower(region, network.output, rows, found)[0]
    for point in _points(rng, ball, 30):
        values = network.evaluate(point)[network.output]
        assert all(Fraction(float(b)) <= v for b, v in zip(bound, values, strict=True))


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_lengths_are_not_below_the_dual_norm(norm):
    rng = np.random.default_rng(0)
    ball = Ball((), Fraction(1), (), (), norm)
    for size in (1, 5, 300):
        b = rng.standard_normal((1, 3, size)) * 10.0 ** rng.integers(-30, 30, (1, 3, size))
        for row, length in zip(b[0], ball.length(b)[0], strict=True):
            exact = [Fraction(v) for v in row.tolist()]
            whole, square = ball.exact_length(exact), sum(v * v for v in exact)
            for found in (whole, Fraction(float(length))):
                assert found == max(map(abs, exact)) if norm == "l1" else square <= found**2 <= square * (1 + 1e-10)
    with pytest.raises(OutOfRangeError):
        Ball((), Fraction(1), (), (), "l2").length(np.full((1, 1, 4), 1e200))
