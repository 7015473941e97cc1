"""Writing a formula as a VNN-LIB 2 query that says exactly the same.

VNN-LIB 2 has plain decimals and no division, so a comparison with other rationals in it is multiplied by what makes
all its numbers decimals. Every comparison becomes polynomial against number, one assertion for each part of the
outermost conjunction.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from ..base.visible import visible
from .formula import Comparison, Connective, Formula
from .polynomial import Polynomial
from .vnnlib2 import DeclaredNetwork, VnnLib2, declared_names
from .vnnlib_linear import Variable


def query_text(
    networks: Sequence[DeclaredNetwork], formula: Formula, names: Mapping[Variable, str], comments: Sequence[str] = ()
) -> str:
    """The whole file: `comments` first, then the declarations, then the formula over variables called `names`."""
    lines = [f"; {visible(comment)}" for comment in comments]
    lines.append("(vnnlib-version <2.0>)")
    for network in networks:
        lines += ["", *_declaration(network)]
    lines.append("")
    lines += [f"(assert {_formula(part, names)})" for part in _conjuncts(formula)]
    return "\n".join(lines) + "\n"


def rewritten(query: VnnLib2, comments: Sequence[str] = ()) -> str:
    """A query written anew: inputs that are one coordinate are asserted equal."""
    same = [
        Comparison(Polynomial.variable(i).plus(Polynomial.variable(first), -1), "==")
        for i, first in enumerate(query.shared)
        if i != first
    ]
    formula = Connective(True, (*same, query.formula))
    return query_text(query.networks, formula, declared_names(query.networks), comments)


def decimal(value: Fraction) -> str:
    """A rational whose denominator divides a power of ten, in digits; raises ValueError for another."""
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        raise ValueError(f"{value} is no decimal")
    places = max(twos, fives, 1)
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def _declaration(network: DeclaredNetwork) -> Iterator[str]:
    yield f"(declare-network {network.name}"
    for relation, other in (("equal-to", network.equal_to), ("isomorphic-to", network.isomorphic_to)):
        if other:
            yield f"  ({relation} {other})"
    for v in network.variables:
        onnx = v.onnx.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        named = f' "{onnx}"' if v.kind == "hidden" else ""
        yield f"  (declare-{v.kind} {v.name} {v.type} {v.dimensions}{named})"
    yield ")"


def _conjuncts(formula: Formula) -> Iterator[Formula]:
    """The parts of the outermost conjunctions; the formula itself where it is none."""
    if isinstance(formula, Connective) and formula.parts and (formula.is_and or len(formula.parts) == 1):
        for part in formula.parts:
            yield from _conjuncts(part)
    else:
        yield formula


def _formula(formula: Formula, names: Mapping[Variable, str]) -> str:
    if isinstance(formula, Comparison):
        return _comparison(formula, names)
    if not formula.parts:
        return f"(<= {'0.0' if formula.is_and else '1.0'} 0.0)"
    if len(formula.parts) == 1:
        return _formula(formula.parts[0], names)
    return f"({'and' if formula.is_and else 'or'} {' '.join(_formula(part, names) for part in formula.parts)})"


def _comparison(comparison: Comparison, names: Mapping[Variable, str]) -> str:
    terms = comparison.polynomial.terms
    scale = math.lcm(*(_beyond_ten(c.denominator) for c in terms.values()))
    relation = comparison.relation
    if max((c for monomial, c in terms.items() if monomial), default=0) < 0:
        # -x <= -1 reads better as x >= 1.
        scale, relation = -scale, relation.replace("<", ">")
    limit = -terms.get((), Fraction(0)) * scale
    summands = []
    for monomial, c in terms.items():
        if monomial:
            factors = [names[v] for v in monomial]
            if c * scale != 1:
                factors.insert(0, decimal(c * scale))
            summands.append(factors[0] if len(factors) == 1 else f"(* {' '.join(factors)})")
    left = summands[0] if len(summands) == 1 else f"(+ {' '.join(summands)})" if summands else "0.0"
    return f"({relation} {left} {decimal(limit)})"


def _beyond_ten(denominator: int) -> int:
    """The part of a denominator that no power of ten has."""
    for factor in (2, 5):
        while denominator % factor == 0:
            denominator //= factor
    return denominator
