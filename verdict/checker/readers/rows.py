"""The unsafe polytopes as a last layer of the network, the rows that exclude them, and their boxes as floats."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ..arithmetic.outward import beside, nearest
from ..errors import OutOfRangeError, UnreadableError
from ..kernel.tree import LINES
from ..network import Affine, Linear, Network
from .multipliers import Domains
from .vnnlib import Disjunct


def with_rows(network: Network, disjuncts: list[Disjunct]) -> Network:
    """The network with the rows C (y, x) - d of all disjuncts as its output.

    A point is unsafe where all rows of one disjunct are at most 0.
    """
    outputs = network.size(network.output)
    matrix = np.concatenate([d.matrix for d in disjuncts])
    bias = np.empty(len(matrix), dtype=object)
    bias[:] = [-limit for d in disjuncts for limit in d.offset]
    _floats(bias)
    terms: list[tuple[Linear, int]] = []
    for columns, source in ((matrix[:, :outputs], network.output), (matrix[:, outputs:], 0)):
        if terms and not columns.any():
            continue
        exact = columns.T[None]
        weight = _floats(exact)
        dyadic = all(Fraction(f) == v for f, v in zip(weight.ravel(), exact.ravel(), strict=True))
        index = np.arange(columns.shape[1]).reshape(1, 1, -1)
        terms.append((Linear(index, weight, columns.shape[1], exact=None if dyadic else exact), source))
    # Comparisons of outputs do not round: the row is an exact statement about them.
    nodes = (*network.nodes, Affine(tuple(terms), bias, -1))
    return Network(network.input_size, nodes, len(nodes) - 1, network.head, ulps=network.ulps)


def _floats(values: Any) -> Any:
    """The nearest floats."""
    try:
        return nearest(values)
    except OutOfRangeError:
        raise UnreadableError("a number of the property that no float is near to") from None


def tried(size: int, owned: list[Any], domains: Domains) -> list[Any]:
    """For each disjunct, with the rows `owned` of `size` in all, those (1 or n, tried, size) of which one has to be
    positive on a leaf: each row alone, or their mean with the leaf's `weights` (n, rows of all) unless these are 0."""
    result, start, weights = [], 0, domains.weights
    for own in owned:
        rows = np.eye(size)[None, own]
        if weights is not None:
            mine = np.maximum(weights[:, start : start + len(own)], 0)
            # Weights of 0 that are exact are meant: then the domain is empty.
            given = (mine != 0).any(axis=1) | (domains.leaves.kind != LINES)
            mean = np.zeros((len(mine), 1, size), mine.dtype)
            mean[:, 0, own] = mine
            # Nothing but the mean is tried where there is one, whatever the other leaves here have.
            rows = mean if given.all() else np.where(given[:, None, None], mean, rows)
        result.append(rows)
        start += len(own)
    return result


def outward(lower: list[Fraction], upper: list[Fraction]) -> tuple[Any, Any]:
    """Float64 numbers next below and above rationals."""
    try:
        return np.array([beside(v, -1) for v in lower]), np.array([beside(v, 1) for v in upper])
    except OutOfRangeError:
        raise UnreadableError("an input bound out of range") from None
