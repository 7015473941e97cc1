"""Ends within a cut hold for every sample in it, are no wider than before, and programs behind them prove no lie."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from support.networks import KINDS, random_network
from support.seeds import seeds

import verdict
from verdict.base.deadline import Deadline
from verdict.bounds import linear_bounds
from verdict.network.evaluate import evaluate, evaluate_all
from verdict.search.relus.cut_ends import ends_within
from verdict.search.relus.last_domain import LastDomain, can_finish
from verdict.search.relus.space import Space

RADIUS = 0.5


def _space(rng, kind: str, folder: Path, slack: float):
    """A space about rows that samples come within `slack` of, or miss by as much; and the samples."""
    graph = verdict.load(random_network(rng, kind, folder)).graph
    center = rng.integers(-8, 9, graph.input_size) / 8
    low, high = center - RADIUS, center + RADIUS
    points = rng.uniform(low, high, (4000, len(low)))
    rows = np.concatenate([np.eye(graph.output_size), -np.eye(graph.output_size)])
    offsets = (evaluate(graph, points) @ rows.T).min(axis=0) + slack
    return Space(graph, linear_bounds(graph, low[None], high[None]), rows, offsets), points


def _pre(space: Space, points):
    """The pre-activations of the unstable ReLUs, (points, unstable ReLUs)."""
    values = evaluate_all(space.graph, points)
    fronts = [values[space.graph.nodes[i].sources[0]][:, columns] for i, columns in space.columns.items()]
    return np.concatenate([*fronts, np.zeros((len(points), 0))], axis=1)


@pytest.mark.parametrize("kind", KINDS)
def test_ends_hold_in_the_cut_and_some_are_narrower(kind: str, tmp_path: Path) -> None:
    inside = narrower = 0
    for seed in seeds(3, 40):
        rng = np.random.default_rng([seed, KINDS.index(kind), 21])
        space, points = _space(rng, kind, tmp_path, 0.05)
        if space.reduced is None or not space.size or not can_finish(space):
            continue
        center = space.bounds.lower[0][0] / 2 + space.bounds.upper[0][0] / 2
        pre, scaled = _pre(space, points), (points - center) / RADIUS
        ends = space.reduced.sizes.low, space.reduced.sizes.high
        for _ in range(4):
            slope = rng.normal(size=space.reduced.inputs) * (rng.random(space.reduced.inputs) < 0.7)
            room = float(rng.choice([0.05, 0.5, 2.0])) * np.abs(slope).sum()
            signs = rng.choice([0, 0, 0, 1, -1], space.size).astype(np.int8)
            low, high = ends_within(space.reduced, ends, signs, slope, room)
            assert (low >= ends[0]).all()
            assert (high <= ends[1]).all()
            in_domain = ((signs == 0) | (np.sign(pre) == signs)).all(axis=1)
            chosen = in_domain & (scaled @ slope + np.abs(slope).sum() <= room)
            free = signs == 0
            assert (pre[chosen][:, free] >= low[free]).all(), (kind, seed)
            assert (pre[chosen] <= high)[:, signs >= 0].all(), (kind, seed)
            inside += chosen.sum()
            narrower += (high - low < (ends[1] - ends[0]) * 0.99).sum()
    assert inside
    assert narrower


def test_programs_close_domains_without_unsafe_samples_alone(tmp_path: Path) -> None:
    closed = left = 0
    for seed, kind in itertools.product(seeds(2, 40), KINDS):
        rng = np.random.default_rng([seed, KINDS.index(kind), 22])
        space, points = _space(rng, kind, tmp_path, float(rng.choice([0.1, -0.5])))
        if space.reduced is None or not space.size or not can_finish(space):
            continue
        ends = space.reduced.sizes.low, space.reduced.sizes.high
        unsafe = evaluate(space.graph, points) @ space.rows.T <= space.offsets
        pre = _pre(space, points)
        for row in range(min(4, len(space.rows))):
            signs = np.zeros(space.size, np.int8)
            signs[rng.integers(space.size)] = rng.choice([1, -1])
            domain = LastDomain(space, (row, ends, signs), lambda point: False, 2.0)
            domain.work(Deadline(10.0), lambda: False)
            in_domain = ((signs == 0) | (np.sign(pre) == signs)).all(axis=1)
            assert not (domain.is_closed and (unsafe[:, row] & in_domain).any()), (kind, seed, row)
            closed += domain.is_closed
            left += not domain.is_closed
    assert closed
    assert left
