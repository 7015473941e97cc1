"""One leaf in Fractions: for raw multipliers, for exact rationals, and for the tier `python`.

Bounds of hidden neurons come from the region, as the floats that they are; everything after them is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from .claim import Ball
from .errors import UnreadableError
from .group import Domains, Group, lines_of
from .integers import OutOfRangeError, float32_error
from .network import Network
from .reference import Choice, Ends, from_lines, rule
from .region import Region
from .tree import LINES, RATIONAL, RAW


@dataclass(frozen=True, eq=False)
class Leaf:
    """A domain of one leaf, the `number`-th of its kind in its group; `owned` are the rows of each disjunct.

    `box` is the exact box of the part, `low` and `high` the floats around it. With `ball` a tie at its radius is
    accepted if it is none at any smaller one.
    """

    network: Network
    group: Group
    domain: Domains
    number: int
    owned: list[Any]
    box: Ends
    low: Any
    high: Any
    any_order: bool
    ball: Ball | None


def excluded(leaf: Leaf, region: Region, stored: bool = True) -> list[bool]:
    """Which disjuncts the leaf's multipliers exclude; without `stored` those that the bounds alone give."""
    network, domain, kind = leaf.network, leaf.domain, int(leaf.domain.leaves.kind[0])
    lines, empty = lines_of(network, region, domain, len(network.relus), stored)
    if empty[0]:
        return [True] * len(leaf.owned)
    low, high = _box(leaf)
    if any(a > b for a, b in zip(low, high, strict=True)):
        return [True] * len(leaf.owned)
    if kind != LINES and len(leaf.owned) != 1:
        raise UnreadableError(f"{leaf.group.prefix}: raw or rational multipliers for several disjuncts at once")
    of = {network.nodes[r].source: line for r, line in lines.items()}
    shifts: dict[int, list[Any]] = {
        r: [0.0] * line.low.shape[1] if line.shift is None else line.shift[0].tolist() for r, line in lines.items()
    }
    # Without weights each row of the disjunct is tried alone.
    weights: list[Any] = [None] * len(leaf.owned)
    if kind == RATIONAL:
        weights[0], betas = leaf.group.rationals(leaf.number)
        _place(leaf, betas, shifts)
        if len(weights[0]) != len(leaf.owned[0]):
            raise UnreadableError(f"{leaf.group.prefix}: rational leaf {leaf.number} does not fit")
    elif kind == RAW:
        if leaf.group.raw is None or leaf.number >= len(leaf.group.raw):
            raise UnreadableError(f"{leaf.group.prefix}: raw multipliers are missing")
        weights[0] = leaf.group.raw[leaf.number, : len(leaf.owned[0])].tolist()
    elif domain.rows is not None:
        parts = np.split(domain.rows, np.cumsum([len(own) for own in leaf.owned])[:-1], axis=1)
        weights = [part[0].tolist() if part.any() else None for part in parts]

    def bounds(node: int) -> Ends:
        line = of[node]
        return [Fraction(v) for v in line.low[0].tolist()], [Fraction(v) for v in line.high[0].tolist()]

    def charge(node: int) -> Any:
        return float32_error(network.nodes[node], region)

    choose = _raw(leaf) if kind == RAW else from_lines(lines, shifts)

    def holds(row: list[Fraction]) -> bool:
        try:
            g, slope = rule(network, network.output, row, (low, high), bounds, choose,
                            charge if leaf.any_order else None)
        except OutOfRangeError:
            return False
        return g > 0 or (g == 0 and leaf.ball is not None and _grows(leaf.ball, slope, low, high))

    size = network.size(network.output)
    return [
        any(holds(_row(size, [r], [1])) for r in own) if given is None else holds(_row(size, own, given))
        for own, given in zip(leaf.owned, weights, strict=True)
    ]


def _row(size: int, places: Any, values: list[Any]) -> list[Fraction]:
    row = [Fraction(0)] * size
    for place, value in zip(places, values, strict=True):
        row[int(place)] = Fraction(value)
    return row


def _box(leaf: Leaf) -> Ends:
    """The exact box of the part, cut by the thresholds on the leaf's path, which are floats."""
    low, high = leaf.domain.leaves.low[0].tolist(), leaf.domain.leaves.high[0].tolist()
    bottom = [max(a, Fraction(b)) if b > c else a for a, b, c in zip(leaf.box[0], low, leaf.low.tolist(), strict=True)]
    top = [min(a, Fraction(b)) if b < c else a for a, b, c in zip(leaf.box[1], high, leaf.high.tolist(), strict=True)]
    return bottom, top


def _place(leaf: Leaf, betas: list[Fraction], shifts: dict[int, list[Any]]) -> None:
    """Rational betas of the splits on the path, from the root."""
    path, starts = leaf.domain.leaves.paths[0], leaf.network.starts
    if len(betas) != len(path):
        raise UnreadableError(f"{leaf.group.prefix}: rational leaf {leaf.number} does not fit")
    for neuron, beta in zip(path, betas, strict=True):
        layer = int(np.searchsorted(starts, neuron, side="right")) - 1
        sign = -int(leaf.domain.leaves.signs[0, neuron])
        shifts[leaf.network.relus[layer]][neuron - int(starts[layer])] = sign * beta


def _raw(leaf: Leaf) -> Choice:
    """Stored multipliers of all neurons, whatever they are."""
    starts, first = leaf.network.starts, len(leaf.owned[0])
    values = leaf.group.raw[leaf.number].tolist()
    place = {r: first + int(starts[k]) for k, r in enumerate(leaf.network.relus)}
    return lambda node, i, nu: Fraction(values[place[node] + i])


def _grows(ball: Ball, slope: list[Fraction], low: list[Fraction], high: list[Fraction]) -> bool:
    """Whether the least value of slope . x over the ball grows as soon as the radius shrinks."""
    return any(
        (c > 0 and a == x - ball.radius) or (c < 0 and b == x + ball.radius)
        for c, a, b, x in zip(slope, low, high, ball.center, strict=True)
    )
