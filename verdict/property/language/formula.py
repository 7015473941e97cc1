"""Formulas: comparisons of linear expressions joined by & (and), | (or), ~ (not), >> (implies).

A formula says something about one input of a network and the output there. Its home is the text of VNN-LIB 1
(`query_text`), so that every engine and the independent checker read the same question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, Any, NoReturn

from ...base.deadline import checkpoint
from ...base.errors import PropertyError

if TYPE_CHECKING:
    from .expression import Expression

# Decimals whose denominators have more bits than this are written as fractions of integers.
MOST_BITS = 400


class Formula:
    """Something that holds or not for an input and its output: joined by & (and), | (or), ~ (not), >> (implies)."""

    def __and__(self, other: Formula) -> Formula:
        return Junction("and", [self, _formula(other)])

    def __or__(self, other: Formula) -> Formula:
        return Junction("or", [self, _formula(other)])

    def __rshift__(self, other: Formula) -> Formula:
        return ~self | other

    def __invert__(self) -> Formula:
        raise NotImplementedError

    def __bool__(self) -> NoReturn:
        raise PropertyError("a formula has no truth value: join with & | ~ and brackets, not with and, or, a < b < c")

    def lines(self) -> Iterator[str]:
        """Its VNN-LIB text, in pieces."""
        raise NotImplementedError

    def variables(self) -> set[str]:
        """The variables that it mentions, "X_i" and "Y_i"."""
        raise NotImplementedError

    def renamed(self, name: Callable[[str], str]) -> Formula:
        """The formula over other variables, "X_i" and "Y_i", by their names here."""
        raise NotImplementedError

    def holds(self, x: Sequence[Fraction], y: Sequence[Fraction]) -> bool:
        """Whether it holds exactly at an input and an output."""
        raise NotImplementedError


class Comparison(Formula):
    """expression <= 0, or < 0 where `strict`."""

    def __init__(self, left: Expression, strict: bool) -> None:
        self.left, self.strict = left, strict

    def __invert__(self) -> Formula:
        return Comparison(-self.left, not self.strict)

    def lines(self) -> Iterator[str]:
        terms, constant = self.left.terms, self.left.constant
        scale = Fraction(1)
        if len(terms) == 1:
            scale = 1 / abs(next(iter(terms.values())))
        # VNN-LIB 1 has decimals but no fractions: what is no decimal is scaled to whole numbers.
        scale *= lcm(1, *((c * scale).denominator for c in (*terms.values(), constant) if not _is_decimal(c * scale)))
        # The first variable stands with a plus sign, as one writes it.
        falls = bool(terms) and next(iter(terms.values())) < 0
        scale = -scale if falls else scale
        parts = [name if c * scale == 1 else f"(* {_number(c * scale)} {name})" for name, c in terms.items()]
        left = parts[0] if len(parts) == 1 else f"(+ {' '.join(parts)})" if parts else "0"
        yield f"({'>' if falls else '<'}{'' if self.strict else '='} {left} {_number(-constant * scale)})"

    def variables(self) -> set[str]:
        return set(self.left.terms)

    def renamed(self, name: Callable[[str], str]) -> Formula:
        terms = {name(variable): c for variable, c in self.left.terms.items()}
        return Comparison(type(self.left)(terms, self.left.constant), self.strict)

    def holds(self, x: Sequence[Fraction], y: Sequence[Fraction]) -> bool:
        value = self.left.constant
        for name, c in self.left.terms.items():
            value += c * (x if name[0] == "X" else y)[int(name[2:])]
        return value < 0 or (value == 0 and not self.strict)


class Junction(Formula):
    """Several formulas joined by "and" or "or"."""

    def __init__(self, op: str, parts: Sequence[Formula]) -> None:
        self.op = op
        # Of the same kind inside: one level.
        self.parts: list[Formula] = []
        for part in parts:
            self.parts += part.parts if isinstance(part, Junction) and part.op == op else [part]

    def __invert__(self) -> Formula:
        return Junction("or" if self.op == "and" else "and", [~part for part in self.parts])

    def lines(self) -> Iterator[str]:
        if not self.parts:
            yield "(<= 0 0)" if self.op == "and" else "(<= 1 0)"
            return
        yield f"({self.op}"
        for part in self.parts:
            yield from part.lines()
        yield ")"

    def variables(self) -> set[str]:
        return set().union(*(part.variables() for part in self.parts))

    def renamed(self, name: Callable[[str], str]) -> Formula:
        return Junction(self.op, [part.renamed(name) for part in self.parts])

    def holds(self, x: Sequence[Fraction], y: Sequence[Fraction]) -> bool:
        found = (part.holds(x, y) for part in self.parts)
        return all(found) if self.op == "and" else any(found)


def all_of(formulas: Iterable[Formula]) -> Formula:
    """True where all hold; true where there are none."""
    checkpoint()
    return Junction("and", [_formula(f) for f in formulas])


def any_of(formulas: Iterable[Formula]) -> Formula:
    """True where at least one holds; false where there are none."""
    return Junction("or", [_formula(f) for f in formulas])


def _formula(value: Any) -> Formula:
    if not isinstance(value, Formula):
        raise PropertyError(f"{value!r} stands where a formula such as y[0] <= 1 was expected")
    return value


def query_text(formula: Formula, input_size: int, output_size: int, comment: str = "") -> str:
    """The VNN-LIB 1 query "is there an input for which `formula` holds"."""
    lines = [f"; {line}" for line in comment.splitlines()]
    lines += [f"(declare-const X_{i} Real)" for i in range(input_size)]
    lines += [f"(declare-const Y_{i} Real)" for i in range(output_size)]
    parts = formula.parts if isinstance(formula, Junction) and formula.op == "and" else [formula]
    lines += [f"(assert {' '.join(part.lines())})" for part in parts]
    return "\n".join([*lines, ""])


def _is_decimal(value: Fraction) -> bool:
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1 and value.denominator.bit_length() < MOST_BITS


def _number(value: Fraction) -> str:
    """An exact decimal; the value has a finite one."""
    if value.denominator == 1:
        return str(value.numerator)
    digits = 0
    while (value * 10**digits).denominator != 1:
        digits += 1
    whole = str(abs(value.numerator * 10**digits // value.denominator)).rjust(digits + 1, "0")
    return f"{'-' if value < 0 else ''}{whole[:-digits]}.{whole[-digits:]}"
