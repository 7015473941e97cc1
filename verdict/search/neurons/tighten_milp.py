"""Tightening single neurons by mixed-integer programming (Tjeng, Xiao, Tedrake 1711.07356).

As the linear program of `triangle`, but with the binaries of the layers below kept, each solve under a budget of
its own: a solve that is cut short still leaves its best proved bound. That bound is a float solver's word,
reduced by its tolerances. Nothing re-proves it, so it may serve an engine whose proofs are labelled so, MILP, and
no rigorous one. All solves share one child process, which can be stopped at any time and whose HiGHS may print
where it likes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from verdict.encoders.milp import encode_below
from verdict.solvers import Status, solver, watchdog

from ...base.deadline import Deadline
from ...base.errors import SolverError
from ...bounds.bounds import Bounds
from ...bounds.layers import layer_by_layer, open_ends, replaced
from ...bounds.linear import linear_bounds
from ...network.exact import FloatArray
from ...network.functions import Feature
from ...network.graph import Graph
from ...property.input_set import InputSet
from .triangle import tighten_layer

# Seconds for one end of one neuron.
PER_END = 1.0
# A solver's bound counts less this much, absolutely and relatively: its tolerances are 1e-9 a row.
TOLERANCE = 1e-6


@dataclass
class Count:
    """What became of the neurons: ends tried, ends improved, solves cut short, neurons made stable."""

    tried: int = 0
    improved: int = 0
    cut: int = 0
    stabilised: int = 0


@dataclass(frozen=True, eq=False)
class Tightened:
    """Bounds by a solver's word, and what it did."""

    bounds: Bounds
    count: Count = field(default_factory=Count)


@dataclass(frozen=True, eq=False)
class Job:
    """What the child process needs to know; it pickles. `seconds` is None without a limit."""

    graph: Graph
    lower: FloatArray
    upper: FloatArray
    seconds: float | None
    per_end: float
    inputs: InputSet | None


def milp_bounds(
    graph: Graph,
    lower: FloatArray,
    upper: FloatArray,
    deadline: Deadline | None = None,
    per_end: float = PER_END,
    inputs: InputSet | None = None,
) -> Tightened:
    """Bounds of every node over one box [lower, upper], each (1, input_size), or the set `inputs` in it: LP first, MILP
    for what is left open.

    `per_end` are the seconds for each end of a neuron. Raises SolverError where HiGHS cannot run.
    """
    graph.require(Feature.ON_OFF, "the MILP encoding")
    clock, ball = deadline or Deadline(), None if inputs is None else inputs.ball
    latest = Tightened(linear_bounds(graph, lower, upper, clock.passed, ball))
    if clock.passed():
        return latest

    def keep(news: Tightened) -> None:
        nonlocal latest
        latest = news

    limit = clock.limit()
    job = Job(graph, lower, upper, limit, per_end, inputs)
    ending = watchdog.run(
        "verdict.search.neurons.tighten_milp:in_child", job, on_report=keep, stop=lambda: None,
        limits=watchdog.Limits(limit),
    )
    if ending.status not in (None, Status.TIME_LIMIT):
        raise SolverError(ending.message)
    return latest


def in_child(job: Job, emit: Callable[[Tightened], None], cancelled: Callable[[], bool]) -> None:
    """Emits what is reached after each layer; with the signature that the watchdog calls."""
    job = replace(job, seconds=watchdog.begins(job.seconds))
    graph, count = job.graph, Count()

    def step(bounds: Bounds, number: int, clock: Deadline) -> Bounds:
        # Linear programs first: cheap, and most neurons need no more.
        bounds = tighten_layer(graph, bounds, number, clock.share(0.5, np.inf), job.inputs)
        bounds = _tighten_layer(job, bounds, number, clock, count)
        emit(Tightened(bounds, count))
        return bounds

    ball = None if job.inputs is None else job.inputs.ball
    emit(Tightened(layer_by_layer(graph, job.lower, job.upper, Deadline(job.seconds), step, ball), count))


def _tighten_layer(job: Job, bounds: Bounds, number: int, clock: Deadline, count: Count) -> Bounds:
    graph = job.graph
    below = encode_below(graph, bounds, number, job.inputs)
    backend = solver("highs", isolate=False)
    low, high = bounds.lower[number].copy(), bounds.upper[number].copy()
    for neuron, sign in open_ends(graph, bounds, number):
        if clock.passed() or below.model.is_lp:
            break
        if number != graph.output and (low[0, neuron] >= 0 or high[0, neuron] <= 0):
            continue  # its other end has made it stable
        solution = backend.solve(below.objective(neuron, sign), time_limit=clock.share(1.0, job.per_end).limit())
        count.tried += 1
        count.cut += solution.status is Status.TIME_LIMIT
        # The network has a value on every input: "infeasible" can only be a numerical failure.
        if solution.status is Status.INFEASIBLE or not np.isfinite(solution.bound):
            continue
        bound = solution.bound - TOLERANCE * max(1.0, abs(solution.bound))
        if sign > 0 and low[0, neuron] < bound <= high[0, neuron]:
            low[0, neuron] = bound
            count.improved += 1
        elif sign < 0 and low[0, neuron] <= -bound < high[0, neuron]:
            high[0, neuron] = -bound
            count.improved += 1
    after = replaced(graph, bounds, number, low, high)
    count.stabilised += bounds.unstable(graph) - after.unstable(graph)
    return after
