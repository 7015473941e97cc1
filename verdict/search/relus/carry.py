"""Domains of one space as domains of another, on a smaller box or with better bounds.

A search for a radius goes on with its tree when the radius falls, or when hidden neurons have become sharper: neurons
that bend no more are split no more, and a domain on the side that such a neuron never has is empty.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .space import Domains, Space


def carry(old: Space, new: Space, domains: Domains) -> tuple[Domains, Any]:
    """The domains of `old` in `new`, about the same rows, with bounds yet to be found; and which of them (batch,) may
    hold a point: the points of the others are in other domains too, or in none."""
    count = len(domains)
    signs = np.zeros((count, new.size), np.int8)
    slopes = np.repeat(new.floors[None].astype(np.float32), count, axis=0)
    betas = np.zeros((count, new.size), np.float32)
    alive = np.ones(count, bool)
    for node, before in old.columns.items():
        after, start = new.columns[node], old.slices[node].start
        _, at, to = np.intersect1d(before, after, assume_unique=True, return_indices=True)
        source, target = start + at, new.slices[node].start + to
        # A split at another threshold is another split: without it the domain is only larger.
        same = old.thresholds[source] == new.thresholds[target]
        signs[:, target] = domains.signs[:, source] * same
        betas[:, target] = domains.betas[:, source] * same
        slopes[:, target] = domains.slopes[:, source]
        gone = np.flatnonzero(~np.isin(before, after))
        low, high = (end[0, before[gone]] for end in new.bounds.in_front(new.graph, node))
        threshold, side = old.thresholds[start + gone], domains.signs[:, start + gone]
        # A point on the threshold itself belongs to the other half as well, of which one is kept.
        on = low >= threshold
        alive &= ~((side < 0) & on | (side > 0) & ~on & (high <= threshold)).any(axis=1)
    lower = np.full(count, -np.inf, np.float32)
    return Domains(domains.row, signs, slopes, betas, lower, domains.depth, domains.node, domains.reach), alive
