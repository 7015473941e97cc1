"""Taylor models: every neuron as a polynomial of the inputs with a proven error, pushed forward through the graph.

On a small box a smooth network is a polynomial of low degree up to very little (Berz and Makino, Reliable Computing
4, 1998). A linear layer maps polynomials, a product multiplies them, a function is expanded around the polynomial's
constant (`network/functions/expansion.py`); what has a higher degree is bounded and goes to the error. With degree n
the error falls as the width of the box to the power n + 1, where linear bounds fall as its square; and what several
nodes share, as a value and its derivatives do, stays one polynomial in all of them. For few inputs: with d there are
binomial(n + d, d) coefficients.

An input is x = c + r t with |t| <= 1, and polynomials are of t. Every operation charges its rounding to the error,
relative to the sum of magnitudes that it adds up.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..base.deadline import checkpoint
from ..base.never import assert_never
from ..network.exact import FloatArray
from ..network.functions import Function
from ..network.functions.expansion import Around
from ..network.graph import Affine, Graph, Input, Pointwise, Product
from .rounding import gamma, tiny

# What degree pays, by the number of inputs that can move.
DEGREES = {0: 1, 1: 6, 2: 5, 3: 3, 4: 2, 5: 2, 6: 2}
# With more inputs there are too many coefficients.
MOST_INPUTS = 6
TINY = tiny(np.dtype(np.float64))


@dataclass(frozen=True, eq=False)
class Monomials:
    """All monomials of `inputs` variables up to a degree, by degree; the constant is the first."""

    inputs: int
    degree: int

    @cached_property
    def exponents(self) -> npt.NDArray[np.intp]:
        """(count, inputs)"""
        every = itertools.product(range(self.degree + 1), repeat=self.inputs)
        kept = sorted((e for e in every if sum(e) <= self.degree), key=lambda e: (sum(e), [-k for k in e]))
        return np.array(kept, dtype=np.intp).reshape(len(kept), self.inputs)

    def __len__(self) -> int:
        return len(self.exponents)

    @cached_property
    def starts(self) -> list[int]:
        """Where each degree starts, and the end."""
        return [int(n) for n in np.searchsorted(self.exponents.sum(axis=1), np.arange(self.degree + 2))]

    @cached_property
    def products(self) -> list[list[int]]:
        """For each monomial, the numbers of its products with the first others, as far as the degree allows."""
        number = {tuple(e): i for i, e in enumerate(self.exponents.tolist())}
        found = []
        for e in self.exponents:
            count = self.starts[self.degree - int(e.sum()) + 1]
            found.append([number[tuple(p)] for p in (self.exponents[:count] + e).tolist()])
        return found

    @cached_property
    def is_even(self) -> Any:
        """Which monomials have no odd exponent: they lie between 0 and 1."""
        return (self.exponents % 2 == 0).all(axis=1)

    def at(self, t: FloatArray) -> FloatArray:
        """The monomials at points t (points, inputs): (points, count)."""
        found: FloatArray = (t[:, None, :] ** self.exponents).prod(axis=2)
        return found


@dataclass(frozen=True, eq=False)
class Model:
    """Polynomials `terms` (count, batch, size) with the constants first, off by at most `error` (batch, size)."""

    monomials: Monomials
    terms: FloatArray
    error: FloatArray

    @cached_property
    def by_degree(self) -> list[FloatArray]:
        """The sum of magnitudes of each degree's coefficients, (batch, size)."""
        starts, sizes = self.monomials.starts, np.abs(self.terms)
        return [sizes[a:b].sum(axis=0) for a, b in itertools.pairwise(starts)]

    @cached_property
    def size(self) -> FloatArray:
        """The sum of magnitudes of all of its coefficients, (batch, size)."""
        found: FloatArray = sum(self.by_degree, np.zeros(())) + TINY
        return found

    @cached_property
    def spread(self) -> tuple[FloatArray, FloatArray]:
        """How far it reaches below and above its constant, rounded up."""
        even, rest = self.monomials.is_even.copy(), self.terms[~self.monomials.is_even]
        even[0] = False
        square, charge = self.terms[even], self.error + 2 * gamma(len(self.terms) + 4) * self.size
        reach = np.abs(rest).sum(axis=0) + charge
        found = (reach - np.minimum(square, 0.0).sum(axis=0), reach + np.maximum(square, 0.0).sum(axis=0))
        return found

    def ends(self) -> tuple[FloatArray, FloatArray]:
        """Between which numbers it lies on the box, (batch, size); infinite where nothing is known."""
        below, above = self.spread
        low, high = np.nextafter(self.terms[0] - below, -np.inf), np.nextafter(self.terms[0] + above, np.inf)
        return np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)

    def times(self, other: Model) -> Model:
        """The product, entry by entry."""
        made, n = np.zeros(self.terms.shape), self.monomials.degree
        room = np.empty(self.error.shape)
        for term, places in zip(self.terms, self.monomials.products, strict=True):
            # One pair after another, in arrays that stay in the cache.
            for k, factor in zip(places, other.terms, strict=False):
                np.multiply(term, factor, out=room)
                np.add(made[k], room, out=made[k])
        above = list(itertools.accumulate(reversed(other.by_degree)))
        # Of degree k here, what has a degree above n - k there is left out.
        left_out = sum((size * above[k - 1] for k, size in enumerate(self.by_degree) if k), np.zeros(()))
        wrong = left_out + self.error * (other.size + other.error) + other.error * self.size
        rounded = 2 * gamma(2 * len(self.terms) + n + 16) * self.size * other.size
        return Model(self.monomials, made, wrong * (1 + 2 * gamma(2 * n + 16)) + rounded + TINY)

    def scaled(self, factor: FloatArray) -> Model:
        """The same times a number in each entry."""
        size = np.abs(factor)
        charge = 2 * gamma(2) * size * self.size + TINY
        return Model(self.monomials, factor * self.terms, size * self.error * (1 + 2 * gamma(4)) + charge)

    def same(self, number: float) -> FloatArray:
        """A number for each entry."""
        return np.full(self.error.shape, number)

    def plus(self, number: FloatArray | float) -> Model:
        """The same and a number."""
        terms = self.terms.copy()
        terms[0] += number
        charge = 2 * gamma(2) * (np.abs(terms[0]) + np.abs(number))
        return Model(self.monomials, terms, self.error + charge)

    @cached_property
    def _known(self) -> dict[Any, Model]:
        return {}

    def through(self, function: Function) -> Model:
        """A function of it: made of other functions of it, or its expansion around the constant, by Horner's rule."""
        if function not in self._known:
            found = function.of_models(self.through)
            if found is None:
                found = self._expanded(function)
            self._known[function] = found._within(*function.enclosure(*self.ends()))
        return self._known[function]

    def _expanded(self, function: Function) -> Model:
        below, above = self.spread
        middle = np.where(np.isfinite(self.terms[0]), self.terms[0], 0.0)
        low, high = self.ends()
        reach = np.nextafter(np.maximum(below, above), np.inf)
        reach = np.where(np.isnan(reach), np.inf, reach)
        coefficients, wrong = function.expansion(Around(middle, low, high, reach), self.monomials.degree)
        rest = self.terms.copy()
        rest[0] = 0.0
        inner = Model(self.monomials, rest, self.error)
        made = self._constant(coefficients[-1])
        if len(coefficients) > 1:
            made = inner.scaled(coefficients[-1]).plus(coefficients[-2])
        for c in coefficients[-3::-1]:
            made = inner.times(made).plus(c)
        return Model(self.monomials, made.terms, made.error * (1 + 2 * gamma(4)) + wrong)

    def _constant(self, value: FloatArray) -> Model:
        terms = np.zeros(self.terms.shape)
        terms[0] = value
        return Model(self.monomials, terms, np.zeros(self.error.shape))

    def _within(self, low: FloatArray, high: FloatArray) -> Model:
        """The same, or a constant and an error where these ends are closer than its error is."""
        middle = low / 2 + high / 2
        half = np.nextafter(np.maximum(high - middle, middle - low), np.inf)
        better = ~(self.error <= half) & np.isfinite(half)
        if not better.any():
            return self
        terms = np.where(better, 0.0, self.terms)
        terms[0] = np.where(better, middle, terms[0])
        return Model(self.monomials, terms, np.where(better, half, self.error))


def degree_for(inputs: int) -> int | None:
    """The degree for so many inputs that can move, None for too many."""
    return DEGREES.get(inputs)


def taylor_models(
    graph: Graph, lower: FloatArray, upper: FloatArray, free: Sequence[int], degree: int
) -> tuple[Model, FloatArray, FloatArray]:
    """The model of the output over boxes [lower, upper], (batch, input_size), float64, of which only the inputs `free`
    can move; and the boxes' centres and radii, x = centre + radius t."""
    monomials = Monomials(len(free), degree)
    centre = np.where(upper > lower, lower / 2 + upper / 2, lower)
    radius = np.where(upper > lower, np.nextafter(np.maximum(upper - centre, centre - lower), np.inf), 0.0)
    models: dict[int, Model] = {}
    last = {source: number for number, node in enumerate(graph.nodes) for source in node.sources}
    needed = graph.ancestors(graph.output)
    with np.errstate(all="ignore"):
        for number in needed:
            checkpoint()
            node = graph.nodes[number]
            if isinstance(node, Input):
                models[number] = _inputs(monomials, centre, radius, free)
            elif isinstance(node, Affine):
                models[number] = _affine(node, models, monomials, len(lower))
            elif isinstance(node, Pointwise):
                models[number] = models[node.source].through(node.function)
            elif isinstance(node, Product):
                models[number] = models[node.left].times(models[node.right])
            else:
                assert_never(node)
            for source in node.sources:
                if last[source] == number:
                    models.pop(source, None)
    return models[graph.output], centre, radius


def _inputs(monomials: Monomials, centre: FloatArray, radius: FloatArray, free: Sequence[int]) -> Model:
    terms = np.zeros((len(monomials), *centre.shape))
    terms[0] = centre
    for i, which in enumerate(free):
        # The monomials of degree one come in the order of the inputs.
        terms[1 + i, :, which] = radius[:, which]
    # Whatever else moves, against what is said, is an error.
    error = radius.copy()
    error[:, list(free)] = 0.0
    return Model(monomials, terms, error)


def _affine(node: Affine, models: dict[int, Model], monomials: Monomials, batch: int) -> Model:
    terms = np.zeros((len(monomials), batch, node.size))
    error, size = np.zeros((batch, node.size)), np.abs(node.bias.values) + np.zeros((batch, node.size))
    terms[0] += node.bias.values
    count = 2 * len(node.terms) + 12
    for linear, source in node.terms:
        its = models[source]
        terms += linear.apply(its.terms)
        error += linear.apply_abs(its.error)
        size += linear.apply_abs(its.size)
        count += linear.fan_in
    # Each coefficient is a sum with its own rounding, and so are the errors' bounds.
    return Model(monomials, terms, error * (1 + 2 * gamma(count)) + 2 * gamma(count) * size + TINY)
