"""Better slopes for boxes on which CROWN's leave one polytope open.

Which line below a ReLU is best shows only in the bound that it is for (alpha-CROWN, Xu et al. 2011.13824). Nearly all
of a box's cost are the bounds of its hidden neurons; a few steps of gradient ascent for the single row of outputs that
is left cost a tenth of that, and may close a box that would be halved a dozen times.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...base.device import Device
from ...bounds.alpha import Ascent, ascend_slopes, on_grid
from ...bounds.bounds import Bounds
from ...bounds.lines import crown_lines
from ...bounds.rounding import gamma
from ...bounds.walk import LinearBound
from ...network.exact import FloatArray
from ...network.functions import Feature
from ...network.graph import Graph
from ..rows import Rows

STEPS = 3


def ascend(
    graph: Graph,
    rows: Rows,
    bounds: Bounds,
    bound: LinearBound,
    excluded: tuple[FloatArray, FloatArray],
    device: Device,
) -> tuple[FloatArray, Any, Any]:
    """The margins (batch, polytopes) of boxes, better where one polytope is left; and of every box whether that
    closed it, (batch,), by which slopes of its ReLUs, in the graph's order, (batch, neurons).

    `bounds` are on the device, `bound` of all rows and what it excludes, `Rows.margins`, are NumPy's.
    """
    before, weights = excluded
    left, margins = before <= 0, before.copy()
    slopes = np.zeros((len(left), sum(graph.nodes[i].size for i in graph.pointwise)), np.float32)
    at = np.flatnonzero(left.sum(axis=1) == 1)
    if not len(at) or not any(function.has(Feature.ON_OFF) for function in graph.functions.values()):
        return margins, np.zeros(len(left), bool), slopes
    polytope = left[at].argmax(axis=1)
    shares = _shares(rows, bound.lower[at], weights[at], polytope)
    where = device.put(at)
    here = bounds.with_ends([end[where] for end in bounds.lower], [end[where] for end in bounds.upper])
    lines = {i: crown_lines(graph, here, i) for i in graph.pointwise}
    exact = shares @ rows.matrix
    target = exact.astype(bound.lower.dtype)
    target_rows = device.put(target)[:, None, :]
    lower, found = ascend_slopes(graph, here, graph.output, target_rows, lines, Ascent(STEPS, snap=on_grid))
    largest = np.maximum(*(np.abs(device.fetch(ends[graph.output])) for ends in (here.lower, here.upper)))
    rounding = gamma(len(rows.limits) + 8)
    with np.errstate(invalid="ignore", over="ignore"):
        # The row bounded is not quite the mean of rows, and an output may be as large as this.
        off = np.abs(target - exact) + rounding * (shares @ np.abs(rows.matrix))
        charge = 2 * (off * largest).sum(axis=1) + rounding * (shares @ np.abs(rows.limits))
        best = device.fetch(lower).astype(np.float64)
        better = best - shares @ rows.limits - charge - rounding * (np.abs(best) + charge)
    own = before[at, polytope]
    margins[at, polytope] = np.where(better > own, better, own)
    slopes[at] = np.concatenate([device.fetch(found[i]) for i in graph.pointwise], axis=1)
    return margins, (margins > 0).all(axis=1) & left.any(axis=1), slopes


def _shares(rows: Rows, lower: Any, weights: FloatArray, polytope: Any) -> FloatArray:
    """Weights (batch, rows) of the rows of one polytope for each box: its mean's if it has one, else its best row's."""
    mean = np.where(rows.owner == polytope[:, None], weights, 0).astype(np.float32).astype(np.float64)
    single = np.eye(len(rows.limits))[rows.best_rows(lower, polytope)]
    return np.where(mean.any(axis=1, keepdims=True), mean, single)
