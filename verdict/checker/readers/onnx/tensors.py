"""Tensors while a file is read, and the network that grows with them.

A tensor that depends on the input is a node and an array of positions in that node's flat vector, so every operator
that only moves entries is the NumPy function of the same name applied to the positions. The rest lowers to Affine,
Pointwise and Product; neurons are numbered as their operators come in the file, entries row-major.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from ...errors import UnreadableError
from ...functions.base import Function, exponent_of
from ...functions.relu import RELU
from ...functions.square import SQUARE
from ...functions.step import STEP
from ...network import Affine, Linear, Pointwise, Product
from .alike import Found, Sum, of_itself
from .bells import as_derivative
from .stepped import Rise, of_steps, together

# Steps that do not keep which entry is larger: 1 above 0, and the sign.
COMPARED, SIGN = "comparison", "Sign"
# Entries of one tensor or of one map's weights.
MOST_ENTRIES = 2**26


@dataclass(frozen=True)
class Head:
    """What was left out behind a tensor: the steps that keep which entry is larger, first to last, and the keys of the
    map that a ZipMap makes of the entries. `closed`: of a comparison, whether it holds where the entry is 0; None where
    that differs."""

    steps: tuple[str, ...] = ()
    keys: tuple[Any, ...] = ()
    closed: bool | None = field(default=False, compare=False)

    @property
    def is_open(self) -> bool:
        """Whether it ends with a comparison or a sign."""
        return self.steps[-1:] in ((COMPARED,), (SIGN,))

    def __str__(self) -> str:
        return " of ".join(reversed(self.steps)) or "ZipMap"


@dataclass(frozen=True, eq=False)
class Tensor:
    """Entries of node `node` at `positions`, an integer array of the tensor's shape; -1 is the number 0. `type` is its
    element type, `head` what was left out behind it: then the entries are the scores in front."""

    node: int
    positions: Any
    type: Any
    head: Head | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.positions.shape)

    def moved(self, positions: Any) -> Tensor:
        """Others of the node's entries."""
        return Tensor(self.node, positions, self.type, self.head)


@dataclass(frozen=True, eq=False)
class Chosen:
    """One number made of all entries of `scores`, as a tensor of that shape: the label of the largest, where label k
    belongs to entry k, or without labels their sum, which only serves to divide them by it."""

    scores: Tensor
    labels: tuple[Any, ...] | None
    shape: tuple[int, ...]
    type: Any


@dataclass(frozen=True, eq=False)
class Folded:
    """A constant in a type that does not hold all of its numbers: as float64 numbers, or Fractions, they are exact, and
    the file's run rounds each once, or if they are computed lands within about `room` of them."""

    array: Any
    type: Any
    room: float = 0.0

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.array.shape)


class Builder:
    """The nodes so far; the methods append nodes and return tensors of them."""

    def __init__(self, literal: bool = False) -> None:
        self.nodes: list[Any] = [None]
        self.sizes = [0]
        # Whether products stay as the file has them, so that their rounding is that of its operations.
        self.literal = literal
        # Whether there are constants that the file's run rounds: then weights and biases have one rounding more.
        self.is_rounded = False
        # What there is whose rounding is not bounded: entries chosen by comparisons, constants that are computed.
        self.rounded = ""
        # The nodes that steps are of, by the tensors, and the steps of these nodes.
        self._sources: dict[Any, int] = {}
        self._stepped: dict[int, int] = {}

    def append(self, node: Any) -> int:
        self.nodes.append(node)
        self.sizes.append(node.size)
        return len(self.nodes) - 1

    def affine(self, like: Tensor, terms: list[tuple[Linear, int]], bias: Any, shape: Any, roundings: int = 0,
               sizes: Any = None) -> Tensor:
        """A new affine node, read with `shape`; `bias` has any shape that fits, or is None."""
        count = small(math.prod(shape))
        vector = np.full(count, Fraction(0), dtype=object) if bias is None else fractions(bias).ravel()
        if self.is_rounded and (roundings >= 0 or bias is not None):
            roundings = max(roundings, 0) + 1
        number = self.append(Affine(tuple(terms), vector, roundings, sizes))
        return Tensor(number, np.arange(count).reshape(shape), like.type)

    def flat(self, x: Tensor) -> int:
        """The node whose vector is the tensor, row-major."""
        if np.array_equal(x.positions.ravel(), np.arange(self.sizes[x.node])):
            return x.node
        return self.affine(x, [(self.scaled(x, np.ones(x.shape)), x.node)], None, x.shape, -1).node

    def scaled(self, x: Tensor, factors: Any) -> Linear:
        """The map from the tensor's node to factor * entry, for each entry; factors floats or Fractions."""
        weight, exact = weights(np.broadcast_to(factors, x.shape).reshape(-1, 1, 1))
        return Linear(x.positions.reshape(-1, 1, 1), weight, self.sizes[x.node], exact=exact)

    def relu(self, x: Tensor) -> Tensor:
        return self.pointwise(RELU, x)

    def pointwise(self, function: Function, x: Tensor) -> Tensor:
        """The function of each entry."""
        source = self.flat(x)
        exponent = exponent_of(function)
        found = as_derivative(self.nodes, [source] * exponent) if exponent and not self.literal else None
        if found is not None:
            return self._found(found, x)
        steps = of_steps(self.nodes, function, source) if self._stepped else None
        if steps is not None:
            return self.multiples(self._rises(*steps), x)
        number = self.append(Pointwise(function, source, self.sizes[source]))
        return Tensor(number, np.arange(self.sizes[number]).reshape(x.shape), x.type)

    def step(self, x: Tensor, below: bool = False) -> Sum:
        """1 where an entry is at least 0, or with `below` where it is at most 0, else 0: as a sum, each once."""
        key = x.node, x.positions.ravel().tobytes()
        if (key, False) not in self._sources:
            self._sources[key, False] = self.flat(x)
        source = self._sources[key, False]
        if below and (key, True) not in self._sources:
            self._sources[key, True] = self.flat(self.times(self.whole(source, x), -1.0))
        source = self._sources[key, below]
        found = of_steps(self.nodes, STEP, source)
        return ({self._step(source): Fraction(1)}, Fraction(0)) if found is None else self._rises(*found)

    def _step(self, source: int) -> int:
        if source not in self._stepped:
            self._stepped[source] = self.append(Pointwise(STEP, source, self.sizes[source]))
        return self._stepped[source]

    def _rises(self, root: int, constant: Fraction, rises: list[Rise]) -> Sum:
        """The sum of what is added from jumps on, and beyond them, where 1 less the step of the negative is."""
        parts: list[tuple[Sum, Fraction]] = []
        for at, rise, way, known in rises:
            if known is None:
                line = Tensor(root, np.arange(self.sizes[root]), np.dtype(np.float64))
                known = self._step(self.flat(self.multiples(({root: Fraction(way)}, -way * at), line)))
            parts.append((({known: Fraction(way)}, Fraction(0 if way > 0 else 1)), rise))
        return together(parts, constant)

    def multiples(self, found: Sum, like: Tensor) -> Tensor:
        """A sum of multiples of nodes in the shape of a tensor."""
        factors, constant = found
        if not constant and list(factors.values()) == [1]:
            return self.whole(next(iter(factors)), like)
        return self.sum_of([*factors.items()], constant, like)

    def product(self, x: Tensor, y: Tensor) -> Tensor:
        """x * y of one shape, entry by entry; a square where they are the same."""
        if x.node == y.node and np.array_equal(x.positions, y.positions):
            return self.pointwise(SQUARE, x)
        left, right = self.flat(x), self.flat(y)
        nodes = self.nodes
        found = None if self.literal else of_itself(nodes, left, right) or as_derivative(nodes, [left, right])
        if found is not None:
            return self._found(found, x)
        number = self.append(Product(left, right, self.sizes[left]))
        return Tensor(number, np.arange(self.sizes[number]).reshape(x.shape), x.type)

    def _found(self, found: Found, x: Tensor) -> Tensor:
        """A function of one node and multiples of others, in the shape of a tensor."""
        function, z, factor, rest, constant = found
        if isinstance(z, tuple):
            z = self.sum_of([*z[0].items()], z[1], x).node
        return self.sum_of([(self.append(Pointwise(function, z, self.sizes[z])), factor), *rest], constant, x)

    def whole(self, number: int, like: Tensor) -> Tensor:
        """A node in the shape of a tensor of as many entries."""
        return Tensor(number, np.arange(self.sizes[number]).reshape(like.shape), like.type)

    def sum_of(self, terms: list[tuple[int, Fraction]], constant: Fraction, like: Tensor) -> Tensor:
        """Multiples of whole nodes and a constant, in the shape of a tensor."""
        parts = [self.whole(n, like) for n, _ in terms]
        maps = [(self.scaled(t, np.array(v, object)), n) for t, (n, v) in zip(parts, terms, strict=True)]
        return self.affine(like, maps, np.full(like.shape, constant, object), like.shape, 4)

    def plus(self, x: Tensor, constant: Any, roundings: int = 1) -> Tensor:
        """x + constant, into the bias of the node where it is nobody else's order."""
        shape = broadcast(x.shape, np.shape(constant))
        x = x.moved(np.broadcast_to(x.positions, shape))
        added = fractions(np.broadcast_to(constant, shape)).ravel()
        node = self.nodes[x.node]
        identity = np.array_equal(x.positions.ravel(), np.arange(self.sizes[x.node]))
        if isinstance(node, Affine) and identity and min(node.roundings, roundings) >= 0:
            before = np.abs(node.floats) if node.size_of_bias is None else node.size_of_bias
            sizes = before + np.abs(added.astype(np.float64))
            return self.affine(x, list(node.terms), node.bias + added, shape, node.roundings + roundings, sizes)
        return self.affine(x, [(self.scaled(x, np.ones(shape)), x.node)], added, shape, roundings)

    def times(self, x: Tensor, factors: Any) -> Tensor:
        """x * factors, which are floats or Fractions."""
        shape = broadcast(x.shape, np.shape(factors))
        x = x.moved(np.broadcast_to(x.positions, shape))
        return self.affine(x, [(self.scaled(x, factors), x.node)], None, shape)

    def total(self, tensors: list[Tensor], signs: list[float], roundings: int = 1) -> Tensor:
        """The sum of tensors with signs, broadcast."""
        shape = broadcast(*(t.shape for t in tensors))
        spread = [t.moved(np.broadcast_to(t.positions, shape)) for t in tensors]
        terms = [(self.scaled(t, np.full(shape, s)), t.node) for t, s in zip(spread, signs, strict=True)]
        return self.affine(tensors[0], terms, None, shape, roundings)

    def concatenated(self, values: list[Any], axis: int) -> Any:
        """Tensors and constants joined along an axis."""
        tensors = [v for v in values if isinstance(v, Tensor)]
        if not tensors:
            return np.concatenate(values, axis)
        arrays = [v.positions if isinstance(v, Tensor) else np.full(v.shape, -1) for v in values]
        if len(tensors) == len(values) and len({v.node for v in tensors}) == 1:
            return tensors[0].moved(np.concatenate(arrays, axis))
        terms, bias = [], []
        for k, value in enumerate(values):
            parts = [a if k == j else np.full(a.shape, -1) for j, a in enumerate(arrays)]
            x = np.concatenate(parts, axis)
            if isinstance(value, Tensor):
                terms.append((self.scaled(value.moved(x), np.ones(x.shape)), value.node))
            bias.append(fractions(np.zeros(arrays[k].shape) if isinstance(value, Tensor) else value))
        return self.affine(tensors[0], terms, np.concatenate(bias, axis), x.shape, -1)


def small(count: int) -> int:
    """A number of entries that one tensor may have."""
    if count > MOST_ENTRIES:
        raise UnreadableError(f"a tensor of {count} entries, expected at most {MOST_ENTRIES}")
    return count


def broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that all of them are broadcast to."""
    try:
        found = np.broadcast_shapes(*shapes)
    except ValueError:
        raise UnreadableError(f"shapes {' and '.join(map(str, shapes))} that do not fit") from None
    small(math.prod(found))
    return found


def spread(value: Any, shape: tuple[int, ...], what: str) -> Any:
    """A constant broadcast to a shape that has to contain its own."""
    try:
        return np.broadcast_to(value, shape)
    except ValueError:
        raise UnreadableError(f"{what} of shape {np.shape(value)} does not fit {shape}") from None


def reduced(shape: tuple[int, ...], axes: list[int], keep: bool) -> tuple[int, ...]:
    """The shape without these axes, or with 1 in their places."""
    return tuple(1 if a in axes else n for a, n in enumerate(shape) if keep or a not in axes)


def axis_of(axis: Any, rank: int, beyond: int = 0) -> int:
    """An axis in front of `rank` (or at it, `beyond`), counted from the front; that a file may count from the end, the
    standard says from operator set 11 on, and everyone reads before."""
    if not -rank <= axis < rank + beyond:
        raise UnreadableError(f"the axis {axis} of {rank}")
    return int(axis) % rank if axis < 0 else int(axis)


def axes_of(axes: Any, rank: int) -> list[int]:
    """Different axes."""
    found = [axis_of(a, rank) for a in axes]
    if len(set(found)) < len(found):
        raise UnreadableError(f"an axis twice in {list(axes)}")
    return found


def fractions(values: Any) -> Any:
    """Numbers of any kind as an object array of Fractions of the same shape."""
    array = np.asarray(values)
    if array.dtype == object:
        return array
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise UnreadableError("a constant that is no finite number")
    result = np.empty(array.size, dtype=object)
    result[:] = [Fraction(v) for v in array.ravel().tolist()]
    return result.reshape(array.shape)


def weights(values: Any) -> tuple[Any, Any]:
    """(nearest floats, the exact values where some is no float) of floats or Fractions."""
    array = np.asarray(values)
    weight = array.astype(np.float64)
    if not np.isfinite(weight).all():
        raise UnreadableError("a weight that is no finite number")
    if array.dtype.kind == "f":
        return weight, None
    exact = all(Fraction(f) == v for f, v in zip(weight.ravel(), array.ravel(), strict=True))
    return weight, None if exact else array
