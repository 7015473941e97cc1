"""Forward and backward bounds together (Xu et al. 2002.12920): each layer forwards, its bent neurons backwards too.

With few inputs a forward pass costs next to nothing, and backward substitution, dear and tighter, is for the neurons
alone that it leaves unstable. What these gain goes into the lines that the forward pass takes on to the next layer, so
that ever fewer are left there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..base.workers import Workers
from ..network.graph import Graph
from .bounds import Bounds
from .forward import Forward, ForwardBounds, forward_bounds
from .linear import tighten
from .lines import Lines

if TYPE_CHECKING:
    from .growing import Growing


def combined_bounds(
    graph: Graph,
    inputs: Bounds,
    how: Forward | None = None,
    stop: Callable[[], bool] = lambda: False,
    workers: Workers | None = None,
    growing: Growing | None = None,
) -> ForwardBounds:
    """Bounds of every node over boxes of `inputs`, (batch, input_size), or the ball in them; once `stop` returns True
    those of the remaining neurons are forward ones. Of `inputs` the first node's bounds are looked at alone. What is
    `growing` (batch 1) is the reduced form, in which neurons are bounded as far as it goes."""
    lines: dict[int, Lines] = {}
    depths = graph.depths

    def improve(bounds: Bounds) -> tuple[Any, Any]:
        number = len(bounds.lower) - 1
        if depths[number] < 2 or stop():
            # Behind one layer of functions both ways are the same.
            return bounds.lower[number], bounds.upper[number]
        if growing is not None and growing.reach(bounds, number):
            return growing.tighten(bounds)
        return tighten(graph, bounds, lines, stop, workers=workers)

    ends = inputs.lower[0], inputs.upper[0]
    return forward_bounds(graph, *ends, replace(how or Forward(), improve=improve), inputs.ball)
