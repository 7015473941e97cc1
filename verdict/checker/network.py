"""The network as the checker sees it: sums of linear maps, functions entry by entry, and products of two nodes.

A linear map is one structure for everything that networks contain: gather entries of the source into patches, and
multiply each patch with a small matrix. Dense layers have one patch, convolutions one per position, elementwise
factors one per entry. The structure works on any coefficients put in place of its own, so floats, limbs of integers,
magnitudes and Python integers all go through the same two functions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from .clock import Ask, nobody
from .errors import UnreadableError
from .functions.base import Function

# Numbers in one gathered array at a time.
MOST_ENTRIES = 2**24
# Binary digits of a common denominator.
MOST_BITS = 2**20


@dataclass(frozen=True, eq=False)
class Linear:
    """out[g, p, c] = sum_k x[index[g, p, k]] * weight[g, k, c]; -1 in `index` reads a zero.

    `index` is (groups, patches, taps), `weight` float64 (groups, taps, channels). The result is flattened with the
    channels last, or before the patches if `channels_first`. `exact` holds the weights as Fractions where they are
    no floats; then `weight` is the nearest float.
    """

    index: Any
    weight: Any
    in_size: int
    channels_first: bool = False
    exact: Any = None

    @property
    def out_size(self) -> int:
        return int(self.index.shape[0] * self.index.shape[1] * self.weight.shape[2])

    @cached_property
    def _dense(self) -> bool:
        return self.index.shape[:2] == (1, 1) and np.array_equal(self.index.ravel(), np.arange(self.in_size))

    @cached_property
    def _elementwise(self) -> bool:
        return bool(self.weight.shape[1:] == (1, 1) and self.index.shape[1] == 1)

    @property
    def moves(self) -> bool:
        """Whether each entry is one of the source, or zero."""
        return self._elementwise and self.exact is None and bool((self.weight == 1).all())

    @cached_property
    def _readers(self) -> Any:
        """For each entry of the source the flat positions in `index` that read it, padded with the last + 1."""
        flat = self.index.ravel()
        order = np.argsort(flat, kind="stable")
        order = order[flat[order] >= 0]
        source = flat[order]
        count = np.bincount(source, minlength=self.in_size)
        rank = np.arange(len(source)) - np.repeat(np.cumsum(count) - count, count)
        table = np.full((int(count.max(initial=0)), self.in_size), flat.size)
        table[rank, source] = order
        return table

    @cached_property
    def fan(self) -> int:
        """The most products that are summed into one entry, forward or backward."""
        readers = 1 if self._dense else len(self._readers)
        return int(max(1, self.weight.shape[1], self.weight.shape[2] * max(1, readers)))

    def forward(self, x: Any, weight: Any) -> Any:
        """(rows, in_size) -> (rows, out_size)."""
        if self._dense:
            return x @ weight[0]
        padded = np.concatenate([x, np.zeros((len(x), 1), x.dtype)], axis=1)
        if self._elementwise:
            return padded[:, self.index[:, 0, 0]] * weight[:, 0, 0]
        out = padded[:, self.index] @ weight
        return (out.swapaxes(-1, -2) if self.channels_first else out).reshape(len(x), -1)

    def backward(self, y: Any, weight: Any) -> Any:
        """(rows, out_size) -> (rows, in_size): the transposed map."""
        if self._dense:
            return y @ weight[0].T
        groups, patches, _ = self.index.shape
        channels = weight.shape[2]
        if self._elementwise:
            taps = y * weight[:, 0, 0]
        else:
            shape = (groups, channels, patches) if self.channels_first else (groups, patches, channels)
            out = y.reshape(len(y), *shape)
            taps = ((out.swapaxes(-1, -2) if self.channels_first else out) @ weight.swapaxes(1, 2)).reshape(len(y), -1)
        taps = np.concatenate([taps, np.zeros((len(y), 1), y.dtype)], axis=1)
        result = np.zeros((len(y), self.in_size), y.dtype)
        for readers in self._readers:
            result += taps[:, readers]
        return result

    @cached_property
    def prepared(self) -> dict[Any, Any]:
        """What arithmetics have made of the weights, which many parts of a proof share."""
        return {}

    @cached_property
    def integers(self) -> tuple[Any, int]:
        """The weights as Python integers over one denominator."""
        return integers(self.weight if self.exact is None else self.exact)


@dataclass(frozen=True, eq=False)
class Affine:
    """The sum of linear maps of earlier nodes plus `bias` (Fractions, object array).

    `roundings` counts the operations of one entry beyond its sum of products; -1 says that float32 arithmetic
    computes this node exactly (it moves entries, or is part of a maximum).
    """

    terms: tuple[tuple[Linear, int], ...]
    bias: Any
    roundings: int = 0
    # A bound on what was added and taken away again in `bias`.
    size_of_bias: Any = None
    # How far each entry may be from this sum (`small/reduction.py`); only floats charge it.
    error: Any = None

    @property
    def size(self) -> int:
        return len(self.bias)

    @property
    def sources(self) -> list[int]:
        return [source for _, source in self.terms]

    @cached_property
    def is_move(self) -> bool:
        """Whether the node is nothing but entries of another one."""
        linear = self.terms[0][0] if len(self.terms) == 1 else None
        return linear is not None and linear.moves and not self.bias.any()

    @cached_property
    def floats(self) -> Any:
        """The biases, nearest floats."""
        return np.array([float(b) for b in self.bias])

    @cached_property
    def dyadic(self) -> bool:
        return all(Fraction(f) == b for f, b in zip(self.floats, self.bias, strict=True))


@dataclass(frozen=True, eq=False)
class Pointwise:
    """`function`, entry by entry, of node `source`."""

    function: Function
    source: int
    size: int

    @property
    def sources(self) -> list[int]:
        return [self.source]


@dataclass(frozen=True, eq=False)
class Product:
    """Entry by entry the product of nodes `left` and `right`."""

    left: int
    right: int
    size: int

    @property
    def sources(self) -> list[int]:
        return [self.left, self.right]


@dataclass(frozen=True, eq=False)
class Network:
    """Nodes in order; nodes[0] is None, the input. The layers of neurons are the Pointwise nodes in order, and neurons
    are numbered through them: neuron `starts[k] + i` is entry i of layer k."""

    input_size: int
    nodes: tuple[Any, ...]
    output: int
    # What is left out behind the outputs: it keeps which of them is larger.
    head: str | None = None
    # Of the inputs and of the outputs, in the order of the file.
    shapes: tuple[tuple[int, ...], ...] = ()
    results: tuple[tuple[int, ...], ...] = ()
    # The names of the outputs; the labels of the classes, where the file has them; and whether the file's output has no
    # number of its own for each of the classes that the network's outputs are.
    names: tuple[str, ...] = ()
    labels: tuple[Any, ...] = ()
    is_class: bool = False
    # What is inside that float32 rounds without a bound: choices by comparisons, constants that are computed, or what
    # nobody says how to compute.
    rounded: str = ""
    # Within how many units in the last place (ulp) functions are assumed to be computed in float32; None: nothing is.
    ulps: float | None = None

    def __post_init__(self) -> None:
        for node in self.nodes[1:]:
            # Exactly these: what else a node may be, nothing here has a rule for.
            if type(node) not in (Affine, Pointwise, Product):
                raise no_rule(node)

    def size(self, number: int) -> int:
        return self.input_size if number == 0 else int(self.nodes[number].size)

    @cached_property
    def pointwise(self) -> tuple[int, ...]:
        return tuple(i for i, node in enumerate(self.nodes) if isinstance(node, Pointwise))

    @cached_property
    def products(self) -> tuple[int, ...]:
        return tuple(i for i, node in enumerate(self.nodes) if isinstance(node, Product))

    @cached_property
    def entries(self) -> dict[int, slice]:
        """Where a product's entries are among those of all products, by node."""
        found, start = {}, 0
        for i in self.products:
            found[i] = slice(start, start := start + self.size(i))
        return found

    @cached_property
    def readers(self) -> dict[int, list[int]]:
        """The Pointwise and Product nodes that read a node, of those that have any. What a product reads of entries
        that have only been moved is the node that has them."""
        found: dict[int, list[int]] = {}
        for i in sorted((*self.pointwise, *self.products)):
            for source in self.nodes[i].sources:
                while i in self.products and isinstance(self.nodes[source], Affine) and self.nodes[source].is_move:
                    source = self.nodes[source].terms[0][1]
                found.setdefault(source, []).append(i)
        return found

    @cached_property
    def plain(self) -> frozenset[int]:
        """The nodes whose intervals on a box are exact: one map of inputs, each scaled by itself before or after."""
        apart, found = {0}, {0}
        for i, node in enumerate(self.nodes):
            if not isinstance(node, Affine) or len(node.terms) > 1:
                continue
            for linear, source in node.terms:
                if linear.fan <= 1 and source in apart:
                    apart.add(i)
                if source in apart or (linear._elementwise and source in found):
                    found.add(i)
        return frozenset(found)

    def worth(self, number: int, low: Any, high: Any, also: Any) -> Any:
        """Where better bounds than [low, high] of a node may help those that read it, and what reads nothing but their
        values; `also` as functions take it."""
        found = np.zeros(low.shape, bool)
        for i in self.readers.get(number, ()):
            node = self.nodes[i]
            if isinstance(node, Pointwise):
                found |= node.function.worth(low, high, also)
                found |= self.worth(i, *node.function.interval(low, high), False)
            else:
                found |= low < high
        return found

    @cached_property
    def irrational(self) -> str:
        """A function without rational values, by name; "" where there is none."""
        functions = (self.nodes[i].function for i in self.pointwise)
        return next((f.name for f in functions if not f.is_rational), "")

    @property
    def unbounded(self) -> str:
        """Why nothing bounds all float32 evaluations; "" where something does."""
        if self.head:
            # Nearly equal scores may become equal probabilities; nothing bounds how a library computes exp.
            return f"the rounding of a {self.head} is not bounded"
        if self.irrational and self.ulps is None:
            return f"the rounding of {self.irrational} is not bounded"
        functions = [self.nodes[i].function for i in self.pointwise]
        jump = next((f.name for f in functions if f.jumps), "")
        if jump:
            return f"what rounding does at the jumps of {jump} is not bounded"
        return f"the rounding of {self.rounded} is not bounded" if self.rounded else ""

    @cached_property
    def effort(self) -> int:
        """How many products one row takes on its way back."""
        maps = (linear for node in self.nodes if isinstance(node, Affine) for linear, _ in node.terms)
        return sum(int(linear.index.size * linear.weight.shape[2]) for linear in maps)

    @cached_property
    def starts(self) -> Any:
        return np.cumsum([0, *(self.nodes[i].size for i in self.pointwise)])

    def needed(self, number: int) -> list[int]:
        """Node `number` and what it depends on, in order."""
        marked = {number}
        for i in range(number, 0, -1):
            if i in marked:
                node = self.nodes[i]
                marked.update(node.sources)
        return sorted(marked)

    def evaluate(self, x: list[Fraction], ask: Ask = nobody) -> list[list[Fraction]]:
        """All nodes' values at one rational point, exactly."""
        values = [integers(np.array(x, dtype=object))]
        for node in self.nodes[1:]:
            ask()
            if isinstance(node, Pointwise):
                values.append(node.function.value(*values[node.source]))
                continue
            if isinstance(node, Product):
                (one, under), (other, below) = (values[source] for source in node.sources)
                values.append((one * other, under * below))
                continue
            if not isinstance(node, Affine):
                raise no_rule(node)
            total = integers(node.bias)
            for linear, source in node.terms:
                weight, below = linear.integers
                top, under = values[source]
                total = add(total, (linear.forward(top[None], weight)[0], under * below))
            values.append(total)
        return [[Fraction(int(t), under) for t in top] for top, under in values]


def needed(nodes: list[Any], output: int) -> tuple[tuple[Any, ...], dict[int, int]]:
    """The nodes that node `output` depends on, and the input, with new numbers: these by the old ones."""
    marked = {0, output}
    for i in range(output, 0, -1):
        if i in marked:
            marked.update(nodes[i].sources)
    numbers = {old: new for new, old in enumerate(sorted(marked))}
    found = []
    for old in numbers:
        node = nodes[old]
        if isinstance(node, Affine):
            node = replace(node, terms=tuple((linear, numbers[source]) for linear, source in node.terms))
        elif isinstance(node, Pointwise):
            node = replace(node, source=numbers[node.source])
        elif isinstance(node, Product):
            node = replace(node, left=numbers[node.left], right=numbers[node.right])
        elif node is not None:
            raise no_rule(node)
        found.append(node)
    return tuple(found), numbers


def no_rule(node: Any) -> UnreadableError:
    """What to raise at the end of a switch over kinds of nodes."""
    return UnreadableError(f"there is no rule for a node {type(node).__name__}")


def integers(values: Any) -> tuple[Any, int]:
    """Floats or Fractions (any shape) as Python integers in an object array over one denominator."""
    flat = [Fraction(v) for v in np.asarray(values).ravel().tolist()]
    denominator = 1
    for d in {f.denominator for f in flat}:
        denominator = math.lcm(denominator, d)
        if denominator.bit_length() > MOST_BITS:
            raise UnreadableError("numbers whose common denominator has more than a million binary digits")
    result = np.empty(len(flat), dtype=object)
    result[:] = [f.numerator * (denominator // f.denominator) for f in flat]
    return result.reshape(np.shape(values)), denominator


def add(a: tuple[Any, int], b: tuple[Any, int]) -> tuple[Any, int]:
    """The sum of two vectors of integers over denominators."""
    common = math.lcm(a[1], b[1])
    return a[0] * (common // a[1]) + b[0] * (common // b[1]), common
