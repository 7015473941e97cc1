"""ReLUs that read the same variables, bounded jointly.

Let nu_i <= 0 be the coefficients of a group's outputs, z_i = w_i.v + b_i what they read. For *any* m the sum of
nu_i relu(z_i) is at least m.v + c, where c is the least of sum_i p_i nu_i z_i - m.v over all patterns p of 0 and 1 and
all v; with one ReLU that is a plane of the hull of Anderson et al. (1811.01988), with several the hull of their sum.
The v are those of a box, where some are ReLUs of inputs themselves, which are between lines, so that what moves
together is not taken as free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from ..base.deadline import checkpoint
from ..network.exact import FloatArray

# Numbers in what the ReLUs that a group reads read themselves; where there are more, these are only in a box.
MOST_READ = 2**14
# The patterns whose minimisers count in hints.
LOOKED_AT = 4
# What hardly moves is measured in units that float32 can divide by.
LEAST_UNIT = 2.0**-60
# Nothing counts less than by the exponential of minus this; what does is slow to compute with.
FAR = 60.0


@dataclass(frozen=True, eq=False)
class Reads:
    """What groups can read: the inputs, and the outputs of the `fans` with the largest values `largest`; the ReLUs of
    the `first` one read inputs alone."""

    inputs: int
    largest: FloatArray
    fans: Sequence[Any]
    first: Any


class Room:
    """Arrays that are used again in each step, by name: to get memory takes longer than what is done in it."""

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}

    def __call__(self, name: str, shape: tuple[int, ...], kind: Any) -> Any:
        """An array of any numbers; for a name all shapes are the same."""
        if name not in self._kept:
            self._kept[name] = np.empty(shape, kind)
        return self._kept[name]


@dataclass(frozen=True, eq=False)
class Minimum:
    """What hints tell of a block: the sum of its c's constants, m (groups, sources) in units and how far it goes in
    all, `reach`, the weighted mean of the minimisers (groups, sources), and the outputs of its members there, (groups,
    members)."""

    gain: float
    moved: Any
    reach: Any
    sources: Any
    outputs: Any


@dataclass(frozen=True, eq=False)
class Block:
    """Groups of ReLUs of fan number `fan`, some of them padded.

    `members` (groups, g) are places in the fan, where it `has` one. `source` (groups, E) are the variables they read,
    `center` + `unit` s, where they are `known`; the first of them have s in [-1, 1], the last V are ReLUs that read the
    first ones. `weight` (groups, g, E) and `base` (groups, g) say what the members are of the s, `size` and `error`
    (groups, g) how large base's sum gets and how far a member is from all this. Of the V, `pre` (groups, V, E - V) and
    `zero` (groups, V) are their pre-activations, `chord` and `gap` the lines above, `pace` (groups, V) is -1 over the
    coefficient in `pre` of the source that has the same place, 0 where that is none of its own, and `off` how far they
    are from `pre`.
    """

    fan: int
    members: Any
    has: Any
    source: Any
    known: Any
    unit: Any
    center: Any
    weight: Any
    base: Any
    size: Any
    error: Any
    pre: Any
    zero: Any
    chord: Any
    gap: Any
    pace: Any
    off: Any

    @property
    def groups(self) -> list[list[int]]:
        """The groups, each a list of places in the fan."""
        return [members[has].tolist() for members, has in zip(self.members, self.has, strict=True)]

    @cached_property
    def patterns(self) -> Any:
        """All sides that a group's ReLUs can have, (2^g, g)."""
        count = self.members.shape[1]
        return ((np.arange(2**count)[:, None] >> np.arange(count)) & 1).astype(self.weight.dtype)

    @cached_property
    def rough(self) -> Block:
        """The same in float32, for hints."""
        values = [getattr(self, field.name) for field in fields(self)]
        rounded = [value.astype(np.float32) if getattr(value, "dtype", None) == np.float64 else value
                   for value in values]
        return Block(*rounded)

    @cached_property
    def ends(self) -> tuple[Any, Any]:
        """With coefficients v the multipliers m go from v @ first to v @ (first - second), (groups, g, E) each."""
        first, second = np.maximum(self.weight, 0), np.abs(self.weight)
        free = self.pre.shape[2]
        through = second[:, :, free:] @ (self.chord[:, :, None] * np.abs(self.pre))
        first[:, :, :free] += through
        second[:, :, :free] += 2 * through
        return first, second

    def reach(self, falling: Any) -> Any:
        """From one end of the m (groups, E) of coefficients (groups, g) that fall to the other."""
        return -(falling[:, None, :] @ self.ends[1])[:, 0]

    def multipliers(self, falling: Any, shares: Any) -> Any:
        """The m (groups, E) of coefficients (groups, g) that fall."""
        return self._between(falling, shares, self.reach(falling))

    def _between(self, falling: Any, shares: Any, reach: Any) -> Any:
        """The m of coefficients that fall, of which it is known how far they go."""
        return (falling[:, None, :] @ self.ends[0])[:, 0] + shares * reach

    def shares(self, falling: Any, m: Any) -> Any:
        """The shares in [0, 1] whose multipliers are nearest to `m`."""
        first, second = self.ends
        v = falling[:, None, :]
        room = (v @ second)[:, 0]
        return np.where(room < 0, ((v @ first)[:, 0] - m) / np.where(room < 0, room, 1), 0.5).clip(0, 1)

    def corners(self, falling: Any, m: Any, room: Room) -> tuple[Any, Any, Any, Any]:
        """Of each pattern the least value of sum_i p_i nu_i z_i - m.v, (groups, patterns), and the coefficients that
        make it: of the sources in a box, of the ReLUs, and of what these read, (groups, patterns, ...)."""
        free, count = self.pre.shape[2], self.pre.shape[1]
        shape, kind = (len(m), len(self.patterns)), self.weight.dtype
        met = room("met", (*shape, free + count), kind)
        own = np.multiply(falling[:, :, None], self.weight, out=room("own", self.weight.shape, kind))
        np.matmul(self.patterns, own, out=met)
        met -= m[:, None, :]
        least = (falling * self.base) @ self.patterns.T
        box, relus = met[:, :, :free], met[:, :, free:]
        passed, sizes = relus, room("sizes", (*shape, free), kind)
        if count:
            up, low = (room(name, (*shape, count), kind) for name in ("up", "low"))
            np.multiply(self.chord[:, None, :], relus, out=up)
            # A line below with the slope that takes most off the input that moves the ReLU most.
            passed = np.multiply(box[:, :, :count], self.pace[:, None, :], out=room("passed", (*shape, count), kind))
            np.maximum(passed, np.minimum(up, 0, out=low), out=passed)
            np.minimum(passed, np.maximum(relus, up, out=up), out=passed)
            box += np.matmul(passed, self.pre, out=sizes)
            least += (passed @ self.zero[:, :, None])[:, :, 0]
            least += (np.minimum(relus, 0, out=low) @ self.gap[:, :, None])[:, :, 0]
        least -= np.abs(box, out=sizes) @ np.ones(free, kind)
        return least, box, relus, passed

    def least(self, falling: FloatArray, shares: Any, rate: float) -> tuple[float, FloatArray, float]:
        """Of the coefficients `falling` (neurons of the fan,), float64: the constants' sum, the coefficients of the
        sources (groups, E), and what all that is charged for rounding at this rate."""
        v = np.where(self.has, falling[self.members], 0)
        m = self.multipliers(v, shares.astype(np.float64))
        least, *_ = self.corners(v, m, Room())
        moved = m / self.unit
        gain = float(least.min(axis=1).sum() - (moved * self.center).sum())
        free = self.pre.shape[2]
        reach = (np.abs(v)[:, None, :] @ np.abs(self.weight))[:, 0] + np.abs(m)
        behind = np.abs(self.pre).sum(axis=2) + np.abs(self.zero) + self.gap + 2
        size = float((np.abs(v) * self.size).sum() + (reach * (1 + np.abs(self.center) / self.unit)).sum())
        size += float((reach[:, free:] * behind).sum())
        off = float((np.abs(v) * self.error).sum() + (reach[:, free:] * self.off).sum())
        return gain, moved, off + rate * size

    def spread(self, moved: Any, held: Any) -> None:
        """Add coefficients of sources (groups, E) to those of all variables (..., at least as many as there are)."""
        held += np.bincount(self.source[self.known], moved[self.known], len(held)).astype(held.dtype)

    def look(self, falling: Any, shares: Any, heat: float, room: Room) -> Minimum:
        """Hints, in float32, for coefficients (neurons of the fan,): patterns count by the softmax of their values, at
        a temperature that is `heat` times the most that a group's coefficients can make."""
        v = falling[self.members] * self.has
        reach = self.reach(v)
        m = self._between(v, shares, reach)
        least, box, relus, passed = self.corners(v, m, room)
        kept = min(LOOKED_AT, least.shape[1])
        some = np.argpartition(least, kept - 1, axis=1)[:, :kept]
        values = np.take_along_axis(least, some, 1)
        best = values.min(axis=1)
        scale = heat * (np.abs(v)[:, None, :] @ np.abs(self.weight))[:, 0].sum(axis=1)
        weights = np.exp(((best[:, None] - values) / np.maximum(scale, np.float32(1e-9))[:, None]).clip(-FAR, 0))
        weights /= weights.sum(axis=1, keepdims=True)
        sources = self._minimisers(*(_taken(part, some) for part in (box, relus, passed)))
        mean = (weights[:, None, :] @ sources)[:, 0]
        z = sources @ self.weight.swapaxes(1, 2) + self.base[:, None, :]
        outputs = (z * self.patterns[some] * weights[:, :, None]).sum(axis=1)
        moved = m / self.unit
        gain = float(best.sum() - (moved * self.center).sum())
        return Minimum(gain, moved, reach, mean, outputs)

    def _minimisers(self, box: Any, relus: Any, passed: Any) -> Any:
        """Where the corners of some patterns are, (groups, patterns, E)."""
        scaled = -np.sign(box)
        count = relus.shape[2]
        if not count:
            return scaled
        # Where the slope of a line below is neither 0 nor 1 the ReLU's own input is where it bends.
        z = scaled @ self.pre.swapaxes(1, 2) + self.zero[:, None, :]
        inner = (relus > 0) & (passed > 0) & (passed < relus)
        own = scaled[:, :, :count]
        scaled[:, :, :count] = np.where(inner, (own + z * self.pace[:, None, :]).clip(-1, 1), own)
        slope = passed / np.where(relus == 0, 1, relus)
        values = np.where(inner, 0, slope * z + self.gap[:, None, :] * (relus < 0))
        return np.concatenate([scaled, values], axis=2)

    def drift(self, shares: Any) -> Any:
        """How the multipliers change with the coefficients, (groups, g, E)."""
        first, second = self.ends
        return first - shares[:, None, :] * second


def blocks(reads: Reads, number: int, groups: list[list[int]]) -> list[Block]:
    """Blocks of groups of ReLUs in fan `number`, those of about the same number of members in one."""
    sizes = sorted({_power(len(group)) for group in groups})
    return [_block(reads, number, [group for group in groups if _power(len(group)) == size]) for size in sizes]


def _taken(values: Any, some: Any) -> Any:
    """Some patterns of each group, (groups, fewer, ...)."""
    return values[np.arange(len(values))[:, None], some]


def _power(count: int) -> int:
    """1, 2, 4, ..., the least that is not less."""
    return int(2 ** np.ceil(np.log2(count)))


def _block(reads: Reads, number: int, groups: list[list[int]]) -> Block:
    fan, inputs = reads.fans[number], reads.inputs
    rows = [_Group(reads, number, group) for group in groups]
    count, most = len(groups), max(map(len, groups))
    paired, others, relus = (max(len(part) for part in parts)
                             for parts in zip(*((row.paired, row.boxed, row.relus) for row in rows), strict=True))
    read, free = max(paired, relus), 0
    free = read + others
    shape, total = (count, most), free + relus
    members, has = np.zeros(shape, np.intp), np.zeros(shape, bool)
    base, size, error = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    source, known = np.zeros((count, total), np.intp), np.zeros((count, total), bool)
    unit, center, weight = np.ones((count, total)), np.zeros((count, total)), np.zeros((count, most, total))
    pre, (zero, chord, gap, pace, off) = np.zeros((count, relus, free)), np.zeros((5, count, relus))
    column = np.zeros(fan.start, np.intp)
    for at, row in enumerate(rows):
        checkpoint()
        places = np.concatenate([row.places(read, free), np.zeros(0, np.intp)]).astype(np.intp)
        source[at, places], known[at, places] = row.variables, True
        column[row.variables] = places
        is_boxed = row.variables > inputs
        half = reads.largest[row.variables] / 2
        unit[at, places] = np.where(is_boxed, np.maximum(half, LEAST_UNIT), 1)
        center[at, places] = np.where(is_boxed & (places < free), half, 0)
        for place, neuron in enumerate(groups[at]):
            some, weights = _row(fan.matrix, neuron)
            wide = weights.astype(np.float64)
            members[at, place], has[at, place], error[at, place] = neuron, True, fan.error[neuron]
            weight[at, place, column[some]] = wide * unit[at, column[some]]
            base[at, place] = fan.constant[neuron] + wide @ center[at, column[some]]
            size[at, place] = abs(float(fan.constant[neuron])) + np.abs(wide) @ center[at, column[some]]
        for place, variable in enumerate(row.relus):
            first, neuron = reads.first, variable - reads.first.start
            some, weights = _row(first.matrix, neuron)
            scale = unit[at, free + place]
            pre[at, place, column[some]] = weights.astype(np.float64) / scale
            zero[at, place], gap[at, place] = first.constant[neuron] / scale, first.gap[neuron] / scale
            chord[at, place], off[at, place] = first.chord[neuron], first.error[neuron] / scale
            if row.paired[place] >= 0:
                pace[at, place] = -1 / pre[at, place, place]
    read_by = pre, zero, chord, gap, pace, off
    return Block(number, members, has, source, known, unit, center, weight, base, size, error, *read_by)


def _row(matrix: Any, row: int) -> tuple[Any, Any]:
    """Where a sparse matrix's row is not 0, and its values there."""
    part = slice(matrix.indptr[row], matrix.indptr[row + 1])
    return matrix.indices[part], matrix.data[part]


def _own(weights: Any, constant: float) -> int:
    """The place of the input that moves a ReLU of scaled inputs most, if it turns it on whatever the others do; else
    -1, as a line below would gain less from that input than it loses to the others."""
    if not len(weights):
        return -1
    sizes = np.abs(weights.astype(np.float64))
    best = int(sizes.argmax())
    return best if 2 * sizes[best] + constant > sizes.sum() else -1


def _union(count: int, parts: Sequence[Any]) -> Any:
    """The numbers below `count` that are in some part, ascending."""
    has = np.zeros(count, bool)
    for part in parts:
        has[part] = True
    return np.flatnonzero(has)


class _Group:
    """What one group reads: ReLUs of inputs, `relus`; for each of these an input of its own that moves it most,
    `paired` (-1: none); and the other variables, `boxed`."""

    def __init__(self, reads: Reads, number: int, group: list[int]) -> None:
        checkpoint()
        fan, first = reads.fans[number], reads.first
        found = _union(fan.start, [_row(fan.matrix, neuron)[0] for neuron in group])
        is_relu = (found >= first.start) & (found < first.stop) & (number > 0)
        read = [_row(first.matrix, variable - first.start) for variable in found[is_relu].tolist()]
        behind = _union(fan.start, [found[~is_relu], *(some for some, _ in read)])
        if len(read) * len(behind) > MOST_READ:
            read, behind, is_relu = [], found, np.zeros(len(found), bool)
        self.relus: list[int] = found[is_relu].tolist()
        self.paired: list[int] = []
        for variable, (some, weights) in zip(self.relus, read, strict=True):
            place = _own(weights, float(first.constant[variable - first.start]))
            best = -1 if place < 0 else int(some[place])
            self.paired.append(-1 if best in self.paired else best)
        own = [variable for variable in self.paired if variable >= 0]
        self.boxed: list[int] = np.setdiff1d(behind, own, assume_unique=True).tolist()
        self.variables = np.array([*own, *self.boxed, *self.relus], np.intp)

    def places(self, read: int, free: int) -> Any:
        """The places of the variables among a block's sources."""
        own = np.flatnonzero(np.array(self.paired, int) >= 0)
        return np.concatenate([own, read + np.arange(len(self.boxed)), free + np.arange(len(self.relus))])
