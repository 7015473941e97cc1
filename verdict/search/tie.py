"""The leaf of a proof where the unsafe set is touched: multipliers in exact rationals.

At the exact radius some domain with every ReLU split reaches the unsafe set in one point, and every float bound of it
is a hair too low. It is a linear program, so its duals bound it by exactly zero (Farkas); a float solver says which
constraints are tight, and the multipliers that those need are the rational solution of a small linear system. The
checker accepts zero only if it turns positive as soon as the radius shrinks.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from verdict.encoders.writer import Phases
from verdict.solvers import LinearModel, Status, solver

from ..base.errors import SolverError
from ..network.exact import ExactVector
from ..property import Box, Polytope
from .points.region import linear_form, solve_exactly
from .relus.space import Space

# Duals and reduced costs below this, relative to the largest, are taken to be zero.
ZERO = 1e-9


def tie_multipliers(space: Space, signs: Any, polytope: Polytope, box: Box) -> list[Fraction] | None:
    """Rational multipliers, one for each unstable ReLU of `space`, that bound the polytope's only row by at least
    zero on the domain of `signs` (size,), all of them split, over the exact box; None where they are not found."""
    graph, phases = space.graph, phases_of(space, signs)
    forms = []
    for relu, columns in space.columns.items():
        source = graph.nodes[relu].sources[0]
        for column in columns.tolist():
            pick = np.zeros(graph.nodes[source].size, dtype=object)
            pick[column] = 1
            forms.append(linear_form(graph, phases, source, ExactVector(pick, 1), Fraction(0)))
    row = ExactVector.of(polytope.matrix.fractions()[0])
    cost = linear_form(graph, phases, graph.output, row, -polytope.offset.fractions().ravel()[0])
    duals, reduced = _float_duals([*forms, cost], signs, box)
    if duals is None:
        return None
    used = np.flatnonzero(duals > ZERO * max(1.0, float(duals.max(initial=0))))
    free = np.flatnonzero(np.abs(reduced) <= ZERO * max(1.0, float(np.abs(reduced).max(initial=0))))
    exact = [form.fractions() for form, _ in forms]
    wanted = cost[0].fractions()
    system = [[*(exact[i][j] * int(signs[i]) for i in used), wanted[j]] for j in free]
    solution = solve_exactly(system, len(used)) if len(used) else []
    if solution is None:
        return None
    betas = [Fraction(0)] * len(forms)
    for i, value in zip(used.tolist(), solution, strict=True):
        betas[i] = max(value, Fraction(0))
    return betas if _bound(cost, forms, signs, betas, box) >= 0 else None


def phases_of(space: Space, signs: Any) -> Phases:
    """The side of every ReLU on a domain where all unstable ones are split."""
    phases = {}
    for i in space.graph.pointwise:
        on = space.bounds.in_front(space.graph, i)[0][0] >= 0
        if i in space.columns:
            on[space.columns[i]] = signs[space.slices[i]] > 0
        phases[i] = on
    return phases


def _float_duals(forms: list[tuple[ExactVector, Fraction]], signs: Any, box: Box) -> tuple[Any, Any]:
    """The multipliers and reduced costs of the float linear program: the last form's minimum where all others have
    these signs. (None, None) where it has none."""
    from scipy import sparse

    slopes, constants = np.array([f.floats() for f, _ in forms]), np.array([float(c) for _, c in forms])
    lower, upper = box.floats()
    model = LinearModel(
        slopes[-1],
        sparse.csr_array(signs[:, None] * slopes[:-1]),
        -signs * constants[:-1],
        np.full(len(signs), np.inf),
        lower,
        upper,
        np.zeros(len(lower), bool),
        float(constants[-1]),
    )
    try:
        solution = solver("highs", isolate=False).solve(model, time_limit=60.0)
    except SolverError:
        return None, None
    if solution.status is not Status.OPTIMAL or solution.duals is None or solution.reduced_costs is None:
        return None, None
    return np.maximum(np.asarray(solution.duals), 0), np.asarray(solution.reduced_costs)


def _bound(
    cost: tuple[ExactVector, Fraction],
    forms: list[tuple[ExactVector, Fraction]],
    signs: Any,
    betas: list[Fraction],
    box: Box,
) -> Fraction:
    """The least value over the box of the cost less its multiples of the other forms, exactly."""
    slope, constant = cost[0].fractions(), cost[1]
    for (form, offset), sign, beta in zip(forms, signs.tolist(), betas, strict=True):
        if beta:
            constant -= sign * beta * offset
            slope = [a - sign * beta * b for a, b in zip(slope, form.fractions(), strict=True)]
    return constant + box.minimum(slope)
