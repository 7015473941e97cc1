"""Cases that only their strictness excludes: a probability is not below 0, and not above 1, but bounds end at both.

Searches exclude closed sets, which such a case touches as far as bounds can tell, on every box around. So rows that are
strict are compared as they stand, once, on the whole box.
"""

from __future__ import annotations

from fractions import Fraction

from ..base.deadline import Deadline
from ..bounds import linear_bounds, output_bounds
from ..network.functions import Feature
from ..network.graph import Graph
from ..property.cases import Case


def strictly_excluded(graph: Graph, case: Case, deadline: Deadline) -> bool:
    """Whether bounds show that no point of the box satisfies any polytope with its strict rows. Networks of which all
    can be known exactly are left to that."""
    if case.strict is None or graph.has(Feature.PIECEWISE_LINEAR):
        return False
    low, high = (end[None] for end in case.inputs.floats())
    bounds = linear_bounds(graph, low, high, deadline.passed)
    for polytope, strict in zip(case.unsafe.polytopes, case.strict, strict=True):
        lowest = output_bounds(graph, bounds, polytope.matrix.values).lower[0].tolist()
        limits = polytope.offset.fractions().ravel().tolist()
        # A row is c y <= d, or c y < d; its float64 coefficients may be rounded, and then it says nothing.
        known = polytope.matrix.is_dyadic and all(abs(value) < float("inf") for value in lowest)
        rows = zip(map(Fraction, lowest if known else []), limits, strict, strict=False)
        if not any(least > limit or (is_strict and least == limit) for least, limit, is_strict in rows):
            return False
    return True
