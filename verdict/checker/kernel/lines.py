"""Which multipliers the rule uses at a function: lines that hold it from both sides (Zhang et al. 1811.00866).

A certificate may store slopes and betas for them (alpha, Xu et al. 2011.13824; beta, Wang et al. 2103.06624). They are
hints: whatever is stored is first brought to the side on which it is sound, so that no reader of files is trusted here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..functions.base import Function
from ..network import Network
from ..readers.multipliers import Domains
from .region import Region, meet


@dataclass(frozen=True, eq=False)
class Lines:
    """For a layer of neurons, arrays (batch, size): mu = below * nu where nu >= 0, above * nu elsewhere, plus `shift`.

    On [low, high] f(z) >= below * z + `rise` (None: 0), and `gap` >= f(z) - above * z. `shift` is -beta on neurons
    split to z >= t and beta on those split to z <= t, beta >= 0: it adds -shift * t, with the thresholds t in `at`;
    None: they are all 0. With `raw` the multipliers are these, and nothing is known about them.
    """

    function: Function
    below: Any
    above: Any
    gap: Any
    rise: Any
    shift: Any
    low: Any
    high: Any
    raw: Any = None
    at: Any = None


def lines(function: Function, ends: tuple[Any, Any], below: Any = None, shift: Any = None, chords: Any = None,
          split: Any = False) -> Lines:
    """The lines of a function for bounds, each (batch, size): its own, or with the slopes `below` and `chords` where
    these are numbers and neurons were not `split`."""
    low, high = ends
    floor, above = function.slopes(low, high, below, chords, split)
    offsets = function.gap(low, high, above), function.rise(low, high, floor)
    return Lines(function, floor, above, *offsets, shift, low, high)


def lines_of(network: Network, region: Region, domains: Domains, layers: int, stored: bool) -> tuple[Any, Any]:
    """The lines of the first `layers` layers of neurons on each domain, by node, and which domains are empty, (n,)."""
    result, empty = {}, np.broadcast_to(region.empty, len(domains)).copy()
    for k in range(layers):
        number, mine = network.pointwise[k], slice(network.starts[k], network.starts[k + 1])
        node, (bottom, top) = network.nodes[number], domains.leaves.cuts[..., mine]
        low, high, crossed = meet((region.low[node.source], region.high[node.source]), (bottom, top))
        empty |= crossed
        below, chords, shift, raw = (a[..., mine] if stored and a is not None else None
                                     for a in (domains.below, domains.chords, domains.shift, domains.raw))
        at = None
        if shift is not None:
            # Below zero only where z >= bottom, above zero only where z <= top.
            falling = np.where(bottom > -np.inf, np.minimum(shift, 0), 0)
            shift = falling + np.where(top < np.inf, np.maximum(shift, 0), 0)
            ends = np.where(shift < 0, bottom, np.where(shift > 0, top, 0.0))
            at = ends if ends.any() else None
        split = (bottom > -np.inf) | (top < np.inf)
        result[number] = replace(lines(node.function, (low, high), below, shift, chords, split), raw=raw, at=at)
    return result, empty
