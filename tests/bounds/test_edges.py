"""Planes over edges: bounds with any slopes, sides and multipliers lie below samples, and the ascent beats chords."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.networks import KINDS, random_network
from support.seeds import seeds

import verdict
from verdict.bounds import linear_bounds
from verdict.bounds.edges import Edges, Lines, edges
from verdict.network.evaluate import evaluate, evaluate_all
from verdict.search.relus.ascent import optimise
from verdict.search.relus.edge_ascent import carried, chords, climb
from verdict.search.relus.grouping import grouped
from verdict.search.relus.space import Space


def _case(seed: int, kind: str, folder: Path):
    rng = np.random.default_rng([seed, KINDS.index(kind), 11])
    graph = verdict.load(random_network(rng, kind, folder)).graph
    center, radius = rng.uniform(-1, 1, graph.input_size), rng.choice([0.05, 0.3, 1.0])
    low, high = center - radius, center + radius
    rows = np.concatenate([np.eye(graph.output_size), rng.normal(size=(2, graph.output_size))])
    space = Space(graph, linear_bounds(graph, low[None], high[None]), rows, np.zeros(len(rows)))
    points = np.where(rng.random((1500, 1)) < 0.5, rng.uniform(low, high, (1500, len(low))),
                      np.where(rng.random((1500, len(low))) < 0.5, low, high))
    return rng, graph, space, points


def _random_lines(rng, form: Edges, space: Space) -> Lines:
    def some(size: int) -> np.ndarray:
        return rng.choice([0, 0.25, 0.7, 1], size).astype(np.float32)

    signs = rng.choice([0, 0, 0, 1, -1], space.size).astype(np.int8)
    shares = [some(block.source.size).reshape(block.source.shape) for block in form.blocks]
    return Lines(signs, some(space.size), 2 * some(space.size) * (signs != 0), shares)


def _random_groups(rng, form: Edges) -> Edges:
    """Groups of any of the fans' ReLUs, whatever they read; some are in none."""
    for number, fan in enumerate(form.fans):
        neurons = rng.permutation(fan.stop - fan.start)[: rng.integers(0, fan.stop - fan.start + 1)].tolist()
        size = int(rng.choice([1, 2, 3, 5]))
        form = form.jointly(number, [neurons[at : at + size] for at in range(0, len(neurons), size)])
    return form


def _sides(graph, space: Space, points: np.ndarray) -> np.ndarray:
    """The pre-activations (points, unstable ReLUs)."""
    values, found = evaluate_all(graph, points), []
    for node, columns in space.columns.items():
        found.append(values[graph.nodes[node].source][:, columns])
    return np.concatenate(found, axis=1)


@pytest.mark.parametrize("kind", KINDS)
def test_any_lines_bound_what_is_sampled_in_the_domain(kind: str, tmp_path: Path) -> None:
    met = 0
    for seed in seeds(8, 80):
        rng, graph, space, points = _case(seed, kind, tmp_path)
        if space.reduced is None or not space.size:
            continue
        form, values, pre = edges(space.reduced), evaluate(graph, points) @ space.rows.T, _sides(graph, space, points)
        for _ in range(6):
            form = _random_groups(rng, form)
            lines = _random_lines(rng, form, space)
            # Splits at a point of the domain, so that it is not empty.
            lines.signs[:] = np.where(lines.signs != 0, np.where(pre[rng.integers(len(pre))] >= 0, 1, -1), 0)
            inside = ((lines.signs * pre >= 0) | (lines.signs == 0)).all(axis=1)
            for row in range(len(space.rows)):
                lower, slope = form.bound(row, 0.0, lines)
                assert (lower <= values[inside, row] + 1e-9).all(), (kind, seed, row)
                assert slope.shape == (form.inputs,)
                met += int(inside.sum())
    assert met


def test_a_row_is_bounded_by_its_own_error_and_offset(tmp_path: Path) -> None:
    """Where all is exact the bound is the margin: one neuron, relu(x + y) <= 2 on the unit box."""
    from verdict.network.exact import Coefficients
    from verdict.network.graph import sequential

    layers = [(np.array([[1.0, 1.0]]), np.zeros(1)), (np.array([[-1.0]]), np.zeros(1))]
    graph = sequential([(Coefficients(weight), Coefficients(bias)) for weight, bias in layers])
    bounds = linear_bounds(graph, -np.ones((1, 2)), np.ones((1, 2)))
    space = Space(graph, bounds, np.eye(1), np.zeros(1))
    form = edges(space.reduced)
    none = np.zeros(1, np.float32)
    plane = Lines(np.zeros(1, np.int8), none, none, [np.full((1, 2), 0.5, np.float32)])
    lower, _ = form.bound(0, -3.0, plane)
    assert 0.999 < lower <= 1.0
    on = Lines(np.ones(1, np.int8), none, none, [np.zeros((1, 2), np.float32)])
    assert 0.999 < form.bound(0, -3.0, on)[0] <= 1.0
    off = Lines(-np.ones(1, np.int8), none, none, [np.zeros((1, 2), np.float32)])
    assert 2.999 < form.bound(0, -3.0, off)[0] <= 3.0


def _shared(seed: int):
    """Twelve neurons behind the same six."""
    from verdict.network.exact import Coefficients
    from verdict.network.graph import sequential

    rng = np.random.default_rng(seed)
    weights = [np.eye(6), rng.normal(size=(12, 6)), -np.abs(rng.normal(size=(1, 12)))]
    biases = [np.full(6, -0.2), np.full(12, -0.3), np.zeros(1)]
    graph = sequential([(Coefficients(w), Coefficients(b)) for w, b in zip(weights, biases, strict=True)])
    bounds = linear_bounds(graph, -np.ones((1, 6)), np.ones((1, 6)))
    return rng, graph, Space(graph, bounds, np.eye(1), np.zeros(1))


def test_climbing_beats_chords_where_neurons_share_inputs() -> None:
    """Planes lose less than half of what chords lose, and short steps behind long ones win some of that."""
    rng, graph, space = _shared(3)
    least = evaluate(graph, rng.choice([-1.0, 1.0], (4000, 6))).min()
    form = edges(space.reduced)
    usual, _ = optimise(space, space.root(), 60, 1e9)
    none = np.zeros(space.size, np.float32)
    form = grouped(form, [0], none)
    assert max(block.members.shape[1] for block in form.blocks) > 1
    found, _ = climb(form, 0, Lines(np.zeros(space.size, np.int8), none, none, chords(form)), 150, 0.3)
    lower, _ = form.bound(0, 0.0, found)
    assert usual.lower[0] < lower <= least
    assert least - lower < 0.5 * (least - usual.lower[0])
    nearer, _ = climb(form, 0, found, 60, 0.03)
    assert lower < form.bound(0, 0.0, nearer)[0] <= least


def test_lines_carried_to_other_ends_lose_little() -> None:
    """In the same form they are the same bound; where some of a group have one side only they are a better one, as a
    rule, than shares that are kept as they are."""
    better = worse = 0
    for seed in seeds(5, 40):
        rng, _, space = _shared(seed)
        sizes, none = space.reduced.sizes, np.zeros(space.size, np.float32)
        form = grouped(edges(space.reduced), [0], none)
        lines, seen = climb(form, 0, Lines(np.zeros(space.size, np.int8), none, none, chords(form)), 150, 0.3)
        same = carried(form, form.within(sizes.low, sizes.high), 0, lines, lines.signs)
        assert form.bound(0, 0.0, same)[0] == pytest.approx(form.bound(0, 0.0, lines)[0], abs=1e-5)
        signs = np.where(rng.random(space.size) < 0.3, np.where(seen.z > 0, 1, -1), 0).astype(np.int8)
        inner = form.within(np.where(signs > 0, 0.0, sizes.low), np.where(signs < 0, 0.0, sizes.high))
        moved = carried(form, inner, 0, lines, signs)
        found = inner.bound(0, 0.0, moved)[0]
        kept = inner.bound(0, 0.0, Lines(signs, moved.slopes, moved.betas, lines.shares))[0]
        better, worse = better + (found > kept + 1e-6), worse + (found < kept - 1e-6)
    assert better > 3 * worse
