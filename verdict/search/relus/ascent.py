"""Better multipliers for a batch of domains: a few steps of gradient ascent on slopes and betas at once.

The derivative of a bound with respect to its multipliers falls out of the minimiser (see `bounds.alpha`), so a step
costs one pass back and one forward (beta-CROWN, Wang et al. 2103.06624). Domains that are closed leave the batch.
The steps may be taken on another device; what its multipliers prove is then bounded once more in NumPy.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...bounds.adam import Adam
from ...bounds.alpha import on_grid
from ...network.maps.namespace import namespace, positive
from .space import Domains, Relaxed, Space

SLOPE_RATE, BETA_RATE = 0.2, 0.1


def optimise(space: Space, domains: Domains, steps: int, goal: Any = 0) -> tuple[Domains, Relaxed]:
    """The domains with the best multipliers found in `steps` steps, and what the last bound of each saw.

    A domain whose bound is above `goal` (one, or (batch,) in NumPy) takes no more steps.
    The steps are taken on the space's device; the domains given and returned are NumPy's, and so are their bounds.
    """
    device = space.device
    if device.is_rigorous:
        return _climb(space, domains, steps, np.broadcast_to(goal, len(domains)))
    found, seen = _climb(space, domains.to(device), steps, device.put(np.broadcast_to(goal, len(domains))))
    # Whatever the device sends back, these are multipliers; which domain they are for is not asked of it.
    slopes, betas = on_grid(device.fetch(found.slopes).clip(0, 1)), device.fetch(found.betas).clip(0, None)
    proved = space.relax(domains, slopes, betas, follow=False)
    here = replace(domains, slopes=slopes, betas=betas, lower=proved.lower)
    return here, Relaxed(proved.lower, proved.rounding, proved.nu, device.fetch(seen.z), device.fetch(seen.x))


def _climb(space: Space, domains: Domains, steps: int, goal: Any) -> tuple[Domains, Relaxed]:
    """What `optimise` returns, on the device of `domains`."""
    xp = namespace(domains.lower)
    now, slopes, betas = domains, domains.slopes, domains.betas
    slope_rule, beta_rule = Adam(slopes, SLOPE_RATE), Adam(betas, BETA_RATE)
    seen = space.relax(now, slopes, betas)
    slopes_kept, betas_kept, lower = (xp.asarray(a, copy=True) for a in (slopes, betas, seen.lower))
    last = Relaxed(*(xp.asarray(a, copy=True) for a in (seen.lower, seen.rounding, seen.nu, seen.z, seen.x)))
    active = xp.arange(len(domains), device=lower.device)
    for _ in range(steps):
        d_slope, d_beta = positive(seen.nu) * seen.z, seen.z
        left = xp.nonzero(~(seen.lower > goal[active]))[0]
        if not len(left):
            break
        if len(left) < len(active):
            active, now, slopes, betas = active[left], now.take(left), slopes[left], betas[left]
            d_slope, d_beta = d_slope[left], d_beta[left]
            slope_rule.keep(left)
            beta_rule.keep(left)
        free = now.signs == 0
        slopes = on_grid((slopes + slope_rule.step(d_slope * free)).clip(0, 1))
        betas = positive(betas + beta_rule.step(-now.signs * d_beta)) * ~free
        seen = space.relax(now, slopes, betas)
        last.rounding[active], last.nu[active], last.z[active], last.x[active] = seen.rounding, seen.nu, seen.z, seen.x
        better = seen.lower > lower[active]
        at = active[better]
        lower[at], slopes_kept[at], betas_kept[at] = seen.lower[better], slopes[better], betas[better]
    lower = xp.maximum(lower, domains.lower)
    best = replace(domains, slopes=slopes_kept, betas=betas_kept, lower=lower)
    return best, Relaxed(lower, last.rounding, last.nu, last.z, last.x)
