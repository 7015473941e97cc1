"""Numbers of a network as exact sums of a few ReLUs and of other numbers.

The rows in front of ReLUs are compared as sums, so relu(z) and relu(-z), or twice relu(z), are one ReLU and multiples
of z: what a network hands on through two ReLUs cancels, and |z| is one ReLU. Rows of many numbers stay as they are.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from ..base.deadline import checkpoint
from .functions import RELU
from .graph import Affine, Graph, Pointwise
from .maps import LinearMap, Sparse

# Entry `[1]` of node number `[0]`; of a ReLU node it stands for a ReLU as `Sums` knows it.
Entry: TypeAlias = tuple[int, int]
# What a sum has as the multiple of 1.
CONSTANT: Entry = (-1, 0)
Sum: TypeAlias = dict[Entry, Fraction]
# A sum as it is compared and looked up.
Key: TypeAlias = tuple[tuple[Entry, Fraction], ...]

# Rows with more entries stay numbers of their own, and those whose sums would be longer or made of more layers.
FEW, LONGEST, DEEPEST = 8, 64, 50


def added(one: Sum, other: Sum, factor: Fraction) -> Sum:
    """one + factor * other."""
    total = dict(one)
    for entry, share in other.items():
        value = total.get(entry, 0) + factor * share
        if value:
            total[entry] = value
        else:
            total.pop(entry, None)
    return total


def key_of(one: Sum) -> Key:
    """The same for equal sums."""
    return tuple(sorted(one.items()))


class Sums:
    """The numbers of `graph`, whose pre-activations lie between `ends`, by node (low, high), (size,) each: ReLUs that
    are always on or off are none."""

    def __init__(self, graph: Graph, ends: dict[int, tuple[Any, Any]]) -> None:
        self.graph, self._ends = graph, ends
        self._known: dict[Entry, Sum] = {}
        self._opened: dict[Entry, Sum | None] = {}
        # The first ReLU of each argument: of a leading coefficient of 1, by its sum.
        self._first: dict[Key, Entry] = {}
        # By such a ReLU what the file's argument is times that of the sum, and the sum.
        self._behind: dict[Entry, tuple[Fraction, Sum]] = {}
        # How many layers are being looked through.
        self._depth = 0

    def is_relu(self, entry: Entry) -> bool:
        """Whether an entry of a sum is a ReLU."""
        node = self.graph.nodes[entry[0]]
        return entry != CONSTANT and isinstance(node, Pointwise) and node.function is RELU

    def argument(self, relu: Entry) -> Sum:
        """What a ReLU of a sum is the ReLU of."""
        return self._behind[relu][1]

    def in_file(self, relu: Entry, share: Fraction) -> Sum:
        """So many times a ReLU of a sum, in the file's own numbers."""
        scale, node = self._behind[relu][0], self.graph.nodes[relu[0]]
        # relu(y) = relu(-y) + y, where the file has the ReLU of scale * y.
        found = {relu: share / abs(scale)}
        return found if scale > 0 else {**found, (node.sources[0], relu[1]): share / scale}

    def opened(self, entry: Entry) -> Sum | None:
        """An entry of an Affine node as the sum of what it reads; None for others, and where that is much."""
        if entry not in self._opened:
            if self._depth == DEEPEST:
                return None
            self._depth += 1
            self._opened[entry] = self._row(entry)
            self._depth -= 1
        return self._opened[entry]

    @cached_property
    def _bent(self) -> frozenset[int]:
        """The Affine nodes that read a function's or a product's values."""
        return frozenset(i for i, node in self.graph.affine.items() if set(node.sources) & self.graph.bent.keys())

    def _row(self, entry: Entry) -> Sum | None:
        checkpoint()
        node, at = self.graph.nodes[entry[0]], np.array([entry[1]])
        if entry == CONSTANT or not isinstance(node, Affine):
            return None
        read: list[tuple[Entry, Fraction]] = []
        for linear, source in node.terms:
            inputs, shares = _row_of(linear, entry[1])
            if len(read) + len(inputs) > FEW:
                return None
            read += [((source, i), share) for i, share in zip(inputs, shares, strict=True) if share]
        bias = node.bias.some(at)[0]
        total: Sum = {CONSTANT: bias} if bias else {}
        for other, share in read:
            total = added(total, self.sum(other), share)
        return total if len(total) <= LONGEST else None

    def sum(self, entry: Entry) -> Sum:
        """The sum that an entry is: a ReLU by its argument, what reads no ReLUs by what it reads."""
        if entry not in self._known:
            found: Sum | None = None
            if self.is_relu(entry):
                found = self._relu(entry)
            elif entry[0] not in self._bent:
                found = self.opened(entry)
            self._known[entry] = {entry: Fraction(1)} if found is None else found
        return self._known[entry]

    def _relu(self, entry: Entry) -> Sum:
        source = (self.graph.nodes[entry[0]].sources[0], entry[1])
        opened = self.opened(source)
        behind = self.sum(source) if opened is None else opened
        low, high = self._ends[entry[0]]
        if high[entry[1]] <= 0 or not behind:
            return {}
        if low[entry[1]] >= 0:
            return behind
        scale = behind[max(behind)]
        sum_ = {other: share / scale for other, share in behind.items()}
        first = self._first.setdefault(key_of(sum_), entry)
        self._behind.setdefault(first, (scale, sum_))
        size = {first: abs(scale)}
        return size if scale > 0 else added(size, sum_, scale)


def _row_of(linear: LinearMap, row: int) -> tuple[list[int], list[Fraction]]:
    """The inputs that one row of a map reads, and how often."""
    if isinstance(linear, Sparse):
        some = np.arange(linear.starts[row], linear.starts[row + 1])
        return linear.cols[some].tolist(), linear.coefficients.some(some)
    part = linear.part(np.array([row]))
    rows, cols, which = part.linear.entries
    here = np.flatnonzero((part.outputs[rows] == row) & (part.linear.coefficients.values.ravel()[which] != 0))
    return part.inputs[cols[here]].tolist(), part.linear.coefficients.some(which[here])
