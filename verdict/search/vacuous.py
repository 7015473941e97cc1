"""Sets without a point: no input of a box or ball fulfils a conjunction of half-spaces A x <= b.

Everything holds on such a set, and who asks about one has mostly made a mistake, so an answer says it. A float program
finds weights w >= 0 (Farkas): if the least value of w A x over the set, exactly, is above w b, no point is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ..base.deadline import checkpoint
from ..base.errors import SolverError
from ..network.exact import FloatArray
from ..property.box import Box
from ..property.cases import Case
from ..property.norm_ball import RoundBox

# Rounds of projections that look for a point before a program is asked.
ROUNDS = 50
# A set of more disjuncts than this is not looked at.
MOST = 1000
NO_POINT = "the input set is empty: its half-spaces have no point in common"

Rows = Sequence[Sequence[Fraction]]


def no_input(cases: Sequence[Case], within: Box | None = None) -> bool:
    """Whether no input, of the set `within` if there is one, fulfils what the cases of a query say of the inputs
    alone."""
    if not cases or sum(len(case.unsafe.polytopes) for case in cases) > MOST:
        return False
    if not all(case.outputs_with_inputs for case in cases):
        return False  # a box alone is never empty
    for case in cases:
        for polytope in case.unsafe.polytopes:
            matrix, limits = polytope.matrix.fractions(), polytope.offset.fractions().ravel()
            outputs = matrix.shape[1] - case.inputs.size
            about = [i for i, row in enumerate(matrix) if not any(row[:outputs])]
            rows = [[Fraction(v) for v in matrix[i][outputs:]] for i in about]
            if not excludes(case.inputs, rows, [Fraction(limits[i]) for i in about], within):
                return False
    return True


def excludes(box: Box, rows: Rows, limits: Sequence[Fraction], within: Box | None = None) -> bool:
    """Whether no x of the box, and of `within`, fulfils rows @ x <= limits: True is a proof, in exact arithmetic."""
    checkpoint()
    if not rows:
        return False
    matrix = np.array([[float(v) for v in row] for row in rows])
    ends = np.array([float(v) for v in limits])
    if not (np.isfinite(matrix).all() and np.isfinite(ends).all()):
        return False
    length = np.sqrt((matrix**2).sum(axis=1))
    length[length == 0] = 1.0
    matrix, ends = matrix / length[:, None], ends / length
    if _finds_point(box, within, matrix, ends):
        return False
    if not isinstance(within, RoundBox):
        return _proves(box, box, rows, limits, _weights(box, matrix, ends) / length, np.zeros(box.size))
    from .points.least_distance import least_distance

    # The sides of the box are half-spaces too: the rest is a ball, of which the nearest point is known.
    eye, center = np.eye(box.size), within.family.center.floats()
    lower, upper = box.floats()
    sides, distances = np.concatenate([matrix, eye, -eye]), np.concatenate([ends, upper, -lower])
    _, weights = least_distance(-sides, sides @ center - distances, within.family.norm)
    mine, above, below = np.split(weights, [len(rows), len(rows) + box.size])
    return _proves(box, within, rows, limits, mine / length, above - below)


def _finds_point(box: Box, within: Box | None, matrix: FloatArray, ends: FloatArray) -> bool:
    """Whether projections on the half-spaces and the sets, one after another, end in a point of about all of them."""
    lower, upper = box.floats()
    x = lower / 2 + upper / 2
    for _ in range(ROUNDS):
        if within is not None and within.ball is not None:
            x = within.ball.inward(x[None])[0]
        over = matrix @ x - ends
        if (over <= 0).all():
            return True
        worst = int(np.argmax(over))
        x = np.clip(x - 1.1 * over[worst] * matrix[worst], lower, upper)
    return False


def _weights(box: Box, matrix: FloatArray, ends: FloatArray) -> FloatArray:
    """Duals of: by how much have the limits to be raised, all alike, until there is a point?"""
    from scipy import sparse

    from verdict.solvers import LinearModel, Status, solver

    from ..property.norms.nearest import SECONDS

    (count, size), (lower, upper) = matrix.shape, box.floats()
    model = LinearModel(
        np.append(np.zeros(size), 1.0),
        sparse.csr_array(np.concatenate([matrix, -np.ones((count, 1))], axis=1)),
        np.full(count, -np.inf),
        ends,
        np.append(lower, -np.inf),
        np.append(upper, np.inf),
        np.zeros(size + 1, bool),
    )
    try:
        found = solver("highs", isolate=False).solve(model, time_limit=SECONDS)
    except SolverError:
        return np.zeros(count)
    if found.status is not Status.OPTIMAL or found.duals is None:
        return np.zeros(count)
    return np.maximum(-np.asarray(found.duals), 0)


def _proves(
    box: Box, inside: Box, rows: Rows, limits: Sequence[Fraction], weights: FloatArray, sides: FloatArray
) -> bool:
    """Whether these weights of the rows, and those of the sides of the box, leave no point, exactly."""
    if not (np.isfinite(weights).all() and np.isfinite(sides).all()):
        return False
    least, form = Fraction(0), [Fraction(v) for v in sides.tolist()]
    for weight, row, limit in zip(map(Fraction, weights.tolist()), rows, limits, strict=True):
        if weight:
            least -= weight * limit
            form = [f + weight * c for f, c in zip(form, row, strict=True)]
    rest = [-Fraction(v) for v in sides.tolist()]
    return least + inside.minimum(form) + Box.minimum(box, rest) > 0
