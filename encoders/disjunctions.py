"""Envelopes as linear constraints: which piece holds a value is a choice of binaries.

Each piece of an entry has copies of its numbers, which are zero unless its binary is one, and the planes of the piece
bind these (Balas 1979): the linear relaxation is the hull of the union, as tight as any without more pieces. An entry
of one piece needs neither binaries nor copies. Numbers of tiny range are written around their middle, in units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from verdict.encoders.envelopes import Envelope, Piece
from verdict.network.exact import FloatArray

# Coefficients below and above these are left out, by weaker rows.
SMALL, LARGE = 2.0**-16, 2.0**24
Columns = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Numbers:
    """Columns for numbers x: x = middle + unit column, arrays of one length."""

    columns: Columns
    unit: FloatArray
    middle: FloatArray

    def at(self, point: FloatArray) -> FloatArray:
        """The numbers of a solver's point."""
        found: FloatArray = self.middle + self.unit * point[self.columns]
        return found


@dataclass(frozen=True, eq=False)
class EnvelopeColumns:
    """The columns of an envelope: its sources with their nodes, its values, and for each piece of entries that have
    several the entry, its number, the binary, and copies of the sources and of the value."""

    sources: tuple[tuple[int, Numbers], ...]
    value: Numbers
    choices: list[tuple[int, int, list[int]]]


class Rows(Protocol):
    """What takes columns and rows, and knows the ends of columns."""

    lower: list[float]
    upper: list[float]

    def columns(self, low: FloatArray, high: FloatArray, integer: bool, cost: float = 0.0) -> Columns: ...

    def entries(self, rows: Sequence[Row]) -> None: ...


# Coefficients by columns, and ends.
Row = tuple[dict[int, float], float, float]


def choose(writer: Rows, envelope: Envelope, sources: tuple[Numbers, ...], value: Numbers) -> EnvelopeColumns:
    """Write the pieces of an envelope over the columns of its sources and its value."""
    rows: list[Row] = []
    choices: list[tuple[int, int, list[int]]] = []
    for entry, pieces in enumerate(envelope.pieces):
        numbers = [(int(n.columns[entry]), float(n.unit[entry]), float(n.middle[entry])) for n in (*sources, value)]
        ends = [(float(low[entry]), float(high[entry])) for low, high in envelope.ends]
        if not np.isfinite(ends).all():
            # Nothing to choose among: less is said, which is sound.
            continue
        if len(pieces) == 1:
            rows += _planes(pieces[0], ends, numbers, [column for column, _, _ in numbers])
            continue
        copies = [_copies(writer, ends, piece, numbers) for piece in pieces]
        choices += [(entry, k, copy) for k, copy in enumerate(copies)]
        rows.append(({copy[0]: 1.0 for copy in copies}, 1.0, 1.0))
        for which, (column, _, _) in enumerate(numbers):
            rows.append(({column: -1.0, **{copy[1 + which]: 1.0 for copy in copies}}, 0.0, 0.0))
        for piece, copy in zip(pieces, copies, strict=True):
            inside = [(piece.low, piece.high), *ends[1:]]
            rows += _within(inside, numbers, copy) + _planes(piece, inside, numbers, copy[1:], copy[0])
    writer.entries([row for row in (_plain(writer, *row) for row in rows) if row is not None])
    return EnvelopeColumns(tuple(zip(envelope.sources, sources, strict=True)), value, choices)


def _plain(writer: Rows, row: dict[int, float], low: float, high: float) -> Row | None:
    """A row without coefficients of a size that floats are no good with, a little weaker; None where nothing is left.

    Presolves that divide by them call models infeasible that are not: HiGHS's one with 4e-9 (tests/encoders).
    """
    kept, loose = {}, 0.0
    for column, coefficient in row.items():
        if not abs(coefficient) < LARGE:
            return None
        if abs(coefficient) >= SMALL:
            kept[column] = coefficient
        elif coefficient:
            loose += abs(coefficient) * max(abs(writer.lower[column]), abs(writer.upper[column]))
    if not np.isfinite(loose) or not kept or (abs(low) > LARGE and abs(high) > LARGE):
        return None
    return kept, low - loose, high + loose


def _copies(
    writer: Rows, ends: Sequence[tuple[float, float]], piece: Piece, numbers: Sequence[tuple[int, float, float]]
) -> list[int]:
    """A binary, and copies of the sources and the value."""
    binary = writer.columns(np.zeros(1), np.ones(1), True)
    bounds = [(piece.low, piece.high), *ends[1:]]
    scaled = [((low - m) / u, (high - m) / u) for (low, high), (_, u, m) in zip(bounds, numbers, strict=False)]
    scaled.append((-np.inf, np.inf))
    low, high = np.array(scaled).T
    return [int(binary[0]), *writer.columns(np.minimum(low, 0.0), np.maximum(high, 0.0), False).tolist()]


def _within(
    bounds: Sequence[tuple[float, float]], numbers: Sequence[tuple[int, float, float]], copy: Sequence[int]
) -> list[Row]:
    """Copies of sources are between ends where the binary is one, and zero where it is not."""
    rows: list[Row] = []
    for (low, high), (_, unit, middle), column in zip(bounds, numbers, copy[1:], strict=False):
        rows.append(({column: 1.0, copy[0]: -(low - middle) / unit}, 0.0, np.inf))
        rows.append(({column: 1.0, copy[0]: -(high - middle) / unit}, -np.inf, 0.0))
    return rows


def _planes(
    piece: Piece,
    bounds: Sequence[tuple[float, float]],
    numbers: Sequence[tuple[int, float, float]],
    columns: Sequence[int],
    binary: int | None = None,
) -> list[Row]:
    """The planes of a piece over these columns; a constant is one of them where there is a binary. A slope too small to
    be written gives way to what it is in the middle of the `bounds` of its source, and to half of what it rises there.
    """
    rows: list[Row] = []
    *sources, (_, unit, middle) = numbers
    for planes, sign in ((piece.below, 1.0), (piece.above, -1.0)):
        for plane in planes:
            constant, row = plane.offset - middle, {columns[-1]: 1.0}
            for slope, (low, high), (_, u, m), column in zip(plane.slopes, bounds, sources, columns, strict=False):
                if abs(slope * u / unit) < SMALL:
                    constant += slope * (low / 2 + high / 2) - sign * abs(slope) * (high / 2 - low / 2)
                    continue
                row[column] = row.get(column, 0.0) - slope * u / unit
                constant += slope * m
            if binary is not None:
                row[binary] = -constant / unit
            side = 0.0 if binary is not None else constant / unit
            rows.append((row, side, np.inf) if sign > 0 else (row, -np.inf, side))
    return rows
