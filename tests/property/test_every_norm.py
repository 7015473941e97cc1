"""Every norm keeps its word, and one that is made up here, in one class, is asked for like the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.brute import regions
from support.networks import random_network

import verdict
from verdict.base.errors import InputError
from verdict.bounds import linear_bounds
from verdict.network.evaluate import evaluate_all
from verdict.network.exact import Coefficients, ExactVector
from verdict.network.functions import RELU
from verdict.network.graph import Affine, Graph, Input, Pointwise
from verdict.network.maps import Dense
from verdict.network.maps.namespace import namespace
from verdict.property import NormBall
from verdict.property.norms import Cuts, Norm, names, norm_of, register
from verdict.property.norms.nearest import by_newton, walls
from verdict.property.norms.norm import forget
from verdict.property.rows import RadiusRow
from verdict.solvers import LinearModel, Status, solver


class Octagon(Norm):
    """max(linf, l1 / 2): the octagon in the plane. Its dual adds the two largest entries."""

    name = "octagon"
    title = "Octagon"
    aliases = ("oct",)

    def length(self, steps: Sequence[Fraction]) -> Fraction:
        sizes = [abs(s) for s in steps]
        return max(max(sizes, default=Fraction(0)), sum(sizes, Fraction(0)) / 2)

    def dual(self, slope: Sequence[Fraction]) -> Fraction:
        return sum(sorted(map(abs, slope))[-2:], Fraction(0))

    def lengths(self, steps: Any) -> Any:
        xp = namespace(steps)
        size = xp.abs(steps)
        return xp.maximum(xp.max(size, axis=-1), xp.sum(size, axis=-1) / 2)

    def duals(self, slope: Any) -> Any:
        xp = namespace(slope)
        return xp.sum(xp.sort(xp.abs(slope), axis=-1)[..., -2:], axis=-1)

    def steepest(self, slope: Any) -> Any:
        xp = namespace(slope)
        rank = xp.argsort(xp.argsort(-xp.abs(slope), axis=-1), axis=-1)
        return xp.where(rank < 2, xp.sign(slope), 0)

    def cuts(self, center: Sequence[Fraction]) -> Cuts:
        size, one = len(center), Fraction(1)
        rows = [RadiusRow(tuple(range(size, 2 * size)), (one,) * size, Fraction(-2), Fraction(0))]
        for i, c in enumerate(center):
            rows += [RadiusRow((i, size + i), (s, -one), Fraction(0), s * c) for s in (one, -one)]
            rows.append(RadiusRow((size + i,), (one,), -one, Fraction(0)))
        return Cuts(rows)


@pytest.fixture(name="octagon")
def _octagon() -> Iterator[str]:
    register(Octagon)
    yield "octagon"
    forget("octagon")


@pytest.fixture(params=["linf", "l1", "l2", "octagon"])
def norm(request: pytest.FixtureRequest, octagon: str) -> Norm:
    return norm_of(request.param)


def vectors(count: int, size: int) -> np.ndarray:
    rng = np.random.default_rng(size)
    found = rng.standard_normal((count, size)) * rng.choice([1e-3, 1, 1e3], (count, 1))
    found[:: 3] *= rng.random((len(found[::3]), size)) < 0.4
    return found


def exactly(vector: np.ndarray) -> list[Fraction]:
    return [Fraction(float(v)) for v in vector]


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_floats_are_the_exact_numbers(norm: Norm, size: int) -> None:
    found = vectors(60, size)
    for vector, length, dual in zip(found, norm.lengths(found), norm.duals(found), strict=True):
        assert float(length) == pytest.approx(float(norm.length(exactly(vector))), rel=1e-14)
        # Proofs charge size + 4 roundings.
        exact = norm.dual(exactly(vector))
        assert abs(Fraction(float(dual)) - exact) <= exact * (size + 4) / 2**53
    for i, far in enumerate(norm.reach(size)):
        assert norm.dual([Fraction(i == j) for j in range(size)]) == far
    huge = np.full((1, size), 1e300)
    assert np.isfinite(norm.duals(huge / 10)).all()


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_lengths_and_duals_belong_together(norm: Norm, size: int) -> None:
    """Hoelder: slope . x is at most the product of both, and the steepest step attains it."""
    slopes, steps = vectors(60, size), vectors(60, size)[::-1]
    for slope, step in zip(slopes, steps, strict=True):
        product = sum(a * b for a, b in zip(exactly(slope), exactly(step), strict=True))
        assert product <= norm.dual(exactly(slope)) * norm.length(exactly(step))
        length = norm.length(exactly(step))
        assert norm.reaches(exactly(step), length)
        assert not norm.reaches(exactly(step), length * (1 - Fraction(1, 2**70))) or not length
    best = norm.steepest(slopes)
    assert (norm.lengths(best) <= 1 + 1e-12).all()
    assert np.allclose((best * slopes).sum(axis=1), norm.duals(slopes), rtol=1e-12, atol=0)
    assert (best * slopes >= 0).all()


def test_a_share_is_sound_and_a_step_is_inside(norm: Norm) -> None:
    slope, rng = vectors(80, 4), np.random.default_rng(4)
    room = rng.random((80, 4)) * (rng.random((80, 4)) < 0.8)
    size = np.abs(slope)
    share, step = norm.share(slope, size, room, 0.7), norm.step(size, room, 0.7) * (size > 0)
    assert (norm.lengths(step) <= 0.7 * (1 + 1e-9)).all()
    assert ((step >= 0) & (step <= room)).all()
    # No step within both goes further than what ball and box say of their parts.
    limit = norm.duals(share) * 0.7 + (np.abs(slope - share) * room).sum(axis=1)
    assert ((size * step).sum(axis=1) <= limit * (1 + 1e-9) + 1e-12).all()


def test_cuts_say_what_lengths_say(norm: Norm) -> None:
    """The least radius that the rows allow at a point is its length; with the cuts at it, where rows are tangents."""
    center = [Fraction(1, 3), Fraction(-1, 2), Fraction(0)]
    for vector in vectors(12, 3):
        cuts, steps = norm.cuts(center), exactly(vector)
        x = [c + s for c, s in zip(center, steps, strict=True)]
        for _ in range(8):
            least = allowed(cuts.rows(), norm.auxiliary(3), x)
            assert least <= float(norm.length(steps)) * (1 + 1e-7) + 1e-9
            if not cuts.cut_off(x, Fraction(least) + Fraction(1, 10**12)):
                break
        assert least == pytest.approx(float(norm.length(steps)), rel=1e-5, abs=1e-9)


def allowed(rows: Sequence[RadiusRow], auxiliary: int, x: Sequence[Fraction]) -> float:
    """The least radius at which rows hold at a point."""
    count, width = len(rows), auxiliary + 1
    matrix, ends = np.zeros((count, width)), np.zeros(count)
    for i, row in enumerate(rows):
        ends[i] = float(row.constant)
        matrix[i, -1] = float(row.slope)
        for column, c in zip(row.columns, row.coefficients, strict=True):
            if column < len(x):
                ends[i] -= float(c * x[column])
            else:
                matrix[i, column - len(x)] = float(c)
    free = np.full(count, -np.inf)
    model = LinearModel(
        np.eye(width)[-1], matrix, free, ends, np.zeros(width), np.full(width, np.inf), np.zeros(width, bool)
    )
    found = solver("highs", isolate=False).solve(model)
    assert found.objective is not None
    return float(found.objective)


def test_the_nearest_point_and_its_multipliers(norm: Norm) -> None:
    rng = np.random.default_rng(6)
    for _ in range(12):
        rows, ends = rng.standard_normal((3, 4)), rng.standard_normal(3)
        point, weights = norm.nearest(rows, ends)
        assert point is not None
        assert (rows @ point >= ends - 1e-7).all()
        assert (weights >= 0).all()
        scale = float(norm.duals(rows.T @ weights))
        if float(norm.lengths(point)) > 1e-6:
            # No nearer point: weights . rows x >= weights . ends, and the left is at most the dual norm times |x|.
            assert float(norm.lengths(point)) * scale == pytest.approx(float(weights @ ends), rel=1e-6)
    _, weights = norm.nearest(np.array([[1.0, 2.0], [-1.0, -2.0]]), np.array([1.0, 1.0]))
    assert weights @ [1.0, 1.0] > float(norm.duals(np.array([[1.0, -1.0], [2.0, -2.0]]) @ weights))


def least(network: verdict.Network, x: np.ndarray, label: int) -> float:
    """The least distance to another class within [-1, 1]^n, by a linear program for every linear region."""
    size, best = network.input_size, np.inf
    cuts = Octagon().cuts([Fraction(float(v)) for v in x]).rows()
    width = 2 * size + 1
    for region in regions(network.graph, -np.ones(size), np.ones(size)):
        for rival in range(network.output_size):
            if rival == label:
                continue
            rows = np.vstack([region.rows, region.matrix[label] - region.matrix[rival]])
            limits = np.append(region.limits, region.constant[rival] - region.constant[label])
            matrix = np.zeros((len(rows) + len(cuts), width))
            matrix[: len(rows), :size] = rows
            for i, row in enumerate(cuts, len(rows)):
                matrix[i, list(row.columns)] = [float(c) for c in row.coefficients]
                matrix[i, -1] = float(row.slope)
            ends = np.append(limits, [float(row.constant) for row in cuts])
            low = np.concatenate([-np.ones(size), np.zeros(size + 1)])
            high = np.concatenate([np.ones(size), np.full(size + 1, np.inf)])
            model = LinearModel(
                np.eye(width)[-1], matrix, np.full(len(ends), -np.inf), ends, low, high, np.zeros(width, bool)
            )
            found = solver("highs", isolate=False).solve(model)
            if found.status is Status.OPTIMAL and found.objective is not None:
                best = min(best, float(found.objective))
    return best


@pytest.mark.parametrize("seed", range(2))
def test_the_made_up_norm_has_a_radius(seed: int, octagon: str, tmp_path: Path) -> None:
    rng = np.random.default_rng([seed, 53])
    network = verdict.load(random_network(rng, "dense", tmp_path))
    x = np.round(rng.uniform(-1, 1, network.input_size) * 16) / 16
    label = int(network.evaluate(x[None])[0].argmax())
    truth = least(network, x, label)
    assert truth > 0
    for engine in ("auto", "bab", "milp", "smt"):
        radius = verdict.maxeps(network, x, norm="oct", range=(-1, 1), engine=engine, timeout=30)
        assert float(radius.lower) <= truth * (1 + 1e-6)
        if not np.isfinite(truth):
            assert radius.upper is None
            continue
        assert radius.upper is not None
        assert float(radius.upper) >= truth * (1 - 1e-6)
        assert radius.status in ("closed", "exact"), (engine, radius.reason)
        assert radius.closest is not None
        assert radius.closest.radius == Octagon().length(
            [p - Fraction(float(c)) for p, c in zip(radius.closest.point.fractions(), x, strict=True)]
        )
        for share, status in ((0.99, "robust"), (1.01, "violated")) if engine == "bab" else ():
            answer = verdict.robust(network, x, truth * share, norm=octagon, range=(-1, 1), engine=engine, timeout=20)
            assert answer.status == status, (engine, share, answer.reason)


def test_its_bounds_contain_what_is_sampled(octagon: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(54)
    network = verdict.load(random_network(rng, "dense", tmp_path))
    x = rng.uniform(-1, 1, network.input_size)
    ball = NormBall(octagon, ExactVector.of(x)).at(Fraction(1, 2))
    assert ball.ball is not None
    lower, upper = ball.floats()
    bounds = linear_bounds(network.graph, lower[None], upper[None], ball=ball.ball)
    points = ball.sample(500, rng)
    assert (Octagon().lengths(points - x) <= 0.5 + 1e-12).all()
    for i, values in enumerate(evaluate_all(network.graph, points)):
        assert (bounds.lower[i][0] <= values.min(axis=0) + 1e-9).all()
        assert (bounds.upper[i][0] >= values.max(axis=0) - 1e-9).all()
    # One layer is exact: 3 x0 - 4 x1 + 5 x2 on the unit octagon lies in [-9, 9], on its box in [-12, 12].
    weights = Coefficients(np.array([[3.0, -4.0, 5.0]]))
    graph = Graph((Input(3), Affine(((Dense(weights), 0),), Coefficients(np.zeros(1))), Pointwise(RELU, 1, 1)), 2)
    unit = NormBall(octagon, ExactVector.of([Fraction(0)] * 3)).ball(1.0)
    found = linear_bounds(graph, -np.ones((1, 3)), np.ones((1, 3)), ball=unit)
    assert np.allclose((found.lower[1][0, 0], found.upper[1][0, 0]), (-9, 9), rtol=1e-12)


def test_the_list_of_norms(octagon: str, tmp_path: Path) -> None:
    assert names() == ["linf", "l1", "l2", "octagon"]
    assert norm_of("OCT").title == "Octagon"
    network = verdict.load("xor")
    path = tmp_path / "no.vcert"
    with pytest.raises(InputError, match=r"^the checker knows no balls of the norm octagon: .* linf, l1, l2$"):
        verdict.robust(network, [0.0, 1.0], "0.1", norm="octagon", certificate=path)
    with pytest.raises(InputError, match=r"^the checker knows no balls of the norm octagon: .* linf, l1, l2$"):
        verdict.maxeps(network, [0.0, 1.0], norm="octagon", certificate=path)
    assert not path.exists()
    with pytest.raises(InputError, match="linf, l1, l2, octagon"):
        verdict.robust(network, [0.0, 1.0], "0.1", norm="l7")


def test_the_nearest_point_within_a_box_is_that_with_its_walls_as_rows(norm: Norm) -> None:
    found = 0
    for seed in range(6):
        rng = np.random.default_rng([seed, 31])
        rows, low, high = rng.normal(size=(4, 6)), -rng.choice([0.0, 0.3, 1.0], 6), rng.choice([0.2, 1.0, np.inf], 6)
        ends, (more, limits) = rng.normal(size=4) / 2, walls(low, high)
        walled, _ = norm.nearest(np.concatenate([rows, more]), np.concatenate([ends, limits]))
        ways = [norm.nearest_within(rows, ends, low, high)]
        # What is done where there are many inputs.
        ways += [by_newton(rows, ends, low, high)] if norm.name == "l2" else []
        for point, weights in ways:
            assert (point is None) == (walled is None)
            assert len(weights) == len(rows)
            assert (weights >= 0).all()
            if point is not None and walled is not None:
                found += 1
                assert (rows @ point >= ends - 1e-8).all()
                assert ((point >= low - 1e-9) & (point <= high + 1e-9)).all()
                assert float(norm.lengths(point)) == pytest.approx(float(norm.lengths(walled)), abs=1e-7)
    assert found
