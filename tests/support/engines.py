"""Asking every engine the same question, with and without the steps that they share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import verdict
from verdict.bounds import linear_bounds
from verdict.search.decision import Decision

# Engine and solver of every way to a verdict.
ENGINES = (("auto", None), ("bab", None), ("milp", "highs"), ("milp", "scip"), ("milp", "cbc"), ("smt", None))


def statuses(ask: Callable[..., verdict.Verdict], timeout: float = 20) -> dict[str, str]:
    """What `ask`, a partial `verdict.robust` or `verdict.verify`, says with each engine."""
    return {
        solver or engine: ask(engine=engine, solver=solver, timeout=timeout, threads=1).status
        for engine, solver in ENGINES
    }


def bare(patch: pytest.MonkeyPatch) -> None:
    """Leave the whole question to the engine: no attack, and bounds that close nothing."""

    def bounds(run: Decision) -> bool:
        run.enter("bounds")
        lower, upper = run.box.floats()
        run.node_bounds = linear_bounds(run.graph, lower[None], upper[None])
        return False

    patch.setattr(Decision, "attack", lambda run: False)
    patch.setattr(Decision, "bounds", bounds)


def write_query(path: Path, inputs: int, outputs: int, *asserts: str) -> Path:
    """A VNN-LIB 1 file with these assertions."""
    names = [f"X_{i}" for i in range(inputs)] + [f"Y_{i}" for i in range(outputs)]
    lines = [f"(declare-const {name} Real)" for name in names] + [f"(assert {text})" for text in asserts]
    path.write_text("\n".join([*lines, ""]))
    return path
