"""Halving boxes, each along its own coordinate (`coordinate` chooses it)."""

from __future__ import annotations

import numpy as np

from ...network.exact import FloatArray
from ...network.graph import Graph
from ..rows import Rows
from .boxes import BACKWARD, Boxes, Way, bound_boxes, established


def halve(graph: Graph, rows: Rows, boxes: Boxes, way: Way = BACKWARD) -> Boxes:
    """The halves of every box, first all lower, then all upper ones, bounded. Each box has to be divisible.

    Bounds that close a half are rigorous; the others are hints on a device other than the CPU.
    """
    halves = bound_boxes(graph, rows, *halved(boxes), way)
    return halves if way.device.is_rigorous else established(graph, rows, halves)


def halved(boxes: Boxes) -> tuple[FloatArray, FloatArray]:
    """The ends (2 batch, input_size) of the halves."""
    at = np.arange(len(boxes))
    middle = boxes.middle[at, boxes.coordinate]
    left_high, right_low = boxes.high.copy(), boxes.low.copy()
    left_high[at, boxes.coordinate], right_low[at, boxes.coordinate] = middle, middle
    return np.concatenate([boxes.low, right_low]), np.concatenate([left_high, boxes.high])
