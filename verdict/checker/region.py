"""Bounds of all neurons over boxes, and the lines that stand in for ReLUs: what the rule of the certificate needs.

A region holds a batch of boxes, or of boxes cut by ReLU splits. Its bounds are computed here from nothing but the
network: intervals first, then the rule with CROWN's slopes (Zhang et al. 1811.00866) for every neuron that intervals
leave on both sides of zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .integers import MORE
from .network import Network, Relu
from .tree import Leaves

# Numbers in one array of coefficients.
MOST_ENTRIES = 2**22


@dataclass(eq=False)
class Region:
    """`low[i]`, `high[i]`: float64 (batch, size of node i), proved. `empty` (batch,): nothing lies in it."""

    low: dict[int, Any]
    high: dict[int, Any]
    empty: Any
    _sizes: dict[int, Any] = field(default_factory=dict)
    _totals: dict[int, Any] = field(default_factory=dict)

    def size(self, number: int) -> Any:
        """The largest magnitudes (batch, size)."""
        if number not in self._sizes:
            self._sizes[number] = np.maximum(np.abs(self.low[number]), np.abs(self.high[number]))
        return self._sizes[number]

    def total(self, number: int) -> Any:
        """The sum of the largest magnitudes (batch,), not below the exact one."""
        if number not in self._totals:
            self._totals[number] = self.size(number).sum(axis=1) * MORE
        return self._totals[number]

    def on(self, leaves: Leaves) -> Region:
        """The region cut to the boxes of leaves within it."""
        if leaves.whole:
            return self
        return Region({**self.low, 0: leaves.low}, {**self.high, 0: leaves.high}, self.empty)

    def set(self, number: int, low: Any, high: Any) -> None:
        self.low[number], self.high[number] = low, high
        self._sizes.pop(number, None)
        self._totals.pop(number, None)


@dataclass(frozen=True, eq=False)
class Lines:
    """For one ReLU layer, arrays (batch, size): mu = below * nu where nu >= 0, above * nu elsewhere, plus `shift`.

    `below` lies in [0, 1]; `gap` >= max(z, 0) - above * z on the bounds; `shift` is -beta on neurons split on and
    beta on neurons split off, beta >= 0.
    """

    below: Any
    above: Any
    gap: Any
    shift: Any
    low: Any
    high: Any

    def gap_of(self, above: Any, kind: Any) -> Any:
        """A gap in another float type for the slopes `above` in it, rounded up."""
        if kind == np.float64:
            return self.gap
        return np.nextafter(gap(self.low, self.high, above.astype(np.float64)).astype(kind), kind.type(np.inf))


def lines(low: Any, high: Any, below: Any = None, shift: Any = None, chords: Any = None, split: Any = False) -> Lines:
    """The lines for bounds (batch, size): CROWN's, or with the slopes `below` and `chords` where these are numbers.

    With chords the slopes are also those of neurons that the bounds here leave on one side of zero, but for those that
    were `split`: any multipliers are sound, and only fixed ones get no worse when bounds get better.
    """
    on, off = low >= 0, high <= 0
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        chord = np.clip(np.nan_to_num(high / (high - low), nan=0.5), 0, 1)
    above = np.where(on, 1.0, np.where(off, 0.0, chord))
    floor = np.where(on, 1.0, np.where(off, 0.0, (high > -low).astype(np.float64)))
    fixed = ~(on | off)
    if chords is not None:
        given = ~(np.isnan(chords) | split)
        above, fixed = np.where(given, chords, above), fixed | given
    if below is not None:
        floor = np.where(fixed & ~np.isnan(below), below, floor)
    return Lines(floor, above, gap(low, high, above), shift, low, high)


def gap(low: Any, high: Any, above: Any) -> Any:
    """max over z in [low, high] of max(z, 0) - above z, at one of the ends, rounded up."""
    stable = ((low >= 0) & (above == 1)) | ((high <= 0) & (above == 0))
    found = np.maximum(np.maximum(low, 0) - above * low, np.maximum(high, 0) - above * high)
    return np.where(stable, 0.0, found + 2.0**-50 * (np.abs(low) + np.abs(high)) + 2.0**-1000)


def bounded(network: Network, arithmetic: Any, low: Any, high: Any, signs: Any, last: int | None = None,
            known: Any = None, thorough: bool = False, given: Any = None) -> Region:
    """The region of boxes (batch, inputs) cut by `signs` (batch, neurons; 1 on, -1 off, 0 free; None: no splits).

    Nodes up to `last` are bounded. `known(k, node, region)` may return tighter proved bounds of the pre-activations of
    ReLU layer k. `thorough` applies the rule to stable neurons too, whose better bounds help the layers behind.
    `given` (3, neurons) are slopes below and above in place of CROWN's, and positive for neurons to apply the rule to.
    """
    region = Region({0: low}, {0: high}, (low > high).any(axis=1))
    number_of = {network.nodes[r].source: k for k, r in enumerate(network.relus)}
    found: dict[int, Lines] = {}
    for i in network.needed(network.output if last is None else last)[1:]:
        node = network.nodes[i]
        if isinstance(node, Relu):
            source = node.source
            region.set(i, np.maximum(region.low[source], 0), np.maximum(region.high[source], 0))
            cut = slice(*network.starts[number_of[source]:][:2])
            below, chords = (None, None) if given is None else given[:2, None, cut]
            found[i] = lines(region.low[source], region.high[source], below, None, chords)
            continue
        region.set(i, *arithmetic.interval(node, region))
        if i not in number_of:
            continue
        k = number_of[i]
        if found:
            also = thorough if given is None else given[2, network.starts[k] : network.starts[k + 1]] > 0
            _tighten(network, arithmetic, region, i, found, also)
        if known is not None:
            known(k, i, region)
        if signs is not None:
            cut = signs[:, network.starts[k] : network.starts[k + 1]]
            bottom = np.where(cut > 0, np.maximum(region.low[i], 0), region.low[i])
            top = np.where(cut < 0, np.minimum(region.high[i], 0), region.high[i])
            region.empty |= (bottom > top).any(axis=1)
            region.set(i, np.minimum(bottom, np.maximum(top, region.low[i])), np.maximum(top, bottom))
    return region


def _tighten(network: Network, arithmetic: Any, region: Region, i: int, found: dict[int, Lines],
             also: Any) -> None:
    """Intersect the bounds of node i with the rule's, for neurons that are unstable in some box, and for those of
    `also` (size,), True for all, that are not surely off."""
    low, high = region.low[i].copy(), region.high[i].copy()
    # Box by box: what holds for a box must not depend on which others are looked at together with it.
    wanted = ((low < 0) | also) & (high > 0)
    unstable = np.flatnonzero(wanted.any(axis=0))
    widest = max(network.size(j) for j in network.needed(i))
    chunk = max(1, MOST_ENTRIES // (2 * len(low) * widest))
    for start in range(0, len(unstable), chunk):
        part = unstable[start : start + chunk]
        rows = np.zeros((1, 2 * len(part), network.size(i)))
        at = np.arange(len(part))
        rows[0, at, part], rows[0, len(part) + at, part] = 1, -1
        bound = arithmetic.lower(region, i, rows, found)
        here = wanted[:, part]
        low[:, part] = np.where(here, np.maximum(low[:, part], bound[:, : len(part)]), low[:, part])
        high[:, part] = np.where(here, np.minimum(high[:, part], -bound[:, len(part) :]), high[:, part])
    # Both are proved, so they cannot cross unless nothing lies in the region.
    region.empty |= (low > high).any(axis=1)
    region.set(i, np.minimum(low, high), np.maximum(low, high))
