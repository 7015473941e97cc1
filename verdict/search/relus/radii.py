"""The radius below which a domain is safe, in closed form, from a bound over a larger ball of any norm.

A bound of a domain is an affine function of the input that holds on the whole box of its space, so on the smaller boxes
around the centre too, where its least value is larger by what the box loses on the side of its minimiser. A ladder of
radii is looked at for a whole batch by two matrix products: the step with which branch and bound has the radius as its
objective, as minimum distortion has in a mixed-integer program (Tjeng et al. 1711.07356).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...bounds.reduced import scale_of
from ...bounds.rounding import gamma
from ...network.exact import FloatArray
from ...property import Perturbation
from .space import Domains, Relaxed, Space

# Radii on the ladder.
RUNGS = 48


class Radii:
    """A ladder of radii from `lowest` to `highest`, floats, of a family; the space's box, or ball, is the largest."""

    def __init__(self, space: Space, family: Perturbation, lowest: float, highest: float) -> None:
        self.radii: FloatArray = np.linspace(lowest, highest, RUNGS)
        low, high = space.bounds.lower[0][0], space.bounds.upper[0][0]
        ends = [family.floats(radius) for radius in self.radii.tolist()]
        # What each box leaves of the space's on either side, no more than that: (radii, inputs).
        below = np.maximum(np.nextafter(np.array([end for end, _ in ends]) - low, -np.inf), 0)
        above = np.maximum(np.nextafter(high - np.array([end for _, end in ends]), -np.inf), 0)
        if space.reduced is not None:
            # The bounds there are about the scaled input.
            _, width = scale_of(space.bounds)
            moving = np.flatnonzero(width)
            below, above = (np.nextafter(room[:, moving] / width[moving], -np.inf) for room in (below, above))
        self._below, self._above = np.maximum(below, 0).T, np.maximum(above, 0).T
        # The part of a ball that is about so much of the largest one's radius, rounded up; (radii,).
        self._ball = None if space.reduced is None else space.reduced.ball
        around, balls = space.bounds.ball, [family.ball(radius) for radius in self.radii.tolist()]
        self._is_round = around is not None
        if around is not None:
            self._shares = np.nextafter([ball.eps / around.eps for ball in balls if ball is not None], np.inf)

    def reach(self, domains: Domains, seen: Relaxed) -> FloatArray:
        """The largest radius of the ladder at which bounds `seen` of the domains, NumPy's, exclude what they are about,
        or what the domains reach already, (batch,)."""
        if self._is_round:
            rounded: FloatArray = np.maximum(domains.reach, self._round(seen))
            return rounded
        reached: FloatArray = np.maximum(domains.reach, self.on_box(seen.slope, seen.lower))
        return reached

    def on_box(self, slope: Any, lower: Any) -> FloatArray:
        """The largest radius of the ladder at which affine bounds with these slopes (batch, inputs), whose least values
        on the largest box are `lower` (batch,), are positive, (batch,); 0 where there is none."""
        slope, lower = slope.astype(np.float64), lower.astype(np.float64)[:, None]
        with np.errstate(over="ignore", invalid="ignore"):
            gained = np.maximum(slope, 0) @ self._below + np.maximum(-slope, 0) @ self._above
            wrong = gamma(2 * slope.shape[1] + 8) * (gained + np.abs(lower))
            # Comparisons with what overflowed are false.
            safe = lower + gained - 2 * wrong > 0
        highest: FloatArray = np.where(safe, self.radii, 0.0).max(axis=1)
        return highest

    def _round(self, seen: Relaxed) -> FloatArray:
        """The largest radius of the ladder at which the bounds exclude what they are about, on balls within boxes."""
        ball = self._ball
        if ball is None:
            # Without the reduced form it is not known what the ball gives up.
            whole: FloatArray = np.where(seen.lower > 0, self.radii[-1], 0.0)
            return whole
        slope, flat = seen.slope.astype(np.float64), seen.flat.astype(np.float64)[:, None]
        with np.errstate(over="ignore", invalid="ignore"):
            least, size = ball.least_on(slope, self._shares, self._below, self._above)
            wrong = gamma(2 * slope.shape[1] + 16) * (size + np.abs(flat))
            safe = flat + least - 2 * wrong > 0
        highest: FloatArray = np.where(safe, self.radii, 0.0).max(axis=1)
        return highest
