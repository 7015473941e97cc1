"""Bounds of hidden neurons on one domain of a search, found anew: given its splits, and that its outputs are unsafe.

What is sought lies in {C y <= d}, so lambda . (C y - d) with any lambda >= 0 may be added to a neuron's own row on the
way back, and so may beta times each split, of layers behind the neuron too (Kotha et al. 2302.01404; for splits Wang et
al. 2103.06624). All of a layer's rows climb in one batch over the reduced form, each with slopes, betas and lambda.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...base.deadline import checkpoint
from ...bounds.adam import Adam
from ...bounds.alpha import on_grid, refresh
from ...bounds.bounds import Bounds
from ...bounds.reduced import Reduced
from ...bounds.rounding import gamma, unit
from ...network.exact import FloatArray
from ...network.maps.namespace import negative, next_above, next_below, positive
from .space import Space

# The first rates of slopes, and of betas and lambda, in units of how far their rows go.
SLOPE_RATE, RATE = 0.25, 0.3


@dataclass(frozen=True, eq=False)
class Ends:
    """What bounds the neurons of one layer anew: bound i is about the reduced neuron `column[i]`, from below if
    `side[i]` is 1 and from above if it is -1, all (bounds,). Multipliers: `slopes` and `betas` (bounds, size), `lam`
    (bounds, rows of the polytope), and the `chords` (size,) above all of them; `least` are the bounds of side * z."""

    column: Any
    side: Any
    slopes: Any
    betas: Any
    lam: Any
    chords: Any
    least: Any


class Anew:
    """Bounds of the unstable neurons of a space (about the rows of one polytope, with a reduced form) where some of
    them are on the sides `signs` (size,): as `low` and `high` (size,), and what proves them, layer by layer."""

    def __init__(self, space: Space, signs: Any) -> None:
        if space.reduced is None:
            raise ValueError("bounds are found anew in the reduced form")
        self.space, self.signs, self.reduced = space, signs.astype(np.float32), space.reduced
        sizes = space.reduced.sizes
        self.low, self.high = next_below(sizes.low.astype(np.float32)), next_above(sizes.high.astype(np.float32))
        self.found: list[Ends] = []
        # Not below the exact limits of the rows.
        self.limits = next_above(space.offsets.astype(np.float32))

    @property
    def is_empty(self) -> bool:
        """Whether the bounds leave nothing of the domain."""
        return bool((self.low > self.high).any())

    def climb(self, steps: int) -> None:
        """So many steps for every neuron that is neither stable nor split, layer after layer."""
        first = self.reduced.inputs + 1
        for layer in self.reduced.layers:
            column = np.arange(layer.start - first, layer.stop - first)
            column = column[(self.signs[column] == 0) & (self.low[column] < 0) & (self.high[column] > 0)]
            if len(column) and not self.is_empty:
                self._climb(layer.start, layer.matrix.values[column - (layer.start - first)], column, steps)

    def bounds(self) -> Bounds:
        """The bounds of all nodes of the network, with those of split neurons as they were."""
        space = self.space
        lows, highs = list(space.bounds.lower), list(space.bounds.upper)
        for relu, columns in space.columns.items():
            source, part = space.graph.nodes[relu].sources[0], space.slices[relu]
            low, high = lows[source].copy(), highs[source].copy()
            low[0, columns] = np.maximum(low[0, columns], self.low[part])
            high[0, columns] = np.minimum(high[0, columns], self.high[part])
            lows[source], highs[source] = low, high
            refresh(space.graph, lows, highs, source)
        return space.bounds.with_ends(lows, highs)

    def _climb(self, start: int, matrix: Any, column: Any, steps: int) -> None:
        rows = _Rows(self, start, matrix, column)
        rows.climb(steps)
        count, least = len(column), rows.best
        self.found.append(Ends(rows.column, rows.side, rows.kept[0], rows.kept[1], rows.kept[2], rows.lines[0], least))
        self.low[column] = np.maximum(self.low[column], least[:count])
        self.high[column] = np.minimum(self.high[column], -least[count:])

    def lines(self) -> tuple[Any, Any, Any]:
        """Chords and their gaps (size,), float32, sound for the bounds at hand and the sides; and where a slope below
        is free."""
        low, high = self.low.astype(np.float64), self.high.astype(np.float64)
        split, on = self.signs != 0, self.signs > 0
        with np.errstate(divide="ignore", invalid="ignore"):
            chord = np.where(low >= 0, 1.0, np.where(high <= 0, 0.0, high / (high - low))).astype(np.float32)
        chord = np.where(split, on, chord).astype(np.float32)
        gap = np.maximum(-chord * negative(low), (1 - chord.astype(np.float64)) * positive(high))
        gap = np.where(split | (low >= 0) | (high <= 0), np.float32(0), next_above(gap.astype(np.float32)))
        return chord, gap.astype(np.float32), ~split & (low < 0) & (high > 0)


class _Rows:
    """The rows e_i and -e_i of some neurons of one layer, each with its own multipliers, on their way up."""

    def __init__(self, anew: Anew, start: int, matrix: Any, column: Any) -> None:
        self.anew, space, reduced = anew, anew.space, anew.reduced
        count = len(column)
        self.column = np.concatenate([column, column])
        self.side = np.repeat(np.array([1, -1], np.float32), count)
        self.lines = anew.lines()
        self.own = np.zeros((2 * count, reduced.inputs + 1 + space.size), np.float32)
        self.own[:, :start] = self.side[:, None] * np.concatenate([matrix, matrix])
        self.goals = reduced.rows.values.astype(np.float32)
        width = (anew.high - anew.low)[self.column]
        reach = np.maximum(anew.high - anew.low, np.float32(1e-9))
        # Units of betas and lambda: how far the row's neuron goes, over how far what is added does.
        self.per_split = (width[:, None] / reach).astype(np.float32)
        self.per_goal = (width[:, None] / np.maximum(abs(self.goals).sum(axis=1), np.float32(1e-9))).astype(np.float32)
        chord, _, free = self.lines
        begin = np.where(free, np.clip(space.floors, 0, 1), chord).astype(np.float32)
        self.now = [np.repeat(begin[None], 2 * count, axis=0), np.zeros((2 * count, space.size), np.float32),
                    np.zeros((2 * count, len(self.goals)), np.float32)]  # fmt: skip
        self.kept = [values.copy() for values in self.now]
        self.best = np.full(2 * count, -np.inf, np.float32)
        self.rules = [Adam(values, rate) for values, rate in zip(self.now, (SLOPE_RATE, RATE, RATE), strict=True)]

    def climb(self, steps: int) -> None:
        """So many steps; a neuron that is stable needs no better bounds and takes none."""
        active, count = np.arange(len(self.best)), len(self.best) // 2
        for step in range(steps + 1):
            checkpoint()
            lower, trail, lines = self._bound(active, *self.now)
            better = lower > self.best[active]
            at = active[better]
            self.best[at] = lower[better]
            for kept, values in zip(self.kept, self.now, strict=True):
                kept[at] = values[better]
            done = self.best > 0
            left = np.flatnonzero(~np.tile(done[:count] | done[count:], 2)[active])
            if step == steps or not len(left):
                return
            gradients = self._gradients(trail[left], lines[0][left], *lines[1:3])
            if len(left) < len(active):
                active, self.now = active[left], [values[left] for values in self.now]
                for rule in self.rules:
                    rule.keep(left)
            self._move(active, gradients)

    def _gradients(self, trail: Any, below: Any, above: Any, gap: Any) -> tuple[Any, Any, Any]:
        """Those of slopes, betas and lambda, where the bounds have their minimisers."""
        anew, reduced = self.anew, self.anew.reduced
        with np.errstate(over="ignore", invalid="ignore"):
            inputs, z = reduced.follow(trail, below, above, gap)
            nu = trail[:, reduced.inputs + 1 :]
            height = np.where(nu < 0, above * z + gap, below * z)
            point = np.concatenate([inputs, np.ones_like(inputs[:, :1]), height], axis=1)
            return positive(nu) * z * self.lines[2], -anew.signs * z, point @ self.goals.T - anew.limits

    def _move(self, rows: Any, gradients: tuple[Any, Any, Any]) -> None:
        units = (np.float32(1), self.per_split[rows], self.per_goal[rows])
        slopes, betas, lam = (
            (values + rule.step(np.nan_to_num(gradient * each).astype(np.float32)) * each).astype(np.float32)
            for values, rule, gradient, each in zip(self.now, self.rules, gradients, units, strict=True)
        )
        free, split = self.lines[2], self.anew.signs != 0
        self.now = [np.where(free, on_grid(slopes.clip(0, 1)), self.now[0]), positive(betas) * split, positive(lam)]

    def _bound(self, rows: Any, slopes: Any, betas: Any, lam: Any) -> tuple[Any, Any, tuple[Any, ...]]:
        """Rigorous lower bounds of some of the rows, the coefficients left on the way, and the lines used."""
        anew, reduced = self.anew, self.anew.reduced
        chord, gap, _ = self.lines
        lines = slopes, chord[None], gap[None], -anew.signs * betas
        with np.errstate(over="ignore", invalid="ignore"):
            coefficients = self.own[rows] + lam @ self.goals
            charge = _charge(reduced, self.column[rows], lam, anew.limits)
            lower, _, _, trail, _ = reduced.bound_of(coefficients, charge, lines)
            lower = next_below((lower - lam @ anew.limits).astype(np.float32))
        return np.where(np.isnan(lower), -np.inf, lower), trail, lines


def _charge(reduced: Reduced, column: Any, lam: Any, limits: FloatArray) -> Any:
    """What sums of a neuron's row and some goals' get wrong: what each is off by, and the rounding of their sum."""
    rate, sizes = 8 * gamma(len(limits) + 8, unit(np.float32)), reduced.sizes
    own = reduced.charge.values[column] + rate * sizes.reach[column]
    goals = reduced.row_charge.values + rate * (sizes.row_reach + abs(limits))
    return next_above((own + lam.astype(np.float64) @ goals).astype(np.float32))
