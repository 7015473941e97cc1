"""Better multipliers for a batch of domains: a few steps of gradient ascent on slopes and betas at once.

The derivative of a bound with respect to its multipliers falls out of the minimiser (see `bounds.alpha`), so a step
costs one pass back and one forward (beta-CROWN, Wang et al. 2103.06624). A step is as long as what is missing asks for
(Polyak 1969: a subgradient's step where the level is known). Domains that are closed leave the batch. The steps may be
taken on another device; what its multipliers prove is then bounded once more in NumPy.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np

from ...bounds.adam import Adam
from ...bounds.alpha import on_grid
from ...network.maps.namespace import cast, namespace, positive
from .space import Domains, Relaxed, Space

SLOPE_RATE, BETA_RATE = 0.15, 0.1
# With a dozen steps a mean over the last ten would go on uphill of long ago.
MOMENTUM = 0.8
# A step is to gain this share of what is missing, by its gradient, and is made so many times as long for that at most,
# or at least.
SHARE, LONGEST, SHORTEST = 0.7, 4.0, 0.1
# How many steps tell at what pace a bound climbs.
STRIDE = 6


def optimise(
    space: Space, domains: Domains, steps: int, goal: Any = 0, patience: int = 0, longest: float = LONGEST
) -> tuple[Domains, Relaxed]:
    """The domains with the best multipliers found in `steps` steps, and what the last bound of each saw.

    A domain whose bound is above `goal` (one, or (batch,) in NumPy) takes no more steps; one that at its latest pace
    would be there within `patience` further steps goes on. Steps are at most `longest` times as long as Adam's.
    The steps are taken on the space's device; the domains given and returned are NumPy's, and so are their bounds.
    """
    device = space.device
    if device.is_rigorous:
        return _climb(space, domains, steps, np.broadcast_to(goal, len(domains)), patience, longest)
    level = device.put(np.broadcast_to(goal, len(domains)))
    found, seen = _climb(space, domains.to(device), steps, level, patience, longest)
    # Whatever the device sends back, these are multipliers; which domain they are for is not asked of it.
    slopes, betas = on_grid(device.fetch(found.slopes).clip(0, 1)), device.fetch(found.betas).clip(0, None)
    proved = space.relax(domains, slopes, betas, follow=False)
    here = replace(domains, slopes=slopes, betas=betas, lower=proved.lower)
    return here, Relaxed(proved.lower, proved.rounding, proved.nu, device.fetch(seen.z), device.fetch(seen.x))


def _climb(
    space: Space, domains: Domains, steps: int, goal: Any, patience: int, longest: float
) -> tuple[Domains, Relaxed]:
    """What `optimise` returns, on the device of `domains`."""
    xp = namespace(domains.lower)
    now, slopes, betas = domains, domains.slopes, domains.betas
    slope_rule, beta_rule = Adam(slopes, SLOPE_RATE, MOMENTUM), Adam(betas, BETA_RATE, MOMENTUM)
    seen = space.relax(now, slopes, betas)
    slopes_kept, betas_kept, lower = (xp.asarray(a, copy=True) for a in (slopes, betas, seen.lower))
    last = Relaxed(*(xp.asarray(a, copy=True) for a in (seen.lower, seen.rounding, seen.nu, seen.z, seen.x)))
    active = xp.arange(len(domains), device=lower.device)
    mark = xp.asarray(lower, copy=True)
    for turn in itertools.count():
        d_slope, d_beta, missing = positive(seen.nu) * seen.z, seen.z, goal[active] - seen.lower
        is_open = ~(seen.lower > goal[active])
        if (turn - steps) % STRIDE == 0:
            if turn >= steps:
                is_open &= _is_near(goal[active], lower[active], mark[active], patience)
            mark = xp.asarray(lower, copy=True)
        left = xp.nonzero(is_open)[0]
        if not len(left):
            break
        if len(left) < len(active):
            active, now, slopes, betas = active[left], now.take(left), slopes[left], betas[left]
            d_slope, d_beta, missing = d_slope[left], d_beta[left], missing[left]
            slope_rule.keep(left)
            beta_rule.keep(left)
        free = now.signs == 0
        d_slope, d_beta = d_slope * free, -now.signs * d_beta
        to_slope, to_beta = slope_rule.step(d_slope), beta_rule.step(d_beta)
        with np.errstate(over="ignore", invalid="ignore"):
            moved = d_slope * ((slopes + to_slope).clip(0, 1) - slopes) + d_beta * (positive(betas + to_beta) - betas)
            promised = xp.sum(moved, axis=1)
        length = _length(missing, promised, longest)[:, None]
        slopes = on_grid((slopes + length * to_slope).clip(0, 1))
        betas = positive(betas + length * to_beta) * ~free
        seen = space.relax(now, slopes, betas)
        last.rounding[active], last.nu[active], last.z[active], last.x[active] = seen.rounding, seen.nu, seen.z, seen.x
        better = seen.lower > lower[active]
        at = active[better]
        lower[at], slopes_kept[at], betas_kept[at] = seen.lower[better], slopes[better], betas[better]
    lower = xp.maximum(lower, domains.lower)
    best = replace(domains, slopes=slopes_kept, betas=betas_kept, lower=lower)
    return best, Relaxed(lower, last.rounding, last.nu, last.z, last.x)


def _is_near(goal: Any, lower: Any, before: Any, patience: int) -> Any:
    """Which bounds would be at the goal within so many steps, at the pace of the last ones, (batch,)."""
    with np.errstate(invalid="ignore", over="ignore"):
        gained = lower - before
        return (gained > 0) & ((goal - lower) * STRIDE <= patience * gained)


def _length(missing: Any, promised: Any, longest: float = LONGEST) -> Any:
    """How many times as long a step is to be, (batch,), where so much is missing and the gradient promises so much."""
    xp = namespace(promised)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        length = SHARE * missing / promised
    # What promises nothing, or overflowed, says nothing.
    says = (promised > 0) & ~xp.isnan(length)
    return cast(xp.where(says, length, xp.ones_like(length)).clip(SHORTEST, longest), np.float32)
