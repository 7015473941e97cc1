"""Which ReLU to split next: the few that lose most in the bound are tried, and the best trial is taken.

Where the line that a bound used leaves the ReLU, at the bound's own minimiser, something was lost; splitting that ReLU
wins it back. The estimate is rough, so both halves of the few largest losses are really bounded (filtered smart
branching, De Palma et al. 2104.06718).
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from .space import Domains, Relaxed, Space

# ReLUs tried by really bounding both halves, per domain.
TRIALS = 2


def losses(space: Space, domains: Domains, relaxed: Relaxed) -> Any:
    """How much each unstable ReLU may lose in the bound, (batch, size); -1 where it is split already."""
    nu, z = relaxed.nu, relaxed.z
    chord, gap = space.quick_chords, space.quick_gaps
    line = np.where(nu < 0, chord * z + gap, domains.slopes * z)
    loss = np.where(nu < 0, np.float32(-0.2) * nu * gap, 0) + np.abs(nu * (np.maximum(z, 0) - line))
    return np.where(domains.signs == 0, loss, np.float32(-1))


def branch(space: Space, domains: Domains, loss: Any, trials: int = TRIALS) -> Domains:
    """Both halves of every domain, split on the ReLU whose halves are bounded best; all the "on" halves first."""
    count = min(trials, space.size)
    batch, rows = len(domains), np.arange(len(domains))
    candidates = np.argpartition(-loss, count - 1, axis=1)[:, :count]
    picked = np.take_along_axis(loss, candidates, axis=1)
    trial_signs = []
    for k, sign in itertools.product(range(count), (1, -1)):
        signs = domains.signs.copy()
        signs[rows, candidates[:, k]] = sign
        trial_signs.append(signs)
    many = 2 * count
    slopes, betas = np.tile(domains.slopes, (many, 1)), np.tile(domains.betas, (many, 1))
    row, inherited = np.tile(domains.row, many), np.tile(domains.lower, many)
    trial = Domains(row, np.concatenate(trial_signs), slopes, betas, inherited)
    lower = space.relax(trial, slopes, betas, follow=False).lower
    lower = np.maximum(lower.reshape(count, 2, batch), domains.lower)
    # The worse half decides, the better one breaks ties; a half that is closed at once counts fully.
    capped = np.minimum(lower, 0)
    score = capped.min(axis=1) + np.float32(0.1) * capped.max(axis=1)
    best = np.where(picked.T >= 0, score, -np.inf).argmax(axis=0)
    halves = []
    for half, sign in enumerate((1, -1)):
        signs = domains.signs.copy()
        signs[rows, candidates[rows, best]] = sign
        halves.append(Domains(domains.row, signs, domains.slopes, domains.betas, lower[best, half, rows]))
    return Domains.join(halves)
