"""Linear terms of a query in exact rationals, with a budget of steps and of digits.

A product of thousands of numbers, or a sum that is written out a million times, exists only to exhaust a reader: what
it costs is counted before it is paid.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from ..clock import Ask, nobody
from ..errors import UnreadableError
from .words import shown

NUMBER = re.compile(r"[+-]?([0-9]{1,2000}(\.[0-9]{0,2000})?|\.[0-9]{1,2000})([eE]([+-]?[0-9]{1,9}))?")
VARIABLE = re.compile(r"[XY]_(0|[1-9][0-9]{0,8})")
# Exponents and digits beyond these say nothing that a float could hold.
MOST_EXPONENT, MOST_BITS = 400, 20_000
# Steps: one is a coefficient that is added or multiplied, or a constraint that is copied.
MOST_STEPS, _OFTEN = 20_000_000, 50_000

Row = tuple[dict[str, Fraction], Fraction]


class Budget:
    """What a query may still cost."""

    def __init__(self, ask: Ask = nobody) -> None:
        self.ask, self.left, self._looked = ask, MOST_STEPS, MOST_STEPS
        self._numbers: dict[str, Fraction] = {}

    def spend(self, steps: int) -> None:
        """Raises UnreadableError when it is used up, and what the clock raises."""
        self.left -= steps
        if self.left < 0:
            raise UnreadableError(f"reading the property takes more than {MOST_STEPS} steps")
        if self._looked - self.left > _OFTEN:
            self._looked = self.left
            self.ask()

    def number(self, word: str) -> Fraction | None:
        """The decimal that a word is, or None. Raises UnreadableError where it is too large."""
        value = self._numbers.get(word)
        if value is None:
            match = NUMBER.fullmatch(word)
            if match is None:
                return None
            if abs(int(match[4] or 0)) > MOST_EXPONENT:
                raise UnreadableError(f"the number {shown(word)} is too large, expected exponents to {MOST_EXPONENT}")
            value = self._numbers[word] = Fraction(word)
        return value

    def short(self, value: Fraction) -> Fraction:
        """A number of not too many digits."""
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > MOST_BITS:
            raise UnreadableError("a number of thousands of digits")
        return value


def linear(term: Any, budget: Budget) -> Row:
    """(coefficients, constant) of a term over X_i and Y_j. Raises UnreadableError."""
    if isinstance(term, str):
        if VARIABLE.fullmatch(term):
            return {term: Fraction(1)}, Fraction(0)
        value = budget.number(term)
        if value is not None:
            return {}, value
        raise UnreadableError(f"the term {shown(term)} is not read")
    operation = term[0] if term and isinstance(term[0], str) else ""
    if operation not in ("+", "-", "*", "/") or len(term) < (3 if operation == "/" else 2):
        raise UnreadableError(f"the term {shown(term)} is not read")
    row, constant = linear(term[1], budget)
    if operation == "-" and len(term) == 2:
        return _scaled((row, constant), Fraction(-1), budget)
    for part in term[2:]:
        other, shift = linear(part, budget)
        budget.spend(1)
        if operation == "/":
            if other or not shift:
                raise UnreadableError("a quotient by a variable or by zero")
            row, constant = _scaled((row, constant), 1 / shift, budget)
        elif operation == "*":
            if row and other:
                raise UnreadableError("a product of variables")
            one, factor = ((row, constant), shift) if row else ((other, shift), constant)
            row, constant = _scaled(one, factor, budget)
        else:
            sign = 1 if operation == "+" else -1
            constant = budget.short(constant + sign * shift)
            add(row, other, sign, budget)
    return row, constant


def add(row: dict[str, Fraction], other: dict[str, Fraction], sign: int, budget: Budget) -> None:
    """Add another row with a sign, in place."""
    budget.spend(len(other))
    for variable, c in other.items():
        row[variable] = budget.short(row.get(variable, Fraction(0)) + sign * c)


def _scaled(row: Row, factor: Fraction, budget: Budget) -> Row:
    budget.spend(1 + len(row[0]))
    return {v: budget.short(factor * c) for v, c in row[0].items()}, budget.short(factor * row[1])
