"""Around solving: what a backend does not declare is refused, and importing, names, statuses and Ctrl-C behave."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from conformance_models import (
    INF,
    backends,
    build,
    market_split,
    quick,
    usable,
)

from verdict.base.errors import SolverError
from verdict.solvers import Progress, Status, available, solver


def _unsupported() -> list[tuple[str, str, dict[str, object]]]:
    wishes: dict[str, dict[str, object]] = {
        "warm_start": {"hint": np.zeros(2)},
        "progress": {"progress": print},
        "threads": {"threads": 2},
        "memory_limit": {"memory_limit": 1000},
    }
    return [
        (name, wish, options)
        for name in usable()
        for wish, options in wishes.items()
        if not getattr(solver(name).features, wish)
    ]


@pytest.mark.parametrize(("name", "wish", "options"), _unsupported())
def test_what_is_not_declared_is_refused(name: str, wish: str, options: dict[str, object]) -> None:
    model = build([1, 1], [[1, 1]], [1], [INF], [0, 0], [4, 4], solver(name).features.integer)
    with pytest.raises(SolverError, match=f"solver {name} does not support"):
        solver(name).solve(model, **options)  # type: ignore[arg-type]


def test_models_outside_a_backends_reach_are_refused() -> None:
    with pytest.raises(SolverError, match="integer columns"):
        solver("glop").solve(build([1], [], [], [], [0], [1], True))
    with pytest.raises(SolverError, match="continuous columns"):
        solver("cpsat").solve(build([1], [], [], [], [0], [1]))
    with pytest.raises(SolverError, match="finite integers"):
        solver("cpsat").solve(build([0.5], [], [], [], [0], [1], True))
    with pytest.raises(SolverError, match="finite integers"):
        solver("cpsat").solve(build([1], [], [], [], [0], [INF], True))


@pytest.mark.parametrize("name", usable())
def test_a_status_outside_the_table_is_unknown(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = quick(name)
    monkeypatch.setattr(type(backend), "statuses", {})
    integer = backend.features.integer
    feasible = backend.solve(build([1, 1], [[1, 1]], [1], [INF], [0, 0], [4, 4], integer))
    assert feasible.status in (Status.UNKNOWN, Status.FEASIBLE)
    infeasible = backend.solve(build([1, 1], [[1, 1]], [9], [INF], [0, 0], [4, 4], integer))
    assert infeasible.status is Status.UNKNOWN


def test_names_and_suggestions() -> None:
    with pytest.raises(SolverError, match="did you mean 'highs'"):
        solver("higsh")
    with pytest.raises(SolverError, match="Known: cbc, cpsat"):
        solver("nothing like it")
    with pytest.raises(SolverError, match="isolation"):
        solver("highs", isolation=True)
    missing = available()
    assert missing["z3"] is None
    with pytest.raises(SolverError, match="PuLP knows no solver"):
        solver("pulp:NOPE").available()


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, json, verdict.solvers as s; s.names(); s.solver('highs');"
        "print(json.dumps([m for m in ('scipy', 'ortools', 'pulp', 'z3', 'highspy') if m in sys.modules]))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert json.loads(out.stdout) == []


def test_ctrl_c_propagates_and_leaves_no_process() -> None:
    # The callback stands for the signal: both raise KeyboardInterrupt in the thread that called solve.
    for name in backends(lambda f: f.progress):
        seen: list[Progress] = []

        def interrupt(news: Progress, seen: list[Progress] = seen) -> None:
            seen.append(news)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            solver(name).solve(market_split(), progress=interrupt, time_limit=10)
        assert len(seen) == 1
    me = str(os.getpid())
    listing = subprocess.run(["ps", "--ppid", me, "-o", "args="], capture_output=True, text=True, check=False)
    left = [line for line in listing.stdout.splitlines() if not line.startswith("ps ")]
    assert left == []


def test_an_exact_backend_says_so() -> None:
    result = solver("z3").solve(build([1], [[3]], [1], [INF], [0], [1]))
    assert result.exact
    assert result.exact_point == [Fraction(1, 3)]
    assert result.exact_bound == Fraction(1, 3)
    assert not result.within_tolerance
