"""Optimising the lines: alpha for the slopes below unstable ReLUs, beta for the constraints of splits.

Any slope in [0, 1] and any beta >= 0 gives a sound bound, so the best ones can be looked for by gradient
ascent (Xu et al. 2011.13824, Wang et al. 2103.06624). No automatic differentiation is needed: at the
minimiser of the relaxed network, the derivative of the bound with respect to a slope is the positive part of
the coefficient that meets the ReLU times the pre-activation there, so one forward pass through the chosen
lines gives the whole gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..base.device import CPU, Device
from ..base.never import assert_never
from ..network.functions import Feature
from ..network.graph import Affine, Graph, Input, Pointwise, Product
from ..network.maps.namespace import cast, namespace, positive
from .adam import Adam
from .backward import backward
from .bounds import Bounds
from .linear import unit_rows
from .lines import Lines, crown_lines
from .mixtures import Mixture
from .planes import product_interval
from .tangents import Climb, lines_of
from .walk import KEEPING, LinearBound

# Adam's first rate for slopes.
RATE = 0.25
# Slopes are multiples of 1/255, which a certificate stores as bytes; steps are much longer.
GRID = 255


def on_grid(slopes: Any) -> Any:
    """The nearest slopes that are stored as they are."""
    return namespace(slopes).round(slopes * GRID) / GRID


@dataclass(frozen=True, eq=False)
class Relaxed:
    """The relaxed network at the minimiser of one bound per domain.

    `x` (batch, input_size) is the minimiser over the box, `pre` each ReLU node's pre-activations (batch, size)
    when every ReLU is replaced by the line that the bound used, and of a product the pair of its factors.
    """

    x: Any
    pre: dict[int, Any]


def minimiser(graph: Graph, bounds: Bounds, bound: LinearBound, lines: Mapping[int, Lines], number: int) -> Relaxed:
    """Follow the minimiser of a bound of one row per domain forward through its lines, up to node `number`."""
    xp = namespace(bound.slope)
    slope = bound.slope[:, 0, :]
    x = xp.where(slope > 0, bounds.lower[0], bounds.upper[0])
    if bounds.ball is not None:
        x = cast(bounds.ball.argmin(slope, bounds.lower[0], bounds.upper[0]), slope.dtype)
    values: dict[int, Any] = {}
    pre: dict[int, Any] = {}
    for current in graph.ancestors(number):
        node = graph.nodes[current]
        if isinstance(node, Input):
            values[current] = x
        elif isinstance(node, Affine):
            total = node.bias.like(x)
            for linear, source in node.terms:
                total = total + linear.apply(values[source])
            values[current] = xp.broadcast_to(total, (len(x), node.size))
        elif isinstance(node, Product):
            pre[current] = values[node.left], values[node.right]
            values[current] = _on_planes(graph, bounds, current, bound, values)
        elif not isinstance(node, Pointwise):
            assert_never(node)
        elif current in bound.coefficients:
            line, z = lines[current], values[node.source]
            pre[current] = z
            above = bound.coefficients[current][:, 0, :] < 0
            below = line.slope_below * z if line.offset_below is None else line.slope_below * z + line.offset_below
            values[current] = xp.where(above, line.slope_above * z + line.offset_above, below)
        else:
            values[current] = node.function.value(values[node.source])
    return Relaxed(x, pre)


def _on_planes(graph: Graph, bounds: Bounds, number: int, bound: LinearBound, values: Mapping[int, Any]) -> Any:
    """A product as its planes say at the minimiser, or as it is where the bound has not met it."""
    x, y = (values[source] for source in graph.nodes[number].sources)
    if number not in bound.coefficients:
        return x * y
    planes, is_above = bounds.planes(graph, number), bound.coefficients[number][:, 0, :] < 0
    below = planes.below[0] * x + planes.below[1] * y + planes.floor
    above = planes.above[0] * x + planes.above[1] * y + planes.ceiling
    return namespace(x).where(is_above, above, below)


@dataclass(frozen=True, eq=False)
class Ascent:
    """How far slopes climb: until `stop` returns True or `steps` are taken; `snap` moves them to those that are wanted
    (`on_grid`)."""

    steps: int
    stop: Callable[[], bool] = lambda: False
    snap: Callable[[Any], Any] = lambda slopes: slopes
    climbs: Mapping[int, Climb | Mixture] = field(default_factory=dict)


def ascend_slopes(
    graph: Graph, bounds: Bounds, number: int, rows: Any, lines: Mapping[int, Lines], ascent: Ascent
) -> tuple[Any, dict[int, Any]]:
    """Improve the slopes below for one row per domain: `rows` (batch, 1, size) of node `number`.

    Works in the float type and on the device of `rows`. Returns the best bounds (batch,), with their rounding charged,
    and their slopes per ReLU node, (batch, node size), sound whatever they are.
    """
    best, kept, _ = ascend_lines(graph, bounds, number, rows, lines, ascent)
    return best, kept


def ascend_lines(
    graph: Graph, bounds: Bounds, number: int, rows: Any, lines: Mapping[int, Lines], ascent: Ascent
) -> tuple[Any, dict[int, Any], dict[int, tuple[Any, ...]]]:
    """As `ascend_slopes`, with lines that climb (`climbs` of the ascent) around the other functions, and planes.

    Their slopes below and above per node come last, and betas, of planes their shares. With such lines the bounds
    (batch,) are hints.
    """
    xp, batch, climbs = namespace(rows), len(rows), ascent.climbs
    mixtures = {i: climb for i, climb in climbs.items() if isinstance(climb, Mixture)}
    leaning = {i: climb for i, climb in climbs.items() if isinstance(climb, Climb)}
    slopes = {i: xp.broadcast_to(line.slope_below, (batch, line.slope_below.shape[1])) for i, line in lines.items()}
    free = {i: line.free() for i, line in lines.items()}
    adam = {i: Adam(slopes[i], RATE) for i in slopes}
    best, kept = xp.full((batch,), -np.inf, dtype=rows.dtype, device=rows.device), dict(slopes)
    both = {i: climb.state for i, climb in climbs.items()}
    for step in range(ascent.steps + 1):
        current = {i: leaning[i].lines() if i in leaning else line.with_slopes(slopes[i]) for i, line in lines.items()}
        around = bounds.with_planes({i: mixture.planes() for i, mixture in mixtures.items()}) if mixtures else bounds
        bound = backward(graph, around, number, rows, current, KEEPING)
        better = bound.lower[:, 0] > best
        best = xp.where(better, bound.lower[:, 0], best)
        kept = {i: xp.where(better[:, None], slopes[i], kept[i]) for i in slopes}
        both = {i: tuple(xp.where(better[:, None], *pair) for pair in zip(climbs[i].state, state, strict=True))
                for i, state in both.items()}  # fmt: skip
        if step == ascent.steps or ascent.stop():
            break
        relaxed = minimiser(graph, around, bound, current, number)
        for i, nu in bound.coefficients.items():
            if i in climbs:
                climbs[i].step(nu[:, 0, :], relaxed.pre[i])
                continue
            if i not in lines or lines[i].offset_below is not None:
                continue
            gradient = positive(nu[:, 0, :]) * relaxed.pre[i] * free[i]
            slopes[i] = ascent.snap((slopes[i] + adam[i].step(gradient)).clip(0, 1))
    return best, kept, both


def climbing(
    graph: Graph, bounds: Bounds, lines: Mapping[int, Lines], batch: int, also_relus: bool = False
) -> dict[int, Climb]:
    """Lines that climb, for a batch of bounds, of all functions that can lean, and perhaps of ReLUs."""
    return {i: Climb(graph.functions[i], bounds.in_front(graph, i), line, batch)
            for i, line in lines.items()
            if graph.functions[i].leans or (also_relus and graph.functions[i].has(Feature.ON_OFF))}  # fmt: skip


def climbed(graph: Graph, bounds: Bounds, slopes: Mapping[int, tuple[Any, ...]]) -> dict[int, Lines]:
    """Sound lines with the slopes that `ascend_lines` found."""
    return {i: lines_of(graph.functions[i], *bounds.in_front(graph, i), *s[:2]) for i, s in slopes.items()}


def alpha_bounds(
    graph: Graph,
    start: Bounds,
    steps: int = 12,
    *,
    device: Device = CPU,
    most: int = 4096,
    stop: Callable[[], bool] = lambda: False,
) -> Bounds:
    """Bounds of every node over the box of `start`, with optimised lines for the intermediate layers too.

    `start` are CROWN's bounds of the box (batch 1, float64 NumPy); each layer's unstable neurons (at most `most`
    rows, widest first) get lines of their own, found in float32 on `device` and evaluated rigorously in float64
    NumPy, so the result (NumPy) is a proof wherever the lines come from.
    """
    lows, highs = list(start.lower), list(start.upper)
    for number in graph.in_front:
        before = sorted(set(graph.pointwise).intersection(graph.ancestors(number)))
        low, high = lows[number][0], highs[number][0]
        unstable = np.flatnonzero(graph.bends(number, low, high))
        if not before or not len(unstable) or stop():
            continue
        order_by_gap = np.argsort(-(np.minimum(-low, high))[unstable])
        chosen = unstable[order_by_gap[: most // 2]]
        bounds = start.with_ends(lows, highs)
        lines = {i: crown_lines(graph, bounds, i) for i in before}
        picks = unit_rows(chosen, len(low), np.float32)
        rows = np.concatenate([picks, -picks])[:, None, :]
        quick = bounds.astype(np.float32).to(device)
        hints = {i: line.astype(np.float32).to(device) for i, line in lines.items()}
        ascent = Ascent(steps, stop, climbs=climbing(graph, quick, hints, len(rows)))
        _, slopes, both = ascend_lines(graph, quick, number, device.put(rows), hints, ascent)
        # The chord must be the float64 one; only the slopes below are taken over, as far as they are slopes:
        # whatever a device returns, lines with slopes in [0, 1] are sound.
        exact = climbed(graph, bounds, {i: tuple(_wide(device, s) for s in pair) for i, pair in both.items()})
        for i, line in lines.items():
            if i in exact:
                continue
            if line.offset_below is not None:
                exact[i] = line
                continue
            found = device.fetch(slopes[i]).astype(np.float64).clip(0, 1)
            chord, offset = (np.broadcast_to(a, found.shape) for a in (line.slope_above, line.offset_above))
            exact[i] = Lines(found, chord, offset)
        result = backward(graph, bounds, number, rows.astype(np.float64), exact).lower[:, 0]
        low, high = lows[number].copy(), highs[number].copy()
        low[0, chosen] = np.maximum(low[0, chosen], result[: len(chosen)])
        high[0, chosen] = np.minimum(high[0, chosen], -result[len(chosen) :])
        lows[number], highs[number] = low, high
        refresh(graph, lows, highs, number)
    return start.with_ends(lows, highs)


def _wide(device: Device, slopes: Any) -> Any:
    return device.fetch(slopes).astype(np.float64)


def refresh(graph: Graph, lows: list[Any], highs: list[Any], number: int) -> None:
    """Carry tighter pre-activation bounds over to the ReLUs that read them."""
    for reader in graph.consumers[number]:
        if reader in graph.pointwise:
            low, high = graph.functions[reader].enclosure(lows[number], highs[number])
        elif reader in graph.products:
            low, high = product_interval(*((lows[source], highs[source]) for source in graph.nodes[reader].sources))
        else:
            continue
        lows[reader], highs[reader] = np.maximum(lows[reader], low), np.minimum(highs[reader], high)

