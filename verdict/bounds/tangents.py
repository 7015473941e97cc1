"""Lines around smooth functions that climb: both slopes of every neuron, optimised like those of ReLUs (`alpha`).

Any slope has a least offset (`Smooth.most`), so whatever slopes are found the lines are sound. The bound gains
nu (z - t) for each unit of slope, where z is the pre-activation at the minimiser of the relaxed network and t the
place where the line meets the function: so a line leans towards the place where it is loose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..network.functions import Feature, Function
from ..network.maps.namespace import namespace, negative, positive
from .adam import Adam
from .lines import Lines

# Adam's first rate, as a share of the range of the slopes on an interval.
RATE = 0.1
# The first rate of slopes of ReLUs.
FLAT_RATE = 0.25
# The first rate of betas, as a share of the coefficient.
PULL = 0.3
# A share of magnitudes that covers what a sum of a million float64 numbers loses by rounding.
ROUNDED = 2.0**-32


def lines_of(function: Function, low: Any, high: Any, below: Any, above: Any) -> Lines:
    """The closest lines with these slopes (batch, size) around a function on [low, high]: sound in their float type.

    Of a ReLU the slope below alone is taken, where it is free.
    """
    if function.has(Feature.ON_OFF):
        under, _, over, ceiling = function.lines(low, high)
        own = Lines(under, over, ceiling)
        return own.with_slopes(namespace(low).where(own.free(), below.clip(0, 1), under))
    floor, ceiling = function.offsets(below, above, low, high)
    return Lines(below, above, ceiling, offset_below=floor)


@dataclass(frozen=True, eq=False)
class SplitLines(Lines):
    """Lines of neurons of which some are split at thresholds: `shift` is +beta where z <= `at`, -beta where z >= it."""

    at: Any = None

    def substitute(self, nu: Any) -> tuple[Any, Any]:
        mu, gain = super().substitute(nu)
        xp, terms = namespace(nu), self.shift * self.at
        return mu, gain - (xp.sum(terms, axis=1) + ROUNDED * xp.sum(xp.abs(terms), axis=1))[:, None]


def split_lines(line: Lines, shift: Any, at: Any) -> SplitLines:
    """The lines with what splits add."""
    return SplitLines(line.slope_below, line.slope_above, line.offset_above, shift, line.offset_below, at)


class Climb:
    """The lines of one node's neurons for a batch of bounds, each with slopes of its own; of ReLUs (`is_free` is not
    None) that below climbs, through 0."""

    def __init__(self, function: Function, ends: tuple[Any, Any], line: Lines, batch: int) -> None:
        xp = namespace(line.slope_below)
        self._function, self._ends = function, ends
        shape = batch, line.slope_below.shape[1]
        self.below, self.above = (xp.broadcast_to(s, shape) + 0 for s in (line.slope_below, line.slope_above))
        low, high = ends
        self.beta: Any = None
        self._sign: Any = None
        self._at: Any = None
        self._size: Any = None
        self._line, self._is_free = line, line.free() if line.offset_below is None else None
        self._adam = Adam(self.below, 1.0), Adam(self.above, 1.0)
        if self._is_free is not None:
            return
        with np.errstate(all="ignore"):
            self._flat, self._steep = function.slope_range(low, high)
        self._scale = RATE * (self._steep - self._flat)

    @property
    def state(self) -> tuple[Any, ...]:
        """The slopes below and above, and betas if neurons are split."""
        return (self.below, self.above) if self.beta is None else (self.below, self.above, self.beta)

    def split(self, sign: Any, at: Any, beta: Any) -> None:
        """Neurons are split, `sign` 1 where z <= `at` and -1 where z >= it, else 0; `beta` >= 0 to begin with."""
        self.beta, self._sign, self._at = beta, sign, at
        self._pull, self._size = Adam(beta, 1.0), None

    def lines(self) -> Lines:
        """About as they are now: they hold the function as far as it is known where they meet it."""
        if self._is_free is not None:
            return self.pulled(self._line.with_slopes(self.below))
        f, (low, high) = self._function, self._ends
        with np.errstate(invalid="ignore", over="ignore"):
            self._beneath, bottom = f.met(-1, -self.below, low, high)
            self._atop, top = f.met(1, self.above, low, high)
            floor, ceiling = bottom - self.below * self._beneath, top - self.above * self._atop
        return self.pulled(Lines(self.below, self.above, ceiling, offset_below=floor))

    def pulled(self, line: Lines) -> Lines:
        """The lines with what splits add."""
        return line if self.beta is None else split_lines(line, self._sign * self.beta, self._at)

    def step(self, nu: Any, pre: Any) -> None:
        """One step uphill; `nu` (batch, size) met the node's values, `pre` are the minimiser's pre-activations, both
        of the `lines` that were asked for last."""
        if self._is_free is not None:
            step = FLAT_RATE * self._adam[0].step(positive(nu) * pre * self._is_free)
            self.below = (self.below + step).clip(0, 1)
        else:
            self.below = self._moved(0, self.below, positive(nu) * (pre - self._beneath))
            self.above = self._moved(1, self.above, negative(nu) * (pre - self._atop))
        if self.beta is not None:
            # As large as what it works against.
            self._size = PULL * abs(nu) if self._size is None else self._size
            gradient = self._sign * (pre - self._at)
            self.beta = (self.beta + self._size * self._pull.step(gradient)).clip(0, None)

    def _moved(self, which: int, slopes: Any, gradient: Any) -> Any:
        xp = namespace(slopes)
        step = self._scale * self._adam[which].step(xp.where(xp.isfinite(gradient), gradient, 0.0))
        return xp.minimum(xp.maximum(slopes + step, self._flat), self._steep)
