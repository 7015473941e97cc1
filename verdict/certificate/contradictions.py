"""Disjuncts of a claim that contradict themselves: r . y <= a and -r . y <= b with a + b < 0.

No search is ever asked about them, since reading the query drops them; the checker does not look. The mean of the two
rows is a constant above 0, so one leaf with their weights excludes them.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from .neurons import Disjuncts, scaled
from .proof import Goal, Part, ProofTree


def contradictions(claim: Disjuncts) -> list[Part]:
    """Parts that exclude those of the disjuncts not proved otherwise."""
    parts = []
    for number in sorted(claim.left):
        d = claim.all[number]
        weights = _weights(d.matrix.tolist(), list(d.offset))
        if weights is not None:
            tree = ProofTree()
            tree.close(0, rows=weights[None])
            parts.append(Part(True, [Goal([number], tree)]))
    return parts


def _weights(rows: list[list[Fraction]], limits: list[Fraction]) -> Any:
    """Weights (rows,) of two opposite rows that contradict each other, small integers; None without such rows."""
    for i, (row, limit) in enumerate(zip(rows, limits, strict=True)):
        (pairs, first), unit = scaled(row, limit)
        for j in range(i):
            (others, second), other = scaled(rows[j], limits[j])
            if first + second < 0 and others == tuple((k, -c) for k, c in pairs):
                ratio, weights = unit / other, np.zeros(len(rows))
                weights[i], weights[j] = ratio.denominator, ratio.numerator
                return weights / 2.0 ** math.frexp(weights.max())[1]
    return None
