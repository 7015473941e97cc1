"""Conditions on the inputs of a family of sets: balls cut by half-spaces, or by any and/or of them.

Such a set has no closed form, but the inputs can be passed through to the outputs, and then the condition is a part of
what is unsafe there: unsafe is what is unsafe and fulfils it. So no engine has to know of it. Strict inequalities are
closed.
"""

from __future__ import annotations

from fractions import Fraction
from math import lcm

import numpy as np

from ..base.errors import EmptySetError, PropertyError
from ..network.exact import Coefficients
from .expand import expanded
from .formula import Formula, comparisons, renamed
from .unsafe import Polytope, UnsafeSet


def about_inputs(formula: Formula) -> bool:
    """Whether a formula mentions an input."""
    return any(variable >= 0 for c in comparisons(formula) for variable in c.polynomial.variables)


def region_of(formula: Formula, outputs: int, inputs_passed: int = 0, nowhere: str = "it holds nowhere") -> UnsafeSet:
    """Where a formula holds, as polytopes over the outputs and the inputs that a network passes through behind them.

    Raises EmptySetError, which says `nowhere`, where it does not hold whatever the inputs and outputs are.
    """
    width = outputs + inputs_passed
    over = renamed(formula, {i: -1 - (outputs + i) for i in range(inputs_passed)})
    cases, _ = expanded(over, 0, width, "the condition")
    if not cases:
        raise EmptySetError(nowhere)
    if len(cases) > 1:
        raise PropertyError("the condition, or the violation of the property, has more than one case")
    polytopes = [_whole(polytope) for polytope in cases[0].unsafe.polytopes]
    return UnsafeSet(tuple(polytopes), width)


def _whole(polytope: Polytope) -> Polytope:
    """The same with whole numbers as coefficients, which floats hold where they are not too long."""
    rows, limits = [], []
    for row, limit in zip(polytope.matrix.fractions(), polytope.offset.fractions().ravel(), strict=True):
        scale = lcm(*(Fraction(c).denominator for c in row))
        rows.append([c * scale for c in row])
        limits.append(limit * scale)
    matrix, offset = (Coefficients.from_fractions(np.array(part, dtype=object)) for part in (rows, limits))
    return Polytope(matrix, offset, polytope.name)


def under(unsafe: UnsafeSet, condition: UnsafeSet) -> UnsafeSet:
    """What is unsafe and fulfils the condition: every pair of their polytopes, with the names of the unsafe ones."""
    both = [
        Polytope(
            Coefficients.from_fractions(np.concatenate([p.matrix.fractions(), q.matrix.fractions()])),
            Coefficients.from_fractions(np.concatenate([p.offset.fractions().ravel(), q.offset.fractions().ravel()])),
            p.name,
        )
        for p in unsafe.polytopes
        for q in condition.polytopes
    ]
    return UnsafeSet(tuple(both), unsafe.outputs)


def widened(unsafe: UnsafeSet, extra: int) -> UnsafeSet:
    """An unsafe set over the outputs, over `extra` inputs behind them too."""
    polytopes = [
        Polytope(Coefficients.from_fractions(np.pad(p.matrix.fractions(), ((0, 0), (0, extra)))), p.offset, p.name)
        for p in unsafe.polytopes
    ]
    return UnsafeSet(tuple(polytopes), unsafe.outputs + extra)
