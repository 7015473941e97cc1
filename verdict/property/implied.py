"""Bounds that linear constraints imply on inputs which have none of their own.

A second copy of an input is often only said to lie near the first, x' <= x + 1/10: interval arithmetic over such a
row gives the box that a search needs (Gleixner et al. 2017 call it feasibility-based bound tightening). The bounds
found follow from the constraints, so adding them changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from .formula import Comparison
from .polynomial import Polynomial
from .vnnlib_linear import Linear

# A chain of constraints longer than this, each bounding the next variable, is left without bounds.
_ROUNDS = 20

Ends = list[Fraction | None]


def implied_bounds(constraints: Sequence[Comparison], inputs: int) -> list[Comparison]:
    """Bounds on inputs that lack them among the constraints, which all have to hold."""
    several = [row for constraint in constraints if _has_several(constraint) for row in _rows(constraint)]
    if not several:
        return []
    # ends[0] are the lower ends, ends[1] the upper ones.
    ends: tuple[Ends, Ends] = ([None] * inputs, [None] * inputs)
    for constraint in constraints:
        if not _has_several(constraint):
            for row, line in _rows(constraint):
                _bound(row, line, ends)
    found: list[Comparison] = []
    for _ in range(_ROUNDS):
        new = [comparison for row, line in several for comparison in _bound(row, line, ends)]
        found += new
        if not new:
            break
    return found


def _has_several(constraint: Comparison) -> bool:
    terms = constraint.polynomial.terms
    return len(terms) - (() in terms) > 1


def _rows(constraint: Comparison) -> Iterator[tuple[Linear, int]]:
    """The constraint as rows <= 0 over inputs; none where it is none."""
    polynomial = constraint.polynomial
    if polynomial.degree != 1 or constraint.relation == "!=" or min(polynomial.variables) < 0:
        return
    yield polynomial.linear(), constraint.line
    if constraint.relation == "==":
        yield Polynomial({}).plus(polynomial, -1).linear(), constraint.line


def _bound(row: Linear, line: int, ends: tuple[Ends, Ends]) -> list[Comparison]:
    """Give the variables of `row <= 0` the ends that they lack; returns what is new, as constraints."""
    # The least value of each term; None where its variable has no end on that side.
    least = {v: _times(c, ends[c < 0][v]) for v, c in row.coefficients.items()}
    open_terms = [v for v, value in least.items() if value is None]
    found = []
    for v, c in row.coefficients.items():
        if open_terms not in ([], [v]):
            continue
        others = sum((value for w, value in least.items() if w != v and value is not None), row.constant)
        # c v <= -others: an upper end for c > 0, a lower one else.
        side, value = int(c > 0), -others / c
        if ends[side][v] is None:
            ends[side][v] = value
            sign = Fraction(1 if c > 0 else -1)
            found.append(Comparison(Polynomial({(v,): sign, (): -sign * value} if value else {(v,): sign}), "<=", line))
    return found


def _times(c: Fraction, value: Fraction | None) -> Fraction | None:
    return None if value is None else c * value
