"""Polynomials with rational coefficients over a query's variables, the terms that VNN-LIB 2 compares.

Most are linear and then become rows of polytopes; the others are for a solver that multiplies. Sizes are limited, so
that no small file asks for an expression that fills the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from ..base.errors import PropertyError
from .vnnlib_linear import Linear, Variable

# The variables of a product in ascending order, each as often as it occurs; () is the constant.
Monomial = tuple[Variable, ...]

_MAX_DEGREE = 16
_MAX_TERMS = 100_000
_MAX_BITS = 20_000


@dataclass(frozen=True)
class Polynomial:
    """A sum of coefficients times monomials, without zero coefficients."""

    terms: Mapping[Monomial, Fraction]

    @classmethod
    def constant(cls, value: Fraction) -> Polynomial:
        return cls({(): value} if value else {})

    @classmethod
    def variable(cls, variable: Variable) -> Polynomial:
        return cls({(variable,): Fraction(1)})

    @property
    def degree(self) -> int:
        return max(map(len, self.terms), default=0)

    @property
    def variables(self) -> set[Variable]:
        return {variable for monomial in self.terms for variable in monomial}

    def linear(self) -> Linear:
        """The same as a linear expression; its degree must be at most 1."""
        return Linear({m[0]: c for m, c in self.terms.items() if m}, self.terms.get((), Fraction(0)))

    def plus(self, other: Polynomial, factor: int = 1) -> Polynomial:
        """self + factor * other."""
        terms = dict(self.terms)
        for monomial, c in other.terms.items():
            c = c if factor == 1 else -c if factor == -1 else factor * c
            if monomial in terms:
                c += terms.pop(monomial)
            if c:
                terms[monomial] = c
        return Polynomial(terms)

    def __neg__(self) -> Polynomial:
        return Polynomial({monomial: -c for monomial, c in self.terms.items()})

    def times(self, other: Polynomial) -> Polynomial:
        """self * other. Raises PropertyError where the product is too large."""
        if self.degree + other.degree > _MAX_DEGREE or len(self.terms) * len(other.terms) > _MAX_TERMS:
            raise PropertyError(f"found a product too large to expand, expected degree {_MAX_DEGREE} at most")
        result = Polynomial({})
        for a, c in self.terms.items():
            shifted = {tuple(sorted((*a, *b))): c * d for b, d in other.terms.items()}
            result = result.plus(Polynomial(shifted))
        if any(max(c.numerator.bit_length(), c.denominator.bit_length()) > _MAX_BITS for c in result.terms.values()):
            raise PropertyError("found a number of thousands of digits, expected shorter ones")
        return result

    def renamed(self, name: Mapping[Variable, Variable]) -> Polynomial:
        """The polynomial with every variable v replaced by name.get(v, v)."""
        if self.variables.isdisjoint(name):
            return self
        result = Polynomial({})
        for monomial, c in self.terms.items():
            result = result.plus(Polynomial({tuple(sorted(name.get(v, v) for v in monomial)): c}))
        return result

    def value(self, of: Callable[[Variable], Fraction]) -> Fraction:
        """The exact value where each variable has the value `of` it."""
        total = Fraction(0)
        for monomial, c in self.terms.items():
            for variable in monomial:
                c = c * of(variable)
            total += c
        return total
