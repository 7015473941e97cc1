"""The linear program of a domain over the reduced network: its variables are the input and the unstable ReLUs alone.

Its relaxation is that of the triangles (Ehlers 1705.01320). The matrix is the same for all domains, so a solver goes
on from the basis of the last one; the duals are the slopes and the multipliers of splits that bound the domain best
(Salman et al. 1902.08722), and the bound that these make, in float64, decides.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from verdict.solvers import LinearModel
from verdict.solvers.simplex import Simplex, Vertex

from ...bounds.reduced import Reduced
from ...network.exact import FloatArray
from ...property.norms import norm_of
from .space import Space

# What a program may take: so many seconds, and this many times what the others have taken, but for a short time. The
# simplex method, begun from a basis of other costs, now and then goes in circles.
SECONDS, ASTRAY, SHORT = 10.0, 100.0, 0.2
# What missing a split costs, in terms of the row's coefficients: at first, and where one is still missed by more than
# a hair.
MISSED, HELD = (1e2, 1e5, 1e8), 1e-9


@dataclass(frozen=True, eq=False)
class Relaxation:
    """The least value of a row minus its offset, as a solver has it; the slopes and multipliers of splits (size,) that
    prove it; where it is: scaled inputs (inputs,), pre-activations and outputs of the unstable ReLUs (size,)."""

    least: float
    slopes: FloatArray
    betas: FloatArray
    point: FloatArray
    pre: FloatArray
    out: FloatArray

    @property
    def gaps(self) -> FloatArray:
        """How far the outputs are above what their ReLUs would give, (size,)."""
        above: FloatArray = self.out - np.maximum(self.pre, 0)
        return above


def can_say(space: Space) -> bool:
    """Whether programs are about the space's set: it has the reduced form, and is a box or a ball with flat sides."""
    ball = None if space.reduced is None else space.reduced.ball
    return space.reduced is not None and (ball is None or norm_of(ball.norm).is_polyhedral)


def matrix_numbers(space: Space) -> int:
    """How many numbers a program's matrix has at the most, besides those that do not grow with layers."""
    return space.size * (space.size + (0 if space.reduced is None else space.reduced.inputs))


class Program:
    """The program of one thread: variables are the scaled input, the pre-activations z and the outputs a of the
    unstable ReLUs, and by how much their splits are missed.

    Rows say what z is, then, for every unstable ReLU, a - z, a - chord z, and z with what it is missed by. That costs
    much, so multipliers stay bounded and an empty domain has some too. Domains differ in ends and in costs alone. A
    ball adds its norm's rows, about its own auxiliary numbers in the last columns.
    """

    def __init__(self, space: Space) -> None:
        from scipy import sparse

        reduced, size = space.reduced, space.size
        if reduced is None:
            raise ValueError("programs need the reduced form")
        inputs = reduced.inputs
        self._space, self._inputs = space, inputs
        pre = np.zeros((size, inputs + 1 + size))
        for layer in reduced.layers:
            pre[layer.start - inputs - 1 : layer.stop - inputs - 1, : layer.start] = layer.matrix.values
        of_input, constant, of_output = pre[:, :inputs], pre[:, inputs], pre[:, inputs + 1 :]
        one, none = sparse.eye_array(size), None
        matrix = sparse.block_array(
            [
                [sparse.csr_array(-of_input), one, sparse.csr_array(-of_output), none],
                [none, -one, one, none],
                [none, -sparse.diags_array(space.chords), one, none],
                [none, one, none, one],
            ],
            format="csr",
        )
        around, most = _ball_rows(reduced, inputs + 3 * size)
        self._around, self._auxiliary = most, around.shape[1] - inputs - 3 * size
        rest = sparse.csr_array((matrix.shape[0], self._auxiliary))
        matrix = sparse.vstack([sparse.hstack([matrix, rest]), around], format="csr")
        wide, free = np.full(size, np.inf), np.full(len(most), np.inf)
        self._rows, self._constant = reduced.rows.values.astype(np.float64), constant
        own = np.zeros(self._auxiliary)
        low = np.concatenate([np.full(inputs, -1.0), -wide, np.zeros(2 * size), own])
        high = np.concatenate([np.full(inputs, 1.0), wide, wide, np.zeros(size), own + np.inf])
        ends = (
            np.concatenate([constant, np.zeros(size), -wide, -wide, -free]),
            np.concatenate([constant, wide, wide, wide, most]),
        )
        columns = inputs + 3 * size + self._auxiliary
        model = LinearModel(np.zeros(columns), matrix, *ends, low, high, np.zeros(columns, bool))
        self._simplex = Simplex(model)
        self._solved, self._taken = 0, 0.0

    @property
    def _patience(self) -> float:
        """The seconds that the next program may take."""
        return min(SECONDS, max(SHORT, ASTRAY * self._taken / self._solved)) if self._solved else SECONDS

    def solve(self, row: int, signs: Any) -> Relaxation | None:
        """What the solver finds for a domain with these sides, about the row of that number."""
        inputs, space, inf, size = self._inputs, self._space, np.inf, len(signs)
        on, off = signs > 0, signs < 0
        zero, constant = np.zeros(size), self._constant
        most, own = self._around, np.zeros(self._auxiliary)
        lower = [constant, np.where(off, -inf, 0.0), zero - inf, np.where(on, 0.0, -inf), np.full(len(most), -inf)]
        split = np.where(signs == 0, space.gaps, inf)
        upper = [constant, np.where(on, 0.0, inf), split, np.where(off, 0.0, inf), most]
        self._simplex.bound_rows(np.concatenate(lower), np.concatenate(upper))
        unit, free = np.ones(inputs), zero + inf
        low = [-unit, -free, np.where(on, -inf, 0.0), np.where(off, -inf, 0.0), own]
        high = [unit, free, np.where(off, 0.0, inf), np.where(on, inf, 0.0), own + inf]
        self._simplex.bound(np.concatenate(low), np.concatenate(high))
        cost = self._rows[row]
        miss = (1 + np.abs(cost).sum()) * signs
        best: Vertex | None = None
        for price in MISSED:
            costs = np.concatenate([cost[:inputs], zero, cost[inputs + 1 :], price * miss, own])
            self._simplex.aim(costs, float(cost[inputs] - space.offsets[row]))
            began = time.monotonic()
            found = self._simplex.solve(self._patience)
            if found is None:
                break
            self._solved, self._taken = self._solved + 1, self._taken + time.monotonic() - began
            best = found
            # What misses a split and is below zero still says nothing about the domain.
            if best.objective > 0 or np.abs(best.point[inputs + 2 * size :][:size]).max(initial=0) <= HELD:
                break
        if best is None:
            return None
        _, steep, _, side = best.duals[: 4 * size].reshape(4, -1)
        # What the rows leave of an output's coefficient falls on its lower end 0.
        flat = best.reduced_costs[inputs + size : inputs + 2 * size]
        steep, flat = np.maximum(steep, 0), np.maximum(flat, 0)
        total = steep + flat
        slopes = np.where(total > 0, steep / np.where(total > 0, total, 1), space.floors)
        point, pre, out = np.split(best.point[: inputs + 2 * size], [inputs, inputs + size])
        return Relaxation(best.objective, slopes, np.maximum(signs * side, 0), point, pre, out)


def _ball_rows(reduced: Reduced, columns: int) -> tuple[Any, FloatArray]:
    """What a ball's norm says of the scaled inputs, and of auxiliary numbers in the columns from `columns` on: rows as
    a sparse matrix, and the most that each may be; none where the set is a box."""
    from scipy import sparse

    ball = reduced.ball
    if ball is None:
        return sparse.csr_array((0, columns)), np.zeros(0)
    norm, zero = norm_of(ball.norm), Fraction(0)
    rows = norm.cuts([zero] * reduced.inputs).rows()
    center, steps = (part.values.astype(np.float64) for part in (ball.center, ball.steps))
    matrix, most = sparse.lil_array((len(rows), columns + norm.auxiliary(reduced.inputs))), np.zeros(len(rows))
    for number, row in enumerate(rows):
        # Of the ball's own coordinates (s - center) * steps, at the radius 1.
        most[number] = float(row.constant - row.slope)
        for column, coefficient in zip(row.columns, row.coefficients, strict=True):
            if column < reduced.inputs:
                matrix[number, column] = float(coefficient) * steps[column]
                most[number] += float(coefficient) * steps[column] * center[column]
            else:
                matrix[number, columns + column - reduced.inputs] = float(coefficient)
    return matrix.tocsr(), most
