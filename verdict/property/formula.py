"""Formulas over the inputs and outputs of a network: comparisons of polynomials with zero, joined by and/or.

The tree keeps what a file says, strictness, equality and products included. It is what a witness is tested against,
what Z3 is asked, and what `encode --to vnnlib` writes; searches take the cases that it relaxes to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from .polynomial import Polynomial
from .vnnlib_cases import AndGroup, Expansion, Group, OrGroup, compare_with_zero
from .vnnlib_linear import Variable

RELATIONS = ("<=", "<", "==", "!=")


@dataclass(frozen=True)
class Comparison:
    """`polynomial relation 0`; `line` is the file's."""

    polynomial: Polynomial
    relation: str
    line: int = 0

    def holds(self, of: Callable[[Variable], Fraction]) -> bool:
        value = self.polynomial.value(of)
        return {"<=": value <= 0, "<": value < 0, "==": value == 0, "!=": value != 0}[self.relation]


@dataclass(frozen=True)
class Connective:
    """The conjunction (`is_and`) or disjunction of the parts; of none, true or false."""

    is_and: bool
    parts: tuple[Formula, ...]

    def holds(self, of: Callable[[Variable], Fraction]) -> bool:
        return (all if self.is_and else any)(part.holds(of) for part in self.parts)


Formula: TypeAlias = Comparison | Connective


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


def renamed(formula: Formula, name: dict[Variable, Variable]) -> Formula:
    """The formula with variables replaced."""
    if isinstance(formula, Comparison):
        return Comparison(formula.polynomial.renamed(name), formula.relation, formula.line)
    return Connective(formula.is_and, tuple(renamed(part, name) for part in formula.parts))


def add_to(group: Group, formula: Formula, expansion: Expansion) -> None:
    """Put a formula into a group of its linear relaxation, where comparisons that are not linear count as true."""
    if isinstance(formula, Comparison):
        _add_comparison(group, formula, expansion)
        return
    if len(formula.parts) == 1 or formula.is_and == group.is_and:
        for part in formula.parts:
            add_to(group, part, expansion)
        return
    inside = AndGroup(expansion) if formula.is_and else OrGroup(expansion)
    for part in formula.parts:
        add_to(inside, part, expansion)
    group.add_terms(list(inside.terms()))


def _add_comparison(group: Group, comparison: Comparison, expansion: Expansion) -> None:
    polynomial, relation, line = comparison.polynomial, comparison.relation, comparison.line
    if polynomial.degree > 1:
        group.add_truth(True)
        return
    relations = {"==": ("<=", ">="), "!=": ("<", ">")}.get(relation, (relation,))
    is_and = relation != "!="
    inside = group
    if len(relations) > 1 and group.is_and != is_and:
        inside = AndGroup(expansion) if is_and else OrGroup(expansion)
    expansion.spend(len(polynomial.terms))
    for each in relations:
        compare_with_zero(expansion.rows, inside, polynomial.linear(), each, line)
    if inside is not group:
        group.add_terms(list(inside.terms()))
