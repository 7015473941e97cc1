"""From a formula to the cases that a search takes: its linear relaxation as boxes of inputs with unsafe sets.

A formula that no file holds goes this way directly; so does VNN-LIB 2. The parser of VNN-LIB 1 fills the same groups
while it reads, without a tree in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..base.errors import PropertyError
from .cases import Case, CaseMaker, emptiness
from .formula import Comparison, Formula
from .vnnlib_cases import AndGroup, Expansion, Group, OrGroup, compare_with_zero
from .vnnlib_linear import Rows


def add_to(group: Group, formula: Formula, expansion: Expansion) -> None:
    """Put a formula into a group of its linear relaxation, where comparisons that are not linear count as true."""
    if isinstance(formula, Comparison):
        _add_comparison(group, formula, expansion)
        return
    if not formula.parts:
        group.add_truth(formula.is_and)
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
    polynomial, relation = comparison.polynomial, comparison.relation
    if polynomial.degree > 1:
        group.add_truth(True)
        return
    # What stands in no file has its place in the order of reading.
    position = comparison.line or expansion.count()
    relations = {"==": ("<=", ">="), "!=": ("<", ">")}.get(relation, (relation,))
    is_and = relation != "!="
    inside = group
    if len(relations) > 1 and group.is_and != is_and:
        inside = AndGroup(expansion) if is_and else OrGroup(expansion)
    expansion.spend(len(polynomial.terms))
    for each in relations:
        compare_with_zero(expansion.rows, inside, polynomial.linear(), each, position)
    if inside is not group:
        group.add_terms(list(inside.terms()))


@dataclass(frozen=True)
class _Unwritten:
    """The places in a formula that stands in no file: there are no lines to name."""

    path: Path

    def line(self, position: int) -> None:
        return None


def expanded(formula: Formula, inputs: int, outputs: int, name: str) -> tuple[tuple[Case, ...], str]:
    """The cases of a linear formula over so many inputs and outputs; and, where there is none because no input is as
    its constraints on single inputs say, why. `name` is what errors call it.

    They are those of its VNN-LIB 1 text, of which tests convince themselves. Raises PropertyError where an input has no
    finite bounds, and where nested and/or expand to too many cases.
    """
    rows = Rows()
    for variable in (*range(inputs), *range(-1, -1 - outputs, -1)):
        rows.declare(variable)
    expansion, places = Expansion(rows), _Unwritten(Path(name))
    root = AndGroup(expansion)
    try:
        add_to(root, formula, expansion)
        cases = tuple(CaseMaker(places, expansion, inputs, outputs).cases(root.terms()))
    except PropertyError as error:
        raise PropertyError(f"{name}: {error}") from None
    return cases, "" if cases else emptiness(root, places)
