"""Better multipliers for a batch of domains: a few steps of gradient ascent on slopes and betas at once.

The derivative of a bound with respect to its multipliers falls out of the minimiser (see `bounds.alpha`), so a step
costs one pass back and one forward (beta-CROWN, Wang et al. 2103.06624). Domains that are closed leave the batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .space import Domains, Relaxed, Space

# Adam (Kingma and Ba 1412.6980) with a decaying rate.
FIRST, SECOND, DECAY = 0.9, 0.999, 0.97
SLOPE_RATE, BETA_RATE = np.float32(0.2), np.float32(0.1)


class _Moments:
    """Adam's two running means for one array of a batch."""

    def __init__(self, like: Any) -> None:
        self.first, self.second = np.zeros_like(like), np.zeros_like(like)

    def step(self, gradient: Any, number: int) -> Any:
        """The direction to move in, at step `number` counted from 1."""
        self.first += np.float32(1 - FIRST) * (gradient - self.first)
        self.second += np.float32(1 - SECOND) * (gradient * gradient - self.second)
        scale = np.float32(DECAY**number * np.sqrt(1 - SECOND**number) / (1 - FIRST**number))
        return scale * self.first / (np.sqrt(self.second) + np.float32(1e-12))

    def keep(self, index: Any) -> None:
        self.first, self.second = self.first[index], self.second[index]


def optimise(space: Space, domains: Domains, steps: int) -> tuple[Domains, Relaxed]:
    """The domains with the best multipliers found in `steps` steps, and what the last hint of each saw."""
    best = Domains(domains.row, domains.signs, domains.slopes.copy(), domains.betas.copy(), domains.lower.copy())
    best.lower[:] = -np.inf
    active = np.arange(len(domains))
    now, slopes, betas = domains, domains.slopes, domains.betas
    slope_moments, beta_moments = _Moments(slopes), _Moments(betas)
    rounding: Any = None
    nu: Any = None
    z: Any = None
    x: Any = None
    for step in range(1, steps + 2):
        seen = space.relax(now, slopes, betas)
        if nu is None:
            rounding, nu, z, x = seen.rounding, seen.nu.copy(), seen.z, seen.x.copy()
        else:
            rounding[active], nu[active], z[active], x[active] = seen.rounding, seen.nu, seen.z, seen.x
        better = seen.lower > best.lower[active]
        at = active[better]
        best.lower[at], best.slopes[at], best.betas[at] = seen.lower[better], slopes[better], betas[better]
        if step > steps:
            break
        left = np.flatnonzero(~(seen.lower > 0))
        if not len(left):
            break
        d_slope, d_beta = np.maximum(seen.nu, 0) * seen.z, seen.z
        if len(left) < len(active):
            active, now, slopes, betas = active[left], now.take(left), slopes[left], betas[left]
            d_slope, d_beta = d_slope[left], d_beta[left]
            slope_moments.keep(left)
            beta_moments.keep(left)
        free = now.signs == 0
        slopes = np.clip(slopes + SLOPE_RATE * slope_moments.step(d_slope * free, step), 0, 1)
        betas = np.maximum(betas + BETA_RATE * beta_moments.step(-now.signs * d_beta, step), 0) * ~free
    best.lower = np.maximum(best.lower, domains.lower)
    return best, Relaxed(best.lower, rounding, nu, z, x)
