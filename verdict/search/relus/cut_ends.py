"""Ends of hidden neurons where a bound of the row leaves room for what is unsafe.

A bound is an affine function a.s + c of the scaled input, and what is unsafe has a.s + c <= 0: a cut of the box, in
which each neuron's own lines are bounded anew, layer after layer (Kotha et al. 2302.01404 on constraints of outputs as
constraints of what comes before). Over a box with one cut that is a fractional knapsack (Dantzig 1957), and any
multiplier of the cut is sound.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...bounds.edges import lines_above
from ...bounds.reduced import Reduced
from ...bounds.rounding import gamma
from ...network.exact import FloatArray

# A pair of ends, (unstable ReLUs,) each.
Ends = tuple[FloatArray, FloatArray]


def ends_within(reduced: Reduced, ends: Ends, signs: Any, slope: FloatArray, room: float) -> Ends:
    """Ends of the pre-activations, no wider than `ends`, at those scaled inputs s of a domain with these `signs` where
    slope @ s is at most `room` above its least value on the box."""
    low, high = ends[0].copy(), ends[1].copy()
    charge, inputs, first = reduced.charge.values.astype(np.float64), reduced.inputs, reduced.inputs + 1
    for number, layer in enumerate(reduced.layers):
        here = slice(layer.start - first, layer.stop - first)
        # What is on still has an upper end, and who reads it is between its ends.
        free = np.flatnonzero(signs[here] >= 0)
        if not len(free):
            continue
        matrix = layer.matrix.values[free].astype(np.float64)
        rows = np.concatenate([matrix, -matrix])
        added, wrong = reduced.substitute(rows, reduced.layers[:number], _lines(low, high, signs))
        least, size = _least(rows[:, :inputs], slope, room)
        own = np.tile(charge[here][free], 2)
        wrong = wrong + own + reduced.last_charge * (size + np.abs(rows[:, inputs]) + np.abs(added))
        found = rows[:, inputs] + added + least - wrong
        # What overflows says nothing.
        found = np.where(np.isfinite(found), found, -np.inf)
        at, count = here.start + free, len(free)
        low[at], high[at] = np.maximum(low[at], found[:count]), np.minimum(high[at], -found[count:])
    return low, high


def _lines(low: FloatArray, high: FloatArray, signs: Any) -> tuple[Any, Any, Any]:
    """Slopes below, slopes above and gaps of the ReLUs, (1, unstable ReLUs)."""
    split, on = signs != 0, signs > 0
    chord, gap = lines_above(low, high)
    below = np.where(split, on, high > -low).astype(np.float64)
    return below[None], np.where(split, on, chord)[None], np.where(split, 0.0, gap)[None]


def _least(rows: FloatArray, slope: FloatArray, room: float) -> tuple[FloatArray, FloatArray]:
    """Lower bounds of rows @ s over the s of [-1, 1] with slope @ s at most `room` above its least value, and the size
    of what was summed, (rows,) each."""
    moving = np.flatnonzero(slope)
    cost, gain = np.abs(slope[moving]), rows[:, moving]
    # An input leaves the corner where slope @ s is least if the multiplier is below its price.
    price = np.maximum(-gain * np.sign(slope[moving]), 0) / cost
    order = np.argsort(-price, axis=1)
    spent = np.cumsum(2 * cost[order], axis=1)
    last = (spent < room).sum(axis=1)
    prices = np.concatenate([np.take_along_axis(price, order, 1), np.zeros((len(rows), 1))], axis=1)
    multiplier = prices[np.arange(len(rows)), last]
    taken = np.abs(gain + multiplier[:, None] * slope[moving]).sum(axis=1)
    rest = np.abs(rows).sum(axis=1) - np.abs(gain).sum(axis=1)
    back = multiplier * (cost.sum() - room)
    size = np.abs(rows).sum(axis=1) + multiplier * (cost.sum() + room)
    wrong = gamma(2 * rows.shape[1] + 16) * size
    found: FloatArray = back - taken - np.maximum(rest, 0) - 2 * wrong
    return found, size
