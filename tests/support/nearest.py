"""The least distance to an unsafe output by brute force: every linear region, every set of its tight constraints.

For networks of a few inputs and ReLUs. In L2 the nearest point of a polytope is the projection of the centre on the
flat of the constraints that are tight there, and all flats are tried; in L1 it is a linear program. Both are in floats
and share nothing with the search.
"""

from __future__ import annotations

import itertools

import numpy as np
from scipy.optimize import linprog

from support.brute import regions
from verdict.network.graph import Graph

FEASIBLE = 1e-9


def least_distance(graph: Graph, center: np.ndarray, label: int, norm: str, low: float, high: float) -> float:
    """The least L1 or L2 distance within [low, high]^n at which some class ties with `label`; inf if there is none."""
    best, size = np.inf, len(center)
    walls = np.concatenate([np.eye(size), -np.eye(size)]), np.concatenate([np.full(size, high), np.full(size, -low)])
    for region in regions(graph, np.full(size, low), np.full(size, high)):
        for rival in range(graph.output_size):
            if rival == label:
                continue
            rows = np.vstack([region.rows, region.matrix[label] - region.matrix[rival], walls[0]])
            limits = np.concatenate([region.limits, [region.constant[rival] - region.constant[label]], walls[1]])
            found = by_program(rows, limits, center) if norm == "l1" else by_flats(rows, limits, center)
            best = min(best, found)
    return best


def by_program(rows: np.ndarray, limits: np.ndarray, center: np.ndarray) -> float:
    """The least L1 distance of {x : rows x <= limits}: x = center + up - down."""
    found = linprog(np.ones(2 * len(center)), np.hstack([rows, -rows]), limits - rows @ center, bounds=(0, None))
    return found.fun if found.status == 0 else np.inf


def by_flats(rows: np.ndarray, limits: np.ndarray, center: np.ndarray) -> float:
    """The least L2 distance of {x : rows x <= limits}, over all sets of at most n tight rows."""
    away, best = limits - rows @ center, np.inf
    length = np.maximum(np.linalg.norm(rows, axis=1), 1e-12)
    for count in range(len(center) + 1):
        for tight in map(list, itertools.combinations(range(len(rows)), count)):
            step = np.linalg.lstsq(rows[tight], away[tight], rcond=None)[0] if tight else np.zeros(len(center))
            if ((rows @ step - away) <= FEASIBLE * (length + np.abs(away))).all():
                best = min(best, float(np.linalg.norm(step)))
    return best
