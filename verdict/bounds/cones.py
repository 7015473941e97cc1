"""Backward substitution for neurons of convolutions, in the cones that they depend on.

A row of coefficients of one neuron is zero outside its cone (`network/cone.py`), which in early layers is nearly the
whole row. Neurons at neighbouring places have nearly one cone, so an image is cut into tiles, and each tile's
neurons are bounded in the small network of their cone; how large a tile should be is a matter of counting.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..network.cone import Cone, cone, image_shape
from ..network.graph import Affine, Graph
from ..network.maps.base import IndexArray
from ..network.maps.namespace import namespace
from .bounds import Bounds
from .lines import Lines

# What a tile costs besides its rows, in numbers that could be computed meanwhile; the share of the whole network's
# work above which cones are not worth it.
OVERHEAD, WORTH = 2**20, 0.7


@dataclass(frozen=True, eq=False)
class Place:
    """Where `neurons` (numbers) of the last node of some bounds are looked at: in a network or in a cone of it."""

    graph: Graph
    bounds: Bounds
    lines: Mapping[int, Lines]
    neurons: Any


def places(whole: Place, most: int) -> Iterator[tuple[Any, Place]]:
    """The neurons in groups of which no array of coefficients has more than `most` entries, each as their positions
    among all of them and where to look at them: in their cones, where that spares something.

    Cones are cut out of bounds of boxes that are on the CPU.
    """
    number, xp = len(whole.bounds.lower) - 1, namespace(whole.neurons)
    shape, side = image_shape(whole.graph, number), None
    if xp is np and shape is not None and whole.bounds.ball is None:
        side = _side(whole.graph, number, shape, whole.neurons)
    if side is None or shape is None:
        count, widest = len(whole.neurons), max(whole.graph.nodes[i].size for i in whole.graph.ancestors(number))
        chunk = max(1, most // (whole.bounds.batch * widest))
        for start in range(0, count, chunk):
            at = xp.arange(start, min(start + chunk, count), device=whole.neurons.device)
            yield at, replace(whole, neurons=whole.neurons[at])
        return
    for at in _groups(whole.neurons, shape, side):
        part = cone(whole.graph, number, whole.neurons[at])
        bounds, lines = within(part, whole.graph, whole.bounds, whole.lines)
        chunk = max(1, most // (bounds.batch * max(node.size for node in part.graph.nodes)))
        for start in range(0, len(at), chunk):
            some = slice(start, start + chunk)
            yield at[some], Place(part.graph, bounds, lines, np.arange(len(at))[some])


def _groups(neurons: IndexArray, shape: tuple[int, ...], side: int) -> list[IndexArray]:
    """The positions of the neurons (sorted) tile by tile."""
    places = np.unravel_index(neurons, shape)[1:]
    counts = [-(-n // side) for n in shape[1:]]
    tile = np.ravel_multi_index([place // side for place in places], counts)
    order = np.argsort(tile, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(tile[order])) + 1)


def _side(graph: Graph, number: int, shape: tuple[int, ...], neurons: IndexArray) -> int | None:
    """The side of tiles with the least work; None if that is hardly less than in the whole network."""
    if len(shape) < 2 or math.prod(shape) != graph.nodes[number].size or not len(neurons):
        return None
    best = WORTH * len(neurons) * graph.widths[number]
    found = None
    for side in itertools.takewhile(lambda side: side < max(shape[1:]), (2**k for k in itertools.count())):
        # A tile from the middle tells for all.
        middle = tuple(slice(max(0, n // 2 - side), max(0, n // 2 - side) + side) for n in shape[1:])
        numbers = np.arange(math.prod(shape)).reshape(shape)[0][middle].ravel()
        part = cone(graph, number, numbers).graph
        count = math.prod(-(-n // side) for n in shape[1:])
        work = len(neurons) * part.widths[part.output] + min(count, len(neurons)) * OVERHEAD
        if work < best:
            best, found = work, side
    return found


def within(part: Cone, graph: Graph, bounds: Bounds, lines: Mapping[int, Lines]) -> tuple[Bounds, dict[int, Lines]]:
    """Bounds and lines of a cone's nodes, from the whole network's, which must reach its last node."""
    cut = list(zip(part.nodes, part.entries, strict=True))
    own = bounds.with_ends((bounds.lower[i][:, mine] for i, mine in cut), (bounds.upper[i][:, mine] for i, mine in cut))
    for new, (old, mine) in enumerate(cut):
        if isinstance(graph.nodes[old], Affine):
            own.put_magnitude(new, bounds.magnitude(graph, old)[:, mine])
    # Of a node some entries may be there once more, behind it.
    place = {old: new for new, old in reversed(list(enumerate(part.nodes)))}
    return own, {place[i]: lines[i].of(part.entries[place[i]]) for i in lines if i in place}
