"""Writing a formula as a VNN-LIB 1 query: the text that a certificate about it stands beside.

VNN-LIB 1 has decimals but neither fractions nor products, so a comparison with other rationals in it is multiplied by
what makes its numbers whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import lcm

from ..base.errors import PropertyError
from .formula import Comparison, Connective, Formula
from .vnnlib_linear import name

# Decimals whose denominators have more bits than this are written as fractions of integers.
MOST_BITS = 400


def query_text(formula: Formula, input_size: int, output_size: int, comment: str = "") -> str:
    """The VNN-LIB 1 query "is there an input for which `formula` holds". Raises PropertyError for products."""
    lines = [f"; {line}" for line in comment.splitlines()]
    lines += [f"(declare-const X_{i} Real)" for i in range(input_size)]
    lines += [f"(declare-const Y_{i} Real)" for i in range(output_size)]
    parts = formula.parts if isinstance(formula, Connective) and formula.is_and else [formula]
    lines += [f"(assert {' '.join(_pieces(part))})" for part in parts]
    return "\n".join([*lines, ""])


def _pieces(formula: Formula) -> Iterator[str]:
    """The text, in pieces."""
    if isinstance(formula, Comparison):
        if formula.relation in ("==", "!="):
            yield from _pieces(formula.ordered())
        else:
            yield _comparison(formula)
    elif not formula.parts:
        yield "(<= 0 0)" if formula.is_and else "(<= 1 0)"
    else:
        yield "(and" if formula.is_and else "(or"
        for part in formula.parts:
            yield from _pieces(part)
        yield ")"


def _comparison(comparison: Comparison) -> str:
    if comparison.polynomial.degree > 1:
        raise PropertyError("a product of variables, which VNN-LIB 1 cannot say")
    terms, constant = comparison.polynomial.linear()
    scale = Fraction(1)
    if len(terms) == 1:
        scale = 1 / abs(next(iter(terms.values())))
    scale *= lcm(1, *((c * scale).denominator for c in (*terms.values(), constant) if not _is_decimal(c * scale)))
    # The first variable stands with a plus sign, as one writes it.
    falls = bool(terms) and next(iter(terms.values())) < 0
    scale = -scale if falls else scale
    parts = [name(v) if c * scale == 1 else f"(* {_number(c * scale)} {name(v)})" for v, c in terms.items()]
    left = parts[0] if len(parts) == 1 else f"(+ {' '.join(parts)})" if parts else "0"
    equal = "=" if comparison.relation == "<=" else ""
    return f"({'>' if falls else '<'}{equal} {left} {_number(-constant * scale)})"


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
