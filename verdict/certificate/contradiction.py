"""Proofs for disjuncts whose rows contradict each other: c . v <= a and -c . v <= b with a + b < 0.

The reader of a query leaves such disjuncts out, so no search ever sees them; the checker counts them and wants a proof.
Farkas' weights of the two rows, as exact rationals, are one: the rows cancel and leave a positive number.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from .neurons import Disjuncts
from .proof import Goal, Part, ProofTree


def contradictions(disjuncts: Disjuncts) -> list[Part]:
    """A part for each disjunct that no search has excluded and that two of its rows exclude."""
    parts = []
    for number in sorted(disjuncts.left):
        weights = _weights(disjuncts.all[number].matrix.tolist(), disjuncts.all[number].offset)
        if weights is not None:
            tree = ProofTree()
            tree.close_rational(0, weights, {})
            parts.append(Part(False, [Goal([number], tree)]))
    return parts


def _weights(rows: list[list[Fraction]], limits: Any) -> list[Fraction] | None:
    """Weights of the rows that cancel them and leave less than 0 of the limits; None if no two rows do."""
    # Rows of one direction, scaled to a leading 1: the tightest limit of each, and which row it is.
    tightest: dict[tuple[Fraction, ...], tuple[Fraction, int, Fraction]] = {}
    for i, (row, limit) in enumerate(zip(rows, limits, strict=True)):
        unit = next((abs(c) for c in row if c), None)
        if unit is None:
            continue
        key, scaled = tuple(c / unit for c in row), limit / unit
        if key not in tightest or scaled < tightest[key][0]:
            tightest[key] = scaled, i, unit
    for key, (limit, i, unit) in tightest.items():
        other = tightest.get(tuple(-c for c in key))
        if other is not None and limit + other[0] < 0:
            weights = [Fraction(0)] * len(rows)
            weights[i], weights[other[1]] = 1 / unit, 1 / other[2]
            return weights
    return None
