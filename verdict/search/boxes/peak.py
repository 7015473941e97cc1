"""How large |f| gets on a box of few inputs, by Taylor models: boxes are halved where their upper bound is largest.

Best first, in batches: what is left open has no upper bound above the largest one, which is the answer's upper end at
any time, and the best point found, evaluated exactly, is its lower end. Boxes whose bound is hardly above the lower
end are settled: no input in them gives more than that. Points are looked for where the polynomials are largest, so the
lower end comes from the same models.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any

import numpy as np

from ...answer.results import CLOSED, Largest, Trust, Witness
from ...base.deadline import Deadline, OutOfTime
from ...base.errors import InputError
from ...base.workers import Workers
from ...bounds.moving import moving
from ...bounds.taylor import MOST_INPUTS, Model, degree_for, taylor_models
from ...certificate.proof import ProofTree
from ...network.exact import ExactVector, FloatArray, float_above, float_below
from ...network.network import Network
from ...property import Box
from ..radius import Progress

# Coefficients of all neurons in one batch, and its sizes.
COEFFICIENTS, LEAST_BATCH, LARGEST_BATCH = 2**16, 8, 256
# Points along each input at which polynomials are looked at, all together at most.
POINTS, MOST_POINTS = 9, 256
# Binary digits of functions at a witness.
BITS = 192
# Points that are sampled first, those that are followed uphill, and for how many steps.
SAMPLED, FOLLOWED, STEPS = 4096, 16, 60
# Where the error is more than this share of a bound, its width decides where a box is halved.
VAGUE = 0.75
# An error that matters for the bound and stays above this share of the last one, so often for each input, is rounding.
STILL, NOISE, PATIENCE = 0.7, 0.25, 3
NOISY = "the interval is as short as rounding in float64 lets it get"
# Bounds below it are not told apart from 0.
SMALLEST = 1e-12
LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True, eq=False)
class Open:
    """Boxes [low, high] (count, inputs): the proved bound `most` of |f|, the model's `error`, how often it has been the
    same (`still`), the input to halve (`which`) and the number in the tree (`node`), each (count,)."""

    low: FloatArray
    high: FloatArray
    most: FloatArray
    error: FloatArray
    still: Any
    which: Any
    node: Any

    def __len__(self) -> int:
        return len(self.most)

    def take(self, index: Any) -> Open:
        return Open(*(getattr(self, f.name)[index] for f in fields(self)))

    def and_also(self, other: Open) -> Open:
        pairs = [(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)]
        return Open(*(np.concatenate(pair) for pair in pairs))


class PeakSearch:
    """The largest |output| of a network with one output on a box, up to the relative `tolerance`.

    Raises InputError where too many inputs can move. `tree` is a proof of the upper end at any time: every leaf is a
    box whose bound is at most that.
    """

    def __init__(
        self, network: Network, box: Box, deadline: Deadline, tolerance: Fraction, workers: Workers
    ) -> None:
        self.network, self.box, self.deadline = network, box, deadline
        self.tolerance = min(max(tolerance, CLOSED / 2), Fraction(1))
        self.workers, (low, high) = workers, box.floats()
        self.free = np.flatnonzero(moving(low, high))
        degree = degree_for(len(self.free))
        if degree is None:
            raise InputError(f"{len(self.free)} variables move, expected at most {MOST_INPUTS}: fix some")
        self.degree, self.trust, self.stages, self.notes = degree, Trust.RIGOROUS, {"search": 0.0}, list[str]()
        self.on_progress: Callable[[Progress], object] | None = None
        self.answer: Callable[[], Largest] | None = None
        self.tree, self.visited = ProofTree(), 0
        none, zero = np.full(1, np.inf), np.zeros(1, int)
        # The boxes that are open and the largest bound of all others, replaced together: whenever Ctrl-C comes, both
        # are about the whole box.
        self._state = Open(low[None], high[None], none, none, zero, zero, zero), -np.inf
        self._width = np.where(high > low, high - low, 1.0)
        middle = [(a + b) / 2 for a, b in zip(box.lower, box.upper, strict=True)]
        self.witness, self.lower = self._exactly(middle)

    @property
    def upper(self) -> Fraction:
        """What no input gives more than."""
        boxes, settled = self._state
        found = max(settled, float(boxes.most.max(initial=-np.inf)))
        return max(Fraction(found) if math.isfinite(found) else Fraction(LARGEST), self.lower)

    @property
    def is_bounded(self) -> bool:
        """Whether anything is proved."""
        return float(self.upper) < LARGEST

    @property
    def boxes(self) -> Open:
        """The boxes that may give more than the tolerance allows."""
        return self._state[0]

    def raise_to(self, end: Fraction) -> None:
        """Let the upper end be at least this one, which has better evidence."""
        boxes, settled = self._state
        self._state = boxes, max(settled, float_above(end))

    def run(self) -> None:
        """Search until nothing is left open or the time is up."""
        started = self.deadline.elapsed()
        try:
            if not self.visited:
                self._sample()
                self._keep(self.boxes.take([]), np.zeros(0), *self._bounded(self.boxes))
            while len(self.boxes) and not self.deadline.passed():
                self._tell()
                self._halve()
        finally:
            self.stages["search"] += self.deadline.elapsed() - started

    def _tell(self) -> None:
        if self.on_progress is not None:
            stage = f"{self.visited} boxes, {len(self.boxes)} open"
            self.on_progress(Progress(self.lower, self.upper, stage, self.deadline.elapsed(), self.answer))

    def _halve(self) -> None:
        """Halve the boxes with the largest bounds."""
        batch = self._batch()
        order = np.arange(len(self.boxes))
        if len(order) > batch:
            order = np.argpartition(-self.boxes.most, batch - 1)[:batch]
        kept = np.ones(len(self.boxes), bool)
        kept[order] = False
        rest, chosen = self.boxes.take(kept), self.boxes.take(order)
        at = np.arange(len(chosen))
        bottom, top = chosen.low[at, chosen.which], chosen.high[at, chosen.which]
        middle = bottom / 2 + top / 2
        fine = (bottom < middle) & (middle < top)
        stuck, chosen, middle, at = chosen.most[~fine], chosen.take(fine), middle[fine], np.arange(int(fine.sum()))
        left, right = chosen.high.copy(), chosen.low.copy()
        left[at, chosen.which] = right[at, chosen.which] = middle
        twice = chosen.and_also(chosen)
        halves = replace(twice, low=np.concatenate([chosen.low, right]), high=np.concatenate([left, chosen.high]))
        found, points, values = self._bounded(halves)
        # The tree may be ahead of the boxes: a half's bound is no larger than the whole one's.
        nodes = np.concatenate(self.tree.split_inputs(chosen.node, chosen.which, middle))
        self._keep(rest, stuck, replace(found, node=nodes), points, values)

    def _batch(self) -> int:
        neurons = max(node.size for node in self.network.graph.nodes)
        terms = math.comb(self.degree + len(self.free), self.degree)
        return max(LEAST_BATCH, min(LARGEST_BATCH, COEFFICIENTS // (neurons * terms) * self.workers.count))

    def _bounded(self, boxes: Open) -> tuple[Open, FloatArray, FloatArray]:
        """The boxes with bounds that are no worse than before; those that only rounding holds up are settled later. And
        of each the best point and about its value."""
        shares = self.workers.shares(len(boxes)) or [slice(0, 0)]
        found = self.workers.map(lambda share: self._looked(boxes.low[share], boxes.high[share]), shares)
        self.visited += len(boxes)
        most, error, which, points, values = (np.concatenate(parts) for parts in zip(*found, strict=True))
        most = np.minimum(np.where(np.isnan(most), np.inf, most), boxes.most)
        # A model's error falls by a power of the width, unless it is all rounding.
        noisy = (error > STILL * boxes.error) & (error > NOISE * (most - float_below(self.lower)))
        still = np.where(noisy & np.isfinite(error), boxes.still + 1, 0)
        return replace(boxes, most=most, error=error, still=still, which=which), points, values

    def _looked(self, low: FloatArray, high: FloatArray) -> tuple[FloatArray, ...]:
        model, centre, radius = taylor_models(self.network.graph, low, high, self.free.tolist(), self.degree)
        bottom, top = model.ends()
        t, values = self._highest(model)
        points = centre.copy()
        points[:, self.free] += radius[:, self.free] * t
        error = np.where(np.isfinite(model.error[:, 0]), model.error[:, 0], np.inf)
        return np.maximum(-bottom, top)[:, 0], error, self._where(model, high - low), points, values

    def _highest(self, model: Model) -> tuple[FloatArray, FloatArray]:
        """Of each box the place t (batch, free) where the polynomial is largest on a grid, and its size there."""
        count = max(3, min(POINTS, int(MOST_POINTS ** (1 / max(1, len(self.free))))))
        grid = np.array(list(itertools.product(np.linspace(-1, 1, count), repeat=len(self.free))))
        grid = grid.reshape(len(grid), len(self.free))
        with np.errstate(all="ignore"):
            values = np.abs(model.monomials.at(grid) @ model.terms[:, :, 0])
        values = np.where(np.isfinite(values), values, 0.0)
        return grid[values.argmax(axis=0)], values.max(axis=0)

    def _where(self, model: Model, width: FloatArray) -> Any:
        """The input to halve: the one that moves the polynomial most, or the widest where the error says more."""
        relative = np.full(width.shape, -1.0)
        relative[:, self.free] = (width / self._width)[:, self.free]
        sizes, effect = np.abs(model.terms[:, :, 0]), np.zeros(width.shape)
        for i, which in enumerate(self.free):
            effect[:, which] = sizes[model.monomials.exponents[:, i] > 0].sum(axis=0)
        vague = ~(model.error[:, 0] < VAGUE * sizes.sum(axis=0))
        return np.where(vague[:, None] | ~np.isfinite(effect), relative, effect).argmax(axis=1)

    def _keep(self, rest: Open, stuck: FloatArray, found: Open, points: FloatArray, values: FloatArray) -> None:
        """Go on with the `rest` of the boxes and those that were just bounded, of whose points the best one is tried;
        `stuck` are the bounds of boxes that cannot be halved."""
        if len(values):
            self._try(points[int(values.argmax())], float(values.max()))
        boxes = rest.and_also(found)
        limit = max(float_below(self.lower * (1 + self.tolerance)), SMALLEST)
        noisy = (boxes.still > PATIENCE * max(1, len(self.free))) & (boxes.most > limit)
        if (noisy.any() or len(stuck)) and NOISY not in self.notes:
            self.notes.append(NOISY)
        done = (boxes.most <= limit) | noisy
        settled = max(self._state[1], *(float(b.max(initial=-np.inf)) for b in (stuck, boxes.most[done])))
        self._state = boxes.take(~done), settled

    def _sample(self) -> None:
        """A first point: samples, of which the best are followed uphill."""
        rng = np.random.default_rng(0)
        points = self.box.sample(SAMPLED, rng)
        values = self._values(points)
        best = points[np.argsort(-values)[:FOLLOWED]]
        point, value = self._uphill(best, self._width * 0.05)
        self._try(point, value, polished=True)

    def _values(self, points: FloatArray) -> FloatArray:
        with np.errstate(all="ignore"):
            found: FloatArray = np.abs(self.network.evaluate(points)[:, 0])
        return np.where(np.isfinite(found), found, -np.inf)

    def _uphill(self, points: FloatArray, step: FloatArray) -> tuple[FloatArray, float]:
        """Steps along single inputs, both ways, that halve where none is better."""
        low, high = self.box.floats()
        along = np.eye(len(low))[self.free]
        values, moves = self._values(points), np.concatenate([along, -along])
        steps = np.tile(step, (len(points), 1))
        for _ in range(STEPS if len(moves) else 0):
            tried = np.clip(points[:, None] + moves * steps[:, None], low, high)
            found = self._values(tried.reshape(-1, len(low))).reshape(len(points), -1)
            best, at = found.argmax(axis=1), np.arange(len(points))
            better = found[at, best] > values
            points = np.where(better[:, None], tried[at, best], points)
            values = np.where(better, found[at, best], values)
            steps = np.where(better[:, None], steps, steps / 2)
        return points[int(values.argmax())], float(values.max())

    def _try(self, point: FloatArray, value: float, polished: bool = False) -> None:
        """Evaluate a point exactly where it promises clearly more than the lower end."""
        if not value > float(self.lower) * (1 + float(self.tolerance) / 4):
            return
        if not polished:
            point, value = self._uphill(point[None], self._width * 1e-3)
        if not value > float(self.lower) * (1 + float(self.tolerance) / 4):
            return
        try:
            witness, reached = self._exactly(self.box.nearest(point))
        except OutOfTime:
            return
        if reached > self.lower:
            self.witness, self.lower = witness, reached

    def _exactly(self, point: list[Fraction]) -> tuple[Witness, Fraction]:
        """A witness, and the size that |f| has there at least, in rationals."""
        x = ExactVector.of(point)
        y = self.network.evaluate_enclosed(x, BITS)
        value, reach = y.centre.fractions()[0], Fraction(y.radius[0])
        reached = max(abs(value) - reach, Fraction(0))
        return Witness(x, y.centre, "the residual"), reached
