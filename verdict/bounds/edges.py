"""Bounds of a network's reduced form in which ReLUs are bounded by more than their chords (`joint`).

The chord knows of a pre-activation only how far it goes. What reads the same variables as others has planes with a
slope for each of them instead, found by whoever searches. Bounds are computed over the edges alone, those coefficients
of the form that are not 0, in float64, each sum charged for its rounding.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..network.exact import FloatArray
from .joint import Block, Reads, blocks
from .reduced import Layer, Reduced
from .rounding import gamma, tiny, unit

# Rates of rounding are taken this many times over: each quantity that is charged was itself computed.
AMPLE = 4.0


@dataclass(frozen=True, eq=False)
class Fan:
    """The edges into the unstable neurons of one ReLU node, whose outputs are the variables `start` to `stop`.

    `matrix` (neurons, start) is sparse, float32, without the `constant` (neurons,); `error` (neurons,) is by how much a
    neuron may differ from it all. `chord` and `gap` (neurons,) are the lines above the ReLUs, rounded up.
    """

    start: int
    stop: int
    matrix: Any
    constant: Any
    error: FloatArray
    chord: FloatArray
    gap: FloatArray

    @cached_property
    def rough(self) -> tuple[Any, Any, Any, Any]:
        """The matrix, its transpose, chords and gaps in float32, for hints."""
        chord, gap = self.chord.astype(np.float32), self.gap.astype(np.float32)
        return self.matrix, self.matrix.T.tocsr(), chord, gap

    @cached_property
    def exact(self) -> tuple[Any, Any]:
        """The transpose of the matrix and that of its magnitudes, float64."""
        matrix = self.matrix.T.tocsr().astype(np.float64)
        return matrix, abs(matrix)

    def within(self, low: FloatArray, high: FloatArray) -> Fan:
        """The same where the neurons have these ends, (neurons,)."""
        chord, gap = lines_above(low, high)
        return replace(self, chord=chord, gap=gap)

    def here(self, inputs: int) -> slice:
        """The numbers of its ReLUs among the unstable ones."""
        return slice(self.start - inputs - 1, self.stop - inputs - 1)


@dataclass(frozen=True, eq=False)
class Lines:
    """What bounds a domain: the sides of the unstable ReLUs (+1, -1, or 0 where they are not split), the slopes of the
    lines below and the multipliers of the splits, each (unstable ReLUs,) and float32; and for each block of the form
    the shares of its multipliers, (groups, sources), in [0, 1]."""

    signs: Any
    slopes: Any
    betas: Any
    shares: list[Any]


@dataclass(frozen=True, eq=False)
class Edges:
    """The edges of a reduced form on a box: its fans in order, its rows (rows, variables) and what each gets wrong, the
    variables' `largest` magnitudes, and which ReLUs are bounded jointly, blocks of one fan or another."""

    inputs: int
    count: int
    fans: tuple[Fan, ...]
    rows: Any
    row_error: FloatArray
    largest: FloatArray
    blocks: tuple[Block, ...] = ()

    @cached_property
    def of_fan(self) -> tuple[tuple[int, ...], ...]:
        """The numbers of each fan's blocks."""
        return tuple(
            tuple(at for at, block in enumerate(self.blocks) if block.fan == number) for number in range(len(self.fans))
        )

    @cached_property
    def alone(self) -> tuple[Any, ...]:
        """Of each fan, which ReLUs are in no block, (neurons,) bool."""
        found = [np.ones(fan.stop - fan.start, bool) for fan in self.fans]
        for block in self.blocks:
            found[block.fan][block.members[block.has]] = False
        return tuple(found)

    def jointly(self, number: int, groups: list[list[int]]) -> Edges:
        """The same with such groups of ReLUs, each a list of their places in fan `number`, in place of what is joint
        there."""
        made = blocks(self.reads, number, groups) if groups else []
        return replace(self, blocks=(*(block for block in self.blocks if block.fan != number), *made))

    def within(self, low: FloatArray, high: FloatArray) -> Edges:
        """The same on a part of the box where the neurons have these ends, (unstable ReLUs,), no wider than before, of
        which the lower may be above the upper one where nothing is left."""
        largest = self.largest.copy()
        largest[self.inputs + 1 :] = np.minimum(largest[self.inputs + 1 :], np.maximum(high, 0))
        fans = tuple(fan.within(low[fan.here(self.inputs)], high[fan.here(self.inputs)]) for fan in self.fans)
        bare = replace(self, fans=fans, largest=largest, blocks=())
        found = (blocks(bare.reads, block.fan, block.groups) for block in self.blocks)
        return replace(bare, blocks=tuple(made for some in found for made in some))

    @cached_property
    def reads(self) -> Reads:
        """What groups of ReLUs read."""
        first = self.fans[0] if self.fans else None
        return Reads(self.inputs, self.largest, self.fans, first)

    @property
    def rate(self) -> float:
        """What sums get wrong, of the sum of their magnitudes."""
        return AMPLE * gamma(2 * (self.inputs + self.count) + 64)

    def bound(self, row: int, offset: float, lines: Lines) -> tuple[float, FloatArray]:
        """A rigorous lower bound of row number `row` minus `offset` over the domain that `lines` are about, and its
        slope over the scaled inputs (inputs,), in float64: on a smaller box it is larger by what that box loses on the
        side of the minimiser.

        Any shares in [0, 1] and any multipliers at least 0 are sound. Where a sum over a neuron's edges is off, so is
        the coefficient of a variable, which counts its largest magnitude.
        """
        inputs, rate = self.inputs, self.rate
        held = self.rows[row].astype(np.float64)
        size = np.abs(held)
        gained, wrong = 0.0, float(self.row_error[row]) + tiny(np.float64)
        for number in reversed(range(len(self.fans))):
            fan = self.fans[number]
            nu, here = held[fan.start : fan.stop], fan.here(inputs)
            signs, slopes, betas = lines.signs[here], lines.slopes[here], lines.betas[here].astype(np.float64)
            falling = above(nu, signs)
            chorded = falling * self.alone[number]
            flat = _flat(nu, signs, slopes, betas) + chorded * fan.chord
            gained += float(chorded @ fan.gap)
            wrong += float(np.abs(flat) @ fan.error) + rate * float(-chorded @ fan.gap)
            back, magnitudes = fan.exact
            held[: fan.start] += back @ flat
            size[: fan.start] += magnitudes @ np.abs(flat)
            held[inputs] += flat @ fan.constant
            size[inputs] += np.abs(flat) @ np.abs(fan.constant)
            for at in self.of_fan[number]:
                gain, moved, lost = self.blocks[at].least(falling, lines.shares[at], rate)
                gained, wrong = gained + gain, wrong + lost
                self.blocks[at].spread(moved, held)
                self.blocks[at].spread(np.abs(moved), size)
        slope = held[:inputs]
        least = held[inputs] + gained - offset - np.abs(slope).sum()
        wrong += rate * (float(size @ self.largest) + abs(gained) + abs(offset))
        lower = float(least - AMPLE * wrong)
        return (lower if lower == lower else -np.inf), slope


def edges(reduced: Reduced) -> Edges:
    """The edges of a reduced form whose set is a box, each ReLU of the first fan, which reads inputs, a group by
    itself; raises ValueError where it is a ball."""
    if reduced.ball is not None:
        raise ValueError("planes over edges need a box")
    sizes, inputs = reduced.sizes, reduced.inputs
    with np.errstate(over="ignore"):
        high = np.nextafter(sizes.high.astype(np.float32), np.float32(np.inf))
    most = np.concatenate([np.ones(inputs + 1, np.float32), high])
    largest = most.astype(np.float64)
    # The form's own errors are those of float64, in which it was made; its numbers were rounded to float32 then.
    rounded, slack = 2 * unit(np.float32), tiny(np.float32) * (1 + largest.sum())
    error, row_error = sizes.error + rounded * sizes.reach, sizes.row_error + rounded * sizes.row_reach
    fans = tuple(_fan(layer, inputs, sizes.low, sizes.high, error + slack) for layer in reduced.layers)
    form = Edges(inputs, reduced.count, fans, reduced.rows.values, row_error + slack, largest)
    return form.jointly(0, [[neuron] for neuron in range(fans[0].stop - fans[0].start)]) if fans else form


def edge_count(reduced: Reduced) -> int:
    """How many edges a reduced form has: what its ReLUs read with coefficients other than 0."""
    read = (layer.matrix.values != 0 for layer in reduced.layers)
    return sum(int(some.sum() - some[:, reduced.inputs].sum()) for some in read)


def above(nu: Any, signs: Any) -> Any:
    """The coefficients that fall, of ReLUs that are not split; 0 elsewhere."""
    return np.where(signs == 0, np.minimum(nu, 0), 0)


def lines_above(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The slopes and offsets of lines above ReLUs between these ends, rounded up."""
    least, most = np.minimum(low, 0), np.maximum(high, 0)
    # Any slope in [0, 1] has a line above, as high as the ReLU needs it at both ends.
    chord = np.where(most > least, most / np.where(most > least, most - least, 1), 0).clip(0, 1)
    gap = np.maximum(-chord * least, (1 - chord) * most) * (1 + 2.0**-50) + tiny(np.float64)
    return chord, gap


def _flat(nu: FloatArray, signs: Any, slopes: Any, betas: FloatArray) -> FloatArray:
    """The multipliers of the pre-activations by lines below and by splits. Roundings of them are other slopes in
    [0, 1] and other multipliers, at least 0."""
    found: FloatArray = np.where(signs == 0, np.maximum(nu, 0) * slopes, np.where(signs > 0, nu - betas, betas))
    return found


def _fan(layer: Layer, inputs: int, low: Any, high: Any, error: FloatArray) -> Fan:
    from scipy import sparse

    matrix = layer.matrix.values.copy()
    constant = matrix[:, inputs].copy()
    matrix[:, inputs] = 0
    here = slice(layer.start - inputs - 1, layer.stop - inputs - 1)
    chord, gap = lines_above(low[here], high[here])
    return Fan(layer.start, layer.stop, sparse.csr_array(matrix), constant, error[here], chord, gap)
