"""Rows that need no better bounds are not followed to the inputs: what they have on the way is a bound, the others'
are what they would be."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.networks import KINDS, random_network
from support.seeds import seeds

from verdict.bounds import Bounds, linear_bounds
from verdict.bounds import linear as linear_module
from verdict.bounds.backward import backward, backward_until
from verdict.bounds.lines import crown_lines
from verdict.network.evaluate import evaluate_all, evaluate_exact_all
from verdict.network.exact import ExactVector
from verdict.network.graph import Graph
from verdict.ops.importer.onnx_import import load_onnx


def some_graph(kind: str, seed: int, folder: Path) -> tuple[np.random.Generator, Graph]:
    rng = np.random.default_rng([seed, 83])
    return rng, load_onnx(random_network(rng, kind, folder)).graph


def on_the_way(graph: Graph, bounds: Bounds, rows: Any, stays: Any) -> tuple[Any, list[Any], list[Any]]:
    """`backward_until`, dropping rows at random but those that stay; which rows were asked about, and their bounds."""
    asked, said = [], []
    rng = np.random.default_rng(0)

    def enough(at: Any, lower: Any) -> Any:
        asked.append(at)
        said.append(lower)
        return (rng.random(len(at)) < 0.4) & ~stays[at]

    lines = {i: crown_lines(graph, bounds, i) for i in graph.pointwise}
    return backward_until(graph, bounds, graph.output, rows, lines, enough), asked, said


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", seeds(6, 200))
def test_bounds_on_the_way_hold_and_do_not_touch_the_others(kind: str, seed: int, tmp_path: Path) -> None:
    rng, graph = some_graph(kind, seed, tmp_path)
    center, radius = rng.uniform(-1, 1, (2, graph.input_size)), rng.uniform(0, 1, (2, 1))
    lower, upper = center - radius, center + radius
    bounds, rows = linear_bounds(graph, lower, upper), rng.normal(size=(9, graph.output_size))
    stays = np.arange(9) % 3 == 0
    found, asked, said = on_the_way(graph, bounds, rows, stays)
    assert asked
    lines = {i: crown_lines(graph, bounds, i) for i in graph.pointwise}
    whole = backward(graph, bounds, graph.output, rows, lines).lower
    size = 1 + np.abs(whole)
    assert (np.abs(found - whole) / size)[:, stays].max() < 1e-9
    for box in range(2):
        points = rng.uniform(lower[box], upper[box], (300, graph.input_size))
        values = evaluate_all(graph, points)[graph.output] @ rows.T
        least = values.min(axis=0) + 1e-9 * (1 + np.abs(values).max())
        assert (found[box] <= least).all()
        for at, bound in zip(asked, said, strict=True):
            assert (bound[box] <= least[at]).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", seeds(4, 100))
def test_their_rounding_is_charged(kind: str, seed: int, tmp_path: Path) -> None:
    """A box of one point leaves no slack but rounding."""
    rng, graph = some_graph(kind, seed, tmp_path)
    x = rng.normal(size=graph.input_size) * 10.0 ** rng.integers(-20, 20)
    bounds, rows = linear_bounds(graph, x[None], x[None]), rng.normal(size=(6, graph.output_size))
    _, asked, said = on_the_way(graph, bounds, rows, np.zeros(6, bool))
    exact = evaluate_exact_all(graph, ExactVector.of(x))[graph.output].fractions()
    true = [sum((Fraction(c) * y for c, y in zip(row, exact, strict=True)), Fraction(0)) for row in rows]
    for at, bound in zip(asked, said, strict=True):
        for row, value in zip(at.tolist(), bound[0].tolist(), strict=True):
            assert value == -np.inf or Fraction(value) <= true[row]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", seeds(4, 100))
def test_bounds_of_large_layers_hold(kind: str, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, graph = some_graph(kind, seed, tmp_path)
    lower = rng.uniform(-1, 1, (1, graph.input_size))
    upper = lower + rng.uniform(0, 0.5)
    plain = linear_bounds(graph, lower, upper)
    monkeypatch.setattr(linear_module, "LARGE", 0)
    large = linear_bounds(graph, lower, upper)
    assert large.unstable(graph) <= plain.unstable(graph) + 2  # the bounds of stable neurons are weaker
    points = rng.uniform(lower[0], upper[0], (300, graph.input_size))
    for node, values in enumerate(evaluate_all(graph, points)):
        slack = 1e-9 * (1 + np.abs(values))
        assert (values >= large.lower[node][0] - slack).all()
        assert (values <= large.upper[node][0] + slack).all()
