"""Better multipliers of groups of ReLUs, slopes and multipliers of splits for one domain: gradient ascent in float32.

The bound is concave in the groups' multipliers, and the derivative by one is where its variable is at the minimiser,
less where it is at the group's own corners: two numbers in [-1, 1], so that one rate fits all. The minimisers' mean
comes close to the relaxed network's own minimum, and what groups and lines lose is looked for there (Sherali and Choi
1996 on the recovery of primal solutions).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...base.deadline import checkpoint
from ...bounds.adam import Adam
from ...bounds.edges import Edges, Lines, above
from ...bounds.joint import Block, Minimum, Room

# The rate falls, as half a cosine, from what is asked for to this share of it. The patterns of a group count by the
# softmax of their values, at a temperature of so much, times the rate, of what the group can make: a high one smooths
# away what is left to gain in a domain.
LEAST_RATE, HEAT = 0.02, 0.01
# The weight of a new minimiser in the mean.
FRESH = 0.1
# The least weight of a new gradient in their mean, and behind how many steps it weighs half of what the first one did.
FRESH_GRADIENT, SOON = 0.2, 3
# What the mean of squares keeps of itself in a step, and the least root of such a square.
MEMORY, LEAST = 0.95, 1e-3
# What is added to how far a multiplier goes, of what they go on the average.
NEARLY_NONE = 1e-3
# The rate of splits' multipliers, for a rate 1 of shares and slopes.
BETAS = 2.0


@dataclass(frozen=True, eq=False)
class Seen:
    """What the ascent saw on the average, float32: the coefficients `nu` that the outputs of unstable ReLUs were met
    with, their pre-activations `z` and outputs, each (unstable ReLUs,), and the scaled `inputs` (inputs,)."""

    nu: Any
    z: Any
    outputs: Any
    inputs: Any

    def losses(self, signs: Any) -> Any:
        """What each unstable ReLU loses by what lies above it, (unstable ReLUs,): 0 where nothing is used of that. The
        line below loses nothing that its slope could not win back."""
        gaps = np.maximum(self.outputs - np.maximum(self.z, 0), 0)
        return -np.minimum(self.nu, 0) * gaps * (signs == 0)

    def mixed(self, new: Seen, share: float) -> Seen:
        parts = zip((self.nu, self.z, self.outputs, self.inputs), (new.nu, new.z, new.outputs, new.inputs), strict=True)
        return Seen(*(old + share * (other - old) for old, other in parts))


def chords(form: Edges) -> list[Any]:
    """The shares of each block that are nearest to its members' chords."""
    found = []
    for block in form.blocks:
        slopes = form.fans[block.fan].chord[block.members] * block.has
        m = -(slopes[:, :, None] * block.weight).sum(axis=1)
        found.append(block.shares(-1.0 * block.has, m).astype(np.float32))
    return found


def carried(old: Edges, new: Edges, row: int, lines: Lines, signs: Any) -> Lines:
    """The lines of a domain where some ReLUs have one side only, in a form of the same groups between other ends: no
    bound is to lose by that. What turns on takes its own part of its group's multipliers with it, and each that had a
    line below has it as one of a split ReLU."""
    # What outputs are met with by these lines: on the average of the way to them it was something else.
    nu, shares = look(old, row, lines).nu, []
    for before, block, some in zip(old.blocks, new.blocks, lines.shares, strict=True):
        here = old.fans[block.fan].here(old.inputs)
        falling, left = (above(nu[here], sides[here])[block.members] * block.has for sides in (lines.signs, signs))
        gone = (falling - left) * (signs[here][block.members] > 0)
        moved = before.multipliers(falling, some) - (gone[:, None, :] @ before.weight)[:, 0]
        shares.append(block.shares(left, moved / before.unit * block.unit).astype(np.float32))
    share = np.where(signs < 0, lines.slopes, 1 - lines.slopes)
    betas = np.where(signs != lines.signs, np.maximum(nu, 0) * share, lines.betas).astype(np.float32)
    return Lines(signs, lines.slopes, betas, shares)


def look(form: Edges, row: int, lines: Lines) -> Seen:
    """What is seen with some lines."""
    return _look(form, row, lines, [Room() for _ in form.blocks], HEAT)[1]


class _Steps:
    """The steps of shares: the mean of gradients over the root of how large they usually are, half of what Adam divides
    by (Chen et al. 1806.06763), so that long gradients still say how far it is and short ones do not stand still;
    shorter where a multiplier goes far, since what a share loses while it swings about its best value is as much as
    that. The mean is over the latest steps, of which there are few at first."""

    def __init__(self, shares: list[Any]) -> None:
        self._means, self._squares = ([np.zeros_like(one) for one in shares] for _ in range(2))
        self._taken = 0

    def steps(self, gradients: list[Any], reaches: list[Any]) -> list[Any]:
        """What to add to the shares, for a rate 1."""
        fresh = np.float32(max(FRESH_GRADIENT, SOON / (self._taken + SOON)))
        self._taken += 1
        known = np.float32(1 - MEMORY**self._taken)
        some = sum(int((reach > 0).sum()) for reach in reaches)
        usual = np.float32(sum(float(reach.sum()) for reach in reaches) / max(some, 1) + 1e-30)
        found = []
        for mean, square, gradient, reach in zip(self._means, self._squares, gradients, reaches, strict=True):
            mean += fresh * (gradient - mean)
            square += np.float32(1 - MEMORY) * (gradient * gradient - square)
            size = np.sqrt(square / known) + np.float32(LEAST)
            far = np.sqrt(reach / usual + np.float32(NEARLY_NONE))
            found.append(mean * (reach > 0) / np.sqrt(size * far))
        return found


def climb(
    form: Edges, row: int, lines: Lines, steps: int, rate: float, enough: float = math.inf
) -> tuple[Lines, Seen]:
    """The best lines found for row number `row` in so many steps from `lines`, or fewer once its bound is `enough`, and
    what was seen on the way."""
    now = Lines(lines.signs, lines.slopes, lines.betas, [shares.astype(np.float32) for shares in lines.shares])
    # The rate falls for all of them alike.
    share_rule = _Steps(now.shares)
    slope_rule, beta_rule = Adam(now.slopes, 1.0, decay=1.0), Adam(now.betas, BETAS, decay=1.0)
    best, least = now, -math.inf
    free, seen, rooms = now.signs == 0, None, [Room() for _ in form.blocks]
    for step in range(steps):
        size = rate * (LEAST_RATE + (1 - LEAST_RATE) * (1 + math.cos(math.pi * step / steps)) / 2)
        lower, new, uphill = _look(form, row, now, rooms, HEAT * size)
        share = max(FRESH, 1 / (step + 1))
        seen = new if seen is None else seen.mixed(new, share)
        if lower > least:
            best, least = now, lower
        if lower > enough:
            break
        moves = zip(now.shares, share_rule.steps(*uphill), strict=True)
        shares = [(old + np.float32(size) * move).clip(0, 1) for old, move in moves]
        slopes = now.slopes + np.float32(size) * slope_rule.step(np.maximum(new.nu, 0) * new.z * free)
        betas = now.betas + np.float32(size) * beta_rule.step(-now.signs * new.z)
        now = Lines(now.signs, slopes.clip(0, 1), np.maximum(betas, 0) * ~free, shares)
    return best, seen if seen is not None else _look(form, row, now, rooms, HEAT)[1]


def _look(
    form: Edges, row: int, lines: Lines, rooms: list[Room], heat: float
) -> tuple[float, Seen, tuple[list[Any], list[Any]]]:
    """A hint of the bound, but for the row's offset; its minimiser; and for each block by how much its shares are to
    rise, (groups, sources) from -1 to 1."""
    inputs, held, gained = form.inputs, form.rows[row].astype(np.float32), 0.0
    nu, found = np.zeros(form.count, np.float32), dict[int, Minimum]()
    for number in reversed(range(len(form.fans))):
        checkpoint()
        fan = form.fans[number]
        here = fan.here(inputs)
        nu[here] = met = held[fan.start : fan.stop]
        signs = lines.signs[here]
        falling = above(met, signs)
        split = (signs > 0) * met - signs * lines.betas[here]
        chorded = falling * form.alone[number]
        _, back, chord, gap = fan.rough
        flat = np.where(signs == 0, np.maximum(met, 0) * lines.slopes[here], split) + chorded * chord
        gained += float(chorded @ gap)
        held[: fan.start] += back @ flat
        held[inputs] += flat @ fan.constant
        for at in form.of_fan[number]:
            found[at] = least = form.blocks[at].rough.look(falling, lines.shares[at], heat, rooms[at])
            gained += least.gain
            form.blocks[at].spread(least.moved, held)
    lower = float(held[inputs] + gained - np.abs(held[:inputs]).sum())
    seen, gradients = _follow(form, lines, nu, np.where(held[:inputs] > 0, np.float32(-1), np.float32(1)), found)
    return lower, seen, (gradients, [found[at].reach for at in range(len(form.blocks))])


def _follow(
    form: Edges, lines: Lines, nu: Any, corner: Any, found: dict[int, Minimum]
) -> tuple[Seen, list[Any]]:
    """The relaxed network's values at a corner of the inputs, and the gradients of shares."""
    inputs = form.inputs
    values = np.ones(inputs + 1 + form.count, np.float32)
    values[:inputs] = corner
    z, gradients = np.zeros(form.count, np.float32), dict[int, Any]()
    for number, fan in enumerate(form.fans):
        here = fan.here(inputs)
        signs, (matrix, _, chord, gap) = lines.signs[here], fan.rough
        z[here] = pre = matrix @ values[: fan.start] + fan.constant
        is_falling = (signs == 0) & (nu[here] < 0)
        line = np.where(is_falling, chord * pre + gap, lines.slopes[here] * pre)
        out = np.where(signs != 0, (signs > 0) * pre, line)
        for at in form.of_fan[number]:
            block = form.blocks[at].rough
            apart, outputs = _apart(block, values, lines.shares[at], found[at])
            used = block.has & is_falling[block.members]
            out[block.members[used]] = outputs[used]
            gradients[at] = apart / 2
        values[fan.start : fan.stop] = out
    return Seen(nu, z, values[inputs + 1 :], corner), [gradients[at] for at in range(len(form.blocks))]


def _apart(block: Block, values: Any, shares: Any, seen: Minimum) -> tuple[Any, Any]:
    """How far the sources' values are from a block's own corners, in units, (groups, sources), and its members'
    outputs."""
    apart = ((values[block.source] - block.center) / block.unit - seen.sources) * block.known
    return apart, seen.outputs + (block.drift(shares) @ apart[:, :, None])[:, :, 0]
