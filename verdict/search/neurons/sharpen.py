"""Sharper bounds of hidden neurons by branch and bound on each of them, layer after layer.

A neuron of an early layer depends on few unstable ReLUs, so a small tree of splits brings its bounds close to their
true values, and what is gained in one layer multiplies in the next. Mixed-integer programs are the usual tool
(Tjeng et al. 1711.07356); bounding the trees of all neurons of a layer in one batch does the same thousands of times
faster, and every number is rigorous.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...bounds.bounds import Bounds
from ...bounds.interval import carry_up
from ...bounds.linear import tighten, unit_rows
from ...bounds.lines import Lines
from ...network.functions import Feature
from ...network.graph import Graph
from ..means import Means
from ..observer import BoundsObserver
from ..relus.ascent import optimise
from ..relus.branch import branch, losses
from ..relus.space import Domains, Space
from .grown import Grown, absolute

# Gradient steps at the roots of the trees and after each split.
ROOT_STEPS, STEPS = 20, 1
# Of most neurons no side is in reach, and what is missing to it says little of a step's length.
LONGEST = 1.0
# The most numbers that the trees bounded together may take.
MOST_ENTRIES = 2**25
# The most numbers in the rows of one space: layers of convolutions have tens of thousands of neurons, and a row is as
# wide as the layer.
MOST_ROWS = 2**24
# Neurons whose trees grow together: what a round that is stopped loses.
TOGETHER = 32
# Behind a layer with more than this share of its neurons unstable, splitting is of little use yet.
HOPELESS = 0.9


@dataclass(eq=False)
class Round:
    """So many `splits` for each unstable neuron, and what of that is done: `nodes` that need nothing more, and
    `neurons` of others."""

    splits: int
    nodes: set[int] = field(default_factory=set)
    neurons: dict[int, set[int]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Task:
    """What is to be done, with what, until when, and who has a say in it."""

    graph: Graph
    todo: Round
    means: Means
    stop: Callable[[], bool]
    observer: BoundsObserver


def sharpen(
    graph: Graph,
    bounds: Bounds,
    todo: Round,
    means: Means,
    stop: Callable[[], bool] = lambda: False,
    observer: BoundsObserver | None = None,
) -> Bounds:
    """Bounds at least as tight as `bounds` (batch 1, float64), after the splits of a round.

    With 0 splits only the slopes of the lines are optimised, neuron by neuron: alpha. Once `stop` returns True the
    remaining layers get interval and linear bounds only; so do those behind a layer that is still mostly unstable, or
    behind a function that is not ON_OFF. The trees grow on the device of `means`, and what their leaves prove is
    NumPy's word.

    What of the round is done is not done again, and what is done now is added: so one that was stopped goes on. The
    `observer` has a say in which bounds are taken: for a certificate those that a checker can find too.
    """
    listener = observer or BoundsObserver()
    known, lines = listener.known(bounds), dict[int, Lines]()
    task, hopeless = _Task(graph, todo, means, stop, listener), False

    def improve(so_far: Bounds) -> tuple[Any, Any]:
        nonlocal hopeless
        number = len(so_far.lower) - 1
        if number in todo.nodes and known is not None:
            low, high = so_far.lower[-1], so_far.upper[-1]
        else:
            plain = tighten(graph, so_far, lines, stop)
            low, high = listener.begin(so_far, *plain)
            if not (stop() or hopeless or number in todo.nodes):
                so_far = so_far.with_ends((*so_far.lower[:-1], low), (*so_far.upper[:-1], high))
                low, high = _split(task, so_far)
                if not stop():
                    todo.nodes.add(number)
            low, high = listener.end(number, plain, low, high)
        hopeless |= todo.splits > 0 and bool(np.mean(graph.bends(number, low, high)) > HOPELESS)
        return low, high

    return carry_up(graph, bounds.with_ends(bounds.lower[:1], bounds.upper[:1]), known, improve)


def _split(task: _Task, bounds: Bounds) -> tuple[Any, Any]:
    """The bounds of the last node after the splits of a round for those of its unstable neurons that had none in it."""
    number, graph = len(bounds.lower) - 1, task.graph
    finished = task.todo.neurons.setdefault(number, set())
    low, high = bounds.lower[number].copy(), bounds.upper[number].copy()
    unstable = np.flatnonzero(graph.bends(number, low[0], high[0]))
    unstable = np.setdiff1d(unstable, np.array([*finished], np.intp))
    # Only sides of what is off or on leave nothing to relax.
    if not len(unstable) or not graph.has(Feature.ON_OFF, number) or not _bends_before(graph, bounds, number):
        return low, high
    portion = max(1, MOST_ROWS // (2 * low.shape[1]))
    for start in range(0, len(unstable), portion):
        if task.stop():
            break
        some = unstable[start : start + portion]
        lower, upper = _grown(task, bounds, some)
        low[0, some], high[0, some] = np.maximum(low[0, some], lower), np.minimum(high[0, some], upper)
    return low, high


def _grown(task: _Task, bounds: Bounds, unstable: Any) -> tuple[Any, Any]:
    """Lower and upper bounds of some of the last node's neurons, by trees of their own."""
    graph, todo, means, stop = task.graph, task.todo, task.means, task.stop
    number = len(bounds.lower) - 1
    low, high = bounds.lower[number], bounds.upper[number]
    picks = unit_rows(unstable, low.shape[1], np.float64)
    rows = np.concatenate([picks, -picks])
    # A neuron is done once it is on one side of where it bends.
    sides = graph.threshold(number, low[0], high[0])[unstable]
    offsets = np.concatenate([sides, -sides])
    space = Space(graph, bounds, rows, offsets, number, means)
    roots, count = space.root(), len(unstable)
    widest = max(space.size, *(graph.nodes[i].size for i in graph.ancestors(number)))
    most = max(1, min(TOGETHER, MOST_ENTRIES // (widest * (todo.splits + 1)) // 2))
    before = np.concatenate([low[0, unstable], -high[0, unstable]]) - offsets

    def bounded(share: slice) -> Any:
        if stop():
            return before[:count][share], before[count:][share]
        both = np.arange(count)[share]
        part = roots.take(np.concatenate([both, both + count]))
        grown = grow(space, part, ROOT_STEPS, todo.splits, stop, kept=task.observer.keeps_trees)
        found = task.observer.grown(space, unstable, part.row, grown, before)
        if not stop():
            todo.neurons[number].update(unstable[share].tolist())
        return found[: len(both)], found[len(both) :]

    ends = means.workers.map(bounded, means.workers.shares(count, most))
    found = np.concatenate([each for side in zip(*ends, strict=True) for each in side]).astype(np.float64)
    found = absolute(found, offsets)
    return found[:count], -found[count:]


def _bends_before(graph: Graph, bounds: Bounds, number: int) -> bool:
    """Whether a neuron that the node depends on bends: else there is nothing to split, nor a slope to choose."""
    before = set(graph.ancestors(number)).intersection(graph.pointwise)
    ends = ((i, bounds.in_front(graph, i)) for i in before)
    return any(graph.bent_by(i, low[0], high[0]).any() for i, (low, high) in ends)


def grow(space: Space, roots: Domains, steps: int, rounds: int, stop: Callable[[], bool], kept: bool = False) -> Grown:
    """The tree of each root, its worst leaf split in every round; its bound is the least of its leaves'.

    Trees that are to be `kept` are without the splits behind which the leaves' own multipliers prove less than before.

    The roots get so many gradient steps on their slopes first. A tree whose leaves are all above 0, past the row's
    offset, is finished: the neuron is stable.
    """
    leaves, seen = optimise(space, roots, steps, longest=LONGEST)
    count, lower = len(roots), np.full((len(roots), rounds + 1), np.inf, np.float32)
    lower[:, 0] = leaves.lower
    # What a leaf's own multipliers prove, while `lower` never falls behind what its parent's prove.
    own = lower.copy()
    # Leaf j of tree i is entry (i, j) of these; a split puts one half in its parent's place.
    store = [np.zeros((count, rounds + 1, space.size), kind) for kind in (np.int8, np.float32, np.float32, np.float32)]
    first = leaves.signs, leaves.slopes, leaves.betas, losses(space, leaves, seen)
    for every, values in zip(store, first, strict=True):
        every[:, 0] = values
    signs, slopes, betas, loss = store
    leaf, column = np.zeros((count, rounds), np.intp), np.full((count, rounds), -1)
    # What was split in each turn, as the leaf that it was.
    whole = np.full((count, rounds), -np.inf, np.float32)
    old = [np.zeros((count, rounds, space.size), kind) for kind in (np.int8, np.float32, np.float32)] if kept else []
    for turn in range(1, rounds + 1):
        worst = lower.argmin(axis=1)
        at = np.flatnonzero(lower.min(axis=1) <= 0)
        at = at[loss[at, worst[at]].max(axis=1) >= 0]
        if not len(at) or stop():
            break
        here = at, worst[at]
        parents = replace(
            leaves.take(at), signs=signs[here], slopes=slopes[here], betas=betas[here], lower=lower[here]
        )
        halves = branch(space, parents, loss[here])
        begun = replace(halves, lower=np.full_like(halves.lower, -np.inf))
        children, seen = optimise(space, begun, STEPS, longest=LONGEST)
        lost = losses(space, children, seen)
        leaf[at, turn - 1], whole[at, turn - 1] = worst[at], own[here]
        for before, values in zip(old, (signs, slopes, betas), strict=False):
            before[at, turn - 1] = values[here]
        column[at, turn - 1] = (children.signs[: len(at)] != parents.signs).argmax(axis=1)
        for place, half in ((here, slice(0, len(at))), ((at, turn), slice(len(at), None))):
            lower[place] = np.maximum(children.lower, halves.lower)[half]
            own[place], signs[place] = children.lower[half], children.signs[half]
            slopes[place], betas[place], loss[place] = children.slopes[half], children.betas[half], lost[half]
    grown = Grown(lower.min(axis=1), own, leaf, column, signs, slopes, betas)
    return grown.pruned(whole, *old) if kept else grown
