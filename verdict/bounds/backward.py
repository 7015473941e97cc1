"""Linear bounds by backward substitution (CROWN, Zhang et al. 1811.00866), for any choice of lines.

To bound a linear function of a layer, replace each ReLU by a line below or above it, whichever the sign of
its coefficient asks for, and go back layer by layer until the function is linear in the input, where its
minimum over the box is in closed form. The lines are given by `lines.Lines`; CROWN's own choice is one of many,
and `alpha` improves it.

The result is sound by the rule of docs/rounding.md: the multipliers mu need not be right, only the sums
computed from them, and their rounding error is at most gamma * sum_k |mu_k| . (|M_k| a_k + |b_k| + |z_k|), with
a_k and z_k the largest magnitudes of a layer's inputs and outputs. Those vectors are computed once per box,
so the guarantee costs one dot product per layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..base.deadline import checkpoint
from ..network.graph import Graph
from ..network.maps.namespace import namespace
from .bounds import Bounds
from .lines import Lines, crown_lines
from .rounding import gamma, tiny, unit
from .walk import KEEPING, RIGOROUS, LinearBound, Pass, Walk

# The most numbers in one array of coefficients (16 MiB in float64): more rows than that go in several passes. Larger
# ones the allocator takes from the system each time, which costs as much again for its pages. On a device, whose
# memory is pooled, more.
MOST_ENTRIES, ON_DEVICE = 2**21, 8


def most_entries(array: Any) -> int:
    """The most numbers in one array of coefficients, where this one is."""
    return MOST_ENTRIES if isinstance(array, np.ndarray) else ON_DEVICE * MOST_ENTRIES


def output_bounds(graph: Graph, bounds: Bounds, rows: Any, keep: bool = False) -> LinearBound:
    """Lower bounds of `rows` @ outputs, rows of shape (rows, output_size), over every box of `bounds`; `keep` the
    coefficients met on the way."""
    lines = {i: crown_lines(graph, bounds, i) for i in graph.pointwise}
    found = backward(graph, bounds, graph.output, rows, lines, KEEPING if keep else RIGOROUS)
    if graph.output not in graph.bent:
        return found
    # Lines leave the range of a function, which its own bounds do not.
    xp, (low, high) = namespace(rows), (ends[graph.output] for ends in (bounds.lower, bounds.upper))
    with np.errstate(invalid="ignore", over="ignore"):
        rising, falling = xp.clip(rows, 0, None), xp.clip(rows, None, 0)
        within = low @ rising.T + high @ falling.T
        size = gamma(rows.shape[-1] + 4, unit(rows.dtype)) * (xp.maximum(abs(low), abs(high)) @ abs(rows).T)
        # A row that picks one entry, or minus one, is not rounded.
        plain = (xp.sum(abs(rows), axis=-1) == 1) & (xp.max(abs(rows), axis=-1) == 1)
        within = xp.where(plain, within, within - size - tiny(rows.dtype))
    return replace(found, lower=xp.maximum(found.lower, xp.where(xp.isnan(within), -np.inf, within)))


def output_lower(
    graph: Graph, bounds: Bounds, rows: Any, stop: Callable[[], bool] = lambda: False
) -> Any:
    """The lower bounds of `output_bounds` alone, (batch, rows), a few rows at a time where the network is large; minus
    infinity for those that are left once `stop` returns True."""
    widest = max(graph.nodes[i].size for i in graph.ancestors(graph.output))
    chunk = max(1, most_entries(rows) // (bounds.batch * widest))
    if len(rows) <= chunk:
        return output_bounds(graph, bounds, rows).lower
    lines = {i: crown_lines(graph, bounds, i) for i in graph.pointwise}
    xp = namespace(rows)
    lower = xp.full((bounds.batch, len(rows)), -np.inf, dtype=rows.dtype, device=rows.device)
    for start in range(0, len(rows), chunk):
        if stop():
            break
        here = slice(start, start + chunk)
        lower[:, here] = backward(graph, bounds, graph.output, rows[here], lines).lower
    return lower


def backward(
    graph: Graph, bounds: Bounds, number: int, rows: Any, lines: Mapping[int, Lines], how: Pass = RIGOROUS
) -> LinearBound:
    """Lower bounds of `rows` @ node `number`, by backward substitution through the ReLUs below it.

    `rows` has shape (rows, size) or (batch, rows, size); `bounds` must hold all nodes below `number`, for the
    whole batch or for one box that contains every domain of the batch, in which case the batch is that of
    `rows` and `lines`.
    """
    walk = Walk(graph, bounds, number, rows, lines, how)
    for current in range(number, 0, -1):
        checkpoint()
        walk.through(current)
    return walk.at_inputs()


def backward_until(
    graph: Graph,
    bounds: Bounds,
    number: int,
    rows: Any,
    lines: Mapping[int, Lines],
    enough: Callable[[Any, Any], Any],
) -> Any:
    """The lower bounds of `backward` (batch, rows), or weaker ones of rows that are good enough, which are not followed
    to the inputs: `enough` tells which of some rows (their numbers) are, by their lower bounds (batch, some).

    On the way back a row is a linear function of what is pending, whose least value over the bounds of these nodes is a
    bound already, and costs nothing beside a layer (early termination: Müller et al. 2007.10868).
    """
    xp, walk = namespace(rows), Walk(graph, bounds, number, rows, lines, RIGOROUS)
    sources = {graph.nodes[i].sources[0] for i in graph.pointwise}
    found, at = xp.full(walk.constant.shape, -np.inf, dtype=rows.dtype, device=rows.device), xp.arange(rows.shape[-2])
    for current in range(number, 0, -1):
        checkpoint()
        if current in sources and current != number and current in walk.pending and len(at):
            so_far = walk.so_far()
            is_done = enough(at, so_far)
            if is_done.any():
                found[:, at[is_done]] = so_far[:, is_done]
                at = at[~is_done]
                walk.keep(~is_done)
        walk.through(current)
    if len(at):
        found[:, at] = walk.at_inputs().lower
    return found
