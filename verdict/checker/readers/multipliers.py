"""The stored multipliers of one group of trees, and what they say about each leaf.

Everything is optional: without slopes CROWN's are used, without betas zeros, without lambdas each row of an unsafe
polytope by itself. Nothing read here has to be right: to the kernel all of it is hints.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import UnreadableError
from ..kernel.tree import RATIONAL, RAW, Leaves, Walk
from .archive import Archive, each
from .claim import rational

# Stored numbers are these over a denominator, or floats.
UNITS = {np.dtype("u1"): 255.0, np.dtype("<u2"): 65535.0}
SLOPES, FLOATS = ("u1", "<u2", "<f4", "<f8"), ("<f4", "<f8")
STEEPEST = 2.0**40


@dataclass(frozen=True, eq=False)
class Domains:
    """Leaves with hints how to exclude them, None where nothing is stored: slopes `below` (n, neurons) and above,
    `chords` (neurons,) or (n, neurons), NaN where there is none; `planes` (n, edges), slopes of planes over the part's
    edges; `shares` (2, n, entries) of planes below and above all products; `shift` (n, neurons), what splits' betas add
    to multipliers, betas >= 0 with the sign of z <= t; `weights` (n, rows) of the goal's rows; `raw`
    (n, neurons), the multipliers themselves. Weights are integers: those stored times the `scale` (n, 1)."""

    leaves: Leaves
    below: Any = None
    chords: Any = None
    shift: Any = None
    weights: Any = None
    raw: Any = None
    planes: Any = None
    shares: Any = None
    scale: Any = None

    def __len__(self) -> int:
        return len(self.leaves)

    @property
    def has_lines(self) -> bool:
        """Whether there are stored slopes or betas."""
        return self.below is not None or self.shift is not None

    def take(self, index: Any) -> Domains:
        """Some of them."""
        below, shift, weights, raw, planes = (None if a is None else a[index] for a in (
            self.below, self.shift, self.weights, self.raw, self.planes))
        chords = self.chords[index] if np.ndim(self.chords) == 2 else self.chords
        shares = None if self.shares is None else self.shares[:, index]
        return Domains(self.leaves.take(index), below, chords, shift, weights, raw, planes, shares)

    def of(self, columns: Any) -> Domains:
        """The same for some of the neurons."""
        leaves = replace(self.leaves, cuts=self.leaves.cuts[..., columns])
        found = (None if a is None else a[..., columns] for a in (self.below, self.chords, self.shift, self.raw))
        below, chords, shift, raw = found
        return Domains(leaves, below, chords, shift, self.weights, raw, self.planes, self.shares)

    @property
    def unsplit(self) -> Domains:
        """The boxes of these leaves, without splits of neurons and hints for them."""
        return Domains(self.leaves.unsplit, weights=self.weights)


@dataclass(frozen=True)
class Sizes:
    """How many neurons a network has, entries all its products together, rows a lambda (0: none allowed), and edges
    planes have a slope for (0: none allowed)."""

    neurons: int
    entries: int
    rows: int = 0
    edges: int = 0

    def of(self, rows: int) -> Sizes:
        """The same for a lambda of so many rows."""
        return replace(self, rows=rows)


class Group:
    """Reads `prefix`.slopes and so on; `alone` is whether the rows are one disjunct's."""

    def __init__(self, archive: Archive, prefix: str, sizes: Sizes, alone: bool) -> None:
        self.prefix, self.neurons, self.rows, self.alone = prefix, sizes.neurons, sizes.rows, alone
        neurons, rows, edges = sizes.neurons, sizes.rows, sizes.edges

        def load(name: str, types: tuple[str, ...], dimensions: int) -> Any:
            member = f"{prefix}.{name}.npy"
            return archive.array(member, types, dimensions) if member in archive else None

        self.columns, self.slopes = load("columns", ("<u4",), 1), load("slopes", SLOPES, 2)
        self.sloped, self.chords = load("sloped", ("<u4",), 1), load("chords", FLOATS, 1)
        self.above = load("above", FLOATS, 2)
        self.betas, self.weights = load("betas", FLOATS, 1), load("lambda", FLOATS, 2)
        self.raw = load("raw", ("<f8",), 2)
        self.planes: Any = load("planes", SLOPES, 2) if edges else None
        self.planed: Any = load("planed", ("<u4",), 1) if edges else None
        if (self.planes is None) != (self.planed is None):
            raise UnreadableError(f"{prefix}: planes and the leaves that have them belong together")
        if self.planes is not None:
            number = np.asarray(self.planed, np.int64)
            if self.planes.shape != (len(number), edges) or (np.diff(number) <= 0).any():
                raise UnreadableError(f"{prefix}: planes do not fit")
        self.exact: list[Any] = []
        if f"{prefix}.rational.json" in archive:
            self.exact = each(archive.json(f"{prefix}.rational.json"), lambda record: record)
        without = self.slopes is None
        if without != (self.columns is None) or (without and not (self.sloped is None and self.chords is None)):
            raise UnreadableError(f"{prefix}: slopes and columns belong together")
        if self.slopes is not None:
            good = self.columns.astype(np.int64)
            if self.slopes.shape[1] != len(good) or (np.diff(good) <= 0).any() or (good >= neurons).any():
                raise UnreadableError(f"{prefix}: columns do not fit")
            if self.chords is not None and len(self.chords) != len(good):
                raise UnreadableError(f"{prefix}: chords do not fit")
            if self.sloped is not None and (len(self.sloped) != len(self.slopes)
                                            or (np.diff(self.sloped.astype(np.int64)) <= 0).any()):
                raise UnreadableError(f"{prefix}: sloped leaves do not fit")
        if self.above is not None and (self.slopes is None or self.chords is not None
                                       or self.above.shape != self.slopes.shape):
            raise UnreadableError(f"{prefix}: slopes above do not fit")
        self.shares: Any = load("shares", SLOPES, 2)
        if self.shares is not None and (self.above is None or not sizes.entries
                                        or self.shares.shape != (len(self.slopes), 2 * sizes.entries)):
            raise UnreadableError(f"{prefix}: shares of planes do not fit")
        # Slopes of lines with offsets may be any numbers.
        steep = [] if self.above is None else [v for v in (self.slopes, self.above) if v.dtype.kind == "f"]
        if any(not (np.abs(v) <= STEEPEST).all() for v in steep):
            raise UnreadableError(f"{prefix}: slopes outside their range")
        if self.weights is not None and self.weights.shape[1] != rows:
            raise UnreadableError(f"{prefix}: lambdas do not fit")
        ranges: list[tuple[Any, float]] = [(None if steep else self.slopes, 1.0), (self.chords, 1.0)]
        ranges += [(self.betas, np.inf), (self.weights, np.inf), (self.planes, 1.0), (self.shares, 1.0)]
        for values, most in ranges:
            plain = values is None or values.dtype.kind != "f"
            if not plain and not (np.isfinite(values).all() and (values >= 0).all() and (values <= most).all()):
                raise UnreadableError(f"{prefix}: multipliers outside their range")
        if self.raw is not None and (self.raw.shape[1] != neurons + rows or not np.isfinite(self.raw).all()
                                     or (self.raw[:, :rows] < 0).any()):
            raise UnreadableError(f"{prefix}: raw multipliers do not fit")

    def domains(self, leaves: Leaves) -> Domains:
        """The multipliers of a chunk of leaves."""
        count = len(leaves)
        below: Any = None
        chords: Any = None
        shift: Any = None
        weights: Any = None
        shares: Any = None
        scale: Any = None
        if self.slopes is not None:
            at = np.arange(count)
            number = leaves.first + at
            if self.sloped is not None:
                number = np.searchsorted(self.sloped, leaves.first + at)
                at = np.flatnonzero((number < len(self.sloped))
                                    & (self.sloped[np.minimum(number, len(self.sloped) - 1)] == leaves.first + at))
                number = number[at]
            elif leaves.first + count > len(self.slopes):
                raise UnreadableError(f"{self.prefix}: more leaves than slopes")
            below = np.full((count, self.neurons), np.nan)
            values = self.slopes[number].astype(np.float64) / UNITS.get(self.slopes.dtype, 1.0)
            below[at[:, None], self.columns.astype(np.intp)] = values
            if self.above is not None:
                chords = np.full((count, self.neurons), np.nan)
                chords[at[:, None], self.columns.astype(np.intp)] = self.above[number].astype(np.float64)
            if self.shares is not None:
                values = self.shares[number].astype(np.float64) / UNITS.get(self.shares.dtype, 1.0)
                shares = np.full((2, count, values.shape[1] // 2), np.nan)
                shares[:, at] = np.stack(np.split(values, 2, axis=1))
        if self.chords is not None:
            chords = np.full(self.neurons, np.nan)
            chords[self.columns.astype(np.intp)] = self.chords
        if self.betas is not None:
            depth = [len(p) for p in leaves.paths]
            values = self.betas[leaves.first_beta : leaves.first_beta + sum(depth)].astype(np.float64)
            if len(values) != sum(depth):
                raise UnreadableError(f"{self.prefix}: more splits than betas")
            shift, passed = np.zeros((count, self.neurons)), [each for p in leaves.paths for each in p]
            split = np.repeat(np.arange(count), depth), np.array([neuron for neuron, _ in passed], int)
            np.add.at(shift, split, -values * np.array([sign for _, sign in passed]))
        if self.weights is not None:
            if leaves.first + count > len(self.weights):
                raise UnreadableError(f"{self.prefix}: more leaves than lambdas")
            # As integers of 20 bits, and the betas on their scale.
            given = self.weights[leaves.first : leaves.first + count].astype(np.float64)
            scale = np.ldexp(1.0, np.clip(20 - np.frexp(given.max(axis=1, keepdims=True, initial=0))[1], -400, 400))
            weights, shift = np.rint(given * scale), None if shift is None else shift * scale
        return Domains(leaves, below, chords, shift, weights, None, self._planes(leaves), shares, scale)

    def _planes(self, leaves: Leaves) -> Any:
        """The slopes of planes of a chunk of leaves (n, edges), 1 where a leaf has none stored; None where none has."""
        if self.planes is None:
            return None
        number = leaves.first + np.arange(len(leaves))
        at = np.searchsorted(self.planed, number).clip(0, max(0, len(self.planed) - 1))
        has = np.flatnonzero(self.planed[at] == number) if len(self.planed) else np.zeros(0, int)
        if not len(has):
            return None
        found = np.ones((len(leaves), self.planes.shape[1]))
        found[has] = self.planes[at[has]].astype(np.float64) / UNITS.get(self.planes.dtype, 1.0)
        return found

    def single(self, domain: Domains) -> Domains:
        """The multipliers of one raw or rational leaf, of which `domain` has the stored slopes and chords."""
        leaves, rank = domain.leaves, int(domain.leaves.rank[0])
        if not self.alone:
            raise UnreadableError(f"{self.prefix}: raw or rational multipliers for several disjuncts at once")
        if leaves.kind[0] == RAW:
            if self.raw is None or rank >= len(self.raw):
                raise UnreadableError(f"{self.prefix}: raw multipliers are missing")
            own = self.raw.shape[1] - self.neurons
            return replace(domain, weights=self.raw[rank : rank + 1, :own], raw=self.raw[rank : rank + 1, own:])
        weights, betas = self._rationals(rank)
        if len(weights) != self.rows or len(betas) != len(leaves.paths[0]):
            raise UnreadableError(f"{self.prefix}: rational leaf {rank} does not fit")
        shift = np.zeros((1, self.neurons), object)
        for (neuron, sign), beta in zip(leaves.paths[0], betas, strict=True):
            shift[0, neuron] -= sign * beta
        return replace(domain, weights=np.array([weights], object), shift=shift)

    def _rationals(self, number: int) -> tuple[list[Any], list[Any]]:
        """(lambda, betas in the order of the path) of the leaf that is the `number`-th rational one."""
        record = self.exact[number] if number < len(self.exact) else None
        if not isinstance(record, dict) or set(record) != {"lambda", "betas"}:
            raise UnreadableError(f"{self.prefix}: rational leaf {number} is missing or malformed")
        lam, betas = (each(record[name], rational) for name in ("lambda", "betas"))
        if any(v < 0 for v in (*lam, *betas)):
            raise UnreadableError(f"{self.prefix}: a negative rational multiplier")
        return lam, betas

    def finish(self, walk: Walk) -> None:
        """Every stored number must have been used by the leaves of this walk."""
        wanted = [(self.betas, walk.betas), (self.weights, walk.leaves)]
        wanted += [(self.slopes if self.sloped is None else None, walk.leaves)]
        wanted += [(self.raw, walk.kinds[RAW]), (self.exact or None, walk.kinds[RATIONAL])]
        if any(values is not None and len(values) != count for values, count in wanted):
            raise UnreadableError(f"{self.prefix}: multipliers for other leaves than there are")
        if self.sloped is not None and len(self.sloped) and self.sloped[-1] >= walk.leaves:
            raise UnreadableError(f"{self.prefix}: slopes of leaves that are not there")
        if self.planed is not None and len(self.planed) and self.planed[-1] >= walk.leaves:
            raise UnreadableError(f"{self.prefix}: planes of leaves that are not there")
