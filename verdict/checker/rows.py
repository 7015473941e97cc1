"""The unsafe polytopes as a last layer of the network, and exact numbers as floats on the safe side."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from .errors import UnreadableError
from .network import Affine, Linear, Network
from .vnnlib import Disjunct


def with_rows(network: Network, disjuncts: list[Disjunct]) -> Network:
    """The network with the rows C (y, x) - d of all disjuncts as its output.

    A point is unsafe where all rows of one disjunct are at most 0.
    """
    outputs = network.size(network.output)
    matrix = np.concatenate([d.matrix for d in disjuncts])
    bias = np.empty(len(matrix), dtype=object)
    bias[:] = [-limit for d in disjuncts for limit in d.offset]
    terms: list[tuple[Linear, int]] = []
    for columns, source in ((matrix[:, :outputs], network.output), (matrix[:, outputs:], 0)):
        if terms and not columns.any():
            continue
        exact = columns.T[None]
        weight = exact.astype(np.float64)
        dyadic = all(Fraction(f) == v for f, v in zip(weight.ravel(), exact.ravel(), strict=True))
        index = np.arange(columns.shape[1]).reshape(1, 1, -1)
        terms.append((Linear(index, weight, columns.shape[1], exact=None if dyadic else exact), source))
    # Comparisons of outputs do not round: the row is an exact statement about them.
    nodes = (*network.nodes, Affine(tuple(terms), bias, -1))
    return Network(network.input_size, nodes, len(nodes) - 1, network.head)


def outward(lower: list[Fraction], upper: list[Fraction]) -> tuple[Any, Any]:
    """Float64 numbers next below and above rationals."""
    return np.array([_beside(v, -1) for v in lower]), np.array([_beside(v, 1) for v in upper])


def _beside(value: Fraction, way: int) -> float:
    if abs(value) >= 2**400:
        raise UnreadableError("an input bound out of range")
    near = float(value)
    wrong = Fraction(near) > value if way < 0 else Fraction(near) < value
    return float(np.nextafter(near, way * np.inf)) if wrong else near


def tried(size: int, owned: list[Any], weights: Any) -> list[Any]:
    """For each disjunct, with the rows `owned` of `size` in all, those (1 or n, tried, size) of which one has to be
    positive on a leaf: each row alone, or their mean with the leaf's `weights` (n, rows of all) unless these are 0."""
    result, start = [], 0
    for own in owned:
        rows = np.eye(size)[None, own]
        if weights is not None:
            mine = weights[:, start : start + len(own)]
            given, mean = mine.any(axis=1), np.zeros((len(mine), 1, size))
            mean[:, 0, own] = mine
            # Nothing but the mean is tried where there is one, whatever the other leaves here have.
            rows = mean if given.all() else np.where(given[:, None, None], mean, rows)
        result.append(rows)
        start += len(own)
    return result


def whole(rows: Any) -> tuple[Any, Any]:
    """Weights (n, rows) >= 0 times factors (n, 1) as integers of 20 bits, and the factors: any weights are sound."""
    scale = np.ldexp(1.0, np.clip(20 - np.frexp(rows.max(axis=1, keepdims=True, initial=0))[1], -400, 400))
    return np.rint(rows * scale), scale
