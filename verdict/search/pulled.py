"""The unsafe set pulled back through maxima and minima: what is asked of a maximum is asked of its arguments.

u + w relu(z) is the larger of u and u + w z where w > 0, and the smaller where w < 0: so it is at most 0 where both
are, or where one is. A polytope of outputs is thus a union of polytopes of the numbers that the last ReLUs read, and so
on back as long as rows are about a few ReLUs. Of a lattice network linear programs are left (Ferlez et al. 2111.09293),
where its ReLUs, relaxed one by one, lose most of what they know.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from ..base.deadline import checkpoint
from ..bounds.bounds import Bounds
from ..bounds.interval import carry_up
from ..network.cone import only_about
from ..network.exact import Coefficients, nearest_float
from ..network.graph import Affine, Graph
from ..network.maps.sparse import stored
from ..network.sums import CONSTANT, FEW, LONGEST, Key, Sum, Sums, added, key_of
from ..property import Polytope

# A union has at most so many polytopes, and putting it together so many rows; so large is the matrix of all at most.
MOST_PARTS, MOST_ROWS, MOST_ENTRIES = 256, 2**18, 2**22
# It is taken where at most this share of the unstable ReLUs is left.
WORTH = 0.5

# A polytope: rows that are at most 0 together, by their numbers; and polytopes of which one is reached.
Part = frozenset[int]
Union = frozenset[Part]


class _TooManyError(Exception):
    """A union that is larger than what it is to replace is worth."""


def pulled(
    graph: Graph, bounds: Bounds, polytopes: list[Polytope], few: int = 0
) -> tuple[Graph, Bounds, list[Polytope]] | None:
    """A graph with its bounds, and polytopes of its outputs, of which an input of the box of `bounds` (batch 1) reaches
    one just where its outputs are in one of `polytopes`; None where that makes hardly fewer ReLUs, or at most `few` are
    unstable anyway, which splits are done with at once."""
    before = bounds.unstable(graph)
    if before <= few or not all(polytope.matrix.is_dyadic for polytope in polytopes):
        return None
    pull = _Pull(graph, bounds)
    parts = [(polytope, rows) for polytope in polytopes for rows in pull.back(polytope)]
    # A part without rows is reached everywhere, and no part nowhere: what finds that out anyway is asked.
    if not (pull.is_moved and parts and all(rows for _, rows in parts)):
        return None
    found = pull.built([(polytope.name, rows) for polytope, rows in parts])
    if found is None or found[1].unstable(found[0]) > WORTH * before:
        return None
    return found


class _Pull:
    """One network and its rows so far, each a sum that is to be at most 0."""

    def __init__(self, graph: Graph, bounds: Bounds) -> None:
        self.graph, self.bounds = graph, bounds
        ends = {i: (low[0], high[0]) for i in graph.pointwise for low, high in [bounds.in_front(graph, i)]}
        self.sums = Sums(graph, ends)
        self.rows: list[Sum] = []
        # Whether anything was pulled back at all.
        self.is_moved = False
        # How many rows have been put together.
        self._work = 0
        self._numbers: dict[Key, int] = {}
        self._unions: dict[tuple[int, int], Union] = {}

    def back(self, polytope: Polytope) -> Union:
        """The polytope as a union, pulled back as far as that stays small."""
        union, number = self._begun(polytope), self.graph.output
        while number > 0:
            number = max((e[0] for rows in union for row in rows for e in self.rows[row] if e[0] <= number), default=0)
            try:
                union = self._through(union, number)
            except _TooManyError:
                # What is before may still be about fewer ReLUs, but not by this union.
                break
            number -= 1
        return union

    def _begun(self, polytope: Polytope) -> Union:
        rows = []
        for shares, limit in zip(polytope.matrix.fractions(), polytope.offset.fractions().ravel(), strict=True):
            row: Sum = {CONSTANT: -limit} if limit else {}
            for at in np.flatnonzero(shares).tolist():
                row = added(row, self.sums.sum((self.graph.output, at)), shares[at])
            rows.append(self._number(row))
        return frozenset([frozenset(rows)])

    def _number(self, row: Sum) -> int:
        key = key_of(row)
        if key not in self._numbers:
            self._numbers[key] = len(self.rows)
            self.rows.append(row)
        return self._numbers[key]

    def _through(self, union: Union, number: int) -> Union:
        """The union without what node `number` computes, where that is the sum or the ReLU of something."""
        found: Union = frozenset()
        for rows in union:
            whole: Union = frozenset([frozenset()])
            for row in rows:
                whole = self._both(whole, self._row(row, number))
            found = self._either(found, whole)
        self.is_moved |= found != union
        return found

    def _row(self, number: int, node: int) -> Union:
        """One row as a union, without what `node` computes."""
        if (number, node) not in self._unions:
            self._unions[number, node] = self._split(self.rows[number], node)
        return self._unions[number, node]

    def _split(self, row: Sum, node: int) -> Union:
        checkpoint()
        here = [entry for entry in row if entry[0] == node]
        total, relus = dict(row), [entry for entry in here if self.sums.is_relu(entry)]
        for entry in here:
            opened = None if entry in relus else self.sums.opened(entry)
            if opened is not None:
                share = total.pop(entry)
                total = added(total, opened, share)
        if len(total) > LONGEST:
            raise _TooManyError
        if relus and len(relus) <= FEW:
            share = total.pop(relus[0])
            off, on = total, added(total, self.sums.argument(relus[0]), share)
            one, other = (self._row(self._number(part), node) for part in (off, on))
            return self._both(one, other) if share > 0 else self._either(one, other)
        if total.keys() <= {CONSTANT}:
            # At most 0 everywhere, or nowhere.
            return frozenset() if total.get(CONSTANT, 0) > 0 else frozenset([frozenset()])
        return frozenset([frozenset([self._number(total)])])

    def _both(self, one: Union, other: Union) -> Union:
        self._count(len(one) * len(other), len(other) * sum(map(len, one)) + len(one) * sum(map(len, other)))
        return frozenset(rows | more for rows in one for more in other)

    def _either(self, one: Union, other: Union) -> Union:
        self._count(len(one) + len(other), 0)
        return one | other

    def _count(self, parts: int, rows: int) -> None:
        self._work += rows
        if parts > MOST_PARTS or self._work > MOST_ROWS:
            raise _TooManyError

    def built(self, parts: list[tuple[str, Part]]) -> tuple[Graph, Bounds, list[Polytope]] | None:
        """The graph of what the rows read, its bounds, and the polytopes of its outputs; None where a coefficient is no
        float, or there are too many."""
        outputs: dict[Key, int] = {}
        # By row the output that it is about, and what that is at most.
        place: dict[int, tuple[int, Fraction]] = {}
        for number in sorted({row for _, rows in parts for row in rows}):
            own = self._in_file(self.rows[number])
            limit = -own.pop(CONSTANT, Fraction(0))
            if any(Fraction(nearest_float(share)) != share for share in own.values()):
                return None
            place[number] = outputs.setdefault(key_of(own), len(outputs)), limit
        if len(outputs) * sum(len(rows) for _, rows in parts) > MOST_ENTRIES:
            return None
        last = max(entry[0] for some in outputs for entry, _ in some)
        nodes = (*self.graph.nodes[: last + 1], self._outputs(list(outputs)))
        names = (*self.graph.names[: last + 1], "pulled back")
        graph = only_about(Graph(nodes, last + 1, names), np.arange(len(outputs)))
        below = self.bounds.with_ends(self.bounds.lower[: last + 1], self.bounds.upper[: last + 1])
        polytopes = [_polytope(name, [place[row] for row in sorted(rows)], len(outputs)) for name, rows in parts]
        return graph, carry_up(graph, below), polytopes

    def _in_file(self, row: Sum) -> Sum:
        """A row in numbers of the file."""
        total: Sum = {}
        for entry, share in row.items():
            own = self.sums.in_file(entry, share) if self.sums.is_relu(entry) else {entry: share}
            total = added(total, own, Fraction(1))
        return total

    def _outputs(self, sums: list[Key]) -> Affine:
        """The node of these sums."""
        terms = []
        for source in sorted({entry[0] for some in sums for entry, _ in some}):
            read = [(at, entry[1], float(share)) for at, some in enumerate(sums) for entry, share in some
                    if entry[0] == source]  # fmt: skip
            rows, cols, values = (np.array(part) for part in zip(*read, strict=True))
            terms.append((stored(values, rows, cols, (len(sums), self.graph.nodes[source].size)), source))
        return Affine(tuple(terms), Coefficients(np.zeros(len(sums))))


def _polytope(name: str, rows: Iterable[tuple[int, Fraction]], outputs: int) -> Polytope:
    """The outputs of which some are at most a limit, each the least that is asked of it."""
    least: dict[int, Fraction] = {}
    for output, limit in rows:
        least[output] = min(limit, least.get(output, limit))
    matrix = np.zeros((len(least), outputs))
    matrix[np.arange(len(least)), list(least)] = 1
    limits = np.array(list(least.values()), dtype=object)
    return Polytope(Coefficients(matrix), Coefficients.from_fractions(limits), name)
