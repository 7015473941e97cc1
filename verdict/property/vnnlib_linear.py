"""Linear expressions over inputs and outputs, and the normal form in which constraints meet.

Scaled to coprime integers, the left sides of `0.1 Y_0 <= 1` and `-2 Y_0 <= 5` are one row and its negation:
so constraints on the same row tighten or contradict each other by comparing two rationals. Rows are numbered
by `Rows`; the key 2k stands for row k, 2k + 1 for its negation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

# Inputs are 0, 1, 2, ...; outputs -1, -2, ...: their numbers are not known before the file is read.
Variable = int
Row = tuple[tuple[Variable, Fraction], ...]

_ZERO = Fraction(0)
_EXACT_IN_FLOAT = 1 << 53
# How many terms of a constraint its name spells out.
_NAMED_TERMS = 4


class Linear(NamedTuple):
    """coefficients . variables + constant, without zero coefficients."""

    coefficients: dict[Variable, Fraction]
    constant: Fraction

    def plus(self, other: Linear, factor: int = 1) -> Linear:
        """self + factor * other. Takes over the coefficients of both: neither may be used afterwards."""
        constant = self.constant + factor * other.constant
        target, added = self.coefficients, other.coefficients
        if factor == 1 and len(added) > len(target):
            target, added = added, target
        for variable, c in added.items():
            total = target.get(variable, _ZERO) + factor * c
            if total:
                target[variable] = total
            else:
                del target[variable]
        return Linear(target, constant)

    def times(self, factor: Fraction) -> Linear:
        coefficients = {v: c * factor for v, c in self.coefficients.items()} if factor else {}
        return Linear(coefficients, self.constant * factor)

    @property
    def bits(self) -> int:
        """Length of the longest number, to stop expressions that only exist to exhaust memory."""
        numbers = (self.constant, *self.coefficients.values())
        return max(max(n.numerator.bit_length(), n.denominator.bit_length()) for n in numbers)


def name(variable: Variable) -> str:
    return f"X_{variable}" if variable >= 0 else f"Y_{-1 - variable}"


class Rows:
    """All rows of a file, each once up to a factor; `name` says what the file calls a variable."""

    def __init__(self, name: Callable[[Variable], str] = name) -> None:
        self.name = name
        self.rows: list[Row] = []
        # The input that a row consists of, or -1: such rows bound the box.
        self.input: list[int] = []
        # The rows that are just one variable.
        self.single: dict[Variable, int] = {}
        self._several: dict[Row, int] = {}

    def declare(self, variable: Variable) -> None:
        """Number the row that is just this variable."""
        self.single[variable] = len(self.rows)
        self.rows.append(((variable, Fraction(1)),))
        self.input.append(max(variable, -1))

    def normal(self, coefficients: dict[Variable, Fraction]) -> tuple[int, Fraction]:
        """The key of a row and the positive factor by which it was scaled; `coefficients` is not empty."""
        if len(coefficients) == 1:
            ((variable, c),) = coefficients.items()
            return 2 * self.single[variable] + (c < 0), 1 / abs(c)
        items = sorted(coefficients.items())
        denominator = math.lcm(*(c.denominator for _, c in items))
        integers = [c.numerator * (denominator // c.denominator) for _, c in items]
        divisor = math.gcd(*integers)
        largest = max(map(abs, integers)) // divisor
        if largest > _EXACT_IN_FLOAT:
            # Huge integers would overflow float64: keep such rows as rationals of ordinary size.
            divisor <<= largest.bit_length() - 1
        negated = integers[0] < 0
        row = tuple(
            (v, Fraction(-n if negated else n, divisor)) for (v, _), n in zip(items, integers, strict=True)
        )
        return 2 * self._number(row) + negated, Fraction(denominator, divisor)

    def _number(self, row: Row) -> int:
        number = self._several.setdefault(row, len(self.rows))
        if number == len(self.rows):
            self.rows.append(row)
            self.input.append(-1)
        return number

    def words(self, key: int, limit: Fraction, strict: bool) -> str:
        """The constraint `row <= limit` for an error or a polytope's name."""
        row, flip = self.rows[key >> 1], key & 1
        if len(row) == 1:
            relation, limit = (">", -limit) if flip else ("<", limit)
            left = self.name(row[0][0])
        else:
            relation, left = "<", ""
            for variable, c in row[:_NAMED_TERMS]:
                c = -c if flip else c
                sign = ("- " if c < 0 else "+ ") if left else ("-" if c < 0 else "")
                factor = "" if abs(c) == 1 else f"{float(abs(c)):.9g} "
                left += f"{' ' if left else ''}{sign}{factor}{self.name(variable)}"
            if len(row) > _NAMED_TERMS:
                left += f" + ... ({len(row)} terms)"
        return f"{left} {relation}{'' if strict else '='} {decimal(limit)}"


def decimal(value: Fraction) -> str:
    """A rational for people: nine digits, or a power of ten where float64 ends."""
    try:
        return f"{float(value):.9g}"
    except OverflowError:
        return f"{'-' if value < 0 else ''}1e{int(value.numerator.bit_length() * math.log10(2))} or so"
