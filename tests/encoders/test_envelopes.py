"""Envelopes hold their functions, exactly, on every piece, and close around them where they are cut."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from support.functions import Vee, Wave
from support.seeds import seeds

from verdict.bounds import linear_bounds
from verdict.encoders.envelopes import Curves, Piece, Products, Relaxation, _outward
from verdict.network.builder import Builder
from verdict.network.evaluate import evaluate_all
from verdict.network.exact import Coefficients
from verdict.network.functions import Feature
from verdict.network.functions.registry import functions
from verdict.network.functions.stairs import Stairs
from verdict.network.maps import Dense

FUNCTIONS = {f.name: f for f in (*functions(), Vee(), Wave())}

def some_intervals(name: str, seed: int, count: int = 3) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    low = rng.uniform(-4, 2, count)
    if getattr(FUNCTIONS[name], "domain", (-np.inf,))[0] > -np.inf or name == "Reciprocal":
        low = 0.1 + np.abs(low)
    return low, low + 10.0 ** rng.uniform(-6, 1, count)


def gap_of(piece: Piece, z: Fraction, least: Fraction, most: Fraction) -> Fraction:
    """How far apart the lines are at z, where f lies between `least` and `most`, and between them."""
    ends = [[Fraction(p.slopes[0]) * z + Fraction(p.offset) for p in planes] for planes in (piece.below, piece.above)]
    assert max(ends[0]) <= most
    assert min(ends[1]) >= least
    return min(ends[1]) - max(ends[0])


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "Wave"])
def test_lines_hold_the_function_and_close_around_it(name: str) -> None:
    for seed in seeds(2, 100):
        low, high = some_intervals(name, seed)
        envelope, rng = Curves(FUNCTIONS[name], 1, [(low, high)]), np.random.default_rng(seed)
        gaps = []
        for _ in range(3):
            gaps.append(Fraction(0))
            for entry, pieces in enumerate(envelope.pieces):
                assert [pieces[0].low, pieces[-1].high] == [low[entry], high[entry]]
                for left, right in pairwise(pieces):
                    assert left.low < left.high == right.low
                for piece in pieces:
                    for place in (piece.low, piece.high, rng.uniform(piece.low, piece.high)):
                        z = Fraction(place)
                        ends = FUNCTIONS[name].enclosed(z, z, 50)
                        gaps[-1] = max(gaps[-1], gap_of(piece, z, *ends) / Fraction(high[entry] - low[entry]))
            envelope.cut({i: float(rng.uniform(low[i], high[i])) for i in range(len(low))})
            for _ in range(4):
                widest = [max(pieces, key=lambda p: p.high - p.low) for pieces in envelope.pieces]
                envelope.cut({i: (p.low + p.high) / 2 for i, p in enumerate(widest)})
        if Feature.STAIRS not in FUNCTIONS[name].features:  # a jump keeps its height, however short the piece
            assert gaps[-1] < gaps[0] / 2 or gaps[0] < 2.0**-40, [float(g) for g in gaps]


@pytest.mark.parametrize("name", [f.name for f in FUNCTIONS.values() if Feature.STAIRS in f.features])
def test_lines_meet_where_a_function_does_not_jump(name: str) -> None:
    f = FUNCTIONS[name]
    assert isinstance(f, Stairs)
    for seed in seeds(2, 100):
        low, high = some_intervals(name, seed)
        envelope, rng = Curves(f, 1, [(low, high)]), np.random.default_rng(seed)
        level = 0
        for _ in range(6):
            widest = [max(pieces, key=lambda p: p.high - p.low) for pieces in envelope.pieces]
            envelope.cut({i: float(rng.uniform(p.low, p.high)) for i, p in enumerate(widest)})
        for piece in (piece for pieces in envelope.pieces for piece in pieces):
            z = Fraction(rng.uniform(piece.low, piece.high))
            gap = gap_of(piece, z, *f.enclosed(z, z, 50))
            if not f.jumps(piece.low, piece.high):
                level += 1
                assert gap == 0, piece
        assert level


@pytest.mark.parametrize("seed", seeds(4, 200))
def test_planes_hold_products_and_meet_them_at_cuts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lows = rng.uniform(-3, 1, (2, 5))
    ends = [(low, low + rng.uniform(0, 4, 5)) for low in lows]
    envelope = Products((1, 2), ends)
    for _ in range(4):
        envelope.cut({i: float(rng.uniform(ends[0][0][i], ends[0][1][i])) for i in range(5)})
    for entry, pieces in enumerate(envelope.pieces):
        assert len(pieces) > 2
        for piece in pieces:
            for x in (piece.low, piece.high, rng.uniform(piece.low, piece.high)):
                for y in (ends[1][0][entry], ends[1][1][entry], rng.uniform(ends[1][0][entry], ends[1][1][entry])):
                    x, y = Fraction(x), Fraction(y)
                    below, above = ([Fraction(p.slopes[0]) * x + Fraction(p.slopes[1]) * y + Fraction(p.offset)
                                     for p in planes] for planes in (piece.below, piece.above))  # fmt: skip
                    assert max(below) <= x * y <= min(above)
                    if x in (Fraction(piece.low), Fraction(piece.high)):
                        assert min(above) - max(below) < 2.0**-45


def test_a_relaxation_is_cut_where_a_solution_lies_off_the_functions_and_nowhere_else() -> None:
    builder = Builder(2)
    hidden = builder.affine([(Dense(Coefficients(np.array([[1.0, 2], [2, -1]]))), 0)])
    node = builder.pointwise(FUNCTIONS["Sigmoid"], hidden)
    other = builder.affine([(Dense(Coefficients(np.array([[1.0, 1], [0, -1]]))), 0)])
    graph = builder.finish(builder.product(node, other))
    bounds = linear_bounds(graph, np.full((1, 2), -1.0), np.ones((1, 2)))
    relaxation = Relaxation(graph, bounds, Feature.ON_OFF)
    values = dict(enumerate(v[0] for v in evaluate_all(graph, np.array([[0.25, -0.5]]))))
    assert not relaxation.refine(values)
    values[node] = values[node] + [0.1, 0]
    found = relaxation.refine(values)
    # The product of another factor is another one.
    assert [each[:2] for each in found] == [(node, 0)] * 2 + [(graph.output, 0)] * 2
    again = Relaxation(graph, bounds, Feature.ON_OFF, relaxation.cuts)
    assert again.cuts == relaxation.cuts
    assert [p for n in again.nodes for *_, p in again.pieces(n)] == [
        p for n in relaxation.nodes for *_, p in relaxation.pieces(n)
    ]


@pytest.mark.parametrize("ends", [(-np.inf, np.inf), (-np.inf, 1.0), (0.0, np.inf), (-1e300, 1e300)])
@pytest.mark.parametrize("name", ["Sigmoid", "Exp", "Log", "Square", "Sin", "Wave"])
def test_of_endless_intervals_nothing_false_is_said(name: str, ends: tuple[float, float]) -> None:
    envelope = Curves(FUNCTIONS[name], 1, [(np.array([ends[0]]), np.array([ends[1]]))])
    for place in (0.5, -3.0, 7.0, 1.5):
        envelope.cut({0: place})
    z = np.linspace(-40, 40, 801)
    z = z[(z >= ends[0]) & (z <= ends[1]) & FUNCTIONS[name].inside(z, z)]
    for piece in envelope.pieces[0]:
        inside = z[(z >= piece.low) & (z <= piece.high)]
        f = FUNCTIONS[name].value(inside)
        for planes, sign in ((piece.below, 1), (piece.above, -1)):
            for plane in planes:
                assert (sign * (plane.slopes[0] * inside + plane.offset - f) <= 1e-12 * (1 + np.abs(f))).all()


def test_offsets_are_never_shortened_inward() -> None:
    """Also where a quotient by the grid underflows."""
    offsets = np.array([-1e-300, 1e-300, -5e-324, 5e-324, 0.3, -0.3, 1e300])
    for grid in (2.0**900, 2.0**-1074, 2.0**-3, np.inf):
        with np.errstate(all="ignore"):
            below, above = (_outward(offsets, np.full(7, grid), rounded) for rounded in (np.floor, np.ceil))
        assert (below <= offsets).all()
        assert (above >= offsets).all()
    assert _outward(offsets, np.full(7, 0.25), np.floor)[4:6].tolist() == [0.25, -0.5]
