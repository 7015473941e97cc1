"""Lines above a ReLU with a slope for every input of the neuron, in the reduced form of a network.

The chord knows of a pre-activation only how far it goes. Over the box of the neuron's own inputs relu(w.x + b) also
lies below the plane sum_j t_j w_j x_j + c, for any slopes t, one for each edge, where c is the larger of two sums, one
for either side of the ReLU: the hull of Anderson et al. (1811.01988), one plane at a time, with its multipliers free.
Bounds by such planes are computed over the edges alone, in float64, each sum charged for its rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..network.exact import FloatArray
from .reduced import Layer, Reduced
from .rounding import gamma, tiny, unit

# Rates of rounding are taken this many times over: each quantity that is charged was itself computed.
AMPLE = 4.0


@dataclass(frozen=True, eq=False)
class Fan:
    """The edges into the unstable neurons of one ReLU node, whose outputs are the variables `start` to `stop`.

    For each edge, (edges,): the neuron that it leads to, `owner`, ascending; the variable it comes from, `source`; its
    `weight`; the most that -weight x and weight x get to on the box, `low` and `high`, at least 0 and rounded up. The
    edges of neuron k begin at `first`[k]; it has at least one. `constant` and `error` (neurons,) are what is added to
    the sum over the edges, and by how much the neuron may differ from it all. `share` @ x + `base` is where on the way
    from -low to high the edge's weight x is, from 0 to 1.
    """

    start: int
    stop: int
    owner: Any
    source: Any
    weight: Any
    low: Any
    high: Any
    first: Any
    constant: Any
    error: FloatArray
    share: Any
    base: Any

    @cached_property
    def rough(self) -> tuple[Any, Any]:
        """`low` and `high` in float32, for hints."""
        return self.low.astype(np.float32), self.high.astype(np.float32)

    def sums(self, edges: Any) -> Any:
        """The sum over each neuron's edges, (neurons,)."""
        return np.add.reduceat(edges, self.first) if len(self.first) else np.zeros(0, edges.dtype)


@dataclass(frozen=True, eq=False)
class Lines:
    """What bounds a domain: the sides of the unstable ReLUs (+1, -1, or 0 where they are not split), the slopes of the
    lines below and the multipliers of the splits, each (unstable ReLUs,) and float32; and for each fan the slopes of
    its planes, (edges,), in [0, 1]."""

    signs: Any
    slopes: Any
    betas: Any
    planes: list[Any]


@dataclass(frozen=True, eq=False)
class Edges:
    """The edges of a reduced form on a box: its fans in order, its rows (rows, variables) and what each gets wrong."""

    inputs: int
    count: int
    fans: tuple[Fan, ...]
    rows: Any
    row_error: FloatArray
    largest: FloatArray

    def bound(self, row: int, offset: float, lines: Lines) -> tuple[float, FloatArray]:
        """A rigorous lower bound of row number `row` minus `offset` over the domain that `lines` are about, and its
        slope over the scaled inputs (inputs,), in float64: on a smaller box it is larger by what that box loses on the
        side of the minimiser.

        Any slopes in [0, 1] and any multipliers at least 0 are sound. Where a sum over a neuron's edges is off, so is
        the coefficient of a variable, which counts its largest magnitude.
        """
        inputs, rate = self.inputs, AMPLE * gamma(2 * (self.inputs + self.count) + 64)
        held = self.rows[row].astype(np.float64)
        size = np.abs(held)
        gained, wrong = 0.0, float(self.row_error[row]) + tiny(np.float64)
        for fan, planes in zip(reversed(self.fans), reversed(lines.planes), strict=True):
            nu, here = held[fan.start : fan.stop], slice(fan.start - inputs - 1, fan.stop - inputs - 1)
            signs, slopes, betas = lines.signs[here], lines.slopes[here], lines.betas[here].astype(np.float64)
            falling, flat = above(nu, signs), _flat(nu, signs, slopes, betas)
            off, on = fan.sums(planes * fan.low), fan.sums((1 - planes.astype(np.float64)) * fan.high)
            error = fan.error + rate * (off + on + np.abs(fan.constant))
            gained += float(falling @ (np.maximum(off, fan.constant + on) + error))
            wrong += float(np.abs(flat) @ fan.error) + rate * float(-falling @ (off + on + np.abs(fan.constant)))
            moved = (falling[fan.owner] * planes + flat[fan.owner]) * fan.weight
            held[: fan.start] += np.bincount(fan.source, moved, fan.start)
            size[: fan.start] += np.bincount(fan.source, np.abs(moved), fan.start)
            held[inputs] += flat @ fan.constant
            size[inputs] += np.abs(flat) @ np.abs(fan.constant)
        slope = held[:inputs]
        least = held[inputs] + gained - offset - np.abs(slope).sum()
        wrong += rate * (float(size @ self.largest) + abs(gained) + abs(offset))
        lower = float(least - AMPLE * wrong)
        return (lower if lower == lower else -np.inf), slope


def edges(reduced: Reduced) -> Edges:
    """The edges of a reduced form whose set is a box; raises ValueError where it is a ball."""
    if reduced.ball is not None:
        raise ValueError("planes over edges need a box")
    sizes, inputs = reduced.sizes, reduced.inputs
    with np.errstate(over="ignore"):
        high = np.nextafter(sizes.high.astype(np.float32), np.float32(np.inf))
    most = np.concatenate([np.ones(inputs + 1, np.float32), high])
    least = np.concatenate([-np.ones(inputs, np.float32), np.zeros(1 + reduced.count, np.float32)])
    largest = most.astype(np.float64)
    # The form's own errors are those of float64, in which it was made; its numbers were rounded to float32 then.
    rounded, slack = 2 * unit(np.float32), tiny(np.float32) * (1 + largest.sum())
    error, row_error = sizes.error + rounded * sizes.reach, sizes.row_error + rounded * sizes.row_reach
    fans = tuple(_fan(layer, inputs, least, most, error + slack) for layer in reduced.layers)
    return Edges(inputs, reduced.count, fans, reduced.rows.values, row_error + slack, largest)


def above(nu: Any, signs: Any) -> Any:
    """The coefficients that take a plane, those that fall and are not split; 0 elsewhere."""
    return np.where(signs == 0, np.minimum(nu, 0), 0)


def _flat(nu: FloatArray, signs: Any, slopes: Any, betas: FloatArray) -> FloatArray:
    """The multipliers of the pre-activations of neurons that take no plane. Roundings of them are other slopes in
    [0, 1] and other multipliers, at least 0."""
    found: FloatArray = np.where(signs == 0, np.maximum(nu, 0) * slopes, np.where(signs > 0, nu - betas, betas))
    return found


def _fan(layer: Layer, inputs: int, least: Any, most: Any, error: FloatArray) -> Fan:
    matrix = layer.matrix.values.copy()
    constant = matrix[:, inputs].copy()
    matrix[:, inputs] = 0
    is_edge = matrix != 0
    # Sums over edges begin at each neuron's first one.
    is_edge[~is_edge.any(axis=1), 0] = True
    owner, source = np.nonzero(is_edge)
    weight = matrix[owner, source]
    wide = weight.astype(np.float64)
    ends = wide * least[source], wide * most[source]
    low, high = (np.maximum(np.maximum(*(sign * end for end in ends)), 0) for sign in (-1, 1))
    room = np.where(low + high > 0, low + high, 1)
    here = slice(layer.start - inputs - 1, layer.stop - inputs - 1)
    return Fan(
        layer.start, layer.stop, owner, source, weight, low, high,
        np.searchsorted(owner, np.arange(len(matrix))), constant, error[here],
        (wide / room).astype(np.float32), (low / room).astype(np.float32),
    )
