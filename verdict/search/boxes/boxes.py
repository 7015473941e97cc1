"""Boxes of inputs and their bounds, in batches: what a search over input splits looks at.

A box is closed when linear bounds (CROWN) exclude every unsafe polytope on it: by one of the polytope's rows, by a
weighted mean of them, or by either with better slopes. Bounds are computed in float32 with its rounding charged, and
again in float64 where only rounding stands between the bound and a proof. On a device other than the CPU they are
hints, until `established`. Hidden neurons are bounded forwards, and backwards too where that pays (`ways`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from ...base.device import CPU, Device
from ...bounds.backward import output_bounds
from ...bounds.bounds import Bounds
from ...bounds.combined import combined_bounds
from ...bounds.forward import Forward, forward_bounds
from ...bounds.moving import moving
from ...bounds.walk import LinearBound
from ...network.exact import FloatArray
from ...network.graph import Graph
from ..rows import Rows
from .coordinate import best_coordinate, lost_to
from .slopes import ascend

# Bounds nearer to 0 than this share of the typical one are looked at in float64 too.
NEAR = 0.02
# What float32 took from the last boxes, so many times, it may take from the next ones.
MARGIN = 1.5
# Float32 is given up where it takes more than this share of a bound.
SPOILT = 0.1
# Of the boxes that are closed, those with less slack than this share of the mean are confirmed for a certificate.
NARROW = 0.3


@dataclass(frozen=True, eq=False)
class Boxes:
    """A batch of boxes: ends and the bound's slope in each input, (batch, input_size); slack (batch,), > 0 closes; the
    input to halve, `coordinate` (batch,).

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
    coordinate: Any

    def __len__(self) -> int:
        return len(self.slack)

    def put(self, which: Any, again: Boxes, slack: FloatArray) -> None:
        """Let some of the boxes have this slack, closed by what closes them when bounded again."""
        self.slack[which], self.weights[which] = slack, again.weights
        self.sloped[which], self.slopes[which] = again.sloped, again.slopes

    def take(self, index: Any) -> Boxes:
        return Boxes(*(getattr(self, f.name)[index] for f in fields(self)))

    def bare(self) -> Boxes:
        """The boxes without what only their bounds needed: what is kept of open ones."""
        none = np.zeros((len(self), 0))
        return replace(self, slope=none, weights=none, slopes=none)

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
        """Which boxes can be halved: their `coordinate` has a float between its ends, (batch,)."""
        at = np.arange(len(self))
        middle = self.middle[at, self.coordinate]
        return (self.low[at, self.coordinate] < middle) & (middle < self.high[at, self.coordinate])


@dataclass(frozen=True)
class Way:
    """How boxes are bounded: on which device, and hidden neurons forwards only or `backward` too; what is `known` of
    all boxes (bounds of a box that contains them) spares work."""

    backward: bool = True
    device: Device = CPU
    known: Bounds | None = None


BACKWARD, FORWARD = Way(), Way(backward=False)


def bound_boxes(graph: Graph, rows: Rows, low: FloatArray, high: FloatArray, way: Way = BACKWARD) -> Boxes:
    """The boxes [low, high], each (batch, input_size), with bounds of their slack: rigorous ones on the CPU."""
    boxes = _bound(graph, rows, low, high, rows.quick, way)
    if rows.quick is np.float32:
        # Within float32's rounding of a proof: look again in float64.
        slack = boxes.slack
        near = max(NEAR * np.abs(slack).mean(), rows.rounding)
        _look_again(graph, rows, boxes, np.flatnonzero((slack <= 0) & (slack > -near)), way)
        if not (slack > 0).any():
            # Where nothing closes, rounding may be larger than that: the best box shows it.
            best = int(slack.argmax())
            _look_again(graph, rows, boxes, np.array([best]), way)
    return boxes


def is_spoilt(graph: Graph, rows: Rows, low: FloatArray, high: FloatArray) -> bool:
    """Whether float32's rounding takes much of the bounds of a box [low, high], (1, input_size): on large networks."""
    single, double = (_bound(graph, rows, low, high, dtype, FORWARD).slack[0] for dtype in (np.float32, np.float64))
    return bool(np.isfinite(double)) and not single >= double - SPOILT * abs(double)


def _look_again(graph: Graph, rows: Rows, boxes: Boxes, which: Any, way: Way) -> None:
    """Bound some of the boxes in float64 too, and note what float32 has taken from bounds of boxes like these."""
    if len(which):
        before = boxes.slack[which]
        again = _bound(graph, rows, boxes.low[which], boxes.high[which], np.float64, way)
        boxes.put(which, again, np.maximum(before, again.slack))
        both = np.isfinite(before) & np.isfinite(again.slack)
        rows.rounding = MARGIN * float((again.slack[both] - before[both]).max(initial=0))


def confirmed(graph: Graph, rows: Rows, boxes: Boxes) -> Boxes:
    """The boxes as a checker will look at them: of those that are closed with the least slack, by what float64 says.

    Float32's own lines may close a box that others do not; such a box is open again.
    """
    closed = boxes.slack > 0
    which = np.flatnonzero(closed & (boxes.slack < NARROW * np.abs(boxes.slack).mean()))
    if rows.quick is not np.float32 or not len(which):
        return boxes
    boxes = boxes.take(np.arange(len(boxes)))
    again = _bound(graph, rows, boxes.low[which], boxes.high[which], np.float64, BACKWARD)
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


def _bound(graph: Graph, rows: Rows, low: FloatArray, high: FloatArray, dtype: Any, way: Way) -> Boxes:
    """The boxes with linear bounds in one float type; the slope is that of the decisive row."""
    bottom, top = low.astype(dtype), high.astype(dtype)
    bottom = np.where(bottom > low, np.nextafter(bottom, -dtype(np.inf)), bottom)
    top = np.where(top < high, np.nextafter(top, dtype(np.inf)), top)
    device, free = way.device, np.flatnonzero(moving(low, high).any(axis=0))
    ends = device.put(bottom), device.put(top)
    known = way.known if way.known is None or dtype is np.float64 else way.known.astype(dtype)
    how = Forward(device.put(free), spread=True, known=known)
    box = Bounds((ends[0],), (ends[1],))
    first = combined_bounds(graph, box, how) if way.backward else forward_bounds(graph, *ends, how)
    bounds = first.bounds
    found = output_bounds(graph, bounds, device.put(rows.matrix.astype(dtype)), keep=True)
    bound = LinearBound(device.fetch(found.lower), device.fetch(found.slope), device.fetch(found.constant))
    margins, weights = rows.margins(bound, bottom, top)
    margins, sloped, slopes = ascend(graph, rows, bounds, bound, (margins, weights), device)
    decisive = rows.decisive(bound.lower)
    slope = bound.slope[np.arange(len(low)), decisive]
    lost = device.fetch(lost_to(graph, bounds, found, first, device.put(decisive)))
    coordinate = best_coordinate(low, high, slope, free, lost)
    slack = margins.min(axis=1)
    return Boxes(low, high, slope, slack, weights, sloped, slopes, np.zeros(len(low), int), coordinate)
