"""A proof tree in preorder: no child pointers, so nothing can be dropped, shared, overlap or leave a gap.

A node is a leaf or a split, and a split is followed by its first and then its second subtree. An input split at t is
x_i <= t and x_i >= t; a ReLU split is z >= 0 and z <= 0. The two halves always cover their parent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import RejectedError

LEAF, INPUT, RELU = 0, 1, 2
# Kinds of leaves, in `variable`: lines, raw multipliers, exact rationals.
LINES, RAW, RATIONAL = 0, 1, 2
MOST_DEPTH = 5_000
# Nodes taken out of the file's array at a time.
BLOCK = 512


@dataclass(frozen=True, eq=False)
class Leaves:
    """Some consecutive leaves of a group: boxes (n, inputs), signs (n, neurons), kinds; `paths[j]` are the neurons
    that leaf j was split on, from the root. `tree` (n,) numbers their trees, `first` is the number of the first
    leaf, `first_beta` of its first beta. `whole`: all boxes are the tree's own, no input was split."""

    low: Any
    high: Any
    signs: Any
    kind: Any
    tree: Any
    paths: list[list[int]]
    first: int
    first_beta: int
    whole: bool

    def __len__(self) -> int:
        return len(self.kind)

    def take(self, index: Any) -> Leaves:
        """Some of them; `first` and `first_beta` no longer apply."""
        low, high = (ends[: len(index)] if self.whole else ends[index] for ends in (self.low, self.high))
        return Leaves(low, high, self.signs[index], self.kind[index], self.tree[index],
                      [self.paths[i] for i in index], -1, -1, self.whole)


class Walk:
    """Reads `trees` trees from `nodes`, starting at `position`; afterwards `position` stands behind them."""

    def __init__(self, nodes: Any, position: int, trees: int) -> None:
        self.nodes, self.position, self.trees = nodes, position, trees
        self.leaves = 0
        self._block: list[Any] = []
        self._start = position

    def _next(self) -> tuple[int, int, float]:
        """(kind, variable, value) of the node at `position`, which moves on."""
        at = self.position - self._start
        if at >= len(self._block):
            self._start, at = self.position, 0
            self._block = self.nodes[self.position : self.position + BLOCK].tolist()
            if not self._block:
                raise RejectedError("a tree breaks off")
        self.position += 1
        found: tuple[int, int, float] = self._block[at]
        return found

    def chunks(self, low: Any, high: Any, neurons: int, size: int) -> Iterator[Leaves]:
        """The leaves of all trees over the box [low, high] (inputs,), `size` at a time; splits may use the ReLUs
        below number `neurons`. Raises RejectedError."""
        found: list[Any] = []
        betas = 0
        for tree in range(self.trees):
            stack: list[Any] = [(low, high, None, 0)]
            while stack:
                bottom, top, path, depth = stack.pop()
                kind, variable, value = self._next()
                if kind == LEAF and variable in (LINES, RAW, RATIONAL) and value == 0:
                    found.append((bottom, top, path, variable, tree))
                    if len(found) == size:
                        part = self._part(found, low, high, neurons, betas)
                        betas += sum(map(len, part.paths))
                        found = []
                        yield part
                elif depth >= MOST_DEPTH:
                    raise RejectedError("a tree is too deep")
                elif kind == INPUT and variable < len(low) and bottom[variable] <= value <= top[variable]:
                    left, right = top.copy(), bottom.copy()
                    left[variable] = right[variable] = value
                    stack += [(right, top, path, depth + 1), (bottom, left, path, depth + 1)]
                elif kind == RELU and variable < neurons and value == 0:
                    stack += [(bottom, top, (variable, s, path), depth + 1) for s in (-1, 1)]
                else:
                    raise RejectedError(f"node {self.position - 1} of the tree is no split of its domain")
        if found:
            yield self._part(found, low, high, neurons, betas)

    def _part(self, found: list[Any], low: Any, high: Any, neurons: int, betas: int) -> Leaves:
        signs = np.zeros((len(found), neurons), np.int8)
        paths = []
        for j, (_, _, path, _, _) in enumerate(found):
            passed: list[int] = []
            while path is not None:
                neuron, sign, path = path
                if signs[j, neuron]:
                    raise RejectedError(f"ReLU {neuron} is split twice on one path")
                signs[j, neuron] = sign
                passed.append(neuron)
            paths.append(passed[::-1])
        whole = all(bottom is low and top is high for bottom, top, *_ in found)
        low, high = (np.broadcast_to(ends, (len(found), len(ends))) if whole else np.stack([f[k] for f in found])
                     for k, ends in enumerate((low, high)))
        kind, tree = (np.array([f[k] for f in found]) for k in (3, 4))
        first, self.leaves = self.leaves, self.leaves + len(found)
        return Leaves(low, high, signs, kind, tree, paths, first, betas, whole)
