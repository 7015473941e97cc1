"""Which ReLU to split next: the few that lose most in the bound are tried, and the best trial is taken.

Where the line that a bound used leaves the ReLU, at the bound's own minimiser, something was lost; splitting that ReLU
wins it back. The estimate is rough, so both halves of the few largest losses are really bounded (filtered smart
branching, De Palma et al. 2104.06718).
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np

from ...network.maps.namespace import largest, namespace, negative
from .space import Domains, Relaxed, Space

# ReLUs tried by really bounding both halves, per domain.
TRIALS = 2
# A half that gains less than this share of what is missing to zero still counts as much.
LEAST = 0.01


def losses(space: Space, domains: Domains, relaxed: Relaxed) -> Any:
    """How much each unstable ReLU may lose in the bound, (batch, size); -1 where it is split already."""
    nu, z = relaxed.nu, relaxed.z
    chord, gap = space.quick_chords, space.quick_gaps
    with np.errstate(over="ignore", invalid="ignore"):
        line = np.where(nu < 0, chord * z + gap, domains.slopes * z)
        loss = np.where(nu < 0, np.float32(-0.2) * nu * gap, 0) + np.abs(nu * (np.maximum(z, 0) - line))
    # What overflowed says nothing, but can be split like any other.
    return np.where(domains.signs == 0, np.where(loss >= 0, loss, np.float32(0)), np.float32(-1))


def branch(space: Space, domains: Domains, worth: Any, trials: int = TRIALS) -> Domains:
    """Both halves of every domain, split on the ReLU whose halves are bounded best; all the "on" halves first.

    Tried are the ReLUs of the greatest `worth` (batch, size), which is -1 where a ReLU is split already. The trials
    are bounded on the space's device; a half that they close is bounded again in NumPy.
    """
    device = space.device
    chosen, lower = _best_trial(space, domains.to(device), device.put(worth), min(trials, space.size))
    neurons, hints, rows = device.fetch(chosen), device.fetch(lower), np.arange(len(domains))
    halves = []
    for half, sign in enumerate((1, -1)):
        signs = domains.signs.copy()
        signs[rows, neurons] = sign
        halves.append(replace(domains, signs=signs, lower=hints[half]))
    children = Domains.join(halves)
    children.depth += 1
    closed = np.flatnonzero(children.lower > 0)
    if len(closed) and not device.is_rigorous:
        hoped = children.take(closed)
        children.lower[closed] = space.relax(hoped, hoped.slopes, hoped.betas, follow=False).lower
    return children


def _best_trial(space: Space, domains: Domains, worth: Any, count: int) -> tuple[Any, Any]:
    """Of the `count` ReLUs worth most the one that splits best, (batch,), and the bounds of its halves, (2, batch)."""
    xp, batch = namespace(worth), len(domains)
    rows = xp.arange(batch, device=worth.device)
    candidates = largest(worth, count)
    picked = worth[rows[:, None], candidates]
    trial_signs = []
    for k, sign in itertools.product(range(count), (1, -1)):
        signs = xp.asarray(domains.signs, copy=True)
        signs[rows, candidates[:, k]] = sign
        trial_signs.append(signs)
    many = 2 * count
    slopes, betas = xp.tile(domains.slopes, (many, 1)), xp.tile(domains.betas, (many, 1))
    row, *others = (xp.tile(a, (many,)) for a in (domains.row, *domains.fields[4:]))
    trial = Domains(row, xp.concat(trial_signs), slopes, betas, *others)
    lower = space.relax(trial, slopes, betas, follow=False).lower
    lower = xp.maximum(lower.reshape(count, 2, batch), domains.lower)
    # The product of what the halves gain, of what is missing to zero; a half that is closed at once gains it all.
    with np.errstate(all="ignore"):
        gained = (1 - negative(lower) / negative(domains.lower)).clip(LEAST, 1)
    score = xp.prod(xp.where(xp.isnan(gained), LEAST, gained), axis=1)
    best = xp.argmax(xp.where(picked.T >= 0, score, -np.inf), axis=0)
    return candidates[rows, best], lower[best, :, rows].T
