"""The checker's own strict reading of VNN-LIB 1: what is asked, as boxes and polytopes in exact rationals.

A file asks for an input in a box with an output in a polytope, for one of several such pairs: its *disjuncts*, in the
order in which multiplying out its and/or in file order gives them. Strict inequalities are closed: a proof then covers
more than it must.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import UnreadableError

MOST_DISJUNCTS, MOST_DEPTH = 20_000, 200
_TOKEN = re.compile(r"[()]|[^\s()]+")
NUMBER = re.compile(r"[+-]?([0-9]{1,2000}(\.[0-9]{0,2000})?|\.[0-9]{1,2000})([eE][+-]?[0-9]{1,4})?")
_VARIABLE = re.compile(r"[XY]_(0|[1-9][0-9]{0,8})")
# Where a comment ends must not be a matter of taste: what follows these is an assertion to some readers only.
_DOUBTFUL = re.compile("\r(?!\n)|[\v\f\x1c-\x1e\x85\u2028\u2029]")


@dataclass(frozen=True, eq=False)
class Disjunct:
    """Is there an x in the box with matrix (y, x) <= offset? Fractions; matrix is (rows, outputs + inputs)."""

    lower: tuple[Fraction, ...]
    upper: tuple[Fraction, ...]
    matrix: Any
    offset: tuple[Fraction, ...]


def read_property(text: str, inputs: int, outputs: int) -> list[Disjunct]:
    """The disjuncts of a query over so many inputs and outputs. Raises UnreadableError."""
    return read_version1(parse(text), inputs, outputs)


def read_version1(commands: list[Any], inputs: int, outputs: int) -> list[Disjunct]:
    """The disjuncts of a query whose commands are these."""
    declared: set[str] = set()
    factors: list[Any] = []
    for command in commands:
        if isinstance(command, list) and command[:1] == ["declare-const"] and command[2:] == ["Real"]:
            if not isinstance(command[1], str) or not _VARIABLE.fullmatch(command[1]) or command[1] in declared:
                raise UnreadableError(f"the declaration {command[1]!r} is not read")
            declared.add(command[1])
        elif isinstance(command, list) and command[:1] == ["assert"] and len(command) == 2:
            factors.append(command[1])
        else:
            raise UnreadableError(f"the command {str(command)[:60]} is not read")
    wanted = {f"X_{i}" for i in range(inputs)} | {f"Y_{i}" for i in range(outputs)}
    if declared != wanted:
        raise UnreadableError(f"the property does not declare X_0 to X_{inputs - 1} and Y_0 to Y_{outputs - 1}")
    return disjuncts(factors, inputs, outputs)


def disjuncts(factors: list[Any], inputs: int, outputs: int) -> list[Disjunct]:
    """The disjuncts of the conjunction of formulas over X_i and Y_j."""
    common, alternatives = _factored(factors)
    box = _Box([None] * inputs, [None] * inputs)
    # What all disjuncts share is read once: there may be thousands of inputs.
    rows = box.cut(common, outputs)
    if rows is None:
        return []
    found = (_disjunct(box, rows, atoms, outputs) for atoms in alternatives)
    return [d for d in found if d is not None]


def parse(text: str) -> list[Any]:
    """The commands of a file, as lists of words."""
    if _DOUBTFUL.search(text):
        raise UnreadableError("the property has a line break other than LF and CR LF")
    stack: list[list[Any]] = [[]]
    for line in text.split("\n"):
        for token in _TOKEN.findall(line.partition(";")[0]):
            if token == "(":
                stack.append([])
            elif token == ")":
                done = stack.pop()
                if not stack:
                    raise UnreadableError("a closing parenthesis too many")
                stack[-1].append(done)
            else:
                stack[-1].append(token)
            if len(stack) > MOST_DEPTH:
                raise UnreadableError("expressions nested too deeply")
    if len(stack) != 1:
        raise UnreadableError("a closing parenthesis is missing")
    return stack[0]


Atom = tuple[dict[str, Fraction], Fraction]


def _conjunction(parts: list[Any]) -> list[list[Atom]]:
    """All of `parts`, multiplied out."""
    common, alternatives = _factored(parts)
    return [common + atoms for atoms in alternatives]


def _factored(parts: list[Any]) -> tuple[list[Atom], list[list[Atom]]]:
    """All of `parts`: the atoms that they have in common, and the rest multiplied out."""
    common: list[Atom] = []
    result: list[list[Atom]] = [[]]
    for part in parts:
        terms = _terms(part)
        if len(terms) == 1:
            common += terms[0]
            continue
        if len(result) * len(terms) > MOST_DISJUNCTS:
            raise UnreadableError(f"the property has more than {MOST_DISJUNCTS} disjuncts")
        result = [a + b for a in result for b in terms]
    return common, result


def _terms(formula: Any) -> list[list[Atom]]:
    """The formula as a disjunction of conjunctions of atoms sum c v <= d."""
    if isinstance(formula, list) and formula[:1] == ["and"]:
        return _conjunction(formula[1:])
    if isinstance(formula, list) and formula[:1] == ["or"]:
        found = [conjunction for part in formula[1:] for conjunction in _terms(part)]
        if len(found) > MOST_DISJUNCTS:
            raise UnreadableError(f"the property has more than {MOST_DISJUNCTS} disjuncts")
        return found
    if isinstance(formula, list) and len(formula) == 3 and formula[0] in ("<=", ">=", "<", ">"):
        left, right = (formula[1], formula[2]) if formula[0] in ("<=", "<") else (formula[2], formula[1])
        row, constant = _linear(left)
        other, shift = _linear(right)
        for variable, c in other.items():
            row[variable] = row.get(variable, Fraction(0)) - c
        return [[({v: c for v, c in row.items() if c}, shift - constant)]]
    raise UnreadableError(f"the formula {str(formula)[:60]} is not read")


def _linear(term: Any) -> tuple[dict[str, Fraction], Fraction]:
    if isinstance(term, str):
        if _VARIABLE.fullmatch(term):
            return {term: Fraction(1)}, Fraction(0)
        if NUMBER.fullmatch(term):
            return {}, Fraction(term)
    elif len(term) > 1 and term[0] in ("+", "-", "*", "/"):
        parts = [_linear(t) for t in term[1:]]
        row, constant = parts[0]
        if term[0] == "-" and len(parts) == 1:
            return {v: -c for v, c in row.items()}, -constant
        for other, shift in parts[1:]:
            if term[0] == "/":
                if other or not shift:
                    raise UnreadableError("a quotient by a variable or by zero")
                row, constant = {v: c / shift for v, c in row.items()}, constant / shift
                continue
            if term[0] == "*":
                if row and other:
                    raise UnreadableError("a product of variables")
                factor, scaled = (constant, other) if not row else (shift, row)
                row, constant = {v: factor * c for v, c in scaled.items()}, constant * shift
                continue
            sign = 1 if term[0] == "+" else -1
            constant += sign * shift
            for v, c in other.items():
                row[v] = row.get(v, Fraction(0)) + sign * c
        return row, constant
    raise UnreadableError(f"the term {str(term)[:60]} is not read")


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
    matrix = np.full((len(rows) + len(more), outputs + len(bottom)), Fraction(0), dtype=object)
    for k, (row, _) in enumerate([*rows, *more]):
        for name, c in row.items():
            matrix[k, int(name[2:]) + (outputs if name[0] == "X" else 0)] = c
    return Disjunct(bottom, top, matrix, tuple(limit for _, limit in [*rows, *more]))
