"""Branch and bound by programs: what it closes is safe, what is unsafe it leaves, and it moves to smaller balls."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.networks import KINDS, random_network
from support.open_search import open_search
from support.seeds import seeds

import verdict
from verdict.base.deadline import Deadline
from verdict.bounds import linear_bounds
from verdict.network.evaluate import evaluate
from verdict.network.exact import ExactVector
from verdict.property.norm_ball import ball_family
from verdict.property.norms import norm_of
from verdict.search.engines.parts import last_programs
from verdict.search.engines.parts.tree_search import search_tree
from verdict.search.relus.program import SECONDS, SHORT, Program
from verdict.search.relus.program_tree import ProgramTree
from verdict.search.relus.space import Space


def _space(graph, family, radius: float, offsets: np.ndarray) -> Space:
    low, high = family.floats(radius)
    rows = np.concatenate([np.eye(graph.output_size), -np.eye(graph.output_size)])
    bounds = linear_bounds(graph, low[None], high[None], ball=family.ball(radius))
    return Space(graph, bounds, rows, offsets)


def _points(rng, family, radius: float) -> np.ndarray:
    low, high = family.floats(radius)
    points, ball = rng.uniform(low, high, (4000, len(low))), family.ball(radius)
    return points if ball is None else ball.inward(points, 1e-9)


def _case(seed: int, kind: str, folder: Path):
    rng = np.random.default_rng([seed, KINDS.index(kind), 7])
    graph = verdict.load(random_network(rng, kind, folder)).graph
    center = ExactVector.of(rng.integers(-8, 9, graph.input_size) / 8)
    # Programs say what a ball of L1 is as well.
    family = ball_family(norm_of(("linf", "l1")[seed % 2]), center, Fraction(-2), Fraction(2))
    points = _points(rng, family, 0.5)
    rows = np.concatenate([np.eye(graph.output_size), -np.eye(graph.output_size)])
    least = (evaluate(graph, points) @ rows.T).min(axis=0)
    return rng, graph, family, points, rows, least


@pytest.mark.parametrize("kind", KINDS)
def test_closed_rows_are_safe_and_unsafe_ones_stay_open(kind, tmp_path) -> None:
    closed = opened = 0
    for seed in seeds(6, 60):
        rng, graph, family, points, rows, least = _case(seed, kind, tmp_path)
        # Some rows miss what samples reach, some are a little below it, some are far below.
        offsets = least + rng.choice([0.05, -0.01, -0.5], len(rows))
        seen: list[np.ndarray] = []
        space = _space(graph, family, 0.5, offsets)
        if space.reduced is None or not space.size:
            continue
        tree = ProgramTree(space, space.root(), seen.append)
        assert tree.explore(Deadline(20.0), lambda: False)
        for row, left in tree.left.items():
            if not left:
                closed += 1
                assert (evaluate(graph, points) @ rows[row] > offsets[row]).all()
            else:
                # Nothing that floats can prove is left open: some offered point is unsafe, or nearly.
                opened += 1
                assert seen
                assert min(float((evaluate(graph, p) @ rows[row]).min()) for p in seen) <= offsets[row] + 1e-5
        for p in seen:
            low, high = family.floats(0.5)
            assert (p >= low).all()
            assert (p <= high).all()
    assert closed or opened


def test_both_kinds_of_rows_come_up(tmp_path) -> None:
    _, graph, family, _, _, least = _case(0, KINDS[0], tmp_path)
    space = _space(graph, family, 0.5, least + 0.05)
    tree = ProgramTree(space, space.root(), lambda points: None)
    assert tree.explore(Deadline(20.0), lambda: False)
    assert all(tree.left.values())
    # What was closed stays closed on a smaller ball.
    far = _space(graph, family, 0.5, least - 100)
    safe = ProgramTree(far, far.root(), lambda points: None)
    assert safe.explore(Deadline(20.0), lambda: False)
    assert not any(safe.left.values())
    safe.move(_space(graph, family, 0.25, least - 100))
    assert not any(safe.left.values())


@pytest.mark.parametrize("kind", KINDS)
def test_a_move_loses_no_point(kind, tmp_path) -> None:
    for seed in seeds(4, 40):
        _, graph, family, _, rows, _ = _case(seed, kind, tmp_path)
        inner = _points(np.random.default_rng(seed), family, 0.25)
        offsets = (evaluate(graph, inner) @ rows.T).min(axis=0) + 0.01
        space = _space(graph, family, 0.5, offsets)
        if space.reduced is None or not space.size:
            continue
        tree, turns = ProgramTree(space, space.root(), lambda points: None), iter(range(5))
        # Stopped after a few domains, it goes on in the smaller ball; every row has an unsafe point there.
        tree.explore(Deadline(20.0), lambda turns=turns: next(turns, None) is None)
        tree.move(_space(graph, family, 0.25, offsets))
        tree.explore(Deadline(20.0), lambda: False)
        assert all(tree.left.values())


def test_programs_close_a_radius_alone(monkeypatch) -> None:
    """With all the time for programs the interval closes, and the upper end is the one that MILP finds."""
    monkeypatch.setattr(last_programs, "FIRST", 0.0)
    monkeypatch.setattr(last_programs, "TURN", 30.0)
    search = open_search()
    search_tree(search, Deadline(60.0), 1)
    assert not search.is_open()
    assert float(search.cap) == pytest.approx(0.11571815554858, rel=1e-6)


def test_a_program_that_loses_its_way_is_left(tmp_path) -> None:
    """What it may take is told from what the others have taken."""
    space = None
    for seed in range(20):
        _, graph, family, _, _, least = _case(seed, KINDS[0], tmp_path)
        far = _space(graph, family, 0.5, least + 0.05)
        if far.reduced is not None and far.size:
            space = far
            break
    assert space is not None
    program, limits = Program(space), []
    solve = program._simplex.solve
    program._simplex.solve = lambda seconds: limits.append(seconds) or solve(seconds)
    for row in range(len(space.rows)):
        assert program.solve(row, np.zeros(space.size, np.int8)) is not None
    assert limits[0] == SECONDS
    assert SHORT <= limits[-1] < SECONDS
    program._simplex.solve = lambda seconds: None
    assert program.solve(0, np.zeros(space.size, np.int8)) is None
