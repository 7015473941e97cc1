"""Steps uphill on multipliers of domains: how long they are, and when a domain goes on."""

import numpy as np
from support.networks import random_network

import verdict
from verdict.bounds import linear_bounds
from verdict.network.evaluate import evaluate_all
from verdict.search.relus import ascent
from verdict.search.relus.ascent import optimise
from verdict.search.relus.space import Space


def split_domains(seed, folder, count=12, sides=3):
    """A space, domains with some random sides about its only row, and the least value of that row among many points of
    each domain."""
    rng = np.random.default_rng([seed, 97])
    graph = verdict.load(random_network(rng, "dense", folder)).graph
    low, high = -np.ones((1, graph.input_size)), np.ones((1, graph.input_size))
    row = rng.normal(size=(1, graph.output_size))
    space = Space(graph, linear_bounds(graph, low, high), row, np.zeros(1))
    domains = space.root().take(np.zeros(count, int))
    domains.signs = domains.signs.copy()
    for signs in domains.signs:
        at = rng.choice(space.size, min(sides, space.size), replace=False)
        signs[at] = rng.choice([-1, 1], len(at))
    values = evaluate_all(graph, rng.uniform(-1, 1, (3000, graph.input_size)))
    sides = np.concatenate(
        [values[graph.nodes[i].sources[0]][:, columns] for i, columns in space.columns.items()], axis=1
    )
    inside = (domains.signs[:, None, :] * sides[None] >= 0).all(axis=2)
    reached = np.where(inside, (values[graph.output] @ row[0])[None], np.inf).min(axis=1)
    return space, domains, reached


def test_bounds_hold_however_long_the_steps_are_and_whoever_goes_on(tmp_path):
    looked = 0
    for seed in range(25):
        space, domains, reached = split_domains(seed, tmp_path)
        if not space.size:
            continue
        for goal in (0, 1e6, reached.min() - 1e-3):
            found, _ = optimise(space, domains, 8, np.float32(goal), patience=40)
            assert (found.lower <= reached + 1e-5).all()
            assert (space.verify(found) <= reached + 1e-9).all()
            looked += np.isfinite(reached).sum()
    assert looked > 200


def test_more_patience_never_gives_a_worse_bound(tmp_path):
    better = 0
    for seed in range(40):
        space, domains, reached = split_domains(seed, tmp_path)
        if not space.size:
            continue
        # A goal that is not far: a little below what points reach.
        goal = np.where(np.isfinite(reached), reached - 0.05, 1.0).astype(np.float32)
        brief, _ = optimise(space, domains, 4, goal)
        longer, _ = optimise(space, domains, 4, goal, patience=60)
        assert (longer.lower >= brief.lower).all()
        better += ((brief.lower <= goal) & (longer.lower > goal)).sum()
    assert better >= 5


def test_without_patience_so_many_steps_are_taken(tmp_path, monkeypatch):
    space, domains, _ = split_domains(3, tmp_path)
    calls = []
    monkeypatch.setattr(space, "relax", lambda *a, **k: (calls.append(1), Space.relax(space, *a, **k))[1])
    for steps in (0, 1, 5, 6, 13):
        calls.clear()
        optimise(space, domains, steps, np.float32(1e30))
        assert len(calls) == steps + 1


def test_a_bound_is_near_where_its_pace_reaches_the_goal():
    inf = np.float32(np.inf)
    lower = np.array([-1, -1, -1, -inf, -1], np.float32)
    before = np.array([-2, -1.1, -1, -inf, -inf], np.float32)
    near = ascent._is_near(np.zeros(5, np.float32), lower, before, 2 * ascent.STRIDE)
    # A stride gains all that is missing; a tenth of it; nothing; nothing is known; from nothing known to something.
    assert near.tolist() == [True, False, False, False, True]


def test_steps_are_as_long_as_what_is_missing():
    missing = np.array([1, 100, 1e-6, 1, 1, np.inf], np.float32)
    promised = np.array([1, 1, 1, 0, np.nan, 1], np.float32)
    length = ascent._length(missing, promised)
    assert length.dtype == np.float32
    share = np.float32(ascent.SHARE)
    assert length.tolist() == [share, ascent.LONGEST, np.float32(ascent.SHORTEST), 1, 1, ascent.LONGEST]
