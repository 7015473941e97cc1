"""Branch and bound on one problem: by halving boxes, by splitting ReLUs, or by both in turn.

With many inputs ReLUs are split, and with few ReLUs too, for then there are few linear regions. In between nothing but
the problem itself tells which is better, so both are tried (`in_turn`).
"""

from __future__ import annotations

import numpy as np

from ....base.workers import Workers
from ....bounds.bounds import Bounds
from ....bounds.moving import moving
from ....network.functions import Feature
from ....network.graph import Graph
from ....property import Polytope, UnsafeSet
from ...boxes.input_split import InputSplit
from ...boxes.zoom_split import ZoomSplit
from ...effort import Effort
from ...first_box import FirstBox
from ...means import Means
from ...observer import Watch
from ...options import SearchOptions
from ...outcome import Outcome
from ...tangents.tangent_split import TangentSplit, can_split
from .anew_split import AnewSplit
from .in_turn import Way, in_turn
from .plane_split import PlaneSplit
from .relu_rounds import ReluRounds

# Seconds of processor time that forward bounds have, before dear bounds of the whole box are looked for.
PATIENCE = 2.0
# Those that splits of smooth neurons have before boxes of many inputs are halved: the first few of these may take as
# long, and gain nothing.
MANY_PATIENCE = 20.0


def branch_and_bound(
    graph: Graph,
    bounds: Bounds,
    polytopes: list[Polytope],
    effort: Effort,
    watch: Watch | None = None,
    is_rough: bool = False,
) -> Outcome:
    """Prove that no input of the box of `bounds` (batch 1) reaches any of the polytopes.

    Where the bounds are `rough`, since better ones take long, the searches that need these find them in their own time.
    Multipliers of ReLU splits and the coordinates of input splits are looked for on the device of `effort`; `watch` has
    the listeners.
    """
    watch, options = watch or Watch(), effort.options
    if reason := unfit(polytopes):
        return Outcome(False, -np.inf, 0, reason)
    low, high = bounds.lower[0][0], bounds.upper[0][0]
    is_smooth = bool(graph.functions) and not graph.has(Feature.ON_OFF) and can_split(graph, bounds)
    if not (is_smooth or graph.has(Feature.ON_OFF) or splits_inputs(graph, bounds, options)):
        return Outcome(False, -np.inf, 0, "splits of inputs need a box, and splits of neurons ReLUs")
    with Workers(effort.threads) as workers:
        means = Means(workers, effort.device, options)
        ways: list[Way] = []
        first = FirstBox(graph, bounds, effort.deadline, is_rough, options.relus.most_reduced)
        # Boxes around a tie would have to shrink without end.
        has_tie = watch.proof.has_tie
        if splits_inputs(graph, bounds, options) and not has_tie:
            unsafe = UnsafeSet(tuple(polytopes), graph.output_size)
            ways.append(InputSplit(graph, unsafe, low, high, watch, means))
            if is_rough:
                ways.append(_closer(graph, unsafe, first, watch, means))
        if is_smooth and not has_tie:
            is_first = free_inputs(bounds) > options.most_inputs and not is_rough
            ways.insert(0 if is_first else len(ways), TangentSplit(graph, bounds, polytopes, watch, means))
        elif (not ways and graph.has(Feature.ON_OFF)) or splits_neurons(graph, bounds, options):
            rounds = ReluRounds(graph, first, polytopes, effort.deadline, watch, means)
            ways.append(rounds)
            # Of a network that is linear on the box, linear programs tell all.
            if not has_tie and bounds.unstable(graph):
                ways.append(AnewSplit(graph, rounds, polytopes, watch, means))
            if ways[0] is rounds and not has_tie and PlaneSplit.can(first, polytopes):
                ways.append(PlaneSplit(rounds, polytopes, watch, means))
        if not ways:
            return Outcome(False, -np.inf, 0, "splits of inputs need a box without a tie, and splits of neurons ReLUs")
        if options.only:
            ways = [way for way in ways if way.name == options.only]
            if not ways:
                return Outcome(False, -np.inf, 0, f"{options.only} is no way here")
        waits = MANY_PATIENCE if isinstance(ways[0], TangentSplit) else 0.0
        return in_turn(ways, effort.deadline, PATIENCE if is_rough else waits)


def _closer(graph: Graph, unsafe: UnsafeSet, first: FirstBox, watch: Watch, means: Means) -> Way:
    """The search over boxes that starts from what is known of the first one, where that takes long to find: in a
    reduced form of the network, where it has one."""
    if graph.has(Feature.ON_OFF):
        return ZoomSplit(graph, first, unsafe, watch, means)
    low, high = first.bounds.lower[0][0], first.bounds.upper[0][0]
    return InputSplit(graph, unsafe, low, high, watch, means).inside(first)


def unfit(polytopes: list[Polytope]) -> str:
    """Why bounds in floats can say nothing of the polytopes, or the empty string."""
    for polytope in polytopes:
        if not polytope.matrix.is_dyadic:
            # The float rows would be other rows than those asked about.
            return f"{polytope.name}: coefficients that no float64 equals"
    return ""


def splits_inputs(graph: Graph, bounds: Bounds, options: SearchOptions) -> bool:
    """Whether boxes are halved on the box of `bounds` (batch 1)."""
    if not graph.has(Feature.ON_OFF):
        # A split neuron has to leave nothing to relax.
        return bounds.ball is None
    is_hard = bounds.unstable(graph) > options.few_relus
    return bool(0 < free_inputs(bounds) <= options.most_inputs and is_hard and bounds.ball is None)


def splits_neurons(graph: Graph, bounds: Bounds, options: SearchOptions) -> bool:
    """Whether neurons are split where boxes are halved too."""
    return graph.has(Feature.ON_OFF) and free_inputs(bounds) > options.few_inputs


def free_inputs(bounds: Bounds) -> int:
    """How many inputs can vary in the first box."""
    return int(np.count_nonzero(moving(bounds.lower[0][0], bounds.upper[0][0])))
