"""Cases: what a query asks, as boxes of inputs, each with the outputs that are unsafe on it.

Readers of every version of VNN-LIB end here: the terms that `vnnlib_cases` has expanded become sets that a search
takes, exactly. Strict inequalities are closed in the sets and remembered beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np

from ..base.deadline import checkpoint
from ..base.errors import ModelError, PropertyError
from ..network.exact import Coefficients, ExactVector
from ..network.maps import Dense
from .box import Box
from .formula import Comparison, Connective, Formula
from .polynomial import Monomial, Polynomial
from .unsafe import Polytope, UnsafeSet
from .vnnlib_cases import AndGroup, Conjunction, Expansion, Term, Union
from .vnnlib_linear import decimal

# Bounds from about 2**1022 on could overflow float64.
_GREATEST_EXPONENT = 1022
# How many constraints a polytope's name spells out.
_NAMED_ROWS = 3


@dataclass(frozen=True, eq=False)
class Case:
    """One box and the union of polytopes that are unsafe on it.

    The polytopes are over the outputs or, with `outputs_with_inputs`, over the vector (Y_0, ..., X_0, ...):
    the caller then appends the inputs to the network's outputs. That is so where a constraint mixes the two,
    or is linear in several inputs. `strict` tells which rows are strict, by polytope and row; None where none
    is. `open_lower` and `open_upper` are the inputs that must stay strictly inside that end of the box.
    """

    inputs: Box
    unsafe: UnsafeSet
    outputs_with_inputs: bool = False
    strict: tuple[tuple[bool, ...], ...] | None = None
    open_lower: frozenset[int] = frozenset()
    open_upper: frozenset[int] = frozenset()

    def holds(self, x: ExactVector, y: ExactVector) -> bool:
        """Whether the input x with the output y is a witness: exactly, strict where the file says so."""
        values = x.fractions()
        if not self.inputs.contains(x):
            return False
        if any(values[i] == self.inputs.lower[i] for i in self.open_lower):
            return False
        if any(values[i] == self.inputs.upper[i] for i in self.open_upper):
            return False
        point = ExactVector.of(y.fractions() + values) if self.outputs_with_inputs else y
        return any(self._inside(number, point) for number in range(len(self.unsafe.polytopes)))

    def _inside(self, number: int, point: ExactVector) -> bool:
        polytope = self.unsafe.polytopes[number]
        if self.strict is None or not any(self.strict[number]):
            return polytope.contains(point)
        rows = Dense(polytope.matrix).apply_exact(point).fractions()
        limits = polytope.offset.fractions().ravel()
        return all(
            value < limit or (value == limit and not strict)
            for value, limit, strict in zip(rows, limits, self.strict[number], strict=True)
        )


class Places(Protocol):
    """Where positions lie in a file, for errors; no line where there is no file."""

    @property
    def path(self) -> Path: ...

    def line(self, position: int) -> int | None: ...


def _told(words: str, places: Places, position: int) -> str:
    """The words with a position's line in them; nothing where it has none."""
    line = places.line(position)
    return "" if line is None else words.format(line)


def emptiness(root: AndGroup, places: Places) -> str:
    """Why no input fulfils a formula that has no case, where its constraints on single inputs are why; else ""."""
    expansion = root.expansion
    clash = root.clash
    if clash is None and not expansion.outputs_clash:
        clash = expansion.clash
    if clash is None:
        return ""
    key, bound, opposite = clash
    first, second = (
        expansion.rows.words(k, b[0], b[1]) + _told(" (line {})", places, b[2])
        for k, b in sorted(((key, bound), (key ^ 1, opposite)), key=lambda item: item[1][2])
    )
    return f"the input set is empty: {first} contradicts {second}"


class CaseMaker:
    """Turns terms into cases; a union that many boxes share becomes one `UnsafeSet`."""

    def __init__(
        self, source: Places, expansion: Expansion, inputs: int, outputs: int, widest: Sequence[Fraction | None] = ()
    ) -> None:
        """`widest` has for each input the largest magnitude that its type holds, None or nothing where that is open."""
        self._source = source
        self._rows = expansion.rows
        self._inputs = inputs
        self._outputs = outputs
        self._widest = list(widest) or [None] * inputs
        # By identity; the union is kept, so that no identity is used twice.
        self._known: dict[int, tuple[Union, UnsafeSet, bool, tuple[tuple[bool, ...], ...] | None]] = {}
        self._matrices: dict[tuple[tuple[int, ...], int], Coefficients] = {}

    def cases(self, terms: Iterator[Term]) -> Iterator[Case]:
        for conjunction, union in terms:
            checkpoint()
            box, open_lower, open_upper = self._box(conjunction)
            if id(union) not in self._known:
                self._known[id(union)] = (union, *self._unsafe(union))
            _, unsafe, with_inputs, strict = self._known[id(union)]
            yield Case(box, unsafe, with_inputs, strict, open_lower, open_upper)

    def _box(self, conjunction: Conjunction) -> tuple[Box, frozenset[int], frozenset[int]]:
        lower = [None if widest is None else -widest for widest in self._widest]
        upper = self._widest.copy()
        open_lower: list[int] = []
        open_upper: list[int] = []
        for key, (value, strict, position) in conjunction.items():
            if value.numerator.bit_length() - value.denominator.bit_length() > _GREATEST_EXPONENT:
                raise PropertyError(
                    _told("line {}: ", self._source, position)
                    + f"found the bound {decimal(value)}, expected one in the range of float64"
                )
            i = self._rows.input[key >> 1]
            widest = self._widest[i]
            if widest is not None and value > widest:
                continue  # no more than the type says
            if key & 1:
                lower[i] = -value
            else:
                upper[i] = value
            if strict:
                (open_lower if key & 1 else open_upper).append(i)
        ends = self._complete(lower, "lower", conjunction), self._complete(upper, "upper", conjunction)
        return Box(*ends), frozenset(open_lower), frozenset(open_upper)

    def _complete(self, ends: list[Fraction | None], side: str, conjunction: Conjunction) -> list[Fraction]:
        result = [end for end in ends if end is not None]
        if len(result) < len(ends):
            last = max((position for _, _, position in conjunction.values()), default=None)
            where = "" if last is None else _told(" where line {} holds", self._source, last)
            raise PropertyError(
                f"{self._rows.name(ends.index(None))} has no {side} bound{where}, expected finite bounds on every input"
            )
        return result

    def _unsafe(self, union: Union) -> tuple[UnsafeSet, bool, tuple[tuple[bool, ...], ...] | None]:
        rows = self._rows.rows
        # A row's variables are in ascending order, and inputs are the ones that are not negative.
        with_inputs = any(rows[key >> 1][-1][0] >= 0 for conjunction in union for key in conjunction)
        width = self._outputs + (self._inputs if with_inputs else 0)
        polytopes = tuple(self._polytope(conjunction, width) for conjunction in union)
        strict: tuple[tuple[bool, ...], ...] | None = tuple(
            tuple(s for _, s, _ in c.values()) or (False,) for c in union
        )
        if not any(s for flags in strict or () for s in flags):
            strict = None
        return UnsafeSet(polytopes, width), with_inputs, strict

    def _polytope(self, conjunction: Conjunction, width: int) -> Polytope:
        if not conjunction:
            return Polytope(Coefficients(np.zeros((0, width))), Coefficients(np.zeros(0)), "any output")
        try:
            limits = Coefficients.from_fractions(
                np.array([value for value, _, _ in conjunction.values()], dtype=object)
            )
            coefficients = self._matrix(tuple(conjunction), width)
        except ModelError as error:
            position = next(iter(conjunction.values()))[2]
            raise PropertyError(f"{_told('line {}: ', self._source, position)}{error}") from None
        named = [self._rows.words(k, v, s) for k, (v, s, _) in list(conjunction.items())[:_NAMED_ROWS]]
        more = len(conjunction) - len(named)
        return Polytope(coefficients, limits, ", ".join(named) + (f" and {more} more" if more else ""))

    def _matrix(self, keys: tuple[int, ...], width: int) -> Coefficients:
        """The left sides of constraints; ten thousand boxes may bound one output each, by the same few rows."""
        known = self._matrices.get((keys, width))
        if known is not None:
            return known
        matrix = np.zeros((len(keys), width))
        exact: dict[tuple[int, int], Fraction] = {}
        for r, key in enumerate(keys):
            for variable, c in self._rows.rows[key >> 1]:
                c = -c if key & 1 else c
                column = self._outputs + variable if variable >= 0 else -1 - variable
                matrix[r, column] = c
                if c.denominator != 1:
                    exact[r, column] = c
        coefficients = Coefficients(matrix)
        if exact:
            fractions = coefficients.fractions()
            for place, c in exact.items():
                fractions[place] = c
            coefficients = Coefficients.from_fractions(fractions)
        self._matrices[keys, width] = coefficients
        return coefficients


def formula_of(cases: Sequence[Case], outputs: int) -> Formula:
    """The formula that holds exactly where one of the cases does; variables as in `vnnlib_linear`."""
    unions: dict[int, Formula] = {}
    options: list[Formula] = []
    for case in cases:
        if id(case.unsafe) not in unions:
            unions[id(case.unsafe)] = _union(case, outputs)
        ends = ((case.inputs.lower, Fraction(-1), case.open_lower), (case.inputs.upper, Fraction(1), case.open_upper))
        box = [_row({(i,): sign}, sign * end, i in strict) for side, sign, strict in ends for i, end in enumerate(side)]
        options.append(Connective(True, (*box, unions[id(case.unsafe)])))
    return Connective(False, tuple(options))


def _union(case: Case, outputs: int) -> Formula:
    options: list[Formula] = []
    for number, polytope in enumerate(case.unsafe.polytopes):
        rows = []
        limits = polytope.offset.fractions().ravel()
        for r, (coefficients, limit) in enumerate(zip(polytope.matrix.fractions(), limits, strict=True)):
            terms: dict[Monomial, Fraction] = {
                (j - outputs if j >= outputs else -1 - j,): c for j, c in enumerate(coefficients) if c
            }
            rows.append(_row(terms, limit, case.strict is not None and case.strict[number][r]))
        options.append(Connective(True, tuple(rows)))
    return Connective(False, tuple(options))


def _row(terms: Mapping[Monomial, Fraction], limit: Fraction, strict: bool) -> Comparison:
    """The constraint that terms <= limit, or < it."""
    return Comparison(Polynomial({**terms, (): -limit} if limit else terms), "<" if strict else "<=")
