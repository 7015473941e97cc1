"""The stored multipliers of one group of trees, and what they say about each leaf.

Everything is optional: without slopes CROWN's are used, without betas zeros, without lambdas each row of an unsafe
polytope by itself. No number stored here has to be right, only finite and of the right sign.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .archive import Archive
from .claim import rational
from .errors import UnreadableError
from .network import Network
from .region import Lines, Region, lines
from .rows import whole
from .tree import RATIONAL, RAW, Leaves

# Stored numbers are these over a denominator, or floats.
UNITS = {np.dtype("u1"): 255.0, np.dtype("<u2"): 65535.0}
SLOPES, FLOATS = ("u1", "<u2", "<f4", "<f8"), ("<f4", "<f8")


@dataclass(frozen=True, eq=False)
class Domains:
    """Leaves with their multipliers: slopes `below` (n, neurons) and `chords` (neurons,), NaN where none is stored;
    `shift` (n, neurons); `rows` (n, rows of the goal) integers >= 0; all may be None."""

    leaves: Leaves
    below: Any
    chords: Any
    shift: Any
    rows: Any

    def __len__(self) -> int:
        return len(self.leaves)

    def take(self, index: Any) -> Domains:
        below, shift, rows = (None if a is None else a[index] for a in (self.below, self.shift, self.rows))
        return Domains(self.leaves.take(index), below, self.chords, shift, rows)

    @property
    def unsplit(self) -> Domains:
        """The boxes of these leaves, without splits of ReLUs and their multipliers: what holds there holds here."""
        leaves = replace(self.leaves, signs=np.zeros_like(self.leaves.signs), paths=[[] for _ in self.leaves.paths])
        return Domains(leaves, None, None, None, self.rows)


class Group:
    """Reads `prefix`.slopes and so on. `rows` is how many rows a lambda has (0: none allowed)."""

    def __init__(self, archive: Archive, prefix: str, neurons: int, rows: int) -> None:
        self.prefix, self.neurons, self.used = prefix, neurons, 0

        def load(name: str, types: tuple[str, ...], dimensions: int) -> Any:
            member = f"{prefix}.{name}.npy"
            return archive.array(member, types, dimensions) if member in archive else None

        self.columns, self.slopes = load("columns", ("<u4",), 1), load("slopes", SLOPES, 2)
        self.sloped, self.chords = load("sloped", ("<u4",), 1), load("chords", FLOATS, 1)
        self.betas, self.rows = load("betas", FLOATS, 1), load("lambda", FLOATS, 2)
        self.raw = load("raw", ("<f8",), 2)
        self.exact: list[Any] = []
        if f"{prefix}.rational.json" in archive:
            found = archive.json(f"{prefix}.rational.json")
            self.exact = found if isinstance(found, list) else [None]
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
        if self.rows is not None and self.rows.shape[1] != rows:
            raise UnreadableError(f"{prefix}: lambdas do not fit")
        for values, most in ((self.slopes, 1.0), (self.chords, 1.0), (self.betas, np.inf), (self.rows, np.inf)):
            plain = values is None or values.dtype.kind != "f"
            if not plain and not (np.isfinite(values).all() and (values >= 0).all() and (values <= most).all()):
                raise UnreadableError(f"{prefix}: multipliers outside their range")
        if self.raw is not None and (self.raw.shape[1] != neurons + rows or not np.isfinite(self.raw).all()
                                     or (self.raw[:, :rows] < 0).any()):
            raise UnreadableError(f"{prefix}: raw multipliers do not fit")

    def domains(self, leaves: Leaves) -> Domains:
        """The multipliers of a chunk of leaves."""
        count = len(leaves)
        below, chords, shift, rows = None, None, None, None
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
        if self.chords is not None:
            chords = np.full(self.neurons, np.nan)
            chords[self.columns.astype(np.intp)] = self.chords
        if self.betas is not None:
            depth = [len(p) for p in leaves.paths]
            values = self.betas[leaves.first_beta : leaves.first_beta + sum(depth)].astype(np.float64)
            if len(values) != sum(depth):
                raise UnreadableError(f"{self.prefix}: more splits than betas")
            shift = np.zeros((count, self.neurons))
            at = np.repeat(np.arange(count), depth)
            neuron = np.array([n for p in leaves.paths for n in p], dtype=np.intp)
            shift[at, neuron] = -leaves.signs[at, neuron] * values
        if self.rows is not None:
            if leaves.first + count > len(self.rows):
                raise UnreadableError(f"{self.prefix}: more leaves than lambdas")
            rows, scale = whole(self.rows[leaves.first : leaves.first + count].astype(np.float64))
            shift = None if shift is None else shift * scale
        return Domains(leaves, below, chords, shift, rows)

    def finish(self, leaves: int, betas: int, kinds: dict[int, int]) -> None:
        """Every stored number must have been used."""
        wanted = [(self.betas, betas), (self.rows, leaves), (self.slopes if self.sloped is None else None, leaves)]
        wanted += [(self.raw, kinds.get(RAW, 0)), (self.exact or None, kinds.get(RATIONAL, 0))]
        if any(values is not None and len(values) != count for values, count in wanted):
            raise UnreadableError(f"{self.prefix}: multipliers for other leaves than there are")
        if self.sloped is not None and len(self.sloped) and self.sloped[-1] >= leaves:
            raise UnreadableError(f"{self.prefix}: slopes of leaves that are not there")

    def rationals(self, number: int) -> tuple[list[Any], list[Any]]:
        """(lambda, betas in the order of the path) of the leaf that is the `number`-th rational one."""
        record = self.exact[number] if number < len(self.exact) else None
        if not isinstance(record, dict) or set(record) != {"lambda", "betas"}:
            raise UnreadableError(f"{self.prefix}: rational leaf {number} is missing or malformed")
        lam, betas = ([rational(v) for v in record[name]] for name in ("lambda", "betas"))
        if any(v < 0 for v in (*lam, *betas)):
            raise UnreadableError(f"{self.prefix}: a negative rational multiplier")
        return lam, betas


def lines_of(
    network: Network, region: Region, domains: Domains, layers: int, stored: bool
) -> tuple[dict[int, Lines], Any]:
    """The lines of the first `layers` ReLU layers on each domain, and which domains are empty, (n,)."""
    result, empty = {}, np.broadcast_to(region.empty, len(domains)).copy()
    for k in range(layers):
        node, cut = network.relus[k], slice(network.starts[k], network.starts[k + 1])
        source, signs = network.nodes[node].source, domains.leaves.signs[:, cut]
        low = np.where(signs > 0, np.maximum(region.low[source], 0), region.low[source])
        high = np.where(signs < 0, np.minimum(region.high[source], 0), region.high[source])
        empty |= (low > high).any(axis=1)
        low, high = np.minimum(low, high), np.maximum(low, high)
        below, shift, chords = (
            a[..., cut] if stored and a is not None else None for a in (domains.below, domains.shift, domains.chords)
        )
        result[node] = lines(low, high, below, shift, chords, signs != 0)
    return result, empty
