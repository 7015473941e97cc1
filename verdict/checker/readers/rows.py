"""The unsafe polytopes as a last layer of the network, and exact numbers as floats on the safe side."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ..arithmetic.outward import beside
from ..errors import OutOfRangeError, UnreadableError
from ..network import Affine, Linear, Network
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
    try:
        return np.array([beside(v, -1) for v in lower]), np.array([beside(v, 1) for v in upper])
    except OutOfRangeError:
        raise UnreadableError("an input bound out of range") from None
