"""Bounds of all neurons, computed from nothing but the network: intervals first, then the rule with CROWN's slopes
(Zhang et al. 1811.00866), both ways, for every neuron that intervals leave on both sides of zero and every factor of a
product.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arithmetic.float32 import computed
from ..arithmetic.interface import Arithmetic
from ..functions.lines import Around, lines
from ..network import Network, Pointwise, Product
from .region import Pieces, Region

# Numbers in one array of coefficients.
MOST_ENTRIES = 2**22


def bounded(network: Network, arithmetic: Arithmetic, pieces: Pieces,
            known: Callable[[int, int, Region], None] | None = None, thorough: bool = False,
            given: Any = None) -> Region:
    """The region that the pieces make.

    `known(k, node, region)` may meet the bounds of the pre-activations of ReLU layer k with better ones. `thorough`
    applies the rule to stable neurons too, whose better bounds help the layers behind. `given` (3, neurons) are slopes
    below and above in place of CROWN's, and positive for neurons to apply the rule to.
    """
    low, high, ball, reduction = pieces.low, pieces.high, pieces.ball, pieces.reduction
    region = Region({0: low}, {0: high}, (low > high).any(axis=1), ball)
    number_of = {network.nodes[r].source: k for k, r in enumerate(network.pointwise)}
    found: dict[int, Around] = {}
    if reduction is not None:
        reduction.begin(region)
    for i in network.needed(network.output)[1:]:
        arithmetic.ask()
        node = network.nodes[i]
        region.set(i, *computed(node, arithmetic, region, network.ulps))
        if isinstance(node, Pointwise):
            before = node.source
            mine = slice(*network.starts[number_of[before]:][:2])
            below, chords = (None, None) if given is None else given[:2, None, mine]
            found[i] = lines(node.function, (region.low[before], region.high[before]), below, None, chords)
        elif isinstance(node, Product):
            found[i] = region.planes(i, node)
        if reduction is not None:
            reduction.follow(i, node, arithmetic.ask)
        if isinstance(node, Pointwise):
            continue
        mine = slice(*network.starts[number_of[i]:][:2]) if i in number_of else slice(0)
        # Intervals are exact in front of the first ReLUs, but not on a ball.
        if i in network.readers and (ball is not None or i not in network.plain):
            also = thorough if given is None or i not in number_of else given[2, mine] > 0
            wanted = network.worth(i, region.low[i], region.high[i], also)
            if reduction is None or not reduction.tighten(i, wanted[0], arithmetic.ask):
                _tighten(network, arithmetic, region, i, wanted, found)
        if i not in number_of:
            continue
        if known is not None:
            known(number_of[i], i, region)
        if pieces.cuts is not None:
            region.meet(i, *pieces.cuts[..., mine])
    return region


def _tighten(network: Network, arithmetic: Arithmetic, region: Region, i: int, wanted: Any,
             found: dict[int, Around]) -> None:
    """Meet the bounds of node `i` with the rule's, for entries where that is `wanted` (batch, size): box by box, for
    what holds for a box must not depend on which others are looked at together with it."""
    low, high = np.full(wanted.shape, -np.inf), np.full(wanted.shape, np.inf)
    unstable = np.flatnonzero(wanted.any(axis=0))
    widest = max(network.size(j) for j in network.needed(i))
    chunk = max(1, MOST_ENTRIES // (2 * len(low) * widest))
    for start in range(0, len(unstable), chunk):
        part = unstable[start : start + chunk]
        at = np.arange(len(part))
        rows = np.zeros((1, 2 * len(part), network.size(i)))
        rows[0, at, part], rows[0, len(part) + at, part] = 1, -1
        bound = arithmetic.lower(region, i, rows, found)
        low[:, part] = np.where(wanted[:, part], bound[:, : len(part)], -np.inf)
        high[:, part] = np.where(wanted[:, part], -bound[:, len(part) :], np.inf)
    region.meet(i, low, high)
