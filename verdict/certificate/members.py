"""The members of a certificate that the trees of one group make, some leaves at a time.

Leaves are written in preorder and were closed in any other, so what closed them is looked up in the order of the file,
a few MB of it at once: neither the rows nor the leaves' paths are ever in memory altogether.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from .kept import NONE, Kept, Ragged, numbers_of
from .nodes import ANEW, Forest
from .proof import ProofTree, Stated

# Bytes of rows, and leaves whose paths are looked at, at once.
BYTES, LEAVES = 2**22, 2**13
NODE = np.dtype([("kind", "u1"), ("variable", "<u4"), ("value", "<f8")])


@dataclass(frozen=True, eq=False)
class Member:
    """An array of a file, in parts along its first axis."""

    dtype: Any
    shape: tuple[int, ...]
    parts: Iterator[Any]

    @classmethod
    def whole(cls, values: Any) -> Member:
        return cls(values.dtype, values.shape, iter([values]))


class Group:
    """Trees with the same columns and chords, in order; the neurons `above` are split above all of them. Raises OSError
    where something of them was lost."""

    def __init__(self, trees: Sequence[ProofTree], above: Sequence[int] = ()) -> None:
        self.trees, self.above = trees, np.asarray(above, np.uint32)
        for tree in trees:
            tree.check()
        self.forest = Forest([tree.nodes for tree in trees])
        self.leaves, first = self.forest.leaves, trees[0]
        self._none = np.full(len(self.leaves), NONE)
        if len(trees) == 1:
            self._kept, self._betas = first.kept, first.betas
            return
        self._kept, self._betas = {}, Ragged()
        for tree, start in zip(trees, self.forest.starts.tolist(), strict=False):
            self._betas.join(tree.betas, start)
            for name, kept in tree.kept.items():
                self._kept.setdefault(name, Kept(kept.to_halves)).join(kept, start)

    def members(self) -> Iterator[tuple[str, Member]]:
        """The arrays, by name, in the order in which they are written."""
        if not self._kept and not len(self._betas):
            # Thousands of boxes may have such a tree each.
            return
        yield from self._lines()
        numbers = numbers_of(self._betas, self.forest, self.leaves) if len(self._betas) else self._none
        count = int(self.forest.depth[self.leaves].sum()) + len(self.above) * len(self.leaves)
        if (numbers >= 0).any() and count:
            dtype = np.dtype(np.float64 if any(tree.is_fine for tree in self.trees) else np.float32)
            yield "betas", Member(dtype, (count,), self._on_paths(numbers, dtype))
        rows = self._numbers("rows")
        if (rows >= 0).any():
            none = np.zeros_like(self._weights("rows", rows[rows >= 0][:1]))
            yield "lambda", Member(none.dtype, (len(rows), none.shape[1]), self._rows(rows, none))
        planes = self._numbers("planes")
        planed = np.flatnonzero(planes >= 0)
        if len(planed):
            yield "planes", self._member("planes", planes[planed])
            yield "planed", Member.whole(planed.astype(np.uint32))
        raw = self._numbers("raw")
        raw = raw[raw >= 0]
        if len(raw):
            # What is said of one is said of the other.
            width = sum(self._weights(name, raw[:1]).shape[1] for name in ("weighed", "raw"))
            yield "raw", Member(np.dtype(np.float64), (len(raw), width), self._raw(raw))

    def _lines(self) -> Iterator[tuple[str, Member]]:
        columns, chords = self.trees[0].columns, self.trees[0].chords
        slopes = self._numbers("slopes")
        sloped = np.flatnonzero(slopes >= 0)
        if not len(sloped) or not len(columns):
            return
        yield "columns", Member.whole(columns)
        yield "slopes", self._member("slopes", slopes[sloped])
        above, shares = (self._numbers(name)[sloped] for name in ("above", "shares"))
        if (above >= 0).any():
            yield "above", self._member("above", above[above >= 0])
            if (shares >= 0).sum() == (above >= 0).sum():
                yield "shares", self._member("shares", shares[shares >= 0])
        elif chords is not None:
            yield "chords", Member.whole(chords)
        if len(sloped) < len(slopes):
            yield "sloped", Member.whole(sloped.astype(np.uint32))

    def rationals(self) -> list[dict[str, list[str]]]:
        """The leaves that are closed by rationals."""
        found = []
        if any(tree.rational for tree in self.trees):
            starts = self.forest.starts.tolist()
            own = {n + s: v for t, s in zip(self.trees, starts, strict=False) for n, v in t.rational.items()}
            for leaf in (n for n in self.leaves.tolist() if n in own):
                weights, left = own[leaf][0], dict(own[leaf][1])
                shifts = [left.pop(n, Fraction(0)) for n in reversed(self.path(leaf))][::-1]
                found.append({"lambda": [str(v) for v in weights], "betas": [str(v) for v in shifts]})
        return found

    def path(self, node: int) -> list[int]:
        """The neurons that are split above a node."""
        return [*self.above.tolist(), *self.forest.paths(np.array([node]))[0].tolist()]

    def nodes(self) -> Iterator[tuple[Any, int | None]]:
        """Nodes as they are written, in preorder, and behind the last ones the number of a node with bounds found anew,
        where such a one comes next, which is not among them."""
        order, size = self.forest.order, BYTES // NODE.itemsize
        breaks = np.flatnonzero(self.forest.kind[order] == ANEW) if self.has_anew else np.zeros(0, int)
        for start, end in zip([0, *(breaks + 1).tolist()], [*breaks.tolist(), len(order)], strict=True):
            for first in range(start, end, size):
                at = order[first : min(end, first + size)]
                found = np.empty(len(at), NODE)
                found["kind"], found["variable"] = self.forest.kind[at], self.forest.variable[at]
                found["value"] = self.forest.value[at]
                yield found, None
            if end < len(order):
                yield np.empty(0, NODE), int(order[end])

    @property
    def has_anew(self) -> bool:
        """Whether there are bounds found anew."""
        return any(tree.found_anew for tree in self.trees)

    def anew(self, node: int) -> tuple[Sequence[Stated], ProofTree]:
        """The bounds found anew at a node, and the tree behind them."""
        tree = int(np.searchsorted(self.forest.starts, node, "right")) - 1
        return self.trees[tree].found_anew[node - int(self.forest.starts[tree])]

    def _numbers(self, name: str) -> Any:
        """Which row each leaf has."""
        kept = self._kept.get(name)
        return self._none if kept is None else numbers_of(kept, self.forest, self.leaves)

    def _member(self, name: str, numbers: Any) -> Member:
        dtype, shape = self._kept[name].rows.kind
        return Member(dtype, (len(numbers), *shape), self._taken(name, numbers))

    def _taken(self, name: str, numbers: Any) -> Iterator[Any]:
        rows = self._kept[name].rows
        for some in _parts(numbers, rows.kind):
            yield rows.take(some)

    def _weights(self, name: str, numbers: Any) -> Any:
        """Rows, weights among them as those of the rows that the tree is for."""
        found = self._kept[name].rows.take(numbers)
        return found if name == "raw" else self.trees[0].weights(found)

    def _rows(self, numbers: Any, none: Any) -> Iterator[Any]:
        for some in _parts(numbers, (none.dtype, none.shape[1:])):
            found = np.zeros((len(some), none.shape[1]), none.dtype)
            has = some >= 0
            if has.any():
                found[has] = self._weights("rows", some[has])
            yield found

    def _raw(self, numbers: Any) -> Iterator[Any]:
        for some in _parts(numbers, self._kept["raw"].rows.kind):
            yield np.concatenate([self._weights(name, some) for name in ("weighed", "raw")], axis=1)

    def _on_paths(self, numbers: Any, dtype: Any) -> Iterator[Any]:
        """Betas as they are stored: for each leaf those of the splits on its path, from the root; of several splits of
        one neuron the last one's."""
        for first in range(0, len(numbers), LEAVES):
            some, leaves = numbers[first : first + LEAVES], self.leaves[first : first + LEAVES]
            path, count = self._paths(leaves)
            has = np.flatnonzero(some >= 0)
            entries, each = self._betas.entries(some[has])
            found = np.zeros(len(path), dtype)
            # Neurons of a leaf are ascending, as its betas were.
            wanted = np.repeat(np.arange(len(some)), count) << 32 | path
            known = np.repeat(has, each) << 32 | entries["neuron"]
            if len(known):
                place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
                meet = np.flatnonzero(known[place] == wanted)
                last = np.full(len(known), NONE)
                last[place[meet]] = meet
                found[last[last >= 0]] = np.maximum(entries["value"][last >= 0], 0)
            yield found

    def _paths(self, leaves: Any) -> tuple[Any, Any]:
        """The neurons that are split above leaves, of each from the root, and how many each has."""
        below, count = self.forest.paths(leaves)
        both = len(self.above) + count
        start = np.cumsum(both) - both
        path = np.empty(int(both.sum()), np.uint32)
        path[start[:, None] + np.arange(len(self.above))] = self.above
        path[np.repeat(start + len(self.above) - np.cumsum(count) + count, count) + np.arange(len(below))] = below
        return path, both


def _parts(numbers: Any, kind: tuple[Any, tuple[int, ...]]) -> Iterator[Any]:
    """Numbers of rows of a kind, as many at once as may be in memory."""
    dtype, shape = kind
    size = max(1, BYTES // max(1, int(np.prod(shape)) * dtype.itemsize))
    for first in range(0, len(numbers), size):
        yield numbers[first : first + size]


def bounds_members(bound: Stated, path: Sequence[int]) -> dict[str, Any]:
    """The arrays, by name, of bounds that a tree has kept, on a domain whose path has these splits of neurons."""
    found = {
        "neuron": np.asarray(bound.neurons, np.uint32),
        "side": np.asarray(bound.sides, np.int8),
        "columns": np.asarray(bound.columns, np.uint32),
        "slopes": bound.slopes.all(),
        "chords": np.asarray(bound.chords, np.float32),
        "lambda": np.maximum(np.asarray(bound.rows, np.float32), 0),
    }
    if not len(path):
        return found
    # Of several splits of one neuron the last one has its beta.
    splits = {neuron: at for at, neuron in enumerate(path)}
    neurons = np.array(list(splits), np.uint32)
    known = np.isin(neurons, found["columns"])
    own, betas = bound.betas.all(), np.zeros((len(bound.betas), len(path)), np.float32)
    places = np.array(list(splits.values()))[known]
    betas[:, places] = np.maximum(own[:, np.searchsorted(found["columns"], neurons[known])], 0)
    return found | {"betas": betas.ravel()}
