"""Which multipliers the rule uses at a function: lines that hold it from both sides (Zhang et al. 1811.00866).

A certificate may store slopes and betas for them (alpha, Xu et al. 2011.13824; beta, Wang et al. 2103.06624). They are
hints: whatever is stored is first brought to the side on which it is sound, so that no reader of files is trusted here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..functions.lines import Around, lines
from ..functions.planes import planes
from ..network import Network
from ..readers.multipliers import Domains
from .region import Region, meet


def lines_of(network: Network, region: Region, domains: Domains, layers: int, stored: bool) -> tuple[Any, Any]:
    """The lines of the first `layers` layers of neurons on each domain, by node, with the planes of all products whose
    factors the region bounds, and which domains are empty, (n,)."""
    result: dict[int, Around] = {i: region.planes(i, network.nodes[i]) for i in network.products if i in region.low}
    if stored and domains.shares is not None:
        result = {i: planes(*region.factors(network.nodes[i]), domains.shares[..., network.entries[i]]) for i in result}
    empty = np.broadcast_to(region.empty, len(domains)).copy()
    for k in range(layers):
        number, mine = network.pointwise[k], slice(network.starts[k], network.starts[k + 1])
        node, (bottom, top) = network.nodes[number], domains.leaves.cuts[..., mine]
        low, high, crossed = meet((region.low[node.source], region.high[node.source]), (bottom, top))
        empty |= crossed
        high = node.function.halves(low, high, top) if hasattr(node.function, "halves") else high
        below, chords, shift, raw = (a[..., mine] if stored and a is not None else None
                                     for a in (domains.below, domains.chords, domains.shift, domains.raw))
        at = None
        if shift is not None:
            # Below zero only where z >= bottom, above zero only where z <= top.
            falling = np.where(bottom > -np.inf, np.minimum(shift, 0), 0)
            shift = falling + np.where(top < np.inf, np.maximum(shift, 0), 0)
            at = ends if (ends := np.where(shift < 0, bottom, np.where(shift > 0, top, 0.0))).any() else None
        line = lines(node.function, (low, high), below, shift, chords, (bottom > -np.inf) | (top < np.inf))
        result[number] = replace(line, raw=raw, at=at, planes=domains.planes if stored else None)
    return result, empty
