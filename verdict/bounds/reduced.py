"""The network on one box, written in its unstable ReLUs alone.

A ReLU that is stable on the box is linear there, so every pre-activation is an affine function of the input
and of the unstable ReLUs before it. Where these are few, bounding a domain of branch and bound costs two small
matrix products per layer, however wide the network is. Everything is float32 and still rigorous: what the
matrices and the arithmetic get wrong is bounded once per neuron, and charged by one dot product per domain. `reduce`
makes the form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..base.deadline import checkpoint
from ..network.exact import FloatArray
from ..network.maps.base import STEP
from ..network.maps.namespace import Constant, namespace, negative, positive
from .bounds import Bounds
from .moving import moving
from .reduced_ball import ReducedBall
from .rounding import gamma, tiny, unit

# Products summed at once in float32. A sum of such sums is off by little more than one of them, so the fewer the better
# for the charge, and the more the better for the processor.
TERMS = 256
# Room for roundings of sums of numbers that are not negative.
ROOM = 1 + 2.0**-20


@dataclass(frozen=True, eq=False)
class Layer:
    """The unstable neurons of one ReLU node: their outputs are the variables `start` to `stop`, their
    pre-activations `matrix` @ (the variables before `start`), matrix (stop - start, start)."""

    start: int
    stop: int
    matrix: Constant


@dataclass(frozen=True, eq=False)
class Sizes:
    """What a reduced form's arithmetic is charged by, float64: the bounds `low` and `high` of its neurons; of them, and
    of its `rows`, what they differ from the network's at most, and how large their sums can get."""

    low: FloatArray
    high: FloatArray
    error: FloatArray
    reach: FloatArray
    row_error: FloatArray
    row_reach: FloatArray


@dataclass(frozen=True, eq=False)
class Reduced:
    """Rows of one node as affine functions of the variables: the input, 1, outputs of unstable ReLUs in order.

    The input is scaled, x = center + radius * s with s in [-1, 1], one variable per coordinate that can move
    (`inputs` of them); the constant 1 is variable number `inputs`. `rows` is (rows, variables). Of the box only
    the part in the `ball` counts, if there is one.
    """

    inputs: int
    layers: tuple[Layer, ...]
    rows: Constant
    sizes: Sizes
    ball: ReducedBall | None = None

    @property
    def count(self) -> int:
        """How many unstable ReLUs there are."""
        return len(self.sizes.error)

    @property
    def largest(self) -> FloatArray:
        """The largest magnitudes of the variables."""
        return np.concatenate([np.ones(self.inputs + 1), self.sizes.high])

    @cached_property
    def _pieces(self) -> int:
        """How many products a coefficient goes through at most, of so many at once and a few others."""
        sizes = [layer.stop - layer.start for layer in self.layers]
        return min(TERMS, max(sizes, default=0)) + sum(-(-size // TERMS) for size in sizes) + 16

    @cached_property
    def _charges(self) -> tuple[Constant, Constant]:
        """What one unit of a multiplier gets wrong, (unstable ReLUs,) and (rows,)."""
        sizes, rate = self.sizes, 4 * gamma(self._pieces, unit(np.float32))
        # What an underflow may meet, and what the sum of the charges themselves gets wrong.
        slack = tiny(np.float32) * (1 + self.largest.sum() + sizes.reach.sum())
        room = ROOM * (1 + 2 * gamma(self.count + 8, unit(np.float32)))
        own = room * (sizes.error + rate * sizes.reach) + slack
        rows = room * (sizes.row_error + rate * sizes.row_reach) + slack
        return Constant(_above(own)), Constant(_above(rows))

    @property
    def charge(self) -> Constant:
        """What one unit of a neuron's multiplier gets wrong, (unstable ReLUs,)."""
        return self._charges[0]

    @property
    def row_charge(self) -> Constant:
        """What each row gets wrong by itself, (rows,)."""
        return self._charges[1]

    @cached_property
    def last_charge(self) -> float:
        """What the sum over the inputs gets wrong, of its size."""
        return 4 * gamma(2 * self.inputs + self._pieces, unit(np.float32))

    @property
    def is_finite(self) -> bool:
        """Whether the charges can be told in float32."""
        return all(bool(np.isfinite(charge.values).all()) for charge in self._charges)

    def bound(self, row: Any, below: Any, above: Any, gap: Any, shift: Any) -> tuple[Any, Any, Any, Any, Any]:
        """Lower bounds (batch,) of rows number `row` (batch,), what they were charged for rounding, the coefficients
        nu (batch, unstable ReLUs) met, what `follow` needs, and the constant (batch,) with which the coefficients of
        the scaled input there bound the row on all of the box. In NumPy the bounds are rigorous.

        `below`, `above`, `gap`, `shift` (batch, unstable ReLUs) are the lines, as in `lines.Lines`.
        """
        coefficients, charge = self.rows.like(below)[row], self.row_charge.like(below)[row]
        return self.bound_of(coefficients, charge, (below, above, gap, shift))

    def bound_of(self, coefficients: Any, charge: Any, lines: Sequence[Any]) -> tuple[Any, Any, Any, Any, Any]:
        """The same for any functions of the variables: their `coefficients` (batch, variables), which are changed, are
        off by so much (batch,)."""
        xp, first = namespace(coefficients), self.inputs + 1
        gained, wrong = self.substitute(coefficients, self.layers, lines)
        if self.ball is None:
            size = xp.sum(xp.abs(coefficients[:, : self.inputs]), axis=1)
            least = -size
        else:
            least, size = self.ball.least(coefficients[:, : self.inputs])
        constant, nu = coefficients[:, self.inputs], coefficients[:, first:]
        wrong += charge + self.last_charge * (size + xp.abs(constant))
        flat = constant + gained - wrong
        return flat + least, wrong, nu, coefficients, flat

    def substitute(self, coefficients: Any, layers: Sequence[Layer], lines: Sequence[Any]) -> tuple[Any, Any]:
        """Go back through these first `layers`, from `coefficients` (batch, variables) of functions of them, in place.

        What is left of it are those of the inputs and 1, and the nu that each ReLU was met with. Returns what the
        lines add to the functions, and what is charged for the neurons' sums, (batch,) each. The `lines` are arrays
        (batch or 1, unstable ReLUs): below, above, gap, and perhaps shift.
        """
        xp, first = namespace(coefficients), self.inputs + 1
        below, above, gap, *shift = lines
        charge = self.charge.like(coefficients)
        gained, wrong = xp.zeros_like(coefficients[:, 0]), xp.zeros_like(coefficients[:, 0])
        for layer in reversed(layers):
            checkpoint()
            here = slice(layer.start - first, layer.stop - first)
            nu = coefficients[:, layer.start : layer.stop]
            falling = negative(nu)
            mu = positive(nu) * below[:, here]
            mu += falling * above[:, here]
            for more in shift:
                mu += more[:, here]
            wrong += xp.abs(mu) @ charge[here]
            matrix = layer.matrix.like(mu)
            for start in range(0, layer.stop - layer.start, TERMS):
                some = slice(start, start + TERMS)
                gained += xp.sum(falling[:, some] * gap[:, here][:, some], axis=1)
                coefficients[:, : layer.start] += mu[:, some] @ matrix[some]
        return gained, wrong

    def follow(self, coefficients: Any, below: Any, above: Any, gap: Any) -> tuple[Any, Any]:
        """The minimiser s (batch, inputs) of a bound, and the pre-activations (batch, unstable) it leads to."""
        xp = namespace(coefficients)
        if self.ball is None:
            # 1 or -1, without the branch for each number that a choice at random would be.
            inputs = (coefficients[:, : self.inputs] > 0) * np.float32(-2) + np.float32(1)
        else:
            inputs = self.ball.argmin(coefficients[:, : self.inputs])
        falling = coefficients[:, self.inputs + 1 :] < 0
        slope, offset = xp.where(falling, above, below), xp.where(falling, gap, np.float32(0))
        return inputs, self.forward(inputs, 1, slope, offset)

    def forward(self, inputs: Any, constant: Any, slope: Any, offset: Any) -> Any:
        """Pre-activations (batch, unstable) at scaled inputs (batch, inputs), every ReLU replaced by a line slope * z +
        offset; with `constant` 0 and offsets 0 the derivatives in the direction `inputs`."""
        xp, first = namespace(slope), self.inputs + 1
        variables = xp.empty((len(slope), first + slope.shape[1]), dtype=slope.dtype, device=slope.device)
        variables[:, : self.inputs] = inputs
        variables[:, self.inputs] = constant
        pre = xp.empty_like(slope)
        for layer in self.layers:
            checkpoint()
            here = slice(layer.start - first, layer.stop - first)
            z = variables[:, : layer.start] @ layer.matrix.like(slope).T
            pre[:, here] = z
            variables[:, layer.start : layer.stop] = slope[:, here] * z + offset[:, here]
        return pre

    def gradients(self, slope: FloatArray) -> FloatArray:
        """Derivatives (unstable, inputs) of the pre-activations with respect to the scaled input, where the ReLUs have
        these slopes (unstable,)."""
        first = self.inputs + 1
        result = np.zeros((len(slope), self.inputs))
        for layer in self.layers:
            before, rows = layer.start - first, layer.matrix.values
            chunk = max(1, STEP // (1 + before * self.inputs))
            for at in range(0, len(rows), chunk):
                checkpoint()
                some = rows[at : at + chunk]
                from_relus = (some[:, first:] * slope[:before]) @ result[:before]
                result[before + at : before + at + len(some)] = some[:, : self.inputs] + from_relus
        return result


def scale_of(bounds: Bounds) -> tuple[FloatArray, FloatArray]:
    """The centre and the radius of every coordinate of the box of `bounds`, (inputs,): x = center + radius * s, with s
    in [-1, 1]. The radius is 0 where the coordinate does not move, and x is then within `unscaled_error` of it."""
    center, reach, moves = _around(bounds)
    return center, np.where(moves, reach, 0)


def unscaled_error(bounds: Bounds) -> FloatArray:
    """How far each coordinate of the box of `bounds` can be from what `scale_of` says of it, (inputs,)."""
    _, reach, moves = _around(bounds)
    return np.where(moves, 0, reach)


def _around(bounds: Bounds) -> tuple[FloatArray, FloatArray, Any]:
    """The centre of every coordinate of the box, how far it is from that at most, 0 where it is there, and whether it
    moves, (inputs,)."""
    low, high = bounds.lower[0][0], bounds.upper[0][0]
    center = low / 2 + high / 2
    # The two differences round: one more ulp, so that every x of the box is within reach.
    reach = np.where(high > low, np.nextafter(np.maximum(high - center, center - low), np.inf), 0)
    return center, reach, moving(low, high)


def unscaled(bounds: Bounds, scaled: FloatArray) -> FloatArray:
    """One scaled input (inputs that move,) as a float64 input in the box and the ball of `bounds`, (1, input_size)."""
    low, high = bounds.lower[0][0], bounds.upper[0][0]
    x, width = scale_of(bounds)
    x[width > 0] += width[width > 0] * scaled
    inside: FloatArray = np.clip(x, low, high)[None]
    return inside if bounds.ball is None else bounds.ball.inward(inside)


def _above(values: Any) -> Any:
    """Float32 numbers at least as large."""
    with np.errstate(over="ignore"):
        return np.nextafter(values.astype(np.float32), np.float32(np.inf))
