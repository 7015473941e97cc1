"""Small models with known answers, and which backends each case is for."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence

import numpy as np
from scipy import sparse

from verdict.solvers import Features, LinearModel, Solver, available, solver

INF = np.inf


def build(
    objective: Sequence[float],
    rows: Sequence[Sequence[float]] | np.ndarray,
    row_lower: Sequence[float],
    row_upper: Sequence[float],
    lower: Sequence[float],
    upper: Sequence[float],
    integer: Sequence[int] | bool = False,
    offset: float = 0.0,
) -> LinearModel:
    n = len(objective)
    return LinearModel(
        objective=np.array(objective, dtype=float),
        matrix=sparse.csr_array(np.array(rows, dtype=float).reshape(len(row_lower), n)),
        row_lower=np.array(row_lower, dtype=float),
        row_upper=np.array(row_upper, dtype=float),
        lower=np.array(lower, dtype=float),
        upper=np.array(upper, dtype=float),
        integer=np.full(n, integer) if isinstance(integer, bool) else np.array(integer, dtype=bool),
        offset=offset,
    )


@functools.cache
def usable() -> tuple[str, ...]:
    return tuple(sorted(name for name, missing in available().items() if missing is None))


def backends(wanted: Callable[[Features], bool] = lambda features: True) -> list[str]:
    return [name for name in usable() if wanted(solver(name).features)]


def quick(name: str) -> Solver:
    """The backend without a process of its own where that is a choice, where it makes no difference."""
    return solver(name, isolate=False) if name in ("highs", "scip", "glop", "cpsat") else solver(name)


def mixed(features: Features) -> bool:
    return features.integer and features.continuous


def market_split(rows: int = 5, columns: int = 40, seed: int = 0) -> LinearModel:
    """min Σ|slack| over A x + s - t = b, x binary, s and t integer: nobody here proves it within seconds.

    The minimum lies between 0 and `market_value` of any binary point.
    """
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 100, (rows, columns))
    b = a.sum(axis=1) // 2
    slacks = np.eye(rows, dtype=int)
    cap = float(a.sum())
    n = columns + 2 * rows
    return build(
        [0] * columns + [1] * (2 * rows),
        np.hstack([a, slacks, -slacks]),
        b,
        b,
        [0] * n,
        [1] * columns + [cap] * (2 * rows),
        True,
    )


def random_model(seed: int, *, pure: bool) -> LinearModel:
    """A small MILP with integer data: integer columns in -2..3, the last one continuous unless pure."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 5)), int(rng.integers(1, 5))
    rows = rng.integers(-5, 6, (m, n)).astype(float)
    centre = rng.integers(-1, 3, n)
    middle = rows @ centre + rng.integers(-2, 3, m)
    kind = rng.integers(0, 3, m)
    low = np.where(kind == 1, -INF, middle - rng.integers(0, 4, m))
    high = np.where(kind == 0, INF, middle + rng.integers(0, 4, m))
    integer = np.ones(n, dtype=bool)
    if not pure:
        integer[-1] = False
    return build(
        rng.integers(-5, 6, n), rows, low, high, [-2] * n, [3] * n, integer.astype(int).tolist(), 0.5
    )


def brute_force(model: LinearModel) -> float | None:
    """The minimum by enumeration; at most one column, the last, is continuous. None if infeasible."""
    best = None
    n = model.columns
    whole = n if model.integer.all() else n - 1
    grids = [range(int(model.lower[j]), int(model.upper[j]) + 1) for j in range(whole)]
    dense = model.matrix.toarray()
    for head in itertools.product(*grids):
        fixed = np.array(head, dtype=float)
        activity = dense[:, :whole] @ fixed
        candidates = [fixed]
        if whole < n:
            low, high = model.lower[-1], model.upper[-1]
            for a, act, row_low, row_high in zip(
                dense[:, -1], activity, model.row_lower, model.row_upper, strict=True
            ):
                if a == 0:
                    if not row_low <= act <= row_high:
                        high = -INF
                    continue
                ends = sorted(((row_low - act) / a, (row_high - act) / a))
                low, high = max(low, ends[0]), min(high, ends[1])
            candidates = [np.r_[fixed, end] for end in (low, high) if low <= high]
        for x in candidates:
            if model.violation(x) <= 1e-9 and (best is None or model.value(x) < best):
                best = model.value(x)
    return best
