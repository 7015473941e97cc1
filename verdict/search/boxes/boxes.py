"""Boxes of inputs and their bounds, in batches: what a search over input splits looks at.

A box is closed when linear bounds (CROWN) exclude every unsafe polytope on it: by one of the polytope's rows, by a
weighted mean of them, or by either with better slopes. Bounds are computed in float32 with its rounding charged, and
again in float64 where only rounding stands between the bound and a proof. On a device other than the CPU they are
hints, until `established`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ...base.device import CPU, Device
from ...bounds.linear import LinearBound, linear_bounds, output_bounds
from ...network.exact import FloatArray
from ...network.graph import Graph
from ..rows import Rows
from .slopes import ascend

# Bounds nearer to 0 than this share of the typical one are looked at in float64 too.
NEAR = 0.02
# Of the boxes that are closed, those with less slack than this share of the mean are confirmed for a certificate.
NARROW = 0.3


@dataclass(frozen=True, eq=False)
class Boxes:
    """A batch of boxes: ends and the bound's slope in each input, (batch, input_size); slack (batch,), > 0 closes.

    `weights` (batch, rows) are those of the means that close it, 0 where single rows do, and `slopes` (batch, neurons)
    those below ReLUs where `sloped` (batch,) says that CROWN's are not enough; both (batch, 0) for open
    boxes. `node` (batch,) are the boxes' numbers in a proof tree.
    """

    low: FloatArray
    high: FloatArray
    slope: FloatArray
    slack: FloatArray
    weights: FloatArray
    sloped: Any
    slopes: Any
    node: Any

    def __len__(self) -> int:
        return len(self.slack)

    def put(self, which: Any, again: Boxes, slack: FloatArray) -> None:
        """Let some of the boxes have this slack, closed by what closes them when bounded again."""
        self.slack[which], self.weights[which] = slack, again.weights
        self.sloped[which], self.slopes[which] = again.sloped, again.slopes

    def take(self, index: Any) -> Boxes:
        return Boxes(*(getattr(self, f.name)[index] for f in fields(self)))

    @staticmethod
    def join(places: Sequence[tuple[Boxes, int]]) -> Boxes:
        """One batch of single boxes, each given by a batch and its place there."""
        return Boxes(*(np.array([getattr(boxes, f.name)[i] for boxes, i in places]) for f in fields(Boxes)))

    @property
    def points(self) -> FloatArray:
        """Of each box the bound's minimiser and the middle, (2 batch, input_size)."""
        return np.concatenate([np.where(self.slope > 0, self.low, self.high), (self.low + self.high) / 2])

    @property
    def middle(self) -> FloatArray:
        """Where a coordinate is halved, (batch, input_size)."""
        return self.low / 2 + self.high / 2

    @property
    def divisible(self) -> Any:
        """Which coordinates have a float between their ends, (batch, input_size)."""
        middle = self.middle
        return (self.low < middle) & (middle < self.high)


def bound_boxes(graph: Graph, rows: Rows, low: FloatArray, high: FloatArray, device: Device = CPU) -> Boxes:
    """The boxes [low, high], each (batch, input_size), with bounds of their slack: rigorous ones on the CPU."""
    boxes = _bound(graph, rows, low, high, rows.quick, device)
    if rows.quick is np.float32:
        # Within float32's rounding of a proof: look again in float64.
        slack = boxes.slack
        near = max(NEAR * np.abs(slack).mean(), rows.rounding)
        _look_again(graph, rows, boxes, np.flatnonzero((slack <= 0) & (slack > -near)), device)
        if not (slack > 0).any():
            # Where nothing closes, rounding may be larger than that: the best box shows it.
            best, before = int(slack.argmax()), float(slack.max())
            _look_again(graph, rows, boxes, np.array([best]), device)
            if slack[best] > 0:
                rows.rounding = max(rows.rounding, 2 * (float(slack[best]) - before))
    return boxes


def _look_again(graph: Graph, rows: Rows, boxes: Boxes, which: Any, device: Device) -> None:
    """Bound some of the boxes in float64 too."""
    if len(which):
        again = _bound(graph, rows, boxes.low[which], boxes.high[which], np.float64, device)
        boxes.put(which, again, np.maximum(boxes.slack[which], again.slack))


def confirmed(graph: Graph, rows: Rows, boxes: Boxes) -> Boxes:
    """The boxes as a checker will look at them: of those that are closed with the least slack, by what float64 says.

    Float32's own lines may close a box that others do not; such a box is open again.
    """
    closed = boxes.slack > 0
    which = np.flatnonzero(closed & (boxes.slack < NARROW * np.abs(boxes.slack).mean()))
    if rows.quick is not np.float32 or not len(which):
        return boxes
    boxes = boxes.take(np.arange(len(boxes)))
    again = _bound(graph, rows, boxes.low[which], boxes.high[which], np.float64, CPU)
    boxes.put(which, again, again.slack)
    return boxes


def established(graph: Graph, rows: Rows, boxes: Boxes) -> Boxes:
    """Boxes with hints of their slack: those that seem closed with rigorous bounds instead."""
    seems = np.flatnonzero(boxes.slack > 0)
    if len(seems):
        proved = bound_boxes(graph, rows, boxes.low[seems], boxes.high[seems])
        boxes = boxes.take(np.arange(len(boxes)))
        boxes.put(seems, proved, proved.slack)
    return boxes


def _bound(graph: Graph, rows: Rows, low: FloatArray, high: FloatArray, dtype: Any, device: Device) -> Boxes:
    """The boxes with linear bounds in one float type; the slope is that of the decisive row."""
    bottom, top = low, high
    if dtype is np.float32:
        bottom, top = np.nextafter(low.astype(dtype), -dtype(np.inf)), np.nextafter(high.astype(dtype), dtype(np.inf))
    bounds = linear_bounds(graph, device.put(bottom), device.put(top))
    bound = output_bounds(graph, bounds, device.put(rows.matrix.astype(dtype)))
    bound = LinearBound(device.fetch(bound.lower), device.fetch(bound.slope), device.fetch(bound.constant))
    margins, weights = rows.margins(bound, bottom, top)
    margins, sloped, slopes = ascend(graph, rows, bounds, bound, (margins, weights), device)
    slope = bound.slope[np.arange(len(low)), rows.decisive(bound.lower)]
    return Boxes(low, high, slope, margins.min(axis=1), weights, sloped, slopes, np.zeros(len(low), int))
