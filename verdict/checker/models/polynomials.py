"""Taylor models (Berz and Makino 1998): rows of a network on a box of few inputs, as polynomials with an error.

With x = c + r t, |t| <= 1, every node is a polynomial of t up to a degree, and off by at most its error. Sums and maps
are those of coefficients; products are multiplied out, and what has a higher degree goes to the error; functions are
expanded around the constant (`expansions.py`). Floats, with every rounding charged: a sum of n products is
off by at most (n + 2) SHARE / 2 times what their magnitudes add up to, and twice that is charged.
"""

from __future__ import annotations

import itertools
from functools import cache
from typing import Any

import numpy as np

from ..clock import Ask, nobody
from ..functions.balls import LITTLE, SHARE
from ..functions.base import exponent_of
from ..functions.slopes import Slope
from ..network import Affine, Network, Pointwise, Product, no_rule
from .expansions import expansion, is_expanded

# The degree for so many inputs that move; with more there are too many coefficients.
DEGREES = {0: 1, 1: 6, 2: 5, 3: 3, 4: 2, 5: 2, 6: 2}
# Coefficients of one node on one box.
MOST_COEFFICIENTS = 2**18
# Above the rounding of sums of fewer than 2**12 numbers that are not negative.
MORE = 1 + 2.0**-38


def can_model(network: Network, low: Any, high: Any) -> bool:
    """Whether the network on the box [low, high] (inputs,) has models that are no lines."""
    functions = [network.nodes[i].function for i in network.pointwise]
    bends = bool(network.products) or bool(functions)
    inputs = len(moving_in(low, high))
    if not bends or inputs not in DEGREES or not all(map(is_expanded, functions)):
        return False
    widest = max(network.size(i) for i in network.needed(network.output))
    return widest * len(_powers(inputs, DEGREES[inputs])[0]) <= MOST_COEFFICIENTS


def moving_in(low: Any, high: Any) -> Any:
    """The inputs that move in a box [low, high], (inputs,); between neighbouring floats, as they are around a decimal
    number, an input stands still."""
    return np.flatnonzero(np.nextafter(low, np.inf) < high)


@cache
def _powers(inputs: int, degree: int) -> tuple[list[tuple[int, ...]], list[list[int]], Any]:
    """The exponents of all monomials, ascending by degree; which monomial i times j is, for all j where the degree
    allows; and which are squares, and lie between 0 and 1."""
    powers = [e for n in range(degree + 1) for e in itertools.product(range(n + 1), repeat=inputs) if sum(e) == n]
    place = {e: k for k, e in enumerate(powers)}
    table = [[place[s] for f in powers if sum(s := tuple(map(sum, zip(e, f, strict=True)))) <= degree] for e in powers]
    even = np.array([not any(k % 2 for k in e) and any(e) for e in powers])
    return powers, table, even


class Polynomials:
    """`terms` (monomials, batch, size), `wrong` (batch, size); of `inputs` variables up to a `degree`."""

    def __init__(self, inputs: int, degree: int, terms: Any, wrong: Any) -> None:
        self.inputs, self.degree, self.terms, self.wrong = inputs, degree, terms, wrong
        powers, self._table, self._even = _powers(inputs, degree)
        sizes = np.abs(terms)
        # What each degree's terms reach.
        self.steps = np.stack([sizes[[sum(e) == n for e in powers]].sum(axis=0) for n in range(degree + 1)]) * MORE
        self.size = self.steps.sum(axis=0) * MORE + LITTLE
        # What functions of it are.
        self.known: dict[Any, Polynomials] = {}

    def like(self, terms: Any, wrong: Any) -> Polynomials:
        return Polynomials(self.inputs, self.degree, terms, wrong)

    def reach(self) -> tuple[Any, Any]:
        """How far it comes down below its constant, and up above."""
        odd, squares = np.abs(self.terms[~self._even][1:]).sum(axis=0), self.terms[self._even]
        rest = odd + self.wrong + (len(self.terms) + 8) * SHARE * self.size
        return (rest - np.minimum(squares, 0).sum(axis=0)) * MORE, (rest + np.maximum(squares, 0).sum(axis=0)) * MORE

    def times(self, other: Polynomials) -> Polynomials:
        terms = np.zeros(np.shape(self.terms))
        for mine, places in zip(self.terms, self._table, strict=True):
            for place, its in zip(places, other.terms, strict=False):
                terms[place] += mine * its
        beyond = np.zeros(np.shape(self.wrong))
        for n in range(1, self.degree + 1):
            beyond += self.steps[n] * other.steps[self.degree + 1 - n :].sum(axis=0)
        wrong = beyond + self.wrong * (other.size + other.wrong) + self.size * other.wrong
        rounded = (len(terms) + 8) * SHARE * self.size * other.size
        return self.like(terms, (wrong + rounded) * MORE + LITTLE)

    def plus(self, number: Any) -> Polynomials:
        terms = self.terms.copy()
        terms[0] += number
        return self.like(terms, (self.wrong + SHARE * np.abs(terms[0])) * MORE + LITTLE)

    def through(self, function: Any) -> Polynomials:
        """A function of it, entry by entry."""
        if isinstance(function, Slope):
            return self._derived(function)
        if function in self.known:
            return self.known[function]
        if power := exponent_of(function):
            found = self
            for digit in f"{power:b}"[1:]:
                found = found.times(found)
                found = found.times(self) if digit == "1" else found
            return found
        middle = self.terms[0]
        coefficients, left = expansion(function, middle, np.maximum(*self.reach()), self.degree)
        terms = self.terms.copy()
        terms[0] = 0.0
        moved, first = self.like(terms, self.wrong), np.zeros(np.shape(self.terms))
        first[0] = coefficients[-1]
        found = self.like(first, np.zeros(np.shape(self.wrong)))
        for c in coefficients[-2::-1]:
            found = found.times(moved).plus(c)
        made = self.known[function] = self.like(found.terms, (found.wrong + left) * MORE)
        return made

    def _derived(self, function: Slope) -> Polynomials:
        """With f' = P(f): P(f), P'(f) f', and f' (P'(f)^2 + P''(f) f')."""
        f, (zero, once, twice) = self.through(function.base), function.base.law
        first = f.times(f.by(twice).plus(once)).plus(zero)
        if function.order == 1:
            return first
        if function.order == 2:
            return first.times(f.by(2 * twice).plus(once))
        # P'(f)^2 = c1^2 - 4 c0 c2 + 4 c2 f'
        return first.times(first.by(6 * twice).plus(once * once - 4 * zero * twice))

    def by(self, number: int) -> Polynomials:
        """Times a number."""
        wrong = (abs(number) * (self.wrong + SHARE * self.size)) * MORE + LITTLE
        return self.like(number * self.terms, wrong)


def lower_ends(network: Network, low: Any, high: Any, moving: Any, ask: Ask = nobody) -> Any:
    """What each output is at least on boxes [low, high], (batch, inputs), of which the inputs `moving` (numbers) move:
    (batch, outputs), or no number. Raises OutOfRangeError."""
    found: dict[int, Polynomials] = {}
    needed = network.needed(network.output)
    last = {source: i for i in needed[1:] for source in network.nodes[i].sources}
    with np.errstate(all="ignore"):
        for i in needed:
            ask()
            node = network.nodes[i]
            if node is None:
                found[i] = _inputs(low, high, moving.tolist())
                continue
            if isinstance(node, Pointwise):
                found[i] = found[node.source].through(node.function)
            elif isinstance(node, Product):
                found[i] = found[node.left].times(found[node.right])
            elif isinstance(node, Affine):
                found[i] = _affine(node, found, len(low))
            else:
                raise no_rule(node)
            for source in node.sources:
                if last[source] == i:
                    found.pop(source, None)
        rows = found[network.output]
        return np.nextafter(rows.terms[0] - rows.reach()[0], -np.inf)


def _inputs(low: Any, high: Any, moving: list[int]) -> Polynomials:
    centre = low / 2 + high / 2
    radius = np.nextafter(np.maximum(high - centre, centre - low), np.inf)
    degree = DEGREES[len(moving)]
    powers, _, _ = _powers(len(moving), degree)
    terms, wrong = np.zeros((len(powers), *low.shape)), np.zeros(low.shape)
    terms[0] = centre
    for k, which in enumerate(moving):
        alone = tuple(int(j == k) for j in range(len(moving)))
        terms[powers.index(alone), :, which] = radius[:, which]
    # Those that stand still are where they are; if their middle rounds, that is charged.
    still = [j for j in range(low.shape[1]) if j not in moving]
    wrong[:, still] = np.where(low[:, still] == centre[:, still], 0.0, radius[:, still])
    return Polynomials(len(moving), degree, terms, wrong)


def _affine(node: Affine, found: dict[int, Polynomials], batch: int) -> Polynomials:
    some = next(iter(found.values())) if not node.terms else found[node.terms[0][1]]
    shape = (batch, node.size)
    terms, wrong = np.zeros((len(some.terms), *shape)), np.zeros(shape)
    size, count = np.abs(node.floats) + np.zeros(shape), 8
    terms[0] += node.floats
    for linear, source in node.terms:
        its, weights = found[source], np.abs(linear.weight)
        flat = its.terms.reshape(-1, its.terms.shape[2])
        terms += linear.forward(flat, linear.weight).reshape(terms.shape)
        wrong += linear.forward(its.wrong, weights)
        size += linear.forward(its.size, weights)
        count += linear.fan + 4
    # A share for each product and sum, one for the nearest floats of weights that are none, and the bounds' own.
    wrong = (wrong + 2 * count * SHARE * size) * MORE * (1 + 4 * count * SHARE) + LITTLE
    return some.like(terms, wrong)
