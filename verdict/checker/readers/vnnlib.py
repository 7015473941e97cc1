"""The checker's own strict reading of VNN-LIB 1: what is asked, as boxes and polytopes in exact rationals.

A file asks for an input in a box with an output in a polytope, for one of several such pairs: its *disjuncts*, in the
order in which multiplying out its and/or in file order gives them. Strict inequalities, and negated ones, are closed: a
proof then covers more than it must.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from ..clock import Ask, nobody
from ..errors import UnreadableError
from .linear import VARIABLE, Budget, add, linear
from .words import parse, shown

MOST_DISJUNCTS = 20_000
# Numbers in the matrices of all disjuncts.
MOST_CELLS = 2**25
# Commands that ask nothing.
IGNORED = ("set-logic", "set-info", "set-option", "check-sat", "get-model", "get-value", "exit")
_COMPARISONS = ("<=", ">=", "<", ">", "=")


@dataclass(frozen=True, eq=False)
class Disjunct:
    """Is there an x in the box with matrix (y, x) <= offset? Fractions; matrix is (rows, outputs + inputs)."""

    lower: tuple[Fraction, ...]
    upper: tuple[Fraction, ...]
    matrix: Any
    offset: tuple[Fraction, ...]


def read_property(text: str, inputs: int, outputs: int, ask: Ask = nobody) -> list[Disjunct]:
    """The disjuncts of a query over so many inputs and outputs. Raises UnreadableError."""
    return read_version1(parse(text, ask), inputs, outputs, ask)


def read_version1(commands: list[Any], inputs: int, outputs: int, ask: Ask = nobody) -> list[Disjunct]:
    """The disjuncts of a query whose commands are these."""
    declared: set[str] = set()
    factors: list[Any] = []
    for command in commands:
        head = command[0] if isinstance(command, list) and command else None
        if head in ("declare-const", "declare-fun") and command[2:] == ["Real"] * (head == "declare-const") + [
                [], "Real"] * (head == "declare-fun"):
            if not isinstance(command[1], str) or not VARIABLE.fullmatch(command[1]) or command[1] in declared:
                raise UnreadableError(f"the declaration {shown(command)} is not read")
            declared.add(command[1])
        elif head == "assert" and len(command) == 2:
            factors.append(command[1])
        elif not isinstance(head, str) or head not in IGNORED:
            raise UnreadableError(f"the command {shown(command)} is not read")
    if len(declared) != inputs + outputs or not all(
            int(name[2:]) < (inputs if name[0] == "X" else outputs) for name in declared):
        raise UnreadableError(f"the property does not declare X_0 to X_{inputs - 1} and Y_0 to Y_{outputs - 1}")
    return disjuncts(factors, inputs, outputs, ask)


def disjuncts(factors: list[Any], inputs: int, outputs: int, ask: Ask = nobody) -> list[Disjunct]:
    """The disjuncts of the conjunction of formulas over X_i and Y_j."""
    budget = Budget(ask)
    common, alternatives = _factored([(factor, False) for factor in factors], budget)
    box = _Box([None] * inputs, [None] * inputs)
    # What all disjuncts share is read once: there may be thousands of inputs.
    rows = box.cut(common, outputs)
    if rows is None:
        return []
    result, cells = [], 0
    for atoms in alternatives:
        cells += (len(rows) + len(atoms)) * (inputs + outputs)
        if cells > MOST_CELLS:
            raise UnreadableError(f"the disjuncts of the property have more than {MOST_CELLS} coefficients")
        ask()
        found = _disjunct(box, rows, atoms, outputs)
        if found is not None:
            result.append(found)
    return result


Atom = tuple[dict[str, Fraction], Fraction]
# A formula, and whether it stands under an odd number of negations.
Signed = tuple[Any, bool]


def _factored(parts: list[Signed], budget: Budget) -> tuple[list[Atom], list[list[Atom]]]:
    """All of `parts`: the atoms that they have in common, and the rest multiplied out."""
    common: list[Atom] = []
    result: list[list[Atom]] = [[]]
    for part in parts:
        terms = _terms(*part, budget)
        if len(terms) == 1:
            common += terms[0]
            continue
        _few(len(result) * len(terms))
        budget.spend(sum(map(len, result)) * len(terms) + sum(map(len, terms)) * len(result))
        result = [a + b for a in result for b in terms]
    return common, result


def _terms(formula: Any, negated: bool, budget: Budget) -> list[list[Atom]]:
    """The formula, or its negation, as a disjunction of conjunctions of atoms sum c v <= d."""
    budget.spend(1)
    if formula in ("true", "false"):
        return [[]] if (formula == "true") != negated else []
    head = formula[0] if isinstance(formula, list) and formula else None
    if head == "not" and len(formula) == 2:
        return _terms(formula[1], not negated, budget)
    if head == "=>" and len(formula) == 3:
        return _joined([(formula[1], not negated), (formula[2], negated)], not negated, budget)
    if isinstance(head, str) and head in ("and", "or") and len(formula) > 1:
        return _joined([(part, negated) for part in formula[1:]], (head == "or") != negated, budget)
    if isinstance(head, str) and head in _COMPARISONS and len(formula) > 2:
        return _comparison(head, formula[1:], negated, budget)
    raise UnreadableError(f"the formula {shown(formula)} is not read")


def _joined(parts: list[Signed], is_or: bool, budget: Budget) -> list[list[Atom]]:
    """The disjunction or conjunction of parts."""
    if not is_or:
        common, alternatives = _factored(parts, budget)
        budget.spend(len(common) * len(alternatives))
        return [common + atoms for atoms in alternatives]
    found: list[list[Atom]] = []
    for part in parts:
        found += _terms(*part, budget)
        _few(len(found))
    return found


def _comparison(relation: str, sides: list[Any], negated: bool, budget: Budget) -> list[list[Atom]]:
    """A comparison of two sides or of a chain of them; an equality is two comparisons."""
    ways = {"=": (1, -1), "<": (1,), "<=": (1,)}.get(relation, (-1,))
    atoms = []
    for left, right in pairwise([linear(side, budget) for side in sides]):
        row, constant = dict(left[0]), budget.short(left[1] - right[1])
        add(row, right[0], -1, budget)
        # What is no `<=` under a negation is a `>`, and closed.
        atoms += [({v: sign * c for v, c in row.items() if c}, -sign * constant)
                  for sign in (-way if negated else way for way in ways)]
    _few(len(atoms) if negated else 1)
    return [[atom] for atom in atoms] if negated else [atoms]


def _few(count: int) -> None:
    if count > MOST_DISJUNCTS:
        raise UnreadableError(f"the property has more than {MOST_DISJUNCTS} disjuncts")


@dataclass(frozen=True, eq=False)
class _Box:
    """The bounds of the inputs so far, None where there is none."""

    lower: list[Fraction | None]
    upper: list[Fraction | None]

    def cut(self, atoms: list[Atom], outputs: int) -> list[Atom] | None:
        """Cut the box by those of the atoms that are about one input; the others, or None if one is false."""
        rows: list[Atom] = []
        for row, limit in atoms:
            if any(int(name[2:]) >= (len(self.lower) if name[0] == "X" else outputs) for name in row):
                raise UnreadableError("a variable that was not declared")
            if not row:
                if limit < 0:
                    return None
                continue
            (name, c), *more = row.items()
            if more or name[0] == "Y":
                rows.append((row, limit))
                continue
            i, value = int(name[2:]), limit / c
            low, high = self.lower[i], self.upper[i]
            if c > 0:
                self.upper[i] = value if high is None else min(high, value)
            else:
                self.lower[i] = value if low is None else max(low, value)
        return rows

    @cached_property
    def ends(self) -> tuple[tuple[Fraction, ...], tuple[Fraction, ...]] | None:
        """The bounds once all are known; None where they contradict each other."""
        bottom = tuple(v for v in self.lower if v is not None)
        top = tuple(v for v in self.upper if v is not None)
        if len(bottom) != len(self.lower) or len(top) != len(self.upper):
            raise UnreadableError("an input without both bounds")
        return None if any(a > b for a, b in zip(bottom, top, strict=True)) else (bottom, top)


def _disjunct(common: _Box, rows: list[Atom], atoms: list[Atom], outputs: int) -> Disjunct | None:
    """The common box and rows with the atoms of one disjunct; None where they contradict themselves."""
    own = any(len(row) == 1 and next(iter(row))[0] == "X" for row, _ in atoms)
    box = _Box([*common.lower], [*common.upper]) if own else common
    more = box.cut(atoms, outputs)
    if more is None or box.ends is None:
        return None
    bottom, top = box.ends
    # Where nothing is asked but the box: 0 <= 0, which no point of it escapes.
    rows = [*rows, *more] or [({}, Fraction(0))]
    matrix = np.full((len(rows), outputs + len(bottom)), Fraction(0), dtype=object)
    for k, (row, _) in enumerate(rows):
        for name, c in row.items():
            matrix[k, int(name[2:]) + (outputs if name[0] == "X" else 0)] = c
    return Disjunct(bottom, top, matrix, tuple(limit for _, limit in rows))
