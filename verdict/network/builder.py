"""Building a graph node by node, with the few simplifications that keep it small.

Operators append nodes without looking at each other; the builder merges what costs nothing to merge
(identities, biases, constants, index after index) and drops what the output does not need. It never
multiplies two weight matrices: that would round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from ..base.assumed import is_literal
from ..base.deadline import checkpoint
from ..base.never import assert_never
from .centred import centred
from .exact import Coefficients, ExactVector, ObjectArray
from .functions import RELU, SQUARE, STEP, Feature, Function
from .graph import Affine, Graph, Input, Node, Pointwise, Product
from .maps import Diagonal, Index, LinearMap, identity
from .multiples import Multiples, Rewritten, multiples, rewritten


class Builder:
    """Collects nodes for one `Graph`; node 0 is the input of `input_size` numbers."""

    def __init__(self, input_size: int) -> None:
        self.nodes: list[Node] = [Input(input_size)]
        self.names: list[str] = ["input"]
        # Whether products stay as they are written.
        self.is_literal = is_literal()
        # The steps and the negatives of nodes that there are already.
        self._steps: dict[int, int] = {}
        self._negatives: dict[int, int] = {}

    def size(self, node: int) -> int:
        return self.nodes[node].size

    def _append(self, node: Node, name: str) -> int:
        checkpoint()
        self.nodes.append(node)
        self.names.append(name)
        return len(self.nodes) - 1

    def affine(self, terms: Sequence[tuple[LinearMap, int]], bias: Coefficients | None = None, name: str = "") -> int:
        """Append sum_j M_j node_j + bias and return its number (an existing node's, if it is that node)."""
        size = bias.size if bias is not None else terms[0][0].out_size
        # A map of nothing gives zeros.
        terms = [term for term in terms if self.size(term[1])]
        terms, bias = self._fold_constants([self._through_index(*term) for term in terms], bias)
        if not terms:
            return self.constant(bias if bias is not None else _zeros(size), name)
        plain = bias is None or (bias.is_dyadic and not bias.values.any())
        if len(terms) == 1:
            linear, source = terms[0]
            inner = self.nodes[source]
            if _is_identity(linear):
                if plain:
                    return source
                # x + b after M y + 0: give the bias to the node that had none.
                if isinstance(inner, Affine) and _is_plain(inner):
                    return self._append(Affine(inner.terms, bias or _zeros(size)), name or self.names[source])
            if isinstance(linear, Index) and isinstance(inner, Affine) and plain:
                merged = _index_of_index(linear, inner)
                if merged is not None:
                    return self.affine([merged], None, name)
        return self._append(Affine(tuple(terms), bias if bias is not None else _zeros(size)), name)

    def _through_index(self, linear: LinearMap, source: int) -> tuple[LinearMap, int]:
        """The identity of a node that is nothing but an index map reads that map's source instead."""
        inner = self.nodes[source]
        if _is_identity(linear) and isinstance(inner, Affine) and len(inner.terms) == 1 and _is_plain(inner):
            first, origin = inner.terms[0]
            if isinstance(first, Index):
                return first, origin
        return linear, source

    def _fold_constants(
        self, terms: list[tuple[LinearMap, int]], bias: Coefficients | None
    ) -> tuple[list[tuple[LinearMap, int]], Coefficients | None]:
        """Move the terms that do not depend on the input into the bias, exactly."""
        remaining = []
        for linear, source in terms:
            value = self.constant_value(source)
            if value is None:
                remaining.append((linear, source))
                continue
            image = _exact_image(linear, value)
            bias = image if bias is None else bias + image
        return remaining, bias

    def constant_value(self, node: int) -> Coefficients | None:
        """The value of a node that does not depend on the input; None for all others."""
        found = self.nodes[node]
        return found.bias if isinstance(found, Affine) and not found.terms else None

    def constant(self, value: Coefficients, name: str = "") -> int:
        """Append a node whose value does not depend on the input."""
        return self._append(Affine((), value), name)

    def pointwise(self, function: Function, source: int, name: str = "") -> int:
        """Append the function of `source`, entry by entry."""
        value = self.constant_value(source)
        if value is not None and function.has(Feature.RATIONAL):
            exact = function.exact(ExactVector(*value.integers))
            return self.constant(value if value.size == 0 else _coefficients(exact), name)
        if value is not None:
            from .functions.nearest import all_nearest

            found = all_nearest(function, value.fractions().ravel().tolist())
            return self.constant(_coefficients(ExactVector.of(found)), name)
        if self._steps and function.has(Feature.RATIONAL):
            from .stepped import as_sum, stepped

            steps = stepped(self.nodes, function, source)
            if steps is not None:
                return self._sum(as_sum(steps, self._beyond), name, self.size(source))
        if function is STEP:
            return self._step(source, name)
        known = self._bell([source] * function.exponent)
        if known is not None:
            return self._rewritten(known, name)
        return self._append(Pointwise(function, source, self.size(source)), name)

    def step(self, source: int, name: str = "", is_closed: bool = True) -> int:
        """Append 1 where source >= 0, or where it is > 0, and 0 elsewhere."""
        if is_closed:
            return self.pointwise(STEP, source, name)
        total = _plus(Multiples({}, Fraction(1)), self._terms(self._negative(source)), -1)
        return self._sum(total, name, self.size(source))

    def sign(self, source: int, name: str = "") -> int:
        """Append the sign of each entry, step(z) - step(-z)."""
        total = _plus(self._terms(source), self._terms(self._negative(source)), -1)
        return self._sum(total, name, self.size(source))

    def _terms(self, source: int) -> Multiples:
        """The step of a node, as a sum of multiples."""
        return multiples(self.nodes, self.pointwise(STEP, source, self.names[source]))

    def _step(self, source: int, name: str) -> int:
        """Each step of a node once."""
        if source not in self._steps:
            self._steps[source] = self._append(Pointwise(STEP, source, self.size(source)), name)
        return self._steps[source]

    def _negative(self, source: int) -> int:
        if source not in self._negatives:
            minus = scaling(-1.0, self.size(source))
            self._negatives[source] = self.affine([(minus, source)], None, self.names[source])
        return self._negatives[source]

    def _beyond(self, root: int, at: Fraction, is_closed: bool) -> int:
        """The node of step(x - at), or of step(at - x), of node `root`."""
        way, name = Fraction(1 if is_closed else -1), self.names[root]
        return self._step(self._sum(Multiples({root: way}, -way * at), name, self.size(root)), name)

    def relu(self, source: int, name: str = "") -> int:
        """Append max(source, 0)."""
        return self.pointwise(RELU, source, name)

    def product(self, a: int, b: int, name: str = "") -> int:
        """Append a * b, entry by entry."""
        if a == b:
            return self.pointwise(SQUARE, a, name)
        for one, other in ((a, b), (b, a)):
            value = self.constant_value(one)
            if value is not None:
                return self.affine([(Diagonal(value), other)], None, name)
        found = None if self.is_literal else rewritten(self.nodes, a, b) or self._bell([a, b])
        return self._append(Product(a, b, self.size(a)), name) if found is None else self._rewritten(found, name)

    def _bell(self, factors: Sequence[int]) -> Rewritten | None:
        """What derivative of a tanh or Sigmoid a product is, if it is one."""
        if self.is_literal or not factors:
            return None
        from .bells import HIGHEST, bell

        return bell(self.nodes, factors) if len(factors) <= HIGHEST else None

    def _rewritten(self, found: Rewritten, name: str) -> int:
        """A product that is a function of one number, and multiples of others."""
        inner = found.inner
        if isinstance(inner, Multiples):
            inner = self._sum(inner, name, self.size(next(iter(inner.factors))))
        terms = {self.pointwise(found.times, inner, name): found.outer} | found.rest.factors
        return self._sum(Multiples(terms, found.rest.constant), name, self.size(inner))

    def _sum(self, of: Multiples, name: str, size: int) -> int:
        if not of.factors:
            return self.constant(_coefficients_of(of.constant, size), name)
        terms = [(Diagonal(_coefficients_of(factor, size)), node) for node, factor in of.factors.items()]
        return self.affine(terms, _coefficients_of(of.constant, size), name)

    def add(self, a: int, b: int, name: str = "") -> int:
        """Append a + b."""
        return self.affine([(identity(self.size(a)), a), (identity(self.size(b)), b)], None, name)

    def subtract(self, a: int, b: int, name: str = "") -> int:
        """Append a - b."""
        return self.affine([(identity(self.size(a)), a), (scaling(-1.0, self.size(b)), b)], None, name)

    def maximum(self, a: int, b: int, name: str = "") -> int:
        """Append max(a, b) = b + relu(a - b)."""
        return self.add(b, self.relu(self.subtract(a, b, name), name), name)

    def minimum(self, a: int, b: int, name: str = "") -> int:
        """Append min(a, b) = a - relu(a - b)."""
        return self.subtract(a, self.relu(self.subtract(a, b, name), name), name)

    def finish(self, output: int) -> Graph:
        """The immutable graph that computes node `output`, without the nodes that it does not need."""
        needed = {0, output}
        for number in range(output, 0, -1):
            if number in needed:
                needed.update(self.nodes[number].sources)
        kept = sorted(needed)
        renumber = {old: new for new, old in enumerate(kept)}
        nodes: list[Node] = []
        for old in kept:
            node = self.nodes[old]
            if isinstance(node, Affine):
                node = Affine(tuple((m, renumber[s]) for m, s in node.terms), node.bias)
            elif isinstance(node, Pointwise):
                node = replace(node, source=renumber[node.source])
            elif isinstance(node, Product):
                node = replace(node, left=renumber[node.left], right=renumber[node.right])
            elif not isinstance(node, Input):
                assert_never(node)
            nodes.append(node)
        found, names, numbers = centred(nodes, [self.names[i] for i in kept])
        return Graph(tuple(found), numbers[renumber[output]], tuple(names))


def scaling(factor: float, size: int) -> Diagonal:
    """The map x -> factor * x on vectors of `size` numbers; `factor` is taken as the exact float."""
    return Diagonal(Coefficients(np.full(size, factor)))


def _coefficients_of(number: Fraction, size: int) -> Coefficients:
    exact: ObjectArray = np.full(size, number, dtype=object)
    return Coefficients.from_fractions(exact)


def _plus(one: Multiples, other: Multiples, factor: int) -> Multiples:
    """one + factor * other"""
    found = dict(one.factors)
    for node, share in other.factors.items():
        found[node] = found.get(node, Fraction(0)) + factor * share
    return Multiples({n: v for n, v in found.items() if v}, one.constant + factor * other.constant)


def _zeros(size: int) -> Coefficients:
    return Coefficients(np.zeros(size))


def _is_plain(node: Affine) -> bool:
    """Whether the bias is zero."""
    return node.bias.is_dyadic and not node.bias.values.any()


def _exact_image(linear: LinearMap, value: Coefficients) -> Coefficients:
    """The image of constants under a map, without rounding."""
    if isinstance(linear, Index) and value.is_dyadic:
        return Coefficients(linear.apply(value.values))
    if isinstance(linear, Diagonal) and value.is_dyadic and linear.is_sign:
        return Coefficients(linear.apply(value.values))
    return _coefficients(linear.apply_exact(ExactVector(*value.integers)))


def _coefficients(vector: ExactVector) -> Coefficients:
    fractions: ObjectArray = np.empty(len(vector), dtype=object)
    fractions[:] = vector.fractions()
    return Coefficients.from_fractions(fractions)


def _is_identity(linear: LinearMap) -> bool:
    return isinstance(linear, Diagonal | Index) and linear.is_identity


def _index_of_index(outer: Index, inner: Affine) -> tuple[Index, int] | None:
    """One index map in place of two, where the inner node is nothing but an index map."""
    if len(inner.terms) != 1 or not _is_plain(inner):
        return None
    first, source = inner.terms[0]
    if not isinstance(first, Index):
        return None
    padded = np.append(first.index, -1)  # so that outer's -1 (a zero) stays -1
    return Index(padded[outer.index], first.in_size), source
