"""A network's outputs and their derivatives by its inputs, as one larger network: the chain rule, written down.

Forward mode, exactly: every node has a value and, for each set of inputs that is asked for, a derivative, which is made
of those of its sources. Linear maps send derivatives on as they are, a product has Leibniz' rule, and a function of one
number Faa di Bruno's, a sum over the ways to part the inputs into groups (Griewank and Walther, Evaluating Derivatives,
chapter 13). The file that comes out holds sums, products and functions, so that everything else reads, bounds, splits,
replays and certifies it like any other network. Bounds of such networks: Eiras et al. 2305.10157.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np

from ..base.errors import UnsupportedError
from ..base.never import assert_never
from ..network.exact import Coefficients, ExactVector, ObjectArray
from ..network.graph import Affine, Graph, Input, Pointwise, Product
from ..network.maps import LinearMap
from ..network.maps.diagonal import Diagonal
from ..network.maps.index import Index
from .algebra import Algebra, Value, same
from .smooth import HIGHEST, ROUGH, RULES, SLOPES, TIMES, no_derivative, power

# By which inputs, in ascending order, one as often as it is derived by.
By = tuple[int, ...]
# A map with more coefficients is not written down.
MOST_COEFFICIENTS = 2**22


def parted(by: By) -> Iterator[list[By]]:
    """All ways to part the inputs into groups."""
    if not by:
        yield []
        return
    for rest in parted(by[1:]):
        yield [by[:1], *rest]
        for i, group in enumerate(rest):
            yield [*rest[:i], (*by[:1], *group), *rest[i + 1 :]]


def shared_out(by: By) -> Iterator[tuple[By, By]]:
    """All ways to give each input to the one or the other."""
    for given in itertools.product((True, False), repeat=len(by)):
        mine = tuple(v for v, is_mine in zip(by, given, strict=True) if is_mine)
        yield mine, tuple(v for v, is_mine in zip(by, given, strict=True) if not is_mine)


class Chain:
    """The chain rule over values: `derivative` of a function by name, of the tensor `z` and the function's value."""

    def __init__(self, algebra: Algebra) -> None:
        self.algebra = algebra
        self._known: dict[tuple[str, str, int], Value] = {}

    def value(self, name: str, z: str) -> str:
        """f(z)."""
        if name not in RULES and name not in ROUGH and name not in SLOPES:
            raise no_derivative(name, 0)
        found = self.derivative(name, z, 0)
        if not isinstance(found, str):
            raise UnsupportedError(f"{name} has no value")
        return found

    def derivative(self, name: str, z: str, order: int) -> Value:
        """f^(order)(z)."""
        if name in SLOPES:
            name, more = SLOPES[name]
            order += more
            if order > HIGHEST:
                raise no_derivative(f"{name} of order {order}", order)
        key = (name, z, order)
        if key not in self._known:
            if order and name not in RULES:
                raise no_derivative(name, order)
            below: Callable[[int], Value] = lambda k: self.derivative(name, z, k)  # noqa: E731
            self._known[key] = (
                RULES[name](self.algebra, z, self.value(name, z), order, below)
                if order
                else self.algebra.draft.function(name, z)
            )
        return self._known[key]

    def function(self, name: str, inner: Callable[[By], Value], by: By) -> Value:
        """The derivative of f(inner)."""
        a, z = self.algebra, inner(())
        if not isinstance(z, str):
            raise UnsupportedError(f"{name} of a number that does not depend on the input")
        if not by:
            return self.value(name, z)
        found: Value = None
        for groups in parted(by):
            term = self.derivative(name, z, len(groups))
            for group in groups:
                term = a.multiply(term, inner(group))
            found = a.add(found, term)
        return found

    def product(self, left: Callable[[By], Value], right: Callable[[By], Value], by: By) -> Value:
        """The derivative of left right."""
        return self.algebra.total(
            [self.algebra.multiply(left(mine), right(other)) for mine, other in shared_out(by)]
        )

    def power(self, inner: Callable[[By], Value], exponent: int, by: By) -> Value:
        """The derivative of inner^exponent, exponent > 0."""
        a, z = self.algebra, inner(())
        found: Value = None
        for groups in parted(by):
            factor, left = 1, exponent
            for _ in groups:
                factor, left = factor * left, left - 1
            if not factor:
                continue
            term = power(a, z, left) if left else same(Fraction(1), a.draft.size(z) if isinstance(z, str) else 1)
            term = a.times(factor, term)
            for group in groups:
                term = a.multiply(term, inner(group))
            found = a.add(found, term)
        return found


def has_rules(graph: Graph) -> bool:
    """Whether values of all its functions can be written down."""
    functions = {node.function for node in graph.nodes if isinstance(node, Pointwise)}
    known = {*RULES, *ROUGH, *SLOPES, *TIMES}
    return all(f.name in known or f.exponent for f in functions)


class Jets:
    """The derivatives of a graph's nodes by its inputs; the graph's input is the draft's own."""

    def __init__(self, algebra: Algebra, graph: Graph, chain: Chain) -> None:
        self.algebra, self.graph, self.chain = algebra, graph, chain
        self._known: dict[tuple[int, By], Value] = {}

    def of(self, number: int, by: By) -> Value:
        """The derivative of a node, by its number. Raises UnsupportedError where there is no rule for it."""
        key = (number, tuple(sorted(by)))
        if key not in self._known:
            self._known[key] = self._made(*key)
        return self._known[key]

    def output(self, which: int, by: By) -> Value:
        """The derivative of one output, by its number."""
        found = self.of(self.graph.output, by)
        if isinstance(found, str):
            return self.algebra.draft.part(found, which, which + 1)
        return None if found is None or not found[which] else found[which : which + 1]

    def _made(self, number: int, by: By) -> Value:
        node = self.graph.nodes[number]
        if isinstance(node, Input):
            return _of_input(node.size, by) if by else self.algebra.draft.x
        if isinstance(node, Affine):
            found = self.algebra.total([self._mapped(linear, self.of(s, by)) for linear, s in node.terms])
            return found if by else self.algebra.add(found, _known(node.bias))
        if isinstance(node, Product):
            return self.chain.product(lambda v: self.of(node.left, v), lambda v: self.of(node.right, v), by)
        if not isinstance(node, Pointwise):
            assert_never(node)
        return self._function(node, by)

    def _function(self, node: Pointwise, by: By) -> Value:
        name, source = node.function.name, node.source
        inner: Callable[[By], Value] = lambda v: self.of(source, v)  # noqa: E731
        if name in TIMES:
            return self.chain.product(inner, lambda v: self.chain.function(TIMES[name], inner, v), by)
        if node.function.exponent:
            return self.chain.power(inner, node.function.exponent, by)
        return self.chain.function(name, inner, by)

    def _mapped(self, linear: LinearMap, value: Value) -> Value:
        draft = self.algebra.draft
        if value is None:
            return None
        if not isinstance(value, str):
            found = _fractions(linear.apply_exact(ExactVector.of(value)))
            return found if found.any() else None
        if isinstance(linear, Index) and (linear.index >= 0).all():
            return value if linear.is_identity else draft.pick(value, linear.index)
        if isinstance(linear, Diagonal):
            return self.algebra.multiply(_known(linear.coefficients), value)
        if linear.in_size * linear.out_size > MOST_COEFFICIENTS:
            raise UnsupportedError(f"a layer of {linear.in_size} x {linear.out_size}: too large to be derived")
        if not linear.coefficients.is_dyadic:
            raise UnsupportedError("weights that are no floats: the network cannot be written down with derivatives")
        matrix, (rows, columns, which) = np.zeros((linear.in_size, linear.out_size)), linear.entries
        matrix[columns, rows] = linear.coefficients.values.ravel()[which]
        if len(np.unique(rows * linear.in_size + columns)) < len(rows):
            raise UnsupportedError("a layer that adds two weights of one input: their sum may be no float")
        return draft.affine(value, matrix)


def _of_input(size: int, by: By) -> Value:
    if len(by) > 1:
        return None
    found = same(Fraction(0), size)
    found[by[0]] = Fraction(1)
    return found


def _known(values: Coefficients) -> ObjectArray | None:
    found = np.array([Fraction(v) for v in values.fractions().ravel()], dtype=object)
    return found if found.any() else None


def _fractions(vector: ExactVector) -> ObjectArray:
    found = np.empty(len(vector), dtype=object)
    found[:] = vector.fractions()
    return found
