"""The space that ReLU splits divide: one box, its unstable ReLUs numbered through, and what is to be proved.

A domain is a choice of sides for some of them. Bounds of domains come in two kinds: quick float32 hints, from the
network reduced to its unstable ReLUs where that is small, and rigorous float64 ones, which alone close a domain.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from ...base.deadline import checkpoint
from ...base.device import Device
from ...bounds.alpha import minimiser
from ...bounds.backward import backward
from ...bounds.bounds import Bounds
from ...bounds.lines import Lines, crown_lines
from ...bounds.moving import moving
from ...bounds.reduce import reduce
from ...bounds.reduced import Reduced, unscaled
from ...bounds.walk import KEEPING
from ...network.exact import ExactVector, FloatArray
from ...network.functions import Feature
from ...network.graph import Graph
from ...network.maps.namespace import Constant, cast, namespace, next_above, next_below, zeros_like_shape
from ...property import NormBall
from ...property.input_set import InputSet
from ...property.norms import norm_of
from ..means import Means

# Domains verified at once take at most so many numbers per array.
MOST_ENTRIES = 2**22


@dataclass(eq=False)
class Domains:
    """A batch of domains, arrays (batch, ...): the row each is about, splits, multipliers, lower bounds (hints).

    `signs` are +1 (on, z at least the neuron's threshold), -1 (off, at most that) or 0 (not split), `slopes` those of
    the lines below, `betas` the multipliers of the splits; each (batch, unstable ReLUs). `lower` is relative to the
    row's offset: above 0 closes. `depth` is how often a domain was halved to get it (sides that follow from a bound are
    not counted), `node` its number in the proof tree that it belongs to, if one is grown (`trees.SplitTrees`), `reach`
    the radius below which the domain is known to be safe, where a radius is looked for (`radii.Radii`).
    """

    row: Any
    signs: Any
    slopes: Any
    betas: Any
    lower: Any
    depth: Any
    node: Any
    reach: Any

    def __len__(self) -> int:
        return len(self.lower)

    @property
    def fields(self) -> tuple[Any, ...]:
        return self.row, self.signs, self.slopes, self.betas, self.lower, self.depth, self.node, self.reach

    def take(self, index: Any) -> Domains:
        return Domains(*(values[index] for values in self.fields))

    def to(self, device: Device) -> Domains:
        """These domains (NumPy arrays) on a device."""
        return Domains(*map(device.put, self.fields))

    @staticmethod
    def join(parts: list[Domains]) -> Domains:
        return Domains(*map(np.concatenate, zip(*(d.fields for d in parts), strict=True)))


@dataclass(frozen=True, eq=False)
class Relaxed:
    """What bounding a batch of domains saw: lower bounds minus the row's offset (rigorous where NumPy computed them)
    and how much of that is rounding, each (batch,); the coefficients nu of the unstable ReLUs and their
    pre-activations z at the minimiser, each (batch, size); the minimiser x and the bound's coefficients of the input,
    each (batch, inputs), both scaled in the reduced form (see `Space.points`), there also the bound's constant
    minus the row's offset, (batch,)."""

    lower: Any
    rounding: Any
    nu: Any
    z: Any
    x: Any
    slope: Any = None
    flat: Any = None

    def take(self, index: Any) -> Relaxed:
        fields = (self.lower, self.rounding, self.nu, self.z, self.x, self.slope, self.flat)
        return Relaxed(*(None if values is None else values[index] for values in fields))


class Space:
    """What is to be proved on one box: `rows` @ (node `number`) > `offsets`, each row for itself.

    `bounds` are float64 bounds of the box (batch 1); rows is (rows, size of the node), offsets (rows,). The node
    is the network's output unless another is given. Multipliers are looked for on the device of `means`. Raises
    UnsupportedError where a function that the node depends on is not ON_OFF: a side of its threshold would leave
    something to relax.
    """

    def __init__(
        self,
        graph: Graph,
        bounds: Bounds,
        rows: FloatArray,
        offsets: FloatArray,
        number: int | None = None,
        means: Means | None = None,
    ) -> None:
        means = means or Means()
        self.graph, self.bounds, self.rows, self.offsets = graph, bounds, rows, offsets
        self.device, self.options = means.device, means.options.relus
        self.number = graph.output if number is None else number
        graph.require(Feature.ON_OFF, "branch and bound over neurons", self.number)
        self.columns: dict[int, Any] = {}
        self.slices: dict[int, slice] = {}
        # Per ReLU node: its columns as an index, and CROWN's lines of all its neurons with no split: slopes below and
        # above, offsets above, shifts, each (1, node size).
        self._places: dict[int, Constant] = {}
        self._base: dict[int, tuple[Constant, ...]] = {}
        start, floors, chords, gaps, thresholds = 0, [], [], [], []
        needed = set(graph.ancestors(self.number))
        for i in graph.pointwise:
            if i not in needed:
                continue
            low, high = bounds.in_front(graph, i)
            columns = np.flatnonzero(graph.bent_by(i, low[0], high[0]))
            self.columns[i], self.slices[i] = columns, slice(start, start + len(columns))
            self._places[i] = Constant(columns)
            start += len(columns)
            line = crown_lines(graph, bounds, i)
            arrays = line.slope_below, line.slope_above, line.offset_above, np.zeros_like(low)
            self._base[i] = tuple(Constant(array) for array in arrays)
            chords.append(line.slope_above[0, columns])
            gaps.append(line.offset_above[0, columns])
            thresholds.append(graph.functions[i].threshold(low[0, columns], high[0, columns]))
            floors.append(line.slope_below[0, columns])
        self.size = start
        # Chords, their offsets and CROWN's slopes of the unstable ReLUs, each (size,).
        empty = np.zeros(0)
        self.chords, self.gaps, self.floors = (np.concatenate([*p, empty]) for p in (chords, gaps, floors))
        # Where each is split: z >= t is "on", z <= t "off". What is off or on has its threshold at 0.
        self.thresholds = np.concatenate([*thresholds, empty])
        # Not below the exact offset, of which the float may be a rounding.
        self._limits = Constant(np.nextafter(offsets.astype(np.float32), np.float32(np.inf)))
        most = self.options.most_reduced
        self.reduced: Reduced | None = reduce(graph, bounds, self.number, rows, most, means.workers)
        # Without the reduced form: float32 where it holds the rows exactly. On balls float64: what float32 loses is
        # told from the rest of the bound on boxes only, there.
        exact = bounds.ball is None and (rows == rows.astype(np.float32)).all()
        self._dtype = np.float32 if exact else np.float64
        self._rough = bounds if self.reduced is not None else bounds.astype(self._dtype)
        self._rough_rows = Constant(rows.astype(self._dtype))
        # A rounded chord is charged only by arithmetic of its own type.
        quick = np.float32 if self.reduced is not None else self._dtype
        self.quick_chords, self.quick_gaps = self.chords.astype(quick), next_above(self.gaps.astype(quick))
        self._chords, self._gaps = Constant(self.quick_chords), Constant(self.quick_gaps)

    @cached_property
    def inputs(self) -> InputSet | None:
        """The ball that the bounds are about as an input set, for encoders; None where it is their box."""
        ball = self.bounds.ball
        if ball is None:
            return None
        return NormBall(norm_of(ball.norm), ExactVector.of(ball.center)).at(Fraction(ball.eps))

    def root(self) -> Domains:
        """One domain per row, without splits, CROWN's slopes."""
        rows = len(self.rows)
        return Domains(
            np.arange(rows),
            np.zeros((rows, self.size), np.int8),
            np.repeat(self.floors[None].astype(np.float32), rows, axis=0),
            np.zeros((rows, self.size), np.float32),
            np.full(rows, -np.inf, np.float32),
            np.zeros(rows, np.intp),
            np.zeros(rows, np.intp),
            np.zeros(rows),
        )

    def relax(self, domains: Domains, slopes: Any, betas: Any, *, follow: bool = True) -> Relaxed:
        """Bounds of domains with these slopes and betas, where these are; without `follow` neither z nor x."""
        checkpoint()
        xp, chords, gaps = namespace(slopes), self._chords.like(slopes), self._gaps.like(slopes)
        split, on = domains.signs != 0, domains.signs > 0
        below = xp.where(split, on, slopes)
        above = xp.where(split, on, chords)
        gap = xp.where(split, 0, gaps)
        shift = -domains.signs * betas
        if self.reduced is None:
            with np.errstate(over="ignore", invalid="ignore"):
                return self._relax_on_graph(domains, below, above, gap, shift)
        with np.errstate(over="ignore", invalid="ignore"):
            limits = self._limits.like(slopes)[domains.row]
            lower, rounding, nu, trail, flat = self.reduced.bound(domains.row, below, above, gap, shift)
            lower = next_below(lower - limits)
        # An overflow on the way knows nothing.
        lower = xp.where(xp.isnan(lower), -np.inf, lower)
        if not follow:
            return Relaxed(lower, rounding, nu, None, None)
        with np.errstate(over="ignore", invalid="ignore"):
            # Hints; and some BLAS flag what they read beside a matrix.
            s, z = self.reduced.follow(trail, below, above, gap)
        return Relaxed(lower, rounding, nu, z, s, trail[:, : self.reduced.inputs], next_below(flat - limits))

    @cached_property
    def first_layer(self) -> int:
        """How many of the unstable ReLUs, the first ones, depend on no others."""
        return next((part.stop for part in self.slices.values() if part.stop > part.start), 0)

    @cached_property
    def norms(self) -> tuple[FloatArray, FloatArray]:
        """Of each unstable ReLU's pre-activation as an affine function of the scaled input, with chords for the ReLUs
        before it: the sum of its squared coefficients, and how far it goes from the middle, on a box the sum of their
        sizes, each (size,); over a ball's own coordinates where there is one; reduced form only."""
        if self.reduced is None:
            return np.zeros(self.size), np.zeros(self.size)
        gradients, ball = self.reduced.gradients(self.chords), self.reduced.ball
        if ball is not None:
            gradients = ball.own(gradients)
        reach: FloatArray = np.abs(gradients).sum(axis=1) if ball is None else ball.norm.duals(gradients)
        return (gradients**2).sum(axis=1), reach

    def points(self, minimisers: Any) -> FloatArray:
        """Minimisers `Relaxed.x` (k, inputs), in NumPy, as float64 inputs in the box, (k, input_size)."""
        low, high = self.bounds.lower[0][0], self.bounds.upper[0][0]
        if self.reduced is None:
            inside: FloatArray = np.clip(minimisers.astype(np.float64), low, high)
            return inside if self.bounds.ball is None else self.bounds.ball.inward(inside)
        if self.reduced.ball is not None:
            return np.concatenate([*map(self.point, minimisers.astype(np.float64)), np.zeros((0, len(low)))])
        points = np.repeat(low[None], len(minimisers), axis=0)
        columns = np.flatnonzero(moving(low, high))
        points[:, columns] = np.where(minimisers > 0, high[columns], low[columns])
        return points

    def point(self, scaled: FloatArray) -> FloatArray:
        """One scaled input (inputs,) of the reduced form as a float64 input in the box, (1, input_size)."""
        return unscaled(self.bounds, scaled)

    def _relax_on_graph(self, domains: Domains, below: Any, above: Any, gap: Any, shift: Any) -> Relaxed:
        xp, rough = namespace(below), self._rough.like(below)
        lines = self._lines(below, above, gap, shift, self._dtype)
        rows = self._rough_rows.like(below)[domains.row][:, None, :]
        bound = backward(self.graph, rough, self.number, rows, lines, KEEPING)
        found = minimiser(self.graph, rough, bound, lines, self.number)
        nu = self._gather({i: c[:, 0, :] for i, c in bound.coefficients.items()}, below)
        slope = bound.slope[:, 0, :]
        quick = xp.sum(xp.where(slope > 0, rough.lower[0], rough.upper[0]) * slope, axis=1) + bound.constant[:, 0]
        rounding = cast(quick - bound.lower[:, 0], np.float32)
        lower = next_below(cast(bound.lower[:, 0] - self._limits.like(below)[domains.row], np.float32))
        return Relaxed(next_below(lower), rounding, nu, self._gather(found.pre, below), found.x, slope)

    def verify(self, domains: Domains) -> FloatArray:
        """Rigorous float64 lower bounds of rows minus offsets over each domain, (batch,)."""
        widest = max(self.graph.nodes[i].size for i in self.graph.ancestors(self.number))
        chunk = max(1, MOST_ENTRIES // widest)
        parts = [self._verify(domains.take(slice(i, i + chunk))) for i in range(0, len(domains), chunk)]
        return np.concatenate([*parts, np.zeros(0)])

    def _verify(self, domains: Domains) -> FloatArray:
        rows, offsets = self.rows[domains.row], self.offsets[domains.row]
        bound = backward(self.graph, self.bounds, self.number, rows[:, None, :], self.lines(domains))
        # The offset is subtracted in float64: one more rounding, downward.
        lower: FloatArray = np.nextafter(bound.lower[:, 0] - offsets, -np.inf)
        return lower

    def lines(self, domains: Domains, dtype: Any = np.float64) -> dict[int, Lines]:
        """The domains' lines on the whole network."""
        split, on = domains.signs != 0, domains.signs > 0
        below = np.where(split, on, domains.slopes)
        above = np.where(split, on, self.chords)
        gap = np.where(split, 0, self.gaps)
        return self._lines(below, above, gap, -domains.signs * domains.betas.astype(np.float64), dtype)

    def _lines(self, below: Any, above: Any, gap: Any, shift: Any, dtype: Any) -> dict[int, Lines]:
        given = [cast(values, dtype) for values in (below, above, gap, shift)]
        result = {}
        for i, base in self._base.items():
            columns, part, size = self._places[i].like(below), self.slices[i], self.graph.nodes[i].size
            arrays = []
            for stable, unstable in zip(base, given, strict=True):
                full = zeros_like_shape(unstable, (len(below), size))
                full += stable.like(below)
                full[:, columns] = unstable[:, part]
                arrays.append(full)
            result[i] = Lines(*arrays)
        return result

    def _gather(self, per_node: dict[int, Any], like: Any) -> Any:
        """Arrays per ReLU node (batch, node size) as one float32 array (batch, size) over the unstable ReLUs."""
        result = cast(zeros_like_shape(like, like.shape), np.float32)
        for i, columns in self._places.items():
            if i in per_node:
                result[:, self.slices[i]] = cast(per_node[i][:, columns.like(like)], np.float32)
        return result
