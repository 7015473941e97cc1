"""The attack on many cases at once: a few points in each case's own box go down the slack of its own unsafe set.

One by one, a case that is hard to prove keeps all behind it waiting, though a witness of another may be a step away.
Those that bounds call the worst come first, and all together have a small share of the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ...base.deadline import Deadline
from ...network.evaluate import evaluate
from ...network.exact import FloatArray
from ...network.graph import Graph
from ...property.cases import Case
from .attack import STEPS, aims, descend, falling, points_at_once

# Points of each case, and of all that are looked at together.
POINTS, AT_ONCE = 4, 1024


def attack_cases(
    graph: Graph, cases: Sequence[Case], clock: Deadline, seed: int = 0
) -> Iterator[tuple[int, FloatArray]]:
    """Numbers of cases with a point (input_size,) that floats call unsafe, some cases at a time, until the clock ends.

    The boxes are in floats; whoever takes a point replays it.
    """
    rng, count = np.random.default_rng(seed), max(1, min(AT_ONCE, points_at_once(graph)) // POINTS)
    for start in range(0, len(cases), count):
        if clock.passed():
            return
        some = cases[start : start + count]
        ends = [case.inputs.floats() for case in some]
        low, high = (np.repeat(np.stack([end[side] for end in ends]), POINTS, axis=0) for side in (0, 1))
        yield from ((start + number, point) for number, point in _descend(graph, some, low, high, rng, clock))


def _descend(
    graph: Graph, cases: Sequence[Case], low: FloatArray, high: FloatArray, rng: np.random.Generator, clock: Deadline
) -> list[tuple[int, FloatArray]]:
    """The cases of which a point was found, each with its best one; boxes (cases * POINTS, input_size)."""
    x = rng.uniform(low, high)
    x[::POINTS] = low[::POINTS] / 2 + high[::POINTS] / 2
    corners = np.arange(len(x)) % POINTS == POINTS - 1
    x[corners] = np.where(rng.random((len(cases), x.shape[1])) < 0.5, low[corners], high[corners])

    def enough(least: FloatArray) -> bool:
        return bool((least <= 0).any()) or clock.passed()

    best, least = descend(graph, _aims(cases, evaluate(graph, x)), x, (low, high), falling(STEPS), enough)
    nearest = least.reshape(len(cases), POINTS).argmin(axis=1) + POINTS * np.arange(len(cases))
    return [(number, best[at]) for number, at in enumerate(nearest.tolist()) if least[at] <= 0]


def _aims(cases: Sequence[Case], outputs: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The polytope C y <= d that each point goes for, (points, rows, outputs) and (points, rows)."""
    found = [aims(case.unsafe, outputs[POINTS * i : POINTS * (i + 1)]) for i, case in enumerate(cases)]
    rows = max(1, *(matrix.shape[1] for matrix, _ in found))
    matrix, offset = np.zeros((len(outputs), rows, outputs.shape[1])), np.full((len(outputs), rows), np.inf)
    for i, (own, ends) in enumerate(found):
        here = slice(POINTS * i, POINTS * (i + 1))
        matrix[here, : own.shape[1]], offset[here, : own.shape[1]] = own, ends
    return matrix, offset
