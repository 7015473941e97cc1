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
from ..bounds.interval import affine_interval
from ..bounds.linear import tighten, unit_rows
from ..bounds.lines import crown_lines
from ..network.graph import Affine, Graph, Input, Relu
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
) -> Bounds:
    """Bounds at least as tight as `bounds` (batch 1, float64), after so many splits for each unstable neuron.

    With 0 rounds only the slopes of the lines are optimised, neuron by neuron: alpha. Once `stop` returns True the
    remaining layers get interval and linear bounds only; so do those behind a layer that is still mostly unstable.
    """
    lows: list[Any] = []
    highs: list[Any] = []
    lines: dict[int, Any] = {}
    feeds_relu = {node.source for node in graph.nodes if isinstance(node, Relu)}
    hopeless = False
    for number, node in enumerate(graph.nodes):
        if isinstance(node, Input):
            low, high = bounds.lower[0], bounds.upper[0]
        elif isinstance(node, Affine):
            low, high = _meet(*affine_interval(node, lows, highs), bounds, number)
            if number in feeds_relu and lines and not stop():
                low, high = tighten(graph, Bounds((*lows, low), (*highs, high)), number, lines, stop)
                if not (stop() or hopeless):
                    so_far = Bounds((*lows, low), (*highs, high))
                    low, high = _split(graph, so_far, number, (root_steps, rounds), workers, stop)
                hopeless |= rounds > 0 and np.mean((low < 0) & (high > 0)) > HOPELESS
        else:
            low, high = np.maximum(lows[node.source], 0), np.maximum(highs[node.source], 0)
            lines[number] = crown_lines(lows[node.source], highs[node.source])
        lows.append(low)
        highs.append(high)
    return Bounds(tuple(lows), tuple(highs))


def _meet(low: Any, high: Any, bounds: Bounds, number: int) -> tuple[Any, Any]:
    return np.maximum(low, bounds.lower[number]), np.minimum(high, bounds.upper[number])


def _split(
    graph: Graph, bounds: Bounds, number: int, effort: tuple[int, int], workers: Workers, stop: Callable[[], bool]
) -> tuple[Any, Any]:
    """The bounds of node `number` after `effort` (gradient steps, splits) for each of its unstable neurons."""
    low, high = bounds.lower[number].copy(), bounds.upper[number].copy()
    unstable = np.flatnonzero((low[0] < 0) & (high[0] > 0))
    if not len(unstable):
        return low, high
    rows = unit_rows(unstable, low.shape[1], np.float64)
    space = Space(graph, bounds, rows, np.zeros(len(rows)), number)
    if not space.size:
        return low, high
    roots = space.root()
    widest = max(space.size, *(graph.nodes[i].size for i in graph.ancestors(number)))
    chunk = max(1, min(-(-len(rows) // workers.count), MOST_ENTRIES // (widest * (effort[1] + 1))))
    parts = [roots.take(slice(i, i + chunk)) for i in range(0, len(rows), chunk)]
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
