"""Plain arithmetic: Python's integers over one denominator, where nothing is rounded but the multipliers themselves.

Slow, and the shortest way to see that the rule holds: whatever the multipliers are, the least of each bracket is taken
at the ends of its bounds and at zero. It decides leaves that need rationals and, as the tier `python`, everything.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from ..clock import Ask, nobody
from ..errors import OutOfRangeError
from ..functions.base import Function
from ..functions.planes import least
from ..kernel.region import Region
from ..kernel.rule import rule
from ..network import Affine, Linear, Network, add, integers
from .float32 import float32_error, value_error
from .outward import floats_beside, nearest

# Multipliers of unstable ReLUs are rounded to this grid, so that numbers stay short; any multipliers are sound.
GRID = 2**90
# An object array of Python integers over one denominator.
Over = tuple[Any, int]

_fractions = np.frompyfunc(Fraction, 1, 1)
_ratios = np.frompyfunc(lambda top, under: Fraction(int(top), under), 2, 1)
# nu times one of two slopes, on the grid.
_on_plane = np.frompyfunc(lambda nu, below, above: Fraction(int(nu * (below if nu >= 0 else above) * GRID), GRID), 3, 1)


class Rationals:
    """The arithmetic of the tier `python`. `box` are exact ends of the input, where a region has floats; with `ball` a
    row may be 0 if it is positive at every smaller radius."""

    def __init__(self, network: Network, any_order: bool = False, box: Any = None, ball: Any = None) -> None:
        self.ask: Ask = nobody
        self.network, self.any_order, self.ball = network, any_order, ball
        self.box = None if box is None else [np.array(ends, dtype=object) for ends in box]

    def interval(self, node: Affine, region: Region) -> tuple[Any, Any]:
        """Bounds (batch, size) of an affine node from those of its sources in `region`."""
        if node.error is not None:
            raise OutOfRangeError
        bias, under = integers(node.bias)
        low = high = (bias[None], under)
        for linear, source in node.terms:
            weight, below = linear.integers
            (bottom, top), under = integers(np.stack([region.low[source], region.high[source]]))
            rising, falling = np.maximum(weight, 0), np.minimum(weight, 0)
            low = add(low, (linear.forward(bottom, rising) + linear.forward(top, falling), under * below))
            high = add(high, (linear.forward(top, rising) + linear.forward(bottom, falling), under * below))
        wrong = integers(float32_error(node, region) if self.any_order else np.zeros((1, node.size)))
        low, high = add(low, (-wrong[0], wrong[1])), add(high, wrong)
        return floats_beside(_ratios(*low), -1), floats_beside(_ratios(*high), 1)

    def lower(self, region: Region, number: int, rows: Any, lines: dict[int, Any],
              before: tuple[int, Any] | None = None) -> Any:
        """Lower bounds (batch, rows) of `rows` @ node `number`, and of those of a node `before` it, floats."""
        return floats_beside(self._sum(region, number, rows, lines, before).bound, -1)

    def positive(self, region: Region, number: int, rows: Any, lines: dict[int, Any]) -> Any:
        """Which rows are above zero, or would be as soon as the ball were smaller."""
        found = self._sum(region, number, rows, lines)
        closed = (found.bound > 0) | (found.low > found.high).any(axis=1)[:, None]
        if self.ball is not None:
            closed |= (found.bound == 0) & self._grows(found)
        return closed.astype(bool)

    def _sum(self, region: Region, number: int, rows: Any, lines: dict[int, Any],
             before: tuple[int, Any] | None = None) -> RationalSum:
        batch = max(len(region.low[0]), len(rows), *(len(line.above) for line in lines.values()), 1)
        total = RationalSum(self, region, lines, (batch, rows.shape[1]))
        others = None if before is None else (before[0], integers(before[1]))
        rule(self.network, number, integers(np.broadcast_to(rows, (batch, *rows.shape[1:]))), total, self.ask, others)
        return total

    def _grows(self, found: RationalSum) -> Any:
        """Whether the least value over the ball grows as soon as the radius shrinks, (batch, rows)."""
        center, radius = np.array(self.ball.center, dtype=object), self.ball.radius
        from_below, from_above = found.low == center - radius, found.high == center + radius
        at_ends = ((found.slope > 0) & from_below[:, None]) | ((found.slope < 0) & from_above[:, None])
        return at_ends.any(axis=2) | (found.dual > 0)


class RationalSum:
    """The rule's sum `bound` (batch, rows), with the coefficients `slope` (batch, rows, inputs) that met the exact box
    [low, high] (batch, inputs) of the input, and the dual norm `dual` (batch, rows) of those that met its ball."""

    def __init__(self, numbers: Rationals, region: Region, lines: dict[int, Any], shape: tuple[int, int]) -> None:
        self.numbers, self.region, self.lines = numbers, region, lines
        self.bound = np.full(shape, Fraction(0), dtype=object)
        self.low, self.high = _fractions(region.low[0]), _fractions(region.high[0])
        if numbers.box is not None:
            self.low, self.high = np.maximum(self.low, numbers.box[0]), np.minimum(self.high, numbers.box[1])
        self.dual = np.full(shape, Fraction(0), dtype=object)
        self.slope = np.full((*shape, numbers.network.input_size), Fraction(0), dtype=object)

    def affine(self, nu: Over, number: int) -> Over:
        node, (top, under) = self.numbers.network.nodes[number], nu
        if node.error is not None:
            raise OutOfRangeError
        bias, below = integers(node.bias)
        self.bound += _ratios((top * bias).sum(axis=2), under * below)
        if self.numbers.any_order:
            wrong, below = integers(float32_error(node, self.region))
            self.bound -= _ratios((abs(top) * wrong[:, None]).sum(axis=2), under * below)
        return nu

    def back(self, mu: Over, linear: Linear) -> Over:
        (top, under), (weight, below) = mu, linear.integers
        found = linear.backward(top.reshape(-1, top.shape[2]), weight)
        return found.reshape(*top.shape[:2], -1), under * below

    def _lost(self, nu: Over, number: int) -> None:
        """Charge how float32 evaluations round a function or a product."""
        network = self.numbers.network
        found = value_error(network.nodes[number], self.region, network.ulps) if self.numbers.any_order else None
        if found is not None:
            wrong, below = integers(found)
            self.bound -= _ratios((abs(nu[0]) * wrong[:, None]).sum(axis=2), nu[1] * below)

    def pointwise(self, nu: Over, number: int) -> Over:
        line, received = self.lines[number], _ratios(*nu)
        self._lost(nu, number)
        mu = self.multipliers(received, number)
        lowest = np.frompyfunc(line.function.least, 4, 1)
        self.bound += lowest(received, mu, *(_fractions(ends)[:, None] for ends in (line.low, line.high))).sum(axis=2)
        return integers(mu)

    def product(self, nu: Over, number: int) -> tuple[Over, Over]:
        planes, received = self.lines[number], _ratios(*nu)
        self._lost(nu, number)
        slopes = [_fractions(a)[:, None] for a in (planes.below, planes.above, planes.under, planes.over)]
        mu, kappa = _on_plane(received, *slopes[:2]), _on_plane(received, *slopes[2:])
        ends = (_fractions(end)[:, None] for factor in (planes.x, planes.y) for end in factor)
        self.bound += np.frompyfunc(least, 7, 1)(received, mu, kappa, *ends).sum(axis=2)
        return integers(mu), integers(kappa)

    def multipliers(self, nu: Any, number: int) -> Any:
        """The multipliers in front of Pointwise node `number` for the received coefficients (batch, rows, size)."""
        line = self.lines[number]
        if line.raw is not None:
            return np.broadcast_to(_fractions(line.raw)[:, None], nu.shape)
        shift = np.zeros_like(line.above) if line.shift is None else line.shift
        on_line = np.frompyfunc(partial(_on_line, line.function), 4, 1)
        return on_line(nu, *(_fractions(a)[:, None] for a in (line.below, line.above, shift)))

    def join(self, one: Over, other: Over) -> Over:
        return add(one, other)

    def least(self, nu: Over) -> None:
        self.slope, ball = _ratios(*nu), self.region.ball
        if ball is not None:
            floats = nearest(self.slope)
            part = ball.part(floats, self.region.low[0], self.region.high[0])
            # What is not cut off is left to the ball as it is.
            b = np.where(part == floats, self.slope, _fractions(part))
            self.dual = np.array([[ball.exact_length(row) for row in rows] for rows in b.tolist()], dtype=object)
            self.bound += (b * np.array(ball.center, dtype=object)).sum(axis=2) - ball.radius * self.dual
            self.slope = self.slope - b
        ends = np.where(self.slope > 0, self.low[:, None], self.high[:, None])
        self.bound += (self.slope * ends).sum(axis=2)


def _on_line(function: Function, nu: Fraction, below: Fraction, above: Fraction, shift: Fraction) -> Fraction:
    """One multiplier: nu times a slope, plus the shift."""
    if function.is_exact(below, above):
        return nu * above + shift
    return Fraction(int((nu * (below if nu >= 0 else above) + shift) * GRID), GRID)
