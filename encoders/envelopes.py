"""Planes between which a value lies, on pieces of an interval that are cut where a solution lies off the function.

What a solver cannot take as it is stands as a free number between tangents and chords, a product between the planes of
McCormick (1976). A slope is a guess, its offset is the function's own rigorous one, so every plane holds for the real
numbers. That a relaxation has no solution is said of the network too; a solution is looked at, and the pieces that it
lies off are cut there (incremental linearisation: Cimatti, Griggio, Irfan, Roveri, Sebastiani 2018).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from verdict.base.deadline import checkpoint
from verdict.bounds import Bounds
from verdict.network.exact import FloatArray
from verdict.network.functions import Feature, Function
from verdict.network.graph import Graph, Pointwise, Product

# Places of a piece at which its planes are compared, as shares of its width.
PLACES = np.linspace(0.0, 1.0, 5)
# A cut keeps so far from a piece's ends, as a share of its width.
ROOM = 1 / 8
# Slopes and offsets are rounded to so many binary digits of what a piece leaves open: long numbers slow Z3 down.
DIGITS = 8
# A solution closer to the function than this, relatively, is on it, and a narrower piece is not cut.
ON_CURVE, NARROWEST = 2.0**-40, 2.0**-40
# A round cuts what is off by at least this share of what is off most, relative to the ranges of nodes.
SHARE = 0.25
# For each node, where its entries are cut.
Cuts: TypeAlias = dict[int, list[list[float]]]
# The bounds (size,) of each source of a node.
Ends: TypeAlias = Sequence[tuple[FloatArray, FloatArray]]


@dataclass(frozen=True)
class Plane:
    """slopes . sources + offset: exactly these numbers, as reals."""

    slopes: tuple[float, ...]
    offset: float


@dataclass(frozen=True)
class Piece:
    """Where `low` <= first source <= `high`, the value is at least each plane `below` and at most each one `above`."""

    low: float
    high: float
    below: tuple[Plane, ...]
    above: tuple[Plane, ...]


class Envelope(ABC):
    """The pieces of a node's entries, from left to right; `ends` are the bounds (size,) of each source. Each entry may
    be cut at places that are known."""

    def __init__(self, sources: tuple[int, ...], ends: Ends, cuts: Sequence[Sequence[float]] = ()) -> None:
        self.sources, self.ends = sources, ends
        found: list[tuple[int, float, float]] = []
        for entry, (low, high) in enumerate(zip(*(end.tolist() for end in ends[0]), strict=True)):
            inside = [place for place in (cuts[entry] if cuts else ()) if low < place < high]
            found += [(entry, *pair) for pair in pairwise([low, *inside, high])]
        self.pieces: list[list[Piece]] = [[] for _ in ends[0][0]]
        entries, lows, highs = (np.array(column) for column in zip(*found, strict=True))
        for entry, piece in zip(entries.tolist(), self.around(entries, lows, highs), strict=True):
            self.pieces[entry].append(piece)

    @abstractmethod
    def around(self, entries: Any, low: FloatArray, high: FloatArray) -> list[Piece]:
        """For each of these entries the piece on [low, high]."""

    @abstractmethod
    def value(self, *sources: FloatArray) -> FloatArray:
        """The function in floats, a hint."""

    def cut(self, places: Mapping[int, float]) -> list[tuple[int, Piece]]:
        """Cut the pieces of these entries that hold the places; the new pieces with their entries."""
        found: list[tuple[int, float, float, int]] = []
        for entry, place in places.items():
            pieces = self.pieces[entry]
            at = max(bisect_right([p.low for p in pieces], place) - 1, 0)
            cut = _cut_at(pieces[at], place)
            if cut is not None:
                found += [(entry, pieces[at].low, cut, at), (entry, cut, pieces[at].high, at)]
        if not found:
            return []
        made = self.around(*(np.array(column) for column in list(zip(*found, strict=True))[:3]))
        for (entry, _, _, at), left, right in zip(found[::2], made[::2], made[1::2], strict=True):
            self.pieces[entry][at : at + 1] = [left, right]
        return [(entry, piece) for (entry, *_), piece in zip(found, made, strict=True)]


class Curves(Envelope):
    """A function of one source."""

    def __init__(self, function: Function, source: int, ends: Ends, cuts: Sequence[Sequence[float]] = ()) -> None:
        self.function = function
        super().__init__((source,), ends, cuts)

    def value(self, *sources: FloatArray) -> FloatArray:
        with np.errstate(all="ignore"):
            found: FloatArray = np.asarray(self.function.value(sources[0]), dtype=np.float64)
        return found

    def around(self, entries: Any, low: FloatArray, high: FloatArray) -> list[Piece]:
        checkpoint()
        with np.errstate(all="ignore"):
            slopes, floors, ceilings = self._lines(low, high)
            where = np.where(np.isfinite(high - low), low + PLACES[:, None] * (high - low), 0.0)
            # (slopes, places, entries); what is no number is no line.
            lines = [slopes[:, None] * where + o[:, None] for o in (floors, ceilings)]
            lines = [np.where(np.isfinite(v), v, worst) for v, worst in zip(lines, (-np.inf, np.inf), strict=True)]
            best = np.argmax(lines[0], axis=0), np.argmin(lines[1], axis=0)
        usable = [np.isfinite(slopes) & np.isfinite(o) for o in (floors, ceilings)]
        found = []
        for i in range(len(low)):
            sides = []
            for chosen, offsets, known in zip(best, (floors, ceilings), usable, strict=True):
                which = [k for k in dict.fromkeys(chosen[:, i].tolist()) if known[k, i]]
                sides.append(tuple(Plane((float(slopes[k, i]),), float(offsets[k, i])) for k in which))
            found.append(Piece(float(low[i]), float(high[i]), *sides))
        return found

    def _lines(self, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Slopes, and rigorous offsets of lines below and above with these, (lines, entries)."""
        f, (least, most) = self.function, self.function.enclosure(low[None], high[None])
        flat = np.zeros((1, len(low)))
        if not f.leans:
            slope, centre, half = f.band(low[None], high[None])
            floor, ceiling = np.nextafter(centre - half, -np.inf), np.nextafter(centre + half, np.inf)
            return (np.concatenate([part, whole]) for part, whole in ((slope, flat), (floor, least), (ceiling, most)))  # type: ignore[return-value]
        chord = (f.value(high) - f.value(low)) / (high - low)
        under, _, over, _ = f.lines(low[None], high[None])
        touching = [f.derivative(z) for z in (low, high, low / 2 + high / 2)]
        slopes = np.stack([chord, *touching, under[0], over[0], flat[0]]).astype(np.float64)
        slopes = _short(np.where(np.isfinite(slopes), slopes, 0.0))
        low, high = (np.broadcast_to(end, slopes.shape) for end in (low, high))
        floors, ceilings = f.offsets(slopes, slopes, low, high)
        middle = slopes * (low / 2 + high / 2)
        left = np.min(middle + ceilings, axis=0) - np.max(middle + floors, axis=0)
        grid = np.ldexp(1.0, np.frexp(left)[1] - DIGITS)
        return slopes, _outward(floors, grid, np.floor), _outward(ceilings, grid, np.ceil)


class Products(Envelope):
    """The product of two sources, of which the first is cut."""

    def value(self, *sources: FloatArray) -> FloatArray:
        return sources[0] * sources[1]

    def around(self, entries: Any, low: FloatArray, high: FloatArray) -> list[Piece]:
        """(x - a)(y - b) keeps its sign for a and b at the ends."""
        bottom, top = (end[entries] for end in self.ends[1])
        found = []
        for a, b, c, d in zip(low.tolist(), high.tolist(), bottom.tolist(), top.tolist(), strict=True):
            sides = []
            for pairs, outward in ((((a, c), (b, d)), -np.inf), (((a, d), (b, c)), np.inf)):
                planes = [Plane((y, x), float(np.nextafter(-x * y, outward))) for x, y in dict.fromkeys(pairs)]
                sides.append(tuple(p for p in planes if np.isfinite([*p.slopes, p.offset]).all()))
            found.append(Piece(a, b, *sides))
        return found


class Relaxation:
    """The envelopes of all functions of a graph that lack a feature, by the numbers of their nodes; `bounds` (a batch
    of one) hold. `cuts` are those of another relaxation of the graph, see there."""

    def __init__(
        self, graph: Graph, bounds: Bounds, feature: Feature, cuts: Cuts | None = None
    ) -> None:
        self.graph, self.bounds = graph, bounds
        self.nodes: dict[int, Envelope] = {}
        for number, bent in graph.bent.items():
            if bent.has(feature):
                continue
            node = graph.nodes[number]
            ends = [(bounds.lower[source][0], bounds.upper[source][0]) for source in node.sources]
            known = (cuts or {}).get(number, [])
            if isinstance(node, Pointwise):
                self.nodes[number] = Curves(node.function, node.source, ends, known)
            elif isinstance(node, Product):
                self.nodes[number] = Products(node.sources, ends, known)

    @property
    def cuts(self) -> Cuts:
        """Where each entry of each node is cut."""
        return {n: [[p.high for p in pieces[:-1]] for pieces in e.pieces] for n, e in self.nodes.items()}

    def __bool__(self) -> bool:
        return bool(self.nodes)

    def pieces(self, number: int) -> list[tuple[int, int, Piece]]:
        """The pieces of a node, each with its node and entry."""
        return [(number, i, p) for i, pieces in enumerate(self.nodes[number].pieces) for p in pieces]

    def halve(self, times: int) -> None:
        """Cut the widest piece of every entry in the middle, so many times."""
        for envelope in (envelope for envelope in self.nodes.values() for _ in range(times)):
            widest = (max(pieces, key=lambda piece: piece.high - piece.low) for pieces in envelope.pieces)
            envelope.cut({i: piece.low / 2 + piece.high / 2 for i, piece in enumerate(widest)})

    def refine(self, values: Mapping[int, FloatArray], within: float = ON_CURVE) -> list[tuple[int, int, Piece]]:
        """Cut where a solution, the values (size,) of all nodes in floats, lies off the functions; the new pieces with
        their nodes and entries, none where it lies `within` that of them, relatively. NaN is nothing to look at."""
        off: dict[int, FloatArray] = {}
        for number, envelope in self.nodes.items():
            value, wanted = values[number], envelope.value(*(values[source] for source in envelope.sources))
            with np.errstate(invalid="ignore"):
                miss = np.abs(value - wanted)
                miss = np.where(miss > within * (1 + np.abs(wanted)), miss, 0.0)
            off[number] = np.nan_to_num(miss)
        worst = max((float(miss.max(initial=0.0)) for miss in off.values()), default=0.0)
        found = []
        for number, miss in off.items():
            at = values[self.nodes[number].sources[0]]
            chosen = np.flatnonzero((miss > 0) & (miss >= SHARE * worst)).tolist()
            found += [(number, i, piece) for i, piece in self.nodes[number].cut({i: float(at[i]) for i in chosen})]
        return found


def lacking(graph: Graph) -> Feature:
    """The feature whose lack makes a function one to relax: Z3 takes polynomials as they are where there is nothing
    else, but not in good time among lines."""
    return Feature.POLYNOMIAL if graph.has(Feature.POLYNOMIAL) else Feature.RATIONAL


def _cut_at(piece: Piece, place: float) -> float | None:
    """A short number near the place, inside the piece; None where it is too narrow for one."""
    low, high = piece.low, piece.high
    if not np.isfinite(low) or not np.isfinite(high):
        return float(np.round(place)) if low < np.round(place) < high else None
    width = high - low
    if width <= NARROWEST * max(abs(low), abs(high)) or not np.isfinite(width):
        return None
    grid = 2.0 ** (np.frexp(width)[1] - DIGITS)
    inside = min(max(place, low + ROOM * width), high - ROOM * width)
    cut = float(np.round(inside / grid) * grid) if grid > 0 else inside
    return cut if low < cut < high else None


def _short(slopes: FloatArray) -> FloatArray:
    """Slopes (lines, entries) rounded to a share of their spread."""
    grid = np.ldexp(1.0, np.frexp(slopes.max(axis=0) - slopes.min(axis=0))[1] - DIGITS)
    short = np.round(slopes / grid) * grid
    return np.where(np.isfinite(short) & (np.abs(slopes / grid) < 2.0**52), short, slopes)


def _outward(offsets: FloatArray, grid: FloatArray, rounded: Any) -> FloatArray:
    """Offsets on a coarser grid, where that is exact: a quotient may underflow to the wrong side of 0."""
    short = rounded(offsets / grid) * grid
    holds = short <= offsets if rounded is np.floor else short >= offsets
    return np.where(holds & np.isfinite(short) & (grid > 0) & (np.abs(offsets / grid) < 2.0**52), short, offsets)
