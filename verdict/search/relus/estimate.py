"""What splitting each ReLU would do to a bound, estimated for all of them at once, multiplier of the split included.

A split moves the multiplier of one pre-activation, so the bound's affine function of the input moves along one line.
Its least value over a box of many inputs is about that over a ball (one-norms of coefficients are nearly proportional
to Euclidean ones), and there the best point of the line is known in closed form: no trial costs less than this guess.
Over a Euclidean ball itself it is more than a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .space import Domains, Relaxed, Space

# A half that gains less than this share of what is missing to zero still counts as much.
LEAST = 1e-4
# Multipliers have to be floats of the searches' type.
LARGEST = float(np.finfo(np.float32).max)
# The share of the unstable ReLUs that the first layer has where estimates choose splits.
SHALLOW = 0.5


@dataclass(frozen=True, eq=False)
class Estimates:
    """For each ReLU of each domain, all (batch, size): the side `away` (+1 or -1) from the bound's minimiser, the best
    multiplier `beta` of that half and its bound; and the bound of the half with the minimiser."""

    away: Any
    beta: Any
    bound_away: Any
    bound_near: Any

    def worth(self, domains: Domains) -> Any:
        """How good a split each ReLU would be, (batch, size): the product of what its halves gain, as is usual in
        mixed-integer programming (Achterberg 2007, Constraint Integer Programming)."""
        missing = np.maximum(-domains.lower[:, None], np.float32(1e-30))
        bounds = (self.bound_away, self.bound_near)
        away, near = ((np.minimum(bound, 0) / missing + 1).clip(LEAST, 1) for bound in bounds)
        return away * near


def is_shallow(space: Space) -> bool:
    """Whether estimates choose splits well: they are nearly exact for the first layer, on which no others act."""
    return space.first_layer > SHALLOW * space.size


def estimate(space: Space, domains: Domains, seen: Relaxed) -> Estimates:
    """Estimates from what bounding the domains saw, in the reduced form of the network."""
    reduced, (squares, ones) = space.reduced, space.norms
    if reduced is None:
        raise ValueError("estimates need the reduced form")
    ball = reduced.ball
    nu, falling, split = seen.nu, seen.nu < 0, domains.signs != 0
    slope = np.where(split, domains.signs > 0, np.where(falling, space.quick_chords, domains.slopes))
    gap = np.where(~split & falling, space.quick_gaps, np.float32(0))
    # Each pre-activation as an affine function: its constant, and its product with the bound's own coefficients.
    steep, along, middle, size = seen.slope, seen.slope, np.float32(0), np.abs(seen.slope).sum(axis=1)
    if ball is not None:
        # Over the coordinates of the ball; how far it goes from its centre is what the bound says.
        steep, middle = ball.own(seen.slope), ball.center.values
        along, size = ball.direction(steep), np.maximum(seen.slope @ middle - ball.least(seen.slope)[0], 0)
    constant = reduced.forward(middle, 1, slope, gap)
    product = reduced.forward(along, 0, slope, np.zeros_like(gap))
    own, size = (steep**2).sum(axis=1)[:, None], size[:, None]
    mu, off = nu * slope, seen.z > 0
    with np.errstate(all="ignore"):
        # Coefficients before the split's were fixed once for all domains: no longer than Cauchy and Schwarz allow.
        squares = np.maximum(squares, 1.05 * product**2 / own)
        ratio = size / np.sqrt(own)
        # The mean of the two ratios of norms, above what would make the neuron stable.
        mean = (ratio + ones / np.sqrt(squares)) / 2
        rest = np.maximum(own - product**2 / squares, 0)
        bend = np.maximum(mean**2 - constant**2 / squares, 0.05 * mean**2)
        best = mu + (constant * np.sqrt(rest / bend) - product) / squares
        # What overflows, or float32 does not hold, says nothing.
        beta = np.where(off, best, nu - best).clip(0, None)
        beta = np.where(beta < LARGEST, beta, 0)

        def bound(target: Any) -> Any:
            """The bound once the multiplier is `target` and the line above leaves no gap."""
            step = target - mu
            length = np.sqrt(np.maximum(own + 2 * step * product + step**2 * squares, 0))
            found = seen.lower[:, None] + step * constant + size - ratio * length - nu * gap
            return np.nan_to_num(found, nan=-np.inf).astype(np.float32)

        away = bound(np.where(off, beta, nu - beta))
        # Where the line below is used, the half with the minimiser gains nothing.
        near = np.where(falling, bound(np.where(off, nu, 0)), seen.lower[:, None])
    return Estimates(np.where(off, -1, 1).astype(np.int8), beta.astype(np.float32), away, near)
