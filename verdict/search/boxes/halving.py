"""Which input of a box to halve: strong branching.

No cheap score tells which halves come near to a proof, and a wrong choice costs whole subtrees. So the halves along
every coordinate, or along the few that matter most where there are many, are bounded in one batch, and the pair with
the greatest gain is kept (Achterberg et al. 2005, for integer programs).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...base.device import Device
from ...network.exact import FloatArray
from ...network.graph import Graph
from ..rows import Rows
from .boxes import Boxes, bound_boxes, established

# Along how many coordinates each box is tried.
TRIALS = 8
# How much the relative width of a coordinate counts against the relative gain in slack, and in what is tried at all.
LEANING, LEANING_TRIED = 0.02, 0.3


def halve(graph: Graph, rows: Rows, width: FloatArray, boxes: Boxes, device: Device) -> tuple[Boxes, Any]:
    """The halves of every box, first all lower, then all upper ones, and the coordinates (batch,) that were halved.

    `width` (input_size,) is the whole box's, 1 where it has none. Each box needs a divisible coordinate. Bounds that
    close a half are rigorous; the others are hints on a device other than the CPU.
    """
    tried, count, at = _candidates(boxes, width), len(boxes), np.arange(len(boxes))
    lows, highs = [], []
    for coordinate in tried:
        middle = boxes.middle[at, coordinate]
        left_high, right_low = boxes.high.copy(), boxes.low.copy()
        left_high[at, coordinate], right_low[at, coordinate] = middle, middle
        lows += [boxes.low, right_low]
        highs += [left_high, boxes.high]
    halves = bound_boxes(graph, rows, np.concatenate(lows), np.concatenate(highs), device)
    # Linear bounds of a part may be worse than those of the whole, which hold for it too.
    slack = np.maximum(halves.slack.reshape(len(tried), 2, count), boxes.slack)
    gain = np.minimum(slack, 0).sum(axis=1) / np.maximum(-boxes.slack, 1e-300)
    # Where nothing is gained the widest coordinate is halved, so that boxes shrink in the end.
    gain += LEANING * ((boxes.high - boxes.low) / width)[at, tried]
    best = np.where(boxes.divisible[at, tried], gain, -np.inf).argmax(axis=0)
    both = np.concatenate([best * 2 * count + at, (best * 2 + 1) * count + at])
    kept = replace(halves.take(both), slack=slack.reshape(-1)[both])
    return kept if device.is_rigorous else established(graph, rows, kept), tried[best, at]


def _candidates(boxes: Boxes, width: FloatArray) -> Any:
    """The coordinates to try, (tried, batch): those that the bound depends on most."""
    wide, divisible = boxes.high - boxes.low, boxes.divisible
    effect = np.abs(boxes.slope) * wide
    # A little of the width alone, so that no coordinate is left out for ever.
    score = effect / np.maximum(effect.sum(axis=1, keepdims=True), 1e-300) + LEANING_TRIED * wide / width
    most = min(TRIALS, int(divisible.sum(axis=1).max()))
    return np.argsort(-np.where(divisible, score, -1.0), axis=1)[:, :most].T
