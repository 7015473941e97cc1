"""Reference answers by brute force: one small LP for every combination of ReLU phases that the box allows.

Shares nothing with the bounds or the encoders: each linear region is composed as dense matrices and handed to
SciPy. Floats with an LP solver's tolerances, so an answer near zero says nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from verdict.network.graph import Affine, Graph, Input

# A ReLU farther than this from zero on the whole box has one phase.
CLEAR = 1e-9


@dataclass(frozen=True)
class Region:
    """Where every ReLU keeps its phase, {x : rows x <= limits}, the output is matrix x + constant."""

    rows: np.ndarray
    limits: np.ndarray
    matrix: np.ndarray
    constant: np.ndarray


def least_radius(graph: Graph, center: np.ndarray, label: int, low: float, high: float) -> float:
    """The least L-infinity radius within [low, high]^n at which some class ties with `label`; inf if none."""
    best, ends = np.inf, (np.full(graph.input_size, low), np.full(graph.input_size, high))
    for region in regions(graph, *ends):
        for rival in range(graph.output_size):
            if rival == label:
                continue
            row = region.matrix[label] - region.matrix[rival]
            limit = region.constant[rival] - region.constant[label]
            if _range(row, 0.0, *ends)[0] <= limit + CLEAR:
                a, b = np.vstack([region.rows, row]), np.append(region.limits, limit)
                best = min(best, _nearest(a, b, center, low, high))
    return best


def least_margin(
    graph: Graph, lower: np.ndarray, upper: np.ndarray, polytopes: Sequence[tuple[np.ndarray, np.ndarray]]
) -> float:
    """The least t such that some input of the box [lower, upper] has C (y, x) <= d + t for some polytope (C, d).

    The rows of C are over the outputs and then the inputs. Positive: the box is safe; negative: it is not.
    """
    best = np.inf
    for region in regions(graph, lower, upper):
        both = np.vstack([region.matrix, np.eye(graph.input_size)])
        constant = np.append(region.constant, np.zeros(graph.input_size))
        for rows, offset in polytopes:
            matrix, shift = rows @ both, rows @ constant - offset
            if _range(matrix, shift, lower, upper)[0].max() < best:
                best = min(best, _margin(region, matrix, shift, lower, upper))
    return best


def regions(graph: Graph, lower: np.ndarray, upper: np.ndarray) -> Iterator[Region]:
    """The linear regions that may meet the box: a phase is left out only where the box rules it out by itself."""
    empty = np.zeros((0, graph.input_size)), np.zeros(0)
    return _descend(graph, [], *empty, lower, upper)


def _descend(graph, values, rows, limits, lower, upper) -> Iterator[Region]:
    values = list(values)
    for number in range(len(values), len(graph.nodes)):
        node = graph.nodes[number]
        if isinstance(node, Input):
            values.append((np.eye(node.size), np.zeros(node.size)))
        elif isinstance(node, Affine):
            values.append(_affine(graph, node, values))
        else:
            matrix, constant = values[node.source]
            least, most = _range(matrix, constant, lower, upper)
            choices = [
                (True,) if a > CLEAR else (False,) if b < -CLEAR else (False, True)
                for a, b in zip(least, most, strict=True)
            ]
            for phases in itertools.product(*choices):
                on = np.array(phases, dtype=bool)
                sign = np.where(on, -1.0, 1.0)
                yield from _descend(
                    graph,
                    [*values, (matrix * on[:, None], constant * on)],
                    np.vstack([rows, sign[:, None] * matrix]),
                    np.append(limits, -sign * constant),
                    lower,
                    upper,
                )
            return
    yield Region(rows, limits, *values[graph.output])


def _affine(graph, node, values):
    matrix, constant = np.zeros((node.size, graph.input_size)), node.bias.values.copy()
    for linear, source in node.terms:
        dense = linear.matrix().toarray()
        matrix = matrix + dense @ values[source][0]
        constant = constant + dense @ values[source][1]
    return matrix, constant


def _range(matrix, constant, lower, upper):
    """The least and the greatest value of matrix x + constant over the box."""
    middle, reach = matrix @ (lower + upper) / 2 + constant, np.abs(matrix) @ (upper - lower) / 2
    return middle - reach, middle + reach


def _nearest(a, b, center, low, high):
    n = len(center)
    eye, ones = np.eye(n), np.ones((n, 1))
    matrix = np.vstack([np.hstack([a, np.zeros((len(a), 1))]), np.hstack([eye, -ones]), np.hstack([-eye, -ones])])
    limits = np.concatenate([b, center, -center])
    bounds = [(low, high)] * n + [(0, None)]
    result = linprog(np.append(np.zeros(n), 1.0), A_ub=matrix, b_ub=limits, bounds=bounds)
    return result.fun if result.status == 0 else np.inf


def _margin(region, matrix, shift, lower, upper):
    """min t with matrix x + shift <= t in the region; a polytope without rows has no margin, it is everything."""
    n = len(lower)
    inside = np.hstack([region.rows, np.zeros((len(region.rows), 1))])
    below = np.hstack([matrix, -np.ones((len(matrix), 1))])
    result = linprog(
        np.append(np.zeros(n), 1.0),
        A_ub=np.vstack([inside, below]),
        b_ub=np.append(region.limits, -shift),
        bounds=[*zip(lower, upper, strict=True), (None, None)],
    )
    return result.fun if result.status == 0 else np.inf
