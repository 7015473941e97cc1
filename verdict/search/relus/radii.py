"""The radius below which a domain is safe, in closed form, from a bound over a larger ball.

A bound of a domain is an affine function of the input that holds on the whole box of its space, so on the smaller boxes
around the centre too, where its least value is larger by what the box loses on the side of its minimiser. A ladder of
radii is looked at for a whole batch by two matrix products: the step with which branch and bound has the radius as its
objective, as minimum distortion has in a mixed-integer program (Tjeng et al. 1711.07356).
"""

from __future__ import annotations

import numpy as np

from ...bounds.reduced import scale_of
from ...bounds.rounding import gamma
from ...network.exact import FloatArray
from ...property import Perturbation
from .space import Domains, Relaxed, Space

# Radii on the ladder.
RUNGS = 48


class Radii:
    """A ladder of radii from `lowest` to `highest`, floats, of a family of boxes; the space's box holds the largest."""

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

    def reach(self, domains: Domains, seen: Relaxed) -> FloatArray:
        """The largest radius of the ladder at which bounds `seen` of the domains, NumPy's, exclude what they are about,
        or what the domains reach already, (batch,)."""
        slope = seen.slope.astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            rising, falling = np.maximum(slope, 0) @ self._below, np.maximum(-slope, 0) @ self._above
            lower = seen.lower.astype(np.float64)[:, None]
            gained = rising + falling
            wrong = gamma(2 * slope.shape[1] + 8) * (gained + np.abs(lower))
            # Comparisons with what overflowed are false.
            safe = lower + gained - 2 * wrong > 0
        highest = np.where(safe, self.radii, 0.0).max(axis=1)
        reached: FloatArray = np.maximum(domains.reach, highest)
        return reached
