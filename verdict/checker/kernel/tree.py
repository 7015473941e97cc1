"""A proof tree in preorder: no child pointers, so nothing can be dropped, shared, overlap or leave a gap.

A node is a leaf or a split, and a split is followed by its first and then its second subtree. An input split at t is
x_i <= t and x_i >= t; a split of a neuron is z >= t and z <= t. The two halves always cover their parent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import RejectedError
from ..readers.nodes import Nodes

LEAF, INPUT, NEURON = 0, 1, 2
# Kinds of leaves, in `variable`: lines, raw multipliers, exact rationals.
LINES, RAW, RATIONAL = 0, 1, 2
MOST_DEPTH = 5_000


@dataclass(frozen=True, eq=False)
class Leaves:
    """Some leaves of a group of trees: boxes (n, inputs); `cuts` (2, n, neurons), the ends that splits give neurons, or
    infinite; `kind`, `tree` and `rank`, the number among its kind, (n,); `paths`, the neurons that each was split on,
    from the root, with 1 for z >= t and -1 for z <= t. `first` numbers
    the first leaf and `first_beta` its first split; `whole` says that no input was split."""

    low: Any
    high: Any
    cuts: Any
    kind: Any
    tree: Any
    rank: Any
    paths: list[list[tuple[int, int]]]
    first: int
    first_beta: int
    whole: bool

    def __len__(self) -> int:
        return len(self.kind)

    def take(self, index: Any) -> Leaves:
        """Some of them; `first` and `first_beta` no longer apply."""
        low, high = (ends[: len(index)] if self.whole else ends[index] for ends in (self.low, self.high))
        return Leaves(low, high, self.cuts[:, index], self.kind[index], self.tree[index], self.rank[index],
                      [self.paths[i] for i in index], -1, -1, self.whole)

    @property
    def unsplit(self) -> Leaves:
        """Their boxes, without splits of neurons: what holds there holds here."""
        return replace(self, cuts=_free(*self.cuts.shape[1:]), paths=[[] for _ in self.paths])


class Walk:
    """Reads `trees` trees from the nodes that come next; afterwards `leaves`, `betas` and `kinds` say how many leaves,
    splits of neurons above leaves, and leaves of each kind there were."""

    def __init__(self, nodes: Nodes, trees: int) -> None:
        self.nodes, self.trees = nodes, trees
        self.leaves, self.betas, self.kinds = 0, 0, [0, 0, 0]

    def chunks(self, low: Any, high: Any, neurons: int, size: int) -> Iterator[Leaves]:
        """The leaves of all trees over the box [low, high] (inputs,), `size` at a time; splits may use the neurons
        below number `neurons`. Raises RejectedError."""
        found: list[Any] = []
        for tree in range(self.trees):
            stack: list[Any] = [(low, high, None, 0)]
            while stack:
                bottom, top, path, depth = stack.pop()
                kind, variable, value = self.nodes.next()
                if kind == LEAF and variable in (LINES, RAW, RATIONAL) and value == 0:
                    found.append((bottom, top, path, variable, tree, self.kinds[variable]))
                    self.kinds[variable] += 1
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
                else:
                    raise RejectedError(f"node {self.nodes.position - 1} of the tree is no split of its domain")
        if found:
            yield self._leaves(found, low, high, neurons)

    def _leaves(self, found: list[Any], low: Any, high: Any, neurons: int) -> Leaves:
        bottoms, tops, ends, kind, tree, rank = zip(*found, strict=True)
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
        return Leaves(low, high, cuts, np.array(kind), np.array(tree), np.array(rank), paths, first, first_beta, whole)


def _free(count: int, neurons: int) -> Any:
    """The cuts of leaves without splits of neurons."""
    return np.stack([np.full((count, neurons), -np.inf), np.full((count, neurons), np.inf)])
