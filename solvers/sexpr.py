"""S-expressions as Z3 prints them, and the rational numbers in them."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TypeAlias

from verdict.base.errors import SolverError

Sexpr: TypeAlias = "str | list[Sexpr]"

# Quoted symbols and strings are single tokens; inside a string "" stands for a quote.
_TOKEN = re.compile(r'\|[^|]*\||"(?:[^"]|"")*"|[()]|[^\s()|"]+')
_NUMBER = re.compile(r"\d+(\.\d+)?\Z")


def parse(text: str) -> list[Sexpr]:
    """Every top-level expression in the text: atoms as str, lists as list.

    Raises:
        SolverError: parentheses do not match.
    """
    stack: list[list[Sexpr]] = [[]]
    for token in _TOKEN.findall(text):
        if token == "(":
            stack.append([])
        elif token == ")":
            done = stack.pop()
            if not stack:
                raise SolverError(f"Z3 answered with unbalanced parentheses: {text[:200]!r}")
            stack[-1].append(done)
        else:
            stack[-1].append(token)
    if len(stack) != 1:
        raise SolverError(f"Z3 answered with unbalanced parentheses: {text[:200]!r}")
    return stack[0]


def rational(value: Sexpr) -> Fraction:
    """A number: 3, 1.5, (- x), (/ x y), (to_real x) and what is built of these.

    Raises:
        SolverError: anything else, in particular algebraic numbers (root-obj), oo and epsilon.
    """
    if isinstance(value, str):
        if _NUMBER.match(value):
            return Fraction(value)
    elif len(value) == 2 and value[0] == "-":
        return -rational(value[1])
    elif len(value) == 2 and value[0] == "to_real":
        return rational(value[1])
    elif len(value) == 3 and value[0] in ("/", "*", "+"):
        left, right = rational(value[1]), rational(value[2])
        if value[0] == "*":
            return left * right
        if value[0] == "+":
            return left + right
        if right:
            return left / right
    raise SolverError(f"Z3 answered with {_show(value)!r}, which is not a rational number")


def literal(value: Fraction, real: bool = True) -> str:
    """An exact rational as an SMT-LIB term of sort Real, or Int when real is False and it is one."""
    top, bottom = abs(value.numerator), value.denominator
    point = ".0" if real else ""
    text = f"{top}{point}" if bottom == 1 else f"(/ {top}.0 {bottom}.0)"
    return f"(- {text})" if value < 0 else text


def _show(value: Sexpr) -> str:
    return value if isinstance(value, str) else f"({' '.join(_show(part) for part in value)})"
