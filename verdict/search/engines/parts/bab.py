"""Branch and bound on one problem: choose between splitting inputs and splitting ReLUs, and run it.

Few inputs: halve boxes. Many inputs: split ReLUs, and where that does not end soon, sharpen the bounds of the hidden
neurons first, with ever more effort; both take turns, so that neither can waste more than the other has cost.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ....base.deadline import Deadline, ProcessorTime
from ....base.workers import Workers
from ....bounds.bounds import Bounds
from ....network.functions import Feature
from ....network.graph import Graph
from ....property import Polytope, UnsafeSet
from ...boxes.input_split import InputSplit
from ...effort import Effort
from ...means import Means
from ...neurons.sharpen import sharpen
from ...observer import Watch
from ...options import SearchOptions
from ...outcome import Outcome
from ...relus.relu_split import ReluSplit


def branch_and_bound(
    graph: Graph, bounds: Bounds, polytopes: list[Polytope], effort: Effort, watch: Watch | None = None
) -> Outcome:
    """Prove that no input of the box of `bounds` (batch 1) reaches any of the polytopes.

    Multipliers of ReLU splits and the coordinates of input splits are looked for on the device of `effort`; `watch` has
    the listeners.
    """
    watch, options = watch or Watch(), effort.options
    if reason := unfit(polytopes):
        return Outcome(False, -np.inf, 0, reason)
    low, high = bounds.lower[0][0], bounds.upper[0][0]
    with Workers(effort.threads) as workers:
        means = Means(workers, effort.device, options)
        # Boxes around a tie would have to shrink without end.
        if splits_inputs(graph, bounds, options) and not watch.proof.has_tie:
            unsafe = UnsafeSet(tuple(polytopes), graph.output_size)
            return InputSplit(graph, unsafe, low, high, watch, means).run(effort.deadline)
        return _split_relus(graph, bounds, polytopes, effort.deadline, watch, means)


def unfit(polytopes: list[Polytope]) -> str:
    """Why bounds in floats can say nothing of the polytopes, or the empty string."""
    for polytope in polytopes:
        if not polytope.matrix.is_dyadic:
            # The float rows would be other rows than those asked about.
            return f"{polytope.name}: coefficients that no float64 equals"
    return ""


def splits_inputs(graph: Graph, bounds: Bounds, options: SearchOptions) -> bool:
    """Whether boxes are halved, and not ReLUs, on the box of `bounds` (batch 1)."""
    few_inputs = 0 < np.count_nonzero(bounds.upper[0][0] > bounds.lower[0][0]) <= options.few_inputs
    # A split neuron has to leave nothing to relax.
    is_hard = bounds.unstable(graph) > options.few_relus or not graph.has(Feature.ON_OFF)
    return bool(few_inputs and is_hard and bounds.ball is None)


def _split_relus(
    graph: Graph, bounds: Bounds, polytopes: list[Polytope], deadline: Deadline, watch: Watch, means: Means
) -> Outcome:
    options, observer = means.options, watch.proof.bounds(graph)
    # With so few ReLUs the search itself is short, and starting it anew is what takes long on a busy machine.
    is_short = bounds.unstable(graph) <= options.short
    visited, rounds = 0, 0
    while True:
        stopwatch, before = ProcessorTime(None, deadline), bounds.unstable(graph)
        bounds = sharpen(graph, bounds, rounds, means, deadline.passed, observer)
        sharpening = stopwatch.elapsed()
        last = rounds > 0 and bounds.unstable(graph) > options.saturated * before
        search = ReluSplit(graph, bounds, polytopes, watch, means)
        slice_, share, spent = max(options.least_search, options.share * sharpening), 0.0, 0.0
        while True:
            outcome = search.run(ProcessorTime(slice_, deadline))
            if outcome.proved:
                search.finish(deadline)
            if not outcome.resumable or deadline.passed():
                return replace(outcome, domains=visited + outcome.domains, resumable=False)
            # At the latest pace the rest takes this long; sharpening once more would take `growth` times the last time.
            # The pace slackens, so it is looked at again when the time spent has doubled.
            gained, share, spent = outcome.share - share, outcome.share, spent + slice_
            slice_ = slice_ * (1 - share) / max(gained, 1e-12)
            # A search that closes nothing is behind a sharpening that was not enough, not one that gained nothing.
            if not is_short and spent + slice_ > options.growth * sharpening and not (last and gained > 0):
                break
            slice_ = max(options.least_search, min(slice_, spent))
        visited += outcome.domains
        rounds = options.rounds if rounds == 0 else options.growth * rounds
