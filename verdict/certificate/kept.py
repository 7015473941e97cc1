"""What closes leaves, one kind of it: rows on the shelf, and whose they are.

A leaf has the row that was last put down for it, and until then, of what can be handed down, that of the node above
it that was split: what closes a domain nearly closes its halves. So a split moves nothing; who has which row is found
out for a whole tree at once.
"""

from __future__ import annotations

import copy
from array import array
from collections.abc import Callable
from typing import Any

import numpy as np

from .nodes import Forest
from .shelf import Rows, shelved

# Multipliers of single neurons.
BETA = np.dtype([("neuron", "<u4"), ("value", "<f8")])
# The row of a node of which nothing was said, and of one that has none.
UNSAID, NONE = -2, -1


class Kept:
    """One row for each of some nodes, and with `to_halves` for those below them."""

    def __init__(self, to_halves: bool = True, rows: Rows | None = None) -> None:
        self.rows, self.to_halves = Rows() if rows is None else rows, to_halves
        self._node, self._row = array("I"), array("i")

    def __len__(self) -> int:
        """How often rows were put down."""
        return len(self._node)

    def put(self, nodes: Any, rows: Any) -> None:
        """From now on these nodes have these rows (nodes, ...)."""
        first = self.rows.append(rows)
        self._say(nodes, np.arange(first, first + len(rows), dtype=np.int32))

    def drop(self, nodes: Any) -> None:
        """From now on these nodes have none."""
        self._say(nodes, np.full(len(nodes), NONE, np.int32))

    def _say(self, nodes: Any, rows: Any) -> None:
        self._node.frombytes(np.asarray(nodes, np.uint32).tobytes())
        self._row.frombytes(rows.tobytes())

    def join(self, other: Kept, start: int) -> None:
        """Keep what another one keeps, of nodes that are numbered from `start` on."""
        nodes, rows = other.said()
        first = self._take_over(other)
        self._say(nodes + np.uint32(start), np.where(rows >= 0, rows + first, rows).astype(np.int32))

    def _take_over(self, other: Kept) -> int:
        return self.rows.append(other.rows.all()) if len(other.rows) else len(self.rows)

    def mapped(self, function: Callable[[Any], Any]) -> Kept:
        """The same with what a function makes of all rows; nothing is made of rows that are lost."""
        if self.rows.lost is not None:
            return self
        found = copy.copy(self)
        found.rows = shelved(function(self.rows.all()))
        return found

    def said(self) -> tuple[Any, Any]:
        """Nodes and the rows that they were given, in the order in which that was done."""
        return np.frombuffer(self._node, np.uint32).copy(), np.frombuffer(self._row, np.int32).copy()


class Ragged(Kept):
    """Multipliers of as many neurons as it takes for each of some nodes, in place of a row."""

    def __init__(self) -> None:
        super().__init__(rows=Rows(BETA, ()))
        self._ends = array("q", [0])

    def put_all(self, nodes: Any, entries: Any, counts: Any) -> None:
        """From now on these nodes have these entries, so many each, one node after the other."""
        first = len(self._ends) - 1
        self.rows.append(entries)
        self._ends.frombytes((self._ends[-1] + np.cumsum(counts, dtype=np.int64)).tobytes())
        self._say(nodes, np.arange(first, first + len(counts), dtype=np.int32))

    def _take_over(self, other: Kept) -> int:
        first = len(self._ends) - 1
        if isinstance(other, Ragged):
            ends = np.frombuffer(other._ends, np.int64)[1:] + self._ends[-1]
            super()._take_over(other)
            self._ends.frombytes(ends.tobytes())
        return first

    def entries(self, numbers: Any) -> tuple[Any, Any]:
        """The entries of the rows with these numbers, one row after the other, and how many each has."""
        ends = np.frombuffer(self._ends, np.int64)
        start, count = ends[numbers], ends[numbers + 1] - ends[numbers]
        where = np.arange(int(count.sum())) + np.repeat(start - (np.cumsum(count) - count), count)
        return self.rows.take(where), count


def numbers_of(kept: Kept, forest: Forest, nodes: Any) -> Any:
    """The rows of some nodes of a forest, NONE where one has none. (Rows that an inner node has are those of its
    halves.)"""
    said, rows = kept.said()
    found = np.full(len(forest.parent), UNSAID, np.int32)
    found[said] = rows
    found = forest.handed_down(found, UNSAID) if kept.to_halves else found
    return np.maximum(found[nodes], NONE)
