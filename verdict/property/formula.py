"""Formulas over the inputs and outputs of a network: comparisons of polynomials with zero, joined by and/or.

One family for all: what a VNN-LIB file says, strictness, equality and products included, and what a user writes
(`verdict.property.language`), joined by & (and), | (or), ~ (not), >> (implies). It is what a witness is tested against,
what Z3 is asked, and what becomes text; searches take the cases that it relaxes to (`expand`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn, TypeAlias

from ..base.deadline import checkpoint
from ..base.errors import PropertyError
from .polynomial import Polynomial
from .vnnlib_linear import Variable

RELATIONS = ("<=", "<", "==", "!=")


class _Joining:
    """What all formulas share: how they are joined, and that they are no truth values."""

    __slots__ = ()

    def __and__(self, other: Formula) -> Formula:
        return joined(True, [_formula(self), _formula(other)])

    def __or__(self, other: Formula) -> Formula:
        return joined(False, [_formula(self), _formula(other)])

    def __rshift__(self, other: Formula) -> Formula:
        return joined(False, [~_formula(self), _formula(other)])

    def __bool__(self) -> NoReturn:
        raise PropertyError("a formula has no truth value: join with & | ~ and brackets, not with and, or, a < b < c")


@dataclass(frozen=True)
class Comparison(_Joining):
    """`polynomial relation 0`; `line` is the file's, 0 where there is none."""

    polynomial: Polynomial
    relation: str
    line: int = 0

    def __invert__(self) -> Formula:
        if self.relation in ("==", "!="):
            return Comparison(self.polynomial, "!=" if self.relation == "==" else "==", self.line)
        return Comparison(-self.polynomial, "<" if self.relation == "<=" else "<=", self.line)

    def holds(self, x: Sequence[Fraction], y: Sequence[Fraction]) -> bool:
        """Whether it holds exactly at an input and an output."""
        return self.holds_for(_values(x, y))

    def holds_for(self, of: Callable[[Variable], Fraction]) -> bool:
        """Whether it holds exactly where each variable has the value `of` it."""
        value = self.polynomial.value(of)
        return {"<=": value <= 0, "<": value < 0, "==": value == 0, "!=": value != 0}[self.relation]

    def ordered(self) -> Formula:
        """The same by <= and < alone."""
        if self.relation not in ("==", "!="):
            return self
        relation = "<=" if self.relation == "==" else "<"
        sides = [Comparison(p, relation, self.line) for p in (self.polynomial, -self.polynomial)]
        return joined(self.relation == "==", sides)


@dataclass(frozen=True)
class Connective(_Joining):
    """The conjunction (`is_and`) or disjunction of the parts; of none, true or false."""

    is_and: bool
    parts: tuple[Formula, ...]

    def __invert__(self) -> Formula:
        return joined(not self.is_and, [~part for part in self.parts])

    def holds(self, x: Sequence[Fraction], y: Sequence[Fraction]) -> bool:
        """Whether it holds exactly at an input and an output."""
        return self.holds_for(_values(x, y))

    def holds_for(self, of: Callable[[Variable], Fraction]) -> bool:
        """Whether it holds exactly where each variable has the value `of` it."""
        return (all if self.is_and else any)(part.holds_for(of) for part in self.parts)


Formula: TypeAlias = Comparison | Connective


def joined(is_and: bool, parts: Iterable[Formula]) -> Connective:
    """The conjunction or disjunction; parts of the same kind are taken in, so that there is one level."""
    flat: list[Formula] = []
    for part in parts:
        flat += part.parts if isinstance(part, Connective) and part.is_and == is_and else [part]
    return Connective(is_and, tuple(flat))


def all_of(formulas: Iterable[Formula]) -> Formula:
    """True where all hold; true where there are none."""
    checkpoint()
    return joined(True, map(_formula, formulas))


def any_of(formulas: Iterable[Formula]) -> Formula:
    """True where at least one holds; false where there are none."""
    return joined(False, map(_formula, formulas))


def _formula(value: Any) -> Formula:
    if not isinstance(value, Formula):
        raise PropertyError(f"{value!r} stands where a formula such as y[0] <= 1 was expected")
    return value


def _values(x: Sequence[Fraction], y: Sequence[Fraction]) -> Callable[[Variable], Fraction]:
    return lambda variable: x[variable] if variable >= 0 else y[-1 - variable]


def comparisons(formula: Formula) -> Iterator[Comparison]:
    """All comparisons in a formula, in order."""
    if isinstance(formula, Comparison):
        yield formula
    else:
        for part in formula.parts:
            yield from comparisons(part)


def asserted(formula: Formula) -> Iterator[Comparison]:
    """The comparisons that have to hold whatever else does: those outside of all disjunctions."""
    if isinstance(formula, Comparison):
        yield formula
    elif formula.is_and or len(formula.parts) == 1:
        for part in formula.parts:
            yield from asserted(part)


def renamed(formula: Formula, name: Mapping[Variable, Variable]) -> Formula:
    """The formula with variables replaced."""
    if isinstance(formula, Comparison):
        return Comparison(formula.polynomial.renamed(name), formula.relation, formula.line)
    return Connective(formula.is_and, tuple(renamed(part, name) for part in formula.parts))
