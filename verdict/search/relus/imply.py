"""Sides that ReLUs have wherever the unsafe set can still be reached: splits one half of which is closed at once.

A domain's bound is positive but on a half-space of the inputs, and near a proof that half-space leaves only a corner
of the box, where many neurons of the first layer have one sign: tightening with the objective as a constraint, known
from integer programming, for output constraints from Kotha et al. 2302.01404. Each side is proved as the closed half
of a split, so bounds and proof trees know it like any other split, but nothing is left to be done in the other half.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .estimate import Estimates
from .space import Domains, Relaxed, Space

# Halves bounded at once.
CHUNK = 1024


@dataclass(frozen=True, eq=False)
class Implied:
    """Sides that follow on some of the domains `before`: for each the domain's number, ascending, the ReLU, the side
    that is excluded and the multiplier that excludes it, (sides,). `after` are the domains with all of them."""

    before: Domains
    after: Domains
    domain: Any
    column: Any
    excluded: Any
    beta: Any


def imply(space: Space, domains: Domains, seen: Relaxed, estimates: Estimates) -> Implied:
    """The sides of first-layer ReLUs that follow on the domains, which `seen` bounded with their own multipliers."""
    hopeful = (estimates.bound_away > 0) & (domains.signs == 0)
    hopeful[:, space.first_layer :] = False
    domain, column = np.nonzero(hopeful)
    excluded, beta = estimates.away[hopeful], estimates.beta[hopeful]
    closed = np.zeros(len(domain), bool)
    for start in range(0, len(domain), CHUNK):
        part = slice(start, start + CHUNK)
        half = domains.take(domain[part])
        here = np.arange(len(half)), column[part]
        half.signs[here], half.betas[here] = excluded[part], beta[part]
        closed[part] = space.relax(half, half.slopes, half.betas, follow=False).lower > 0
    domain, column, excluded, beta = (values[closed] for values in (domain, column, excluded, beta))
    after, here = replace(domains, signs=domains.signs.copy(), betas=domains.betas.copy()), (domain, column)
    after.signs[here] = -excluded
    # The line below that the neuron had, as one of a split neuron, so that no bound loses by the side. Where the line
    # above was used, the bound is no lower without it.
    slope = domains.slopes[here]
    after.betas[here] = np.maximum(seen.nu[here], 0) * np.where(excluded < 0, 1 - slope, slope)
    return Implied(domains, after, domain, column, excluded, beta)


def nothing_implied(domains: Domains) -> Implied:
    """No side follows on any of the domains."""
    none = np.zeros(0, np.intp)
    return Implied(domains, domains, none, none, none, none)
