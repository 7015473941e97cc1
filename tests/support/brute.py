"""The least unsafe radius by brute force: one small LP for every combination of ReLU phases.

Shares nothing with the encoders: each linear region is composed as dense matrices and handed to SciPy.
"""

from __future__ import annotations

import itertools

import numpy as np
from scipy.optimize import linprog

from verdict.network.graph import Affine, Graph, Input


def least_radius(graph: Graph, center: np.ndarray, label: int, low: float, high: float) -> float:
    """The least L-infinity radius within [low, high]^n at which some class ties with `label`; inf if none."""
    sizes = [graph.nodes[i].size for i in graph.relus]
    best = np.inf
    for flat in itertools.product((False, True), repeat=sum(sizes)):
        split = np.split(np.array(flat), np.cumsum(sizes)[:-1]) if sizes else []
        phases = dict(zip(graph.relus, split, strict=True))
        rows, limits, output = _region(graph, phases)
        for rival in range(graph.output_size):
            if rival != label:
                matrix, constant = output
                a = np.vstack([*rows, matrix[label] - matrix[rival]])
                b = np.append(np.concatenate([*limits, []]), constant[rival] - constant[label])
                best = min(best, _minimise(a, b, center, low, high))
    return best


def _region(graph, phases):
    """Constraints a x <= b of one linear region and the affine output there."""
    values, rows, limits = [], [np.zeros((0, graph.input_size))], [np.zeros(0)]
    for number, node in enumerate(graph.nodes):
        if isinstance(node, Input):
            values.append((np.eye(node.size), np.zeros(node.size)))
        elif isinstance(node, Affine):
            matrix, constant = np.zeros((node.size, graph.input_size)), node.bias.values.copy()
            for linear, source in node.terms:
                dense = linear.matrix().toarray()
                matrix = matrix + dense @ values[source][0]
                constant = constant + dense @ values[source][1]
            values.append((matrix, constant))
        else:
            matrix, constant = values[node.source]
            on = phases[number]
            sign = np.where(on, -1.0, 1.0)
            rows.append(sign[:, None] * matrix)
            limits.append(-sign * constant)
            values.append((matrix * on[:, None], constant * on))
    return rows, limits, values[graph.output]


def _minimise(a, b, center, low, high):
    n = len(center)
    eye, ones = np.eye(n), np.ones((n, 1))
    matrix = np.vstack([np.hstack([a, np.zeros((len(a), 1))]), np.hstack([eye, -ones]), np.hstack([-eye, -ones])])
    limits = np.concatenate([b, center, -center])
    bounds = [(low, high)] * n + [(0, None)]
    result = linprog(np.append(np.zeros(n), 1.0), A_ub=matrix, b_ub=limits, bounds=bounds)
    return result.fun if result.status == 0 else np.inf
