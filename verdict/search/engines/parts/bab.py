"""Branch and bound on one problem: choose between splitting inputs and splitting ReLUs, and run it.

Few inputs: halve boxes. Many inputs: split ReLUs, and where that does not end soon, sharpen the bounds of the hidden
neurons first, with ever more effort; both take turns, so that neither can waste more than the other has cost.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ....base.deadline import Deadline, ProcessorTime
from ....base.device import CPU, Device
from ....base.workers import Workers
from ....bounds.bounds import Bounds
from ....certificate.recording import Recording
from ....network.exact import FloatArray
from ....network.functions import Feature
from ....network.graph import Graph
from ....property import Polytope, UnsafeSet
from ...boxes.input_split import InputSplit
from ...neurons.lemmas import Lemmas
from ...neurons.sharpen import sharpen
from ...relus.relu_split import Outcome, ReluSplit

# With at most so many inputs that can vary, boxes are halved; beyond, ReLUs are split.
FEW_INPUTS = 12
# With at most so many unstable ReLUs there are few linear regions: splitting ReLUs ends, and its leaves are
# linear programs, while boxes would have to shrink without end around a tie.
FEW_RELUS = 24
# With at most so many the search is never begun again behind better bounds.
SHORT = 10
# Splits per hidden neuron in the first sharpening, and by how much each one outdoes the last.
ROUNDS, GROWTH = 8, 4
# Seconds that a search over ReLU splits gets at least, and its share of what sharpening took: of processor time, so
# that the same search is made, and the same proof found, whatever else the machine does.
LEAST_SEARCH, SHARE = 0.3, 0.3
# Sharpening that leaves more than this share of the unstable ReLUs unstable is the last: no bound gets much better.
SATURATED = 0.95


def branch_and_bound(
    graph: Graph,
    bounds: Bounds,
    polytopes: list[Polytope],
    deadline: Deadline,
    try_points: Callable[[FloatArray], bool],
    on_progress: Callable[[float, int, int], object] = lambda lower, open_, visited: None,
    threads: int = 1,
    device: Device = CPU,
    proof: Recording | None = None,
) -> Outcome:
    """Prove that no input of the box of `bounds` (batch 1) reaches any of the polytopes.

    Multipliers of ReLU splits and the coordinates of input splits are looked for on `device`. A proof is added to
    `proof`, if given.
    """
    for polytope in polytopes:
        if not polytope.matrix.is_dyadic:
            # The float rows would be other rows than those asked about.
            return Outcome(False, -np.inf, 0, f"{polytope.name}: coefficients that no float64 equals")
    low, high = bounds.lower[0][0], bounds.upper[0][0]
    # A split neuron has to leave nothing to relax.
    is_hard = bounds.unstable(graph) > FEW_RELUS or not graph.has(Feature.ON_OFF)
    few_inputs = 0 < np.count_nonzero(high > low) <= FEW_INPUTS and is_hard
    # Boxes around a tie would have to shrink without end.
    has_tie = proof is not None and proof.close_tie is not None
    with Workers(threads) as workers:
        if few_inputs and not has_tie and bounds.ball is None:
            unsafe = UnsafeSet(tuple(polytopes), graph.output_size)
            return InputSplit(graph, unsafe, low, high, workers, try_points, device, proof).run(deadline, on_progress)
        return _split_relus(graph, bounds, polytopes, deadline, try_points, on_progress, workers, device, proof)


def _split_relus(
    graph: Graph,
    bounds: Bounds,
    polytopes: list[Polytope],
    deadline: Deadline,
    try_points: Callable[[FloatArray], bool],
    on_progress: Callable[[float, int, int], object],
    workers: Workers,
    device: Device,
    proof: Recording | None,
) -> Outcome:
    lemmas = None if proof is None else Lemmas(graph, proof.neurons)
    # With so few ReLUs the search itself is short, and starting it anew is what takes long on a busy machine.
    is_short = bounds.unstable(graph) <= SHORT
    visited, rounds = 0, 0
    while True:
        stopwatch, before = ProcessorTime(None, deadline), bounds.unstable(graph)
        bounds = sharpen(graph, bounds, rounds, workers, deadline.passed, device=device, lemmas=lemmas)
        sharpening = stopwatch.elapsed()
        last = rounds > 0 and bounds.unstable(graph) > SATURATED * before
        search = ReluSplit(graph, bounds, polytopes, workers, try_points, device, proof, lemmas)
        slice_, share, spent = max(LEAST_SEARCH, SHARE * sharpening), 0.0, 0.0
        while True:
            clock = ProcessorTime(slice_, deadline)
            outcome = search.run(clock, on_progress)
            if outcome.proved:
                search.record(deadline)
            if not outcome.resumable or deadline.passed():
                return Outcome(outcome.proved, outcome.lower, visited + outcome.domains, outcome.reason, outcome.share)
            # At the latest pace the rest takes this long; sharpening once more would take GROWTH times the last time.
            # The pace slackens, so it is looked at again when the time spent has doubled.
            gained, share, spent = outcome.share - share, outcome.share, spent + slice_
            slice_ = slice_ * (1 - share) / max(gained, 1e-12)
            # A search that closes nothing is behind a sharpening that was not enough, not one that gained nothing.
            if not is_short and spent + slice_ > GROWTH * sharpening and not (last and gained > 0):
                break
            slice_ = max(LEAST_SEARCH, min(slice_, spent))
        visited += outcome.domains
        rounds = ROUNDS if rounds == 0 else GROWTH * rounds
