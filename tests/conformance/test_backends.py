"""What every backend must do: one suite, features decide which cases apply, and no backend may lose one."""

from __future__ import annotations

import itertools
import threading
import time

import numpy as np
import pytest
from conformance_models import (
    INF,
    backends,
    brute_force,
    build,
    market_split,
    mixed,
    quick,
    random_model,
    usable,
)

from verdict.solvers import Progress, Status, names, solver

LIMIT = 2.0
# The same, and again and again twice as long where nothing has been found: how long that takes is the machine's matter.
LIMITS = [LIMIT * 2**i for i in range(6)]


def test_the_backends_of_the_dependencies_are_here() -> None:
    assert {"highs", "scip", "glop", "cpsat", "cbc", "z3"} <= set(usable())
    assert {"highs", "scip", "glop", "cpsat", "cbc", "z3", "pulp:NAME"} == set(names())


# A feature may not vanish from a backend unnoticed, taking its tests along.
DECLARED = {
    "highs": {"integer", "continuous", "duals", "warm_start", "progress", "threads", "memory_limit"},
    "scip": {
        "integer", "continuous", "warm_start", "progress", "threads", "interrupt", "memory_limit", "products",
    },
    "glop": {"continuous", "duals", "interrupt", "memory_limit"},
    "cpsat": {
        "integer",
        "integral_data",
        "warm_start",
        "progress",
        "threads",
        "interrupt",
        "memory_limit",
    },
    "cbc": {"integer", "continuous", "duals", "warm_start", "progress", "threads"},
    "z3": {"integer", "continuous", "exact", "progress", "interrupt", "memory_limit"},
}


@pytest.mark.parametrize("name", DECLARED)
def test_declared_features(name: str) -> None:
    assert {key for key, value in vars(solver(name).features).items() if value} == DECLARED[name]


@pytest.mark.parametrize("name", backends(lambda f: f.continuous))
def test_lp_optimum(name: str) -> None:
    model = build([1, 2], [[1, 1], [1, -1]], [1, -INF], [INF, 0.5], [0, 0], [10, 10], offset=3.0)
    result = solver(name).solve(model)
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(4.25, abs=1e-7)
    assert result.bound == pytest.approx(4.25, abs=1e-5)
    assert result.point == pytest.approx([0.75, 0.25], abs=1e-7)


@pytest.mark.parametrize("name", backends(lambda f: f.integer))
def test_milp_optimum(name: str) -> None:
    # Knapsack: weights 5 4 3 2, capacity 10, values 10 7 5 3: items 0, 2 and 3, worth 18.
    model = build([-10, -7, -5, -3], [[5, 4, 3, 2]], [-INF], [10], [0] * 4, [1] * 4, True, offset=1.0)
    result = solver(name).solve(model)
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(-17.0)
    assert result.bound == pytest.approx(-17.0, abs=1e-4)
    assert result.point is not None
    assert result.point.tolist() == [1, 0, 1, 1]
    assert model.satisfies(result.fractions() or [])


@pytest.mark.parametrize("name", backends(mixed))
def test_mixed_optimum(name: str) -> None:
    # min y - n, y >= 1.5 n - 1, y >= 0.25: n = 0 and 1 tie the slopes, n = 2 costs 0.
    model = build([-1, 1], [[-1.5, 1]], [-1], [INF], [0, 0.25], [4, 50], [1, 0])
    result = quick(name).solve(model)
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(-0.5, abs=1e-7)
    assert result.point == pytest.approx([1.0, 0.5], abs=1e-7)


@pytest.mark.parametrize("name", usable())
def test_infeasible(name: str) -> None:
    integer = solver(name).features.integer
    model = build([1, 1], [[1, 1], [1, 1]], [3, -INF], [INF, 2], [0, 0], [10, 10], integer)
    result = solver(name).solve(model)
    assert result.status is Status.INFEASIBLE
    assert result.point is None
    assert result.objective is None
    assert result.bound == INF


@pytest.mark.parametrize("name", backends(lambda f: f.integer))
def test_infeasible_by_integrality_alone(name: str) -> None:
    model = build([0, 0], [[2, 4]], [5], [5], [0, 0], [10, 10], True)
    assert quick(name).solve(model).status is Status.INFEASIBLE


@pytest.mark.parametrize("integer", [False, True])
@pytest.mark.parametrize("name", backends(lambda f: f.continuous))
def test_unbounded(name: str, integer: bool) -> None:
    if integer and not solver(name).features.integer:
        pytest.skip("LP only")
    model = build([-1, -1], [[1, -1]], [0], [INF], [0, 0], [INF, INF], [int(integer), 0])
    result = solver(name).solve(model)
    assert result.status is Status.UNBOUNDED
    assert result.bound == -INF


@pytest.mark.parametrize("name", backends(lambda f: f.continuous))
def test_equality_and_range_rows_and_free_columns(name: str) -> None:
    # x + y = 1, 1/3 <= x - y <= 0.7, both free: min 3 x + y = 2 + (x - y) at x - y = 1/3.
    model = build([3, 1], [[1, 1], [1, -1]], [1, 1 / 3], [1, 0.7], [-INF, -INF], [INF, INF])
    result = quick(name).solve(model)
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(2 + 1 / 3, abs=1e-7)


@pytest.mark.parametrize("name", backends(lambda f: f.integer))
def test_integer_columns_with_big_bounds(name: str) -> None:
    # 3 x + 5 y = 1_000_003 over |x|, |y| <= 10^6: min x + y.
    big = 1_000_000
    model = build([1, 1], [[3, 5]], [1_000_003], [1_000_003], [-big, -big], [big, big], True)
    best = min(
        x + (1_000_003 - 3 * x) // 5
        for x in range(-big, big + 1)
        if (1_000_003 - 3 * x) % 5 == 0 and abs((1_000_003 - 3 * x) // 5) <= big
    )
    result = quick(name).solve(model)
    assert result.status is Status.OPTIMAL
    assert result.objective == best


@pytest.mark.parametrize("name", usable())
def test_feasibility_without_an_objective(name: str) -> None:
    integer = solver(name).features.integer
    model = build([0, 0], [[1, 2]], [3], [3], [0, 0], [3, 3], integer)
    result = quick(name).solve(model)
    assert result.status is Status.OPTIMAL
    assert result.objective == 0
    assert result.point is not None
    assert model.violation(result.point) <= 1e-9


@pytest.mark.parametrize("name", usable())
def test_fixed_columns(name: str) -> None:
    integer = solver(name).features.integer
    model = build([-1, -1, -1], [[1, 1, 1]], [-INF], [7], [0] * 3, [5] * 3, integer).fixed([1], [2.0])
    result = quick(name).solve(model)
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(-7)
    assert result.point is not None
    assert result.point[1] == 2


@pytest.mark.parametrize("name", usable())
def test_without_rows_and_with_empty_rows(name: str) -> None:
    integer = solver(name).features.integer
    bare = build([1, -2], [], [], [], [-3, 0], [4, 5], integer, offset=2.0)
    assert quick(name).solve(bare).objective == pytest.approx(-11)
    empty = build([1, -2], [[0, 0], [0, 0]], [0, -INF], [0, INF], [-3, 0], [4, 5], integer)
    assert quick(name).solve(empty).objective == pytest.approx(-13)
    absurd = build([1, -2], [[0, 0]], [1], [2], [-3, 0], [4, 5], integer)
    assert quick(name).solve(absurd).status is Status.INFEASIBLE


@pytest.mark.parametrize("name", backends(lambda f: f.duals))
def test_duals_have_the_documented_sign_and_close_the_gap(name: str) -> None:
    model = build(
        [3, 2, -1, 0.5],
        [[1, 1, 0, 1], [1, -1, 2, 0], [0, 1, 1, -1], [1, 0, 0, 1]],
        [2, -INF, 1, 0.25],
        [INF, 4, 1, 3],
        [0, 0, 0, -1],
        [10, 10, 10, 10],
        offset=-2.0,
    )
    result = quick(name).solve(model)
    assert result.status is Status.OPTIMAL
    assert result.duals is not None
    assert result.reduced_costs is not None
    expected = model.objective - model.matrix.T @ result.duals
    assert result.reduced_costs == pytest.approx(expected, abs=1e-7)
    bound = model.lower_bound(result.duals)
    assert bound is not None
    assert float(bound) == pytest.approx(result.objective, abs=1e-7)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", backends(lambda f: f.duals))
def test_the_ray_of_an_infeasible_lp_proves_it_exactly(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.integers(-4, 5, (6, 4)).astype(float)
    weights = rng.integers(1, 4, 6)
    weights[0] = 1
    # Row 0 contradicts the weighted sum of the others within the box, by 1.
    rows[0] = -(weights[1:] @ rows[1:])
    low = rng.integers(-3, 4, 6).astype(float)
    low[0] = 1 - weights[1:] @ low[1:]
    model = build(rng.integers(-3, 4, 4), rows, low, [INF] * 6, [-50] * 4, [50] * 4)
    result = quick(name).solve(model)
    assert result.status is Status.INFEASIBLE
    assert result.ray is not None
    assert model.excludes(result.ray)


@pytest.mark.parametrize("name", backends(lambda f: f.warm_start))
def test_a_hint_is_used(name: str) -> None:
    model = market_split()
    hint = np.zeros(model.columns)
    hint[40:45] = model.row_lower
    result = next(
        found
        for limit in LIMITS
        if (found := solver(name).solve(model, hint=hint, time_limit=limit)).objective is not None
    )
    assert result.objective is not None
    assert result.objective <= model.value(hint)
    partial = np.full(model.columns, np.nan)
    partial[:3] = 1
    assert solver(name).solve(model, hint=partial, time_limit=0.3).status is not Status.ERROR


@pytest.mark.parametrize("name", backends(lambda f: f.integer))
def test_the_time_limit_holds_and_what_is_left_is_true(name: str) -> None:
    model = market_split()
    backend = solver(name)
    for limit in LIMITS:
        reports: list[Progress] = []
        progress = reports.append if backend.features.progress else None
        started = time.monotonic()
        result = backend.solve(model, time_limit=limit, progress=progress)
        assert time.monotonic() - started < limit + 25
        if result.point is not None or not backend.features.progress:
            break
    assert result.status is Status.TIME_LIMIT
    # The minimum is at least 0; every bound is below every point's value.
    assert result.bound <= 1e-6
    if result.objective is not None:
        assert result.objective >= result.bound - 1e-6
        assert result.point is not None
        assert model.violation(result.point) <= 1e-6
        assert result.objective == pytest.approx(model.value(result.point))
    if not backend.features.progress:
        return
    assert result.point is not None
    assert reports
    for before, after in itertools.pairwise(reports):
        assert after.seconds >= before.seconds
        assert after.bound >= before.bound
        assert after.incumbent <= before.incumbent
    assert all(report.bound <= report.incumbent for report in reports)
    assert reports[-1].bound <= result.bound + 1e-9


@pytest.mark.parametrize("name", usable())
def test_cancelling(name: str) -> None:
    integer = solver(name).features.integer
    model = market_split(8, 60) if integer else market_split(8, 60).relaxed()
    cancel = threading.Event()
    moments: list[float] = []

    def now(report: Progress | None = None) -> None:
        # Once there is a point to keep, where the backend tells.
        if report is None or report.incumbent < INF:
            moments.append(time.monotonic())
            cancel.set()

    tells = solver(name).features.interrupt and solver(name).features.progress and integer
    if not integer:
        now()
    elif not tells:
        threading.Timer(1.5, now).start()
    result = solver(name).solve(model, cancel=cancel, time_limit=100, progress=now if tells else None)
    assert time.monotonic() - moments[0] < 25
    if integer:
        assert result.status is Status.INTERRUPTED
    else:
        assert result.status in (Status.INTERRUPTED, Status.OPTIMAL)  # an LP may be faster
    assert result.bound <= 1e-6
    if solver(name).features.interrupt and integer:
        assert result.point is not None


@pytest.mark.parametrize("name", backends(lambda f: f.progress))
def test_a_target_bound_ends_the_search(name: str) -> None:
    result = solver(name).solve(market_split(), target_bound=-0.5, time_limit=20)
    assert result.status is Status.TARGET
    assert -0.5 <= result.bound <= 1e-6
    assert result.seconds < 15


@pytest.mark.parametrize("name", backends(lambda f: f.threads))
def test_two_threads(name: str) -> None:
    model = random_model(3, pure=True)
    result = solver(name).solve(model, threads=2)
    assert result.objective == pytest.approx(brute_force(model))


@pytest.mark.parametrize("name", backends(lambda f: f.integer))
def test_a_gap_is_respected(name: str) -> None:
    model = build([-10, -7, -5, -3], [[5, 4, 3, 2]], [-INF], [10], [0] * 4, [1] * 4, True)
    result = quick(name).solve(model, gap=3.0)
    assert result.status is Status.OPTIMAL
    assert result.objective is not None
    assert -18 - 1e-6 <= result.objective <= -15 + 1e-6
    assert result.bound <= -18 + 1e-6


@pytest.mark.parametrize("name", backends(lambda f: f.integer))
def test_random_models_against_enumeration(name: str) -> None:
    backend = quick(name)
    outcomes = set()
    for seed in range(30 if not name.startswith("pulp:") else 6):
        model = random_model(seed, pure=not mixed(backend.features) or seed % 2 == 0)
        expected = brute_force(model)
        result = backend.solve(model)
        outcomes.add(result.status)
        if expected is None:
            assert result.status is Status.INFEASIBLE, seed
            continue
        assert result.status is Status.OPTIMAL, (seed, result)
        assert result.objective == pytest.approx(expected, abs=1e-6), seed
        assert result.bound <= expected + 1e-6, seed
        assert result.point is not None
        assert model.violation(result.point) <= 1e-6, seed
        if result.exact:
            assert result.exact_point is not None
            assert model.satisfies(result.exact_point)
            assert result.exact_bound == model.exact_value(result.exact_point)
    assert name.startswith("pulp:") or outcomes == {Status.OPTIMAL, Status.INFEASIBLE}


@pytest.mark.parametrize("name", ["highs", "scip", "glop", "cpsat"])
def test_in_this_process(name: str) -> None:
    backend = solver(name, isolate=False)
    integer = backend.features.integer
    model = build([-1, -1], [[1, 1]], [-INF], [3], [0, 0], [2, 2], integer)
    assert backend.solve(model).objective == pytest.approx(-3)


@pytest.mark.parametrize("name", backends(lambda f: f.memory_limit))
def test_a_memory_limit_ends_the_solver_and_not_the_verifier(name: str) -> None:
    n = 300
    rng = np.random.default_rng(0)
    rows = rng.integers(-50, 50, (200, n))
    integer = solver(name).features.integer
    model = build(rng.integers(-9, 9, n), rows, [-INF] * 200, [100] * 200, [-9] * n, [9] * n, integer)
    megabytes = 25 if name == "z3" else 110
    result = solver(name).solve(model, memory_limit=megabytes, time_limit=10)
    assert result.status is Status.MEMORY_LIMIT
