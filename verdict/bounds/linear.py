"""Linear bounds of every node: CROWN (Zhang et al. 1811.00866) for the neurons that intervals leave unstable.

Layer by layer from below, so that the lines of each are drawn on the best bounds of those before. Rows of many neurons
go through the network together (`backward.py`), of a convolution's neurons through the cone that they see alone
(`cones.py`); in large networks an end that would say nothing new is not looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..base.workers import Workers, at_hand
from ..network.graph import Graph
from ..network.maps.namespace import namespace
from .backward import backward, backward_until, most_entries
from .ball import Ball
from .bounds import Bounds
from .cones import Place, places
from .interval import carry_up
from .lines import Lines, crown_lines

# Numbers in all rows of a layer, from which one end is bounded after the other.
LARGE = 2**22
# So many parts for each worker are shared out evenly enough.
FEW = 4


def linear_bounds(
    graph: Graph,
    lower: Any,
    upper: Any,
    stop: Callable[[], bool] = lambda: False,
    ball: Ball | None = None,
    workers: Workers | None = None,
) -> Bounds:
    """Bounds of every node over boxes [lower, upper] of shape (batch, input_size): CROWN where it can help.

    Every node gets interval bounds from its sources' bounds; pre-activations of ReLUs that these leave
    unstable in some box are then bounded by backward substitution and the two are intersected. Once `stop`
    returns True the remaining neurons keep their interval bounds. With a `ball` they are about the inputs in it only.
    """
    lines: dict[int, Lines] = {}
    first = Bounds((lower,), (upper,), ball)
    return carry_up(graph, first, improve=lambda bounds: tighten(graph, bounds, lines, stop, workers=workers))


def first_layer_bounds(
    graph: Graph, lower: Any, upper: Any, stop: Callable[[], bool] = lambda: False, ball: Ball | None = None
) -> Bounds:
    """Interval bounds of every node, on the inputs of the boxes that lie in the `ball`, if there is one.

    Pushing a box through forgets the ball, so what is linear in the inputs is bounded by the ball's own minimum.
    """
    linear = {i for i in range(len(graph.nodes)) if not set(graph.bent).intersection(graph.ancestors(i))}

    def improve(bounds: Bounds) -> tuple[Any, Any]:
        if len(bounds.lower) - 1 in linear:
            return tighten(graph, bounds, {}, stop, every=True)
        return bounds.lower[-1], bounds.upper[-1]

    return carry_up(graph, Bounds((lower,), (upper,), ball), improve=None if ball is None else improve)


def tighten(
    graph: Graph,
    bounds: Bounds,
    lines: dict[int, Lines],
    stop: Callable[[], bool] = lambda: False,
    every: bool = False,
    workers: Workers | None = None,
) -> tuple[Any, Any]:
    """Bounds of the last node of `bounds` intersected with backward substitution for its unstable rows, or `every` one.

    `lines` takes up CROWN's of the ReLUs before it.
    """
    number = len(bounds.lower) - 1
    for i in graph.pointwise:
        if i < number and i not in lines:
            lines[i] = crown_lines(graph, bounds, i)
    xp = namespace(bounds.lower[number])
    low, high = xp.asarray(bounds.lower[number], copy=True), xp.asarray(bounds.upper[number], copy=True)
    neurons = xp.nonzero(xp.any(graph.bends(number, low, high) | every, axis=0))[0]
    layer = _Layer(graph, bounds, lines, (low, high), stop, workers)
    if every or xp is not np or bounds.batch * len(neurons) * graph.widths[number] < LARGE:
        up = xp.ones(len(neurons), dtype=low.dtype, device=low.device)
        layer.meet(neurons, (up, -up))
        return low, high
    # The end nearer to zero first: where it shows a neuron to be stable, the other one would say nothing new.
    with np.errstate(invalid="ignore"):
        # Of ends that are both infinite, outside a function's domain, neither is nearer.
        side = np.where((low + high)[:, neurons].sum(axis=0) > 0, 1, -1).astype(low.dtype)
    layer.meet(neurons, (side,))
    left = graph.bends(number, low, high)[:, neurons].any(axis=0)
    layer.meet(neurons[left], (-side[left],))
    return low, high


@dataclass(frozen=True, eq=False)
class _Layer:
    """The last node of some bounds, whose ends, lower and upper (batch, size), are met with better ones."""

    graph: Graph
    bounds: Bounds
    lines: Mapping[int, Lines]
    ends: tuple[Any, Any]
    stop: Callable[[], bool]
    workers: Workers | None

    def meet(self, neurons: Any, sides: Sequence[Any]) -> None:
        """Bound the lower ends of the neurons where a side (neurons,) is 1, the upper ones where it is -1; of one side
        only as well as it takes to see that a neuron is stable."""
        workers = self.workers or at_hand()
        parts = list(places(Place(self.graph, self.bounds, self.lines, neurons), most_entries(neurons) // len(sides)))
        if len(parts) < FEW * workers.busy:
            # Of three parts one core would have two.
            parts = [piece for part in parts for piece in _pieces(part, workers, len(sides) * self.bounds.batch)]

        def least(part: tuple[Any, Place]) -> Any:
            at, place = part
            if self.stop():
                return None
            enough = self._enough(neurons[at], sides[0][at]) if len(sides) == 1 else None
            return _least(place, [side[at] for side in sides], enough)

        low, high = self.ends
        xp = namespace(low)
        for (at, _), found in zip(parts, workers.map(least, parts), strict=True):
            if found is None:
                continue
            count = len(at)
            for k, side in enumerate(sides):
                values, is_lower = found[:, k * count : (k + 1) * count], side[at] > 0
                below, above = neurons[at[is_lower]], neurons[at[~is_lower]]
                low[:, below] = xp.maximum(low[:, below], values[:, is_lower])
                high[:, above] = xp.minimum(high[:, above], -values[:, ~is_lower])


    def _enough(self, neurons: Any, side: Any) -> Callable[[Any, Any], Any]:
        """Which of some rows (their numbers) show by bounds (batch, some) that their neurons bend in no box."""
        number, (low, high) = len(self.bounds.lower) - 1, self.ends

        def enough(rows: Any, lower: Any) -> Any:
            some, xp, is_lower = neurons[rows], namespace(lower), side[rows] > 0
            below, above = low[:, some], high[:, some]
            below = xp.where(is_lower, xp.maximum(below, lower), below)
            above = xp.where(is_lower, above, xp.minimum(above, -lower))
            return ~xp.any(self.graph.bends(number, below, above, some), axis=0)

        return enough


def _pieces(part: tuple[Any, Place], workers: Workers, rows: int) -> list[tuple[Any, Place]]:
    """A part of a layer, of which each neuron has so many rows, cut into as many as there are workers, if that pays."""
    at, place = part
    runs = workers.runs(len(at), rows * place.graph.work)
    return [(at[run], replace(place, neurons=place.neurons[run])) for run in runs]


def _least(place: Place, sides: Sequence[Any], enough: Callable[[Any, Any], Any] | None = None) -> Any:
    """The least values of each neuron times each side, (batch, sides * neurons); no better ones than are `enough`, if
    that is said."""
    number = len(place.bounds.lower) - 1
    picks = unit_rows(place.neurons, place.bounds.lower[number].shape[1], sides[0].dtype)
    rows = namespace(picks).concat([side[:, None] * picks for side in sides])
    if enough is not None:
        return backward_until(place.graph, place.bounds, number, rows, place.lines, enough)
    return backward(place.graph, place.bounds, number, rows, place.lines).lower


def unit_rows(neurons: Any, size: int, dtype: Any) -> Any:
    """Rows that pick out neurons: e_i for each."""
    xp, count = namespace(neurons), len(neurons)
    picks = xp.zeros((count, size), dtype=dtype, device=neurons.device)
    picks[xp.arange(count, device=neurons.device), neurons] = 1
    return picks
