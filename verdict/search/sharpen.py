"""Sharper bounds of hidden neurons by branch and bound on each of them, layer after layer.

A neuron of an early layer depends on few unstable ReLUs, so a small tree of splits brings its bounds close to their
true values, and what is gained in one layer multiplies in the next. Mixed-integer programs are the usual tool
(Tjeng et al. 1711.07356); bounding the trees of all neurons of a layer in one batch does the same thousands of times
faster, and every number is rigorous.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..bounds.bounds import Bounds
from ..bounds.interval import carry_up
from ..bounds.linear import tighten, unit_rows
from ..bounds.lines import Lines
from ..device import CPU, Device
from ..network.graph import Graph
from .ascent import optimise
from .branch import branch, losses
from .space import Domains, Space
from .workers import Workers

# Gradient steps at the roots of the trees and after each split.
ROOT_STEPS, STEPS = 20, 1
# The most numbers that the trees bounded together may take.
MOST_ENTRIES = 2**25
# Behind a layer with more than this share of its neurons unstable, splitting is of little use yet.
HOPELESS = 0.9


def sharpen(
    graph: Graph,
    bounds: Bounds,
    rounds: int,
    workers: Workers,
    stop: Callable[[], bool] = lambda: False,
    root_steps: int = ROOT_STEPS,
    device: Device = CPU,
) -> Bounds:
    """Bounds at least as tight as `bounds` (batch 1, float64), after so many splits for each unstable neuron.

    With 0 rounds only the slopes of the lines are optimised, neuron by neuron: alpha. Once `stop` returns True the
    remaining layers get interval and linear bounds only; so do those behind a layer that is still mostly unstable.
    The trees grow on `device`, and what their leaves prove is NumPy's word.
    """
    lines: dict[int, Lines] = {}
    hopeless = False

    def improve(so_far: Bounds) -> tuple[Any, Any]:
        nonlocal hopeless
        low, high = tighten(graph, so_far, lines, stop)
        if not (stop() or hopeless):
            so_far = so_far.with_ends((*so_far.lower[:-1], low), (*so_far.upper[:-1], high))
            low, high = _split(graph, so_far, (root_steps, rounds), workers, stop, device)
        hopeless |= rounds > 0 and bool(np.mean((low < 0) & (high > 0)) > HOPELESS)
        return low, high

    return carry_up(graph, bounds.with_ends(bounds.lower[:1], bounds.upper[:1]), known=bounds, improve=improve)


def _split(
    graph: Graph,
    bounds: Bounds,
    effort: tuple[int, int],
    workers: Workers,
    stop: Callable[[], bool],
    device: Device,
) -> tuple[Any, Any]:
    """The bounds of the last node after `effort` (gradient steps, splits) for each of its unstable neurons."""
    number = len(bounds.lower) - 1
    low, high = bounds.lower[number].copy(), bounds.upper[number].copy()
    unstable = np.flatnonzero((low[0] < 0) & (high[0] > 0))
    if not len(unstable):
        return low, high
    rows = unit_rows(unstable, low.shape[1], np.float64)
    space = Space(graph, bounds, rows, np.zeros(len(rows)), number, device)
    if not space.size:
        return low, high
    roots = space.root()
    widest = max(space.size, *(graph.nodes[i].size for i in graph.ancestors(number)))
    most = MOST_ENTRIES // (widest * (effort[1] + 1))
    parts = [roots.take(share) for share in workers.shares(len(rows), most)]
    found = np.concatenate(workers.map(lambda part: grow(space, part, *effort, stop), parts)).astype(np.float64)
    low[0, unstable] = np.maximum(low[0, unstable], found[: len(unstable)])
    high[0, unstable] = np.minimum(high[0, unstable], -found[len(unstable) :])
    return low, high


def grow(space: Space, roots: Domains, steps: int, rounds: int, stop: Callable[[], bool]) -> Any:
    """The least lower bound (roots,) of the leaves of each root's tree, splitting its worst leaf in every round.

    The roots get so many gradient steps on their slopes first.

    A tree whose leaves are all above 0 is finished: the neuron is stable.
    """
    leaves, seen = optimise(space, roots, steps)
    count, lower = len(roots), np.full((len(roots), rounds + 1), np.inf, np.float32)
    lower[:, 0] = leaves.lower
    # Leaf j of tree i is entry (i, j) of these; a split puts one half in its parent's place.
    store = [np.zeros((count, rounds + 1, space.size), kind) for kind in (np.int8, np.float32, np.float32, np.float32)]
    first = leaves.signs, leaves.slopes, leaves.betas, losses(space, leaves, seen)
    for kept, values in zip(store, first, strict=True):
        kept[:, 0] = values
    signs, slopes, betas, loss = store
    for turn in range(1, rounds + 1):
        worst = lower.argmin(axis=1)
        at = np.flatnonzero(lower.min(axis=1) <= 0)
        at = at[loss[at, worst[at]].max(axis=1) >= 0]
        if not len(at) or stop():
            break
        here = at, worst[at]
        parents = Domains(leaves.row[at], signs[here], slopes[here], betas[here], lower[here])
        children, seen = optimise(space, branch(space, parents, loss[here]), STEPS)
        lost = losses(space, children, seen)
        for place, half in ((here, slice(0, len(at))), ((at, turn), slice(len(at), None))):
            lower[place], signs[place] = children.lower[half], children.signs[half]
            slopes[place], betas[place], loss[place] = children.slopes[half], children.betas[half], lost[half]
    return lower.min(axis=1)
