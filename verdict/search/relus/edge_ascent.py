"""Better planes over edges, slopes and multipliers of splits for one domain: gradient ascent in float32.

The bound is concave in all of them, and the derivative by a plane's slope at an edge is where the edge is at the
minimiser, less where it is at the corners that hold the plane up: two numbers in [0, 1], so that one rate fits all
edges. The minimisers' mean comes close to the relaxed network's own minimum, and what planes and lines lose is looked
for there (Sherali and Choi 1996 on the recovery of primal solutions).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...base.deadline import checkpoint
from ...bounds.adam import Adam
from ...bounds.edges import Edges, Fan, Lines, above

# The rate falls, as half a cosine, from what is asked for to this share of it. The corners of either side of a plane
# count by the softmax of the sums that hold it up, at a temperature of so much of the larger one.
LEAST_RATE, TEMPERATURE = 0.02, 0.003
# What is left of the last step in a step, and the weight of a new minimiser in the mean.
MOMENTUM, FRESH = 0.9, 0.1
# The rates of slopes and of splits' multipliers, for a rate 1 of planes.
OTHERS = 2.0


@dataclass(frozen=True, eq=False)
class Seen:
    """What the ascent saw on the average, float32: the coefficients `nu` that the outputs of unstable ReLUs were met
    with, their pre-activations `z` and outputs, each (unstable ReLUs,), and the scaled `inputs` (inputs,)."""

    nu: Any
    z: Any
    outputs: Any
    inputs: Any

    def losses(self, signs: Any) -> Any:
        """What each unstable ReLU loses by its plane, (unstable ReLUs,): 0 where none is used. The line below loses
        nothing that its slope could not win back."""
        gaps = np.maximum(self.outputs - np.maximum(self.z, 0), 0)
        return -np.minimum(self.nu, 0) * gaps * (signs == 0)

    def mixed(self, new: Seen, share: float) -> Seen:
        parts = zip((self.nu, self.z, self.outputs, self.inputs), (new.nu, new.z, new.outputs, new.inputs), strict=True)
        return Seen(*(old + share * (other - old) for old, other in parts))


def climb(form: Edges, row: int, lines: Lines, steps: int, rate: float) -> tuple[Lines, Seen]:
    """The best lines found for row number `row` in so many steps from `lines`, and what was seen on the way."""
    now = Lines(lines.signs, lines.slopes, lines.betas, [planes.astype(np.float32) for planes in lines.planes])
    pace = [np.zeros_like(planes) for planes in now.planes]
    slope_rule, beta_rule = Adam(now.slopes, OTHERS), Adam(now.betas, OTHERS)
    best, least = now, -math.inf
    free, seen = now.signs == 0, None
    for step in range(steps):
        checkpoint()
        lower, new, gradients = _look(form, row, now)
        share = max(FRESH, 1 / (step + 1))
        seen = new if seen is None else seen.mixed(new, share)
        if lower > least:
            best, least = Lines(now.signs, now.slopes, now.betas, [planes.copy() for planes in now.planes]), lower
        size = rate * (LEAST_RATE + (1 - LEAST_RATE) * (1 + math.cos(math.pi * step / steps)) / 2)
        for planes, speed, gradient in zip(now.planes, pace, gradients, strict=True):
            speed *= MOMENTUM
            speed += (1 - MOMENTUM) * gradient
            planes -= np.float32(size) * speed
            np.clip(planes, 0, 1, out=planes)
        slopes = now.slopes + np.float32(size) * slope_rule.step(np.maximum(new.nu, 0) * new.z * free)
        betas = now.betas + np.float32(size) * beta_rule.step(-now.signs * new.z)
        now = Lines(now.signs, slopes.clip(0, 1), np.maximum(betas, 0) * ~free, now.planes)
    return best, seen if seen is not None else _look(form, row, now)[1]


def _look(form: Edges, row: int, lines: Lines) -> tuple[float, Seen, list[Any]]:
    """A hint of the bound, but for the row's offset; its minimiser; and for each fan by how much the slopes of its
    planes are to fall, (edges,) from -1 to 1."""
    inputs, held, ends, gained = form.inputs, form.rows[row].astype(np.float32), [], 0.0
    nu = np.zeros(form.count, np.float32)
    for fan, planes in zip(reversed(form.fans), reversed(lines.planes), strict=True):
        here = slice(fan.start - inputs - 1, fan.stop - inputs - 1)
        nu[here] = met = held[fan.start : fan.stop]
        signs = lines.signs[here]
        falling = above(met, signs)
        split = (signs > 0) * met - signs * lines.betas[here]
        flat = np.where(signs == 0, np.maximum(met, 0) * lines.slopes[here], split)
        low, high = fan.rough
        off, on = fan.sums(planes * low), fan.constant + fan.sums((1 - planes) * high)
        top = np.maximum(off, on)
        gained += float(falling @ top)
        moved = falling[fan.owner]
        moved *= planes
        moved += flat[fan.owner]
        moved *= fan.weight
        held[: fan.start] += np.bincount(fan.source, moved, fan.start).astype(np.float32)
        held[inputs] += flat @ fan.constant
        ends.append((falling, off, on, top))
    lower = float(held[inputs] + gained - np.abs(held[:inputs]).sum())
    seen, gradients = _follow(form, lines, nu, np.where(held[:inputs] > 0, np.float32(-1), np.float32(1)), ends[::-1])
    return lower, seen, gradients


def _follow(form: Edges, lines: Lines, nu: Any, corner: Any, ends: list[Any]) -> tuple[Seen, list[Any]]:
    """The relaxed network's values at a corner of the inputs, and the planes' gradients."""
    inputs = form.inputs
    values = np.ones(inputs + 1 + form.count, np.float32)
    values[:inputs] = corner
    z, gradients = np.zeros(form.count, np.float32), []
    for fan, planes, (falling, off, on, top) in zip(form.fans, lines.planes, ends, strict=True):
        here = slice(fan.start - inputs - 1, fan.stop - inputs - 1)
        signs, at = lines.signs[here], values[fan.source]
        edges = fan.weight * at
        z[here] = pre = fan.sums(edges) + fan.constant
        plane = fan.sums(edges * planes) + top
        line = np.where(falling < 0, plane, lines.slopes[here] * pre)
        values[fan.start : fan.stop] = np.where(signs != 0, (signs > 0) * pre, line)
        gradients.append(_gradient(fan, at, falling < 0, (on - off) / np.maximum(TEMPERATURE * top, np.float32(1e-9))))
    return Seen(nu, z, values[inputs + 1 :], corner), gradients


def _gradient(fan: Fan, at: Any, used: Any, odds: Any) -> Any:
    """By how much the slopes of a fan's planes are to fall where the sources' values are `at`; 0 for planes that are
    not `used`. `odds` are those of the side "on", (neurons,)."""
    side = 1 / (1 + np.exp(-odds.clip(-40, 40)))
    gradient = fan.share * at
    gradient += fan.base
    gradient -= side.astype(np.float32)[fan.owner]
    gradient *= used[fan.owner]
    return gradient
