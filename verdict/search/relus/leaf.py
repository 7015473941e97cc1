"""Closing a domain in which most or all ReLUs have a side: a linear program, and its duals as the proof.

Gradient ascent on the multipliers of splits converges slowly when there are many, and one row of a polytope may not
be enough; an LP solver finds the best multipliers of all rows and splits at once. They are only floats, but any
multipliers are sound: `bounds.dual` makes a rigorous bound of them as they come, which then decides.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from verdict.encoders.milp import encode_margin
from verdict.encoders.writer import Encoding, Phases
from verdict.solvers import Solution, Status, solver

from ...base.errors import SolverError
from ...bounds.bounds import Bounds
from ...bounds.dual import dual_bound, row_multipliers
from ...network.exact import FloatArray, nearest_float
from ...network.graph import Graph
from ...property import Polytope
from .space import Space

# A pre-activation that never leaves these bounds is as good as zero.
STEADY = 1e-12


@dataclass(frozen=True, eq=False)
class Multipliers:
    """A proof that a domain is safe: weights of the polytope's rows, and per ReLU node mu of all its neurons."""

    rows: FloatArray
    neurons: dict[int, FloatArray]


def close_leaf(space: Space, signs: Any, polytope: Polytope) -> tuple[Multipliers | None, FloatArray | None]:
    """A proof that the domain of `signs` (size,), 0 for ReLUs not split, is safe; without one a point to look at: of
    the domain if every ReLU is split."""
    encoding = encode_margin(space.graph, space.bounds, polytope, phases_of(space, signs), space.inputs)
    try:
        solution = solver("highs", isolate=False).solve(encoding.model.relaxed(), time_limit=60.0)
    except SolverError:
        return None, None
    proof = _proof(space, signs, polytope, encoding, solution)
    point = None if solution.point is None else np.asarray(solution.point[: encoding.input_size])
    return proof, point


def phases_of(space: Space, signs: Any) -> Phases:
    """The sides of all neurons on the domain of `signs`, for the encoder."""
    phases = {}
    for i in space.graph.pointwise:
        side = np.where(space.bounds.in_front(space.graph, i)[0][0] >= 0, 1, -1).astype(np.int8)
        if i in space.columns:
            side[space.columns[i]] = signs[space.slices[i]]
        phases[i] = side
    return phases


def _proof(
    space: Space, signs: Any, polytope: Polytope, encoding: Encoding, solution: Solution
) -> Multipliers | None:
    """The solver's duals, or its Farkas ray, where they make a rigorous proof."""
    if solution.status is Status.OPTIMAL and solution.duals is not None:
        duals, rows = np.asarray(solution.duals), len(polytope.offset.values)
        shares = np.maximum(-duals[len(duals) - rows :], 0)
    elif solution.ray is not None:
        # A ray has no share of the polytope's rows: it bounds the constant zero from below by more than zero.
        duals, shares = np.asarray(solution.ray), np.zeros(len(polytope.offset.values))
    else:
        return None
    mu = row_multipliers(space.graph, encoding.definitions, duals[None])
    return proof_by_rows(space, signs, polytope, shares, mu)


def proof_by_rows(
    space: Space, signs: Any, polytope: Polytope, shares: FloatArray, multipliers: dict[int, FloatArray]
) -> Multipliers | None:
    """The proof that these weights of the polytope's rows (rows,) and multipliers of all neurons, per ReLU node (1, 1,
    size), make of the domain of `signs`, if they do."""
    exact, limit = _combined(polytope, shares)
    row = np.array([nearest_float(c) for c in exact])
    output = space.graph.output
    largest = np.maximum(-space.bounds.lower[output][0], space.bounds.upper[output][0]).tolist()
    # The float row is off by so much, at an output of at most this size.
    wrong = [abs(c - Fraction(r)) * Fraction(m) for c, r, m in zip(exact, row.tolist(), largest, strict=True)]
    halves = _halves(space, signs)
    for mu in _variants(space.graph, halves, multipliers):
        lower = float(dual_bound(space.graph, halves, output, row[None], mu)[0, 0])
        if math.isfinite(lower) and Fraction(lower) > limit + sum(wrong):
            return Multipliers(shares, {node: values[0, 0] for node, values in mu.items()})
    return None


def _variants(graph: Graph, bounds: Bounds, mu: dict[int, FloatArray]) -> Iterator[dict[int, FloatArray]]:
    """The multipliers, and then without those of neurons that hardly vary, where huge ones cost more than they give."""
    yield mu
    steady = {}
    for node in mu:
        low, high = bounds.in_front(graph, node)
        steady[node] = np.maximum(-low[0], high[0]) < STEADY
    if any(still.any() for still in steady.values()):
        yield {node: np.where(steady[node], 0.0, values) for node, values in mu.items()}


def _halves(space: Space, signs: Any) -> Bounds:
    """The bounds of the box, with the pre-activations of split neurons cut at their thresholds."""
    lows, highs = list(space.bounds.lower), list(space.bounds.upper)
    for i, columns in space.columns.items():
        source, side = space.graph.nodes[i].sources[0], signs[space.slices[i]]
        low, high = lows[source].copy(), highs[source].copy()
        at = space.thresholds[space.slices[i]]
        low[0, columns[side > 0]], high[0, columns[side < 0]] = at[side > 0], at[side < 0]
        lows[source], highs[source] = low, high
    return space.bounds.with_ends(lows, highs)


def _combined(polytope: Polytope, shares: FloatArray) -> tuple[list[Fraction], Fraction]:
    """shares^T C and shares^T d of the polytope {C y <= d}, exactly."""
    exact = [Fraction(share) for share in shares.tolist()]
    matrix, offset = polytope.matrix.fractions(), polytope.offset.fractions().ravel()
    row = [sum((s * c for s, c in zip(exact, column, strict=True)), Fraction(0)) for column in matrix.T]
    return row, sum((s * d for s, d in zip(exact, offset, strict=True)), Fraction(0))
