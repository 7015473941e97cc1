"""A proof tree in preorder: no child pointers, so nothing can be dropped, shared, overlap or leave a gap.

A node is a leaf or a split, and a split is followed by its first and then its second subtree. An input split at t is
x_i <= t and x_i >= t; a split of a neuron is z >= t and z <= t. The two halves always cover their parent. A node with
bounds found anew is followed by one tree, of the same domain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import RejectedError
from ..readers.nodes import Nodes

LEAF, INPUT, NEURON, ANEW = 0, 1, 2, 3
# Kinds of leaves, in `variable`: lines, raw multipliers, exact rationals.
LINES, RAW, RATIONAL = 0, 1, 2
MOST_DEPTH = 5_000
# Bounds found anew within others: each is a call within a call.
MOST_NESTED = 50


@dataclass(frozen=True, eq=False)
class Leaves:
    """Some leaves of a group of trees: boxes (n, inputs); `cuts` (2, n, neurons), the ends that splits give neurons, or
    infinite; `kind`, `tree` and `rank`, the number among its kind, (n,); `paths`, the neurons that each was split on,
    from the root, with 1 for z >= t and -1 for z <= t; `number`, in the goal's preorder, (n,). `first` numbers
    the first leaf of the group and `first_beta` its first split; `whole` says that no input was split."""

    low: Any
    high: Any
    cuts: Any
    kind: Any
    tree: Any
    rank: Any
    paths: list[list[tuple[int, int]]]
    number: Any
    first: int
    first_beta: int
    whole: bool

    def __len__(self) -> int:
        return len(self.kind)

    def take(self, index: Any) -> Leaves:
        """Some of them; `first` and `first_beta` no longer apply."""
        low, high = (ends[: len(index)] if self.whole else ends[index] for ends in (self.low, self.high))
        return Leaves(low, high, self.cuts[:, index], self.kind[index], self.tree[index], self.rank[index],
                      [self.paths[i] for i in index], self.number[index], -1, -1, self.whole)

    @property
    def unsplit(self) -> Leaves:
        """Their boxes, without splits of neurons: what holds there holds here."""
        return replace(self, cuts=_free(*self.cuts.shape[1:]), paths=[[] for _ in self.paths])


@dataclass(eq=False)
class Tally:
    """How many leaves of one goal were read, and how many nodes with bounds found anew."""

    leaves: int = 0
    anew: int = 0


@dataclass(frozen=True, eq=False)
class Domain:
    """Where a tree begins: a box [low, high] (inputs,), the splits above, each with what is above it, how many of all
    kinds these are, and how many bounds found anew are above."""

    low: Any
    high: Any
    path: Any = None
    depth: int = 0
    nested: int = 0


class Walk:
    """Reads `trees` trees from the nodes that come next; afterwards `leaves`, `betas` and `kinds` say how many leaves,
    splits of neurons above leaves, and leaves of each kind there were, without those below bounds found anew, which
    `anew` reads, if that may be."""

    def __init__(self, nodes: Nodes, trees: int, tally: Tally | None = None,
                 anew: Callable[[int, Domain], None] | None = None) -> None:
        self.nodes, self.trees, self.tally, self.anew = nodes, trees, tally or Tally(), anew
        self.leaves, self.betas, self.kinds = 0, 0, [0, 0, 0]

    def chunks(self, domain: Domain, neurons: int, size: int) -> Iterator[Leaves]:
        """The leaves of all trees over the domain, `size` at a time; splits may use the neurons below number
        `neurons`. Raises RejectedError."""
        found: list[Any] = []
        low, high = domain.low, domain.high
        for tree in range(self.trees):
            stack: list[Any] = [(low, high, domain.path, domain.depth)]
            while stack:
                bottom, top, path, depth = stack.pop()
                kind, variable, value = self.nodes.next()
                if kind == LEAF and variable in (LINES, RAW, RATIONAL) and value == 0:
                    found.append((bottom, top, path, variable, tree, self.kinds[variable], self.tally.leaves))
                    self.kinds[variable] += 1
                    self.tally.leaves += 1
                    if len(found) == size:
                        yield self._leaves(found, low, high, neurons)
                        found = []
                elif depth >= MOST_DEPTH:
                    raise RejectedError("a tree is too deep")
                elif kind == INPUT and variable < len(low) and bottom[variable] <= value <= top[variable]:
                    left, right = top.copy(), bottom.copy()
                    left[variable] = right[variable] = value
                    stack += [(right, top, path, depth + 1), (bottom, left, path, depth + 1)]
                elif kind == NEURON and variable < neurons and self.nodes.may_split_at(value):
                    stack += [(bottom, top, (variable, s, value, path), depth + 1) for s in (-1, 1)]
                elif kind == ANEW and variable == self.tally.anew and value == 0 and self.anew is not None:
                    if domain.nested >= MOST_NESTED:
                        raise RejectedError("bounds are found anew too often on one path")
                    self.tally.anew += 1
                    self.anew(variable, Domain(bottom, top, path, depth + 1, domain.nested + 1))
                else:
                    raise RejectedError(f"node {self.nodes.position - 1} of the tree is no split of its domain")
        if found:
            yield self._leaves(found, low, high, neurons)

    def _leaves(self, found: list[Any], low: Any, high: Any, neurons: int) -> Leaves:
        bottoms, tops, ends, kind, tree, rank, number = zip(*found, strict=True)
        cuts, paths, splits = _free(len(found), neurons), [], []
        for j, path in enumerate(ends):
            passed: list[Any] = []
            while path is not None:
                *split, path = path
                passed.append(split)
                splits.append((j, *split))
            if len({(neuron, value) for neuron, _, value in passed}) < len(passed):
                raise RejectedError("a neuron is split twice at one threshold on one path")
            paths.append([(neuron, sign) for neuron, sign, _ in passed[::-1]])
        if splits:
            row, neuron, sign, value = map(np.array, zip(*splits, strict=True))
            for end, sharpen, here in ((0, np.maximum, sign > 0), (1, np.minimum, sign < 0)):
                sharpen.at(cuts[end], (row[here], neuron[here]), value[here])
        whole = all(b is low for b in bottoms) and all(t is high for t in tops)
        low, high = (np.broadcast_to(e, (len(found), len(e))) if whole else np.stack(several)
                     for e, several in ((low, bottoms), (high, tops)))
        first, first_beta = self.leaves, self.betas
        self.leaves += len(found)
        self.betas += sum(map(len, paths))
        return Leaves(low, high, cuts, np.array(kind), np.array(tree), np.array(rank), paths, np.array(number), first,
                      first_beta, whole)

    def same(self, domain: Domain, count: int, neurons: int) -> Leaves:
        """The domain as so many leaves without a tree."""
        found = [(domain.low, domain.high, domain.path, LINES, 0, 0, 0)] * count
        self.kinds[LINES] += count
        return self._leaves(found, domain.low, domain.high, neurons)


def _free(count: int, neurons: int) -> Any:
    """The cuts of leaves without splits of neurons."""
    return np.stack([np.full((count, neurons), -np.inf), np.full((count, neurons), np.inf)])
