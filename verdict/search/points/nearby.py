"""Points near a solver's point: where rounding makes it fall off its polytope, one deeper inside holds.

A solver's exact point is often a vertex. A short attack started there, and the deepest point of its linear region by
a linear program, give candidates that survive being rounded to floats.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...base.deadline import Deadline
from ...bounds import Bounds
from ...network.exact import ExactVector, FloatArray
from ...network.functions import Feature
from ...property import Problem, UnsafeSet
from .attack import Starts, Within, attack
from .region import deepest_in_region, regions_at


def reached_from(problem: Problem, x: FloatArray, deadline: Deadline) -> Iterator[FloatArray]:
    """Points that a short attack reaches from a solver's point: a repair of tolerance artefacts."""
    within = Within(*problem.inputs.floats(), problem.inputs.ball)
    begin = Starts(np.random.default_rng(1), x[None], restarts=2)
    yield from attack(problem.network.graph, problem.unsafe, within, begin, deadline)[:4]


def around(
    problem: Problem, unsafe: UnsafeSet, point: ExactVector, bounds: Bounds, deadline: Deadline
) -> Iterator[ExactVector | FloatArray]:
    """An exact point, then points deeper inside the polytope of `unsafe` that it reaches."""
    yield point
    has_regions = problem.network.graph.has(Feature.ON_OFF)
    polytope = unsafe.containing(problem.network.evaluate_exact(point)) if has_regions else None
    if polytope is not None:
        for phases in regions_at(problem.network.graph, point):
            deepest = deepest_in_region(problem.network.graph, problem.inputs, bounds, polytope, phases, deadline)
            if deepest is not None:
                yield deepest
                yield from reached_from(problem, deepest, deadline)
    yield from reached_from(problem, point.floats(), deadline)
