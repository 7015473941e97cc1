"""The nodes of a tree of splits, some bytes each, and the order in which they are written.

A node's halves have neighbouring numbers above its own, so a tree is four arrays that only grow: what a node is, which
input or neuron it splits and where, and the number of its first half. Everything that a whole tree is asked for goes
level by level, each in one step.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np

LEAF, INPUT, NEURON, ANEW = 0, 1, 2, 3
ROOT = 0
# So few nodes are split, and trees with so few walked, one node after the other.
FEW, SMALL = 4, 2_000


class Nodes:
    """One tree. Node 0 is the root; a leaf's `variable` says what closes it."""

    def __init__(self) -> None:
        self._kind, self._variable = array("B", [LEAF]), array("I", [0])
        self._value, self._first = array("d", [0.0]), array("I", [0])
        # Nodes to which nothing leads any more.
        self.lost = 0

    def __len__(self) -> int:
        """How many nodes have numbers."""
        return len(self._kind)

    def node(self, number: int) -> tuple[int, int, float, int]:
        """(kind, variable, value, first half) of a node; the second half is the next number, and a leaf has the first
        one 0."""
        return self._kind[number], self._variable[number], self._value[number], self._first[number]

    def mark(self, number: int, kind: int, variable: int) -> None:
        """Let a node without halves be of this kind."""
        self._kind[number], self._variable[number] = kind, variable

    def split(self, kind: int, nodes: Any, variables: Any, values: Any) -> Any:
        """The numbers of the first halves of leaves that are split. Raises ValueError where one is none."""
        first = len(self) + 2 * np.arange(len(nodes))
        if len(nodes) <= FEW:
            split = zip(nodes.tolist(), variables.tolist(), values.tolist(), first.tolist(), strict=True)
            for node, variable, value, child in split:
                if self._kind[node] != LEAF:
                    raise ValueError(f"node {node} is split already")
                # Whenever Ctrl-C comes, halves that are spoken of are there.
                self._grow(2)
                self._kind[node], self._variable[node] = kind, variable
                self._value[node], self._first[node] = value, child
            return first
        self._grow(2 * len(nodes))
        if not self._set(kind, (nodes, variables, values, first)):
            raise ValueError("a node is split already, or twice")
        return first

    def _set(self, kind: int, split: tuple[Any, Any, Any, Any]) -> bool:
        """Whether these nodes are leaves, which then are none any more; none of them may occur twice."""
        kinds, names, ends, halves = self.views()
        nodes, variables, values, first = split
        if (kinds[nodes] != LEAF).any():
            return False
        kinds[nodes], names[nodes], ends[nodes], halves[nodes] = kind, variables, values, first
        return bool((halves[nodes] == first).all())

    def _grow(self, count: int) -> None:
        for part in (self._kind, self._variable, self._value, self._first):
            part.frombytes(bytes(count * part.itemsize))

    def unsplit(self, nodes: Any) -> Any:
        """Let nodes be leaves again; their numbers, and those of all below them, which nobody else gets."""
        kinds, names, ends, halves = self.views()
        found = [nodes]
        while len(found[-1]):
            at = found[-1]
            below = halves[at].astype(np.intp)
            below = below[below > 0]
            kinds[at], names[at], ends[at], halves[at] = LEAF, 0, 0.0, 0
            self.lost += 2 * len(below)
            found.append(np.concatenate([below, below + 1]))
        return np.concatenate(found)

    def views(self) -> tuple[Any, Any, Any, Any]:
        """Views of kinds, variables, values and first halves, each (nodes,), which end before the tree grows."""
        kind, variable = np.frombuffer(self._kind, np.uint8), np.frombuffer(self._variable, np.uint32)
        return kind, variable, np.frombuffer(self._value), np.frombuffer(self._first, np.uint32)


class Forest:
    """Trees one after the other, their nodes numbered through; `order` are those that are still there, in preorder, and
    `leaves` those without halves whose kind is a leaf's. Of each node (nodes,) the `parent`, -1 for roots, and the
    `depth`, how many splits of neurons are above it; `inner` are those that are split, those of each level."""

    def __init__(self, trees: Sequence[Nodes]) -> None:
        self.starts = np.cumsum([0, *map(len, trees)])
        self.kind, self.variable, self.value, first = (
            np.concatenate(same) for same in zip(*(tree.views() for tree in trees), strict=True)
        )
        self._first = first.astype(np.int32)
        if len(trees) > 1:
            starts = np.repeat(self.starts[:-1], np.diff(self.starts)).astype(np.int32)
            self._first += np.where(self._first > 0, starts, 0)
        self.inner: list[Any] = []
        if len(first) <= SMALL:
            self._walk()
        else:
            self._look_level_by_level()
        self.leaves = self.order[self.kind[self.order] == LEAF]

    def _walk(self) -> None:
        """Not too many nodes one by one: levels are many, and a step with all of one takes longer than some nodes."""
        kind, first = self.kind.tolist(), self._first.tolist()
        parent, depth, order = [-1] * len(kind), [0] * len(kind), []
        levels: list[list[int]] = []
        stack = [(root, 0) for root in self.starts[-2::-1].tolist()]
        while stack:
            node, level = stack.pop()
            order.append(node)
            half = first[node]
            if half:
                if level == len(levels):
                    levels.append([])
                levels[level].append(node)
                parent[half] = parent[half + 1] = node
                depth[half] = depth[half + 1] = depth[node] + (kind[node] == NEURON)
                stack += [(half + 1, level + 1), (half, level + 1)]
        self.parent, self.depth = np.array(parent, np.int32), np.array(depth, np.int32)
        self.order, self.inner = np.array(order, np.int32), [np.array(level, np.int32) for level in levels]

    def _look_level_by_level(self) -> None:
        count, level = len(self._first), self.starts[:-1].astype(np.int32)
        self.parent, self.depth = np.full(count, -1, np.int32), np.zeros(count, np.int32)
        roots = level
        while len(level):
            inner = level[self._first[level] > 0]
            level = np.concatenate(self.halves(inner))
            above = np.concatenate([inner, inner])
            self.parent[level], self.depth[level] = above, self.depth[above] + (self.kind[above] == NEURON)
            self.inner.append(inner)
        size = np.ones(count, np.int32)
        for inner in reversed(self.inner):
            first, second = self.halves(inner)
            size[inner] += size[first] + size[second]
        place = np.full(count, -1, np.int32)
        place[roots] = np.cumsum(size[roots]) - size[roots]
        self.order = np.empty(int(size[roots].sum()), np.int32)
        self.order[place[roots]] = roots
        for inner in self.inner:
            first, second = self.halves(inner)
            place[first] = place[inner] + 1
            place[second] = place[first] + size[first]
            self.order[place[first]], self.order[place[second]] = first, second

    def halves(self, inner: Any) -> tuple[Any, Any]:
        """The first and the second halves of nodes that are split."""
        return self._first[inner], self._first[inner] + 1

    def handed_down(self, given: Any, nothing: int) -> Any:
        """What is given to nodes (nodes,), and to those that have `nothing` of their own what the nearest one above has
        that has something."""
        if not ((given != nothing) & (self._first > 0)).any():
            return given
        for inner in self.inner:
            has = inner[given[inner] != nothing]
            for half in self.halves(has):
                lacks = given[half] == nothing
                given[half[lacks]] = given[has[lacks]]
        return given

    def paths(self, nodes: Any) -> tuple[Any, Any]:
        """The neurons that are split above nodes, those of each from its root, one node after the other; and how many
        each has."""
        count = self.depth[nodes]
        start = np.cumsum(count) - count
        found = np.empty(int(count.sum()), np.uint32)
        at, node = np.flatnonzero(count), np.asarray(nodes)[count > 0]
        while len(at):
            node = self.parent[node]
            split = self.kind[node] == NEURON
            here = node[split]
            found[start[at[split]] + self.depth[here]] = self.variable[here]
            left = self.depth[node] > 0
            at, node = at[left], node[left]
        return found, count
