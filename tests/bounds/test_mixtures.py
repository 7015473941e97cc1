"""Planes of products that climb: any shares hold, the best are no worse than CROWN's, and a certificate stores them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.mutants import array, members, with_arrays
from support.products import product_network
from support.seeds import seeds

import verdict
from verdict.base.errors import InputError
from verdict.bounds import linear, linear_bounds
from verdict.bounds.alpha import Ascent, ascend_lines, climbed, climbing
from verdict.bounds.backward import backward
from verdict.bounds.lines import crown_lines
from verdict.bounds.mixtures import first_shares, mixed, mixtures, on_grid
from verdict.bounds.planes import crown_planes, mixed_planes
from verdict.checker.functions.planes import planes as planes_of_checker
from verdict.network.builder import Builder
from verdict.network.evaluate import evaluate
from verdict.network.exact import Coefficients
from verdict.network.functions.reciprocal import RECIPROCAL
from verdict.network.functions.sigmoid import SIGMOID
from verdict.network.maps import Dense
from verdict.ops.importer.onnx_import import load_onnx
from verdict.search.engines.parts import bab

exact = np.frompyfunc(Fraction, 1, 1)


def factors(count: int, kind: Any) -> Any:
    """Ends of two factors, (1, count), of all sizes and signs, some of them one number."""
    rng = np.random.default_rng(0)
    scale = 10.0 ** rng.integers(-12, 12, (2, 1, count))
    ends = [np.sort((s * rng.normal(size=(2, 1, count))).astype(kind), axis=0) for s in scale]
    ends[0][:, :, :3], ends[1][1, :, 3:6] = 0.5, 0
    return tuple((np.minimum(*e), np.maximum(*e)) for e in ends)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_planes_with_any_shares_hold_their_product(kind: Any) -> None:
    """Outside [0, 1] too, in both twins, at the corners in rationals; from 0 and 1 come McCormick's own planes."""
    left, right = factors(40, kind)
    rng = np.random.default_rng(1)
    for shares in (rng.uniform(-0.5, 1.5, (2, 3, 40)), np.zeros((2, 1, 40)), np.ones((2, 1, 40))):
        below, above = shares.astype(kind)
        mine = mixed_planes(left, right, below, above)
        made = [(mine.below, mine.floor, mine.above, mine.ceiling)]
        if kind is np.float64:
            other = planes_of_checker(left, right, shares)
            made.append(((other.below, other.under), other.rise, (other.above, other.over), other.gap))
            for one, two in zip((*mine.below, *mine.above), (*made[1][0], *made[1][2]), strict=True):
                assert np.allclose(one, two, rtol=1e-12, atol=0)
        for x, y in itertools.product(map(exact, left), map(exact, right)):
            for (a, b), floor, (c, d), ceiling in made:
                assert (x * y >= exact(a) * x + exact(b) * y + exact(floor)).all()
                assert (x * y <= exact(c) * x + exact(d) * y + exact(ceiling)).all()


def test_the_first_shares_are_those_of_crown() -> None:
    left, right = factors(40, np.float64)
    planes = crown_planes(left, right)
    again = mixed_planes(left, right, *first_shares((left, right), planes, 1))
    for one, two in zip((*planes.below, *planes.above), (*again.below, *again.above), strict=True):
        assert np.allclose(one, two, rtol=1e-6, atol=1e-6 * np.abs(one))


def test_the_checker_takes_its_own_planes_where_no_share_is_given() -> None:
    left, right = factors(40, np.float64)
    own, known = planes_of_checker(left, right), np.full((2, 1, 40), 0.25)
    known[:, :, ::2] = np.nan
    found = planes_of_checker(left, right, known)
    assert (found.below[:, ::2] == own.below[:, ::2]).all()
    assert (found.over[:, ::2] == own.over[:, ::2]).all()
    assert (found.below[:, 7::2] == (0.75 * right[0] + 0.25 * right[1])[:, 7::2]).all()
    assert (found.above[:, 7::2] == (0.25 * right[0] + 0.75 * right[1])[:, 7::2]).all()


def test_shares_that_climb_hold_and_are_better(tmp_path: Path) -> None:
    """By the rows of all outputs: below every sample, and closer than with CROWN's planes in all."""
    gained, left = 0.0, 0.0
    for seed in seeds(8, 200):
        graph = load_onnx(product_network(seed, tmp_path)).graph
        low, high = np.array([[-0.4, -0.1]]), np.array([[0.3, 0.5]])
        bounds = linear_bounds(graph, low, high)
        rows = np.concatenate([np.eye(3), -np.eye(3)])[:, None, :]
        lines = {i: crown_lines(graph, bounds, i) for i in graph.pointwise}
        points = np.random.default_rng(seed).uniform(low, high, (500, 2))
        points[:4] = list(itertools.product(*zip(low[0], high[0], strict=True)))
        reached = evaluate(graph, points) @ rows[:, 0].T
        best = []
        for products in ([], list(graph.products)):
            climbs = {**climbing(graph, bounds, lines, len(rows)), **mixtures(graph, bounds, products, len(rows))}
            _, _, states = ascend_lines(graph, bounds, graph.output, rows, lines, Ascent(20, climbs=climbs))
            around = mixed(graph, bounds, {i: tuple(map(on_grid, states[i])) for i in products})
            sound = climbed(graph, bounds, {i: states[i] for i in states if i in lines})
            found = backward(graph, around, graph.output, rows, {**lines, **sound}).lower[:, 0]
            assert (found <= reached.min(axis=0) + 1e-9 * (1 + np.abs(found))).all()
            best.append(found)
        assert best[1].sum() >= best[0].sum() - 0.02 * np.abs(best[0]).sum()
        gained, left = gained + (best[1] - best[0]).sum(), left + (reached.min(axis=0) - best[0]).sum()
    assert gained > 0.02 * left


def proof(folder: Path, seed: int, eps: str) -> tuple[Path, Path]:
    """A certificate of a network with products, by splits of neurons, and the model."""
    model = product_network(seed, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bab, "splits_inputs", lambda *_: False)
        answer = verdict.robust(model, [0.125, -0.375], eps=eps, engine="bab", timeout=30,
                                certificate=folder / "a.vcert")  # fmt: skip
    assert (answer.status, answer.trust) == ("robust", "certified")
    assert answer.ways["relus"].closed > 0
    return folder / "a.vcert", model


@pytest.mark.parametrize("tier", ["exact", "rigorous", "python"])
def test_shares_are_part_of_a_certificate(tmp_path: Path, tier: str) -> None:
    certificate, model = proof(tmp_path, 23, "0.547")
    parts = members(certificate.read_bytes())
    names = [name for name in parts if name.endswith(".shares.npy")]
    shares = [array(parts[name]) for name in names]
    # Of lemmas about hidden neurons, and of leaves.
    assert {name.split(".")[1][0] for name in names} == {"l", "g"}
    for each in shares:
        assert each.dtype == np.uint8
        assert len(np.unique(each)) > 2
    assert verdict.check(certificate, model, tier=tier).accepted


CHANGES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "one less": (lambda a: a[:, :-1], "shares of planes do not fit"),
    "a leaf less": (lambda a: a[:-1], "shares of planes do not fit"),
    "above 1": (lambda a: a + np.float32(1.5), "outside their range"),
    "not a number": (lambda a: a * np.float32(np.nan), "outside their range"),
    "others": (lambda a: 255 - a, ""),
}


@pytest.mark.parametrize("change", CHANGES)
def test_other_shares_are_refused_or_hold(tmp_path: Path, change: str) -> None:
    """Whatever is stored, what is accepted is true: so is this claim, and other shares only prove less of it."""
    certificate, model = proof(tmp_path, 25, "0.543")
    how, match = CHANGES[change]
    with_arrays(certificate, tmp_path / "b.vcert", lambda name: name.endswith(".shares.npy"), how)
    if match:
        with pytest.raises(InputError, match=match):
            verdict.check(tmp_path / "b.vcert", model)
    else:
        assert not verdict.check(tmp_path / "b.vcert", model).accepted


def test_ends_that_are_both_infinite_warn_of_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a Reciprocal that may be asked at 0 nothing is known: large layers look for the end that is nearer."""
    monkeypatch.setattr(linear, "LARGE", 0)
    builder = Builder(1)
    odd = builder.pointwise(RECIPROCAL, 0)
    graph = builder.finish(builder.pointwise(SIGMOID, builder.affine([(Dense(Coefficients(np.ones((2, 1)))), odd)])))
    found = linear_bounds(graph, np.array([[-1.0]]), np.array([[1.0]]))
    assert (found.lower[-1] <= 0).all()
    assert (found.upper[-1] >= 1).all()
