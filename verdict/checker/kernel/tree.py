"""A proof tree in preorder: no child pointers, so nothing can be dropped, shared, overlap or leave a gap.

A node is a leaf or a split, and a split is followed by its first and then its second subtree. An input split at t is
x_i <= t and x_i >= t; a ReLU split is z >= 0 and z <= 0. The two halves always cover their parent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import RejectedError
from ..readers.nodes import Nodes

LEAF, INPUT, RELU = 0, 1, 2
# Kinds of leaves, in `variable`: lines, raw multipliers, exact rationals.
LINES, RAW, RATIONAL = 0, 1, 2
MOST_DEPTH = 5_000


@dataclass(frozen=True, eq=False)
class Leaves:
    """Some leaves of a group of trees: boxes (n, inputs); signs (n, neurons), 1 on, -1 off, 0 free; `kind`, `tree` and
    `rank`, the number among its kind, (n,); `paths`, the neurons that each was split on, from the root. `first` numbers
    the first leaf and `first_beta` its first split; `whole` says that no input was split."""

    low: Any
    high: Any
    signs: Any
    kind: Any
    tree: Any
    rank: Any
    paths: list[list[int]]
    first: int
    first_beta: int
    whole: bool

    def __len__(self) -> int:
        return len(self.kind)

    def take(self, index: Any) -> Leaves:
        """Some of them; `first` and `first_beta` no longer apply."""
        low, high = (ends[: len(index)] if self.whole else ends[index] for ends in (self.low, self.high))
        return Leaves(low, high, self.signs[index], self.kind[index], self.tree[index], self.rank[index],
                      [self.paths[i] for i in index], -1, -1, self.whole)

    @property
    def unsplit(self) -> Leaves:
        """Their boxes, without splits of ReLUs: what holds there holds here."""
        return replace(self, signs=np.zeros_like(self.signs), paths=[[] for _ in self.paths])


class Walk:
    """Reads `trees` trees from the nodes that come next; afterwards `leaves`, `betas` and `kinds` say how many leaves,
    ReLU splits above leaves, and leaves of each kind there were."""

    def __init__(self, nodes: Nodes, trees: int) -> None:
        self.nodes, self.trees = nodes, trees
        self.leaves, self.betas, self.kinds = 0, 0, [0, 0, 0]

    def chunks(self, low: Any, high: Any, neurons: int, size: int) -> Iterator[Leaves]:
        """The leaves of all trees over the box [low, high] (inputs,), `size` at a time; splits may use the ReLUs
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
                elif kind == RELU and variable < neurons and value == 0:
                    stack += [(bottom, top, (variable, s, path), depth + 1) for s in (-1, 1)]
                else:
                    raise RejectedError(f"node {self.nodes.position - 1} of the tree is no split of its domain")
        if found:
            yield self._leaves(found, low, high, neurons)

    def _leaves(self, found: list[Any], low: Any, high: Any, neurons: int) -> Leaves:
        bottoms, tops, ends, kind, tree, rank = zip(*found, strict=True)
        signs, paths = np.zeros((len(found), neurons), np.int8), []
        for j, path in enumerate(ends):
            passed: list[int] = []
            while path is not None:
                neuron, sign, path = path
                if signs[j, neuron]:
                    raise RejectedError(f"ReLU {neuron} is split twice on one path")
                signs[j, neuron] = sign
                passed.append(neuron)
            paths.append(passed[::-1])
        whole = all(b is low for b in bottoms) and all(t is high for t in tops)
        low, high = (np.broadcast_to(e, (len(found), len(e))) if whole else np.stack(several)
                     for e, several in ((low, bottoms), (high, tops)))
        first, first_beta = self.leaves, self.betas
        self.leaves += len(found)
        self.betas += sum(map(len, paths))
        return Leaves(low, high, signs, np.array(kind), np.array(tree), np.array(rank), paths, first, first_beta, whole)
