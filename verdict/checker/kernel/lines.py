"""Which multipliers the rule uses at a ReLU: lines that hold max(z, 0) from both sides (Zhang et al. 1811.00866).

A certificate may store slopes and betas for them (alpha, Xu et al. 2011.13824; beta, Wang et al. 2103.06624). They are
hints: whatever is stored is first brought to the side on which it is sound, so that no reader of files is trusted here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..network import Network
from ..readers.multipliers import Domains
from .region import MORE, Region, meet, sides


@dataclass(frozen=True, eq=False)
class Lines:
    """For one ReLU layer, arrays (batch, size): mu = below * nu where nu >= 0, above * nu elsewhere, plus `shift`.

    `below` lies in [0, 1]; `gap` >= max(z, 0) - above * z on [low, high]; `shift` is -beta on neurons split on and beta
    on neurons split off, beta >= 0. With `raw` the multipliers are these, and nothing is known about them.
    """

    below: Any
    above: Any
    gap: Any
    shift: Any
    low: Any
    high: Any
    raw: Any = None


def lines(low: Any, high: Any, below: Any = None, shift: Any = None, chords: Any = None, split: Any = False) -> Lines:
    """The lines for bounds (batch, size): CROWN's, or with the slopes `below` and `chords` where these are numbers.

    With chords the slopes are also those of neurons that the bounds here leave on one side of zero, but for those that
    were `split`: any multipliers are sound, and only fixed ones get no worse when bounds get better.
    """
    on, off = low >= 0, high <= 0
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        chord = np.clip(np.nan_to_num(high / (high - low), nan=0.5), 0, 1)
    above = np.where(on, 1.0, np.where(off, 0.0, chord))
    # Symmetric bounds are common, and all arithmetics should agree on the slope there.
    floor = np.where(on, 1.0, np.where(off, 0.0, (high > -low * MORE).astype(np.float64)))
    fixed = ~(on | off)
    if chords is not None:
        given = ~(np.isnan(chords) | split)
        above, fixed = np.where(given, np.clip(chords, 0, 1), above), fixed | given
    if below is not None:
        floor = np.where(fixed & ~np.isnan(below), np.clip(below, 0, 1), floor)
    return Lines(floor, above, gap(low, high, above), shift, low, high)


def gap(low: Any, high: Any, above: Any) -> Any:
    """max over z in [low, high] of max(z, 0) - above z, at one of the ends, rounded up."""
    stable = ((low >= 0) & (above == 1)) | ((high <= 0) & (above == 0))
    found = np.maximum(np.maximum(low, 0) - above * low, np.maximum(high, 0) - above * high)
    return np.where(stable, 0.0, found + 2.0**-50 * (np.abs(low) + np.abs(high)) + 2.0**-1000)


def lines_of(network: Network, region: Region, domains: Domains, layers: int, stored: bool) -> tuple[Any, Any]:
    """The lines of the first `layers` ReLU layers on each domain, by node, and which domains are empty, (n,)."""
    result, empty = {}, np.broadcast_to(region.empty, len(domains)).copy()
    for k in range(layers):
        node, mine = network.relus[k], slice(network.starts[k], network.starts[k + 1])
        source, signs = network.nodes[node].source, domains.leaves.signs[:, mine]
        low, high, crossed = meet((region.low[source], region.high[source]), sides(signs))
        empty |= crossed
        below, chords, betas, raw = (a[..., mine] if stored and a is not None else None
                                     for a in (domains.below, domains.chords, domains.betas, domains.raw))
        shift = None if betas is None else -signs * np.maximum(betas, 0)
        result[node] = replace(lines(low, high, below, shift, chords, signs != 0), raw=raw)
    return result, empty
