"""Closing a domain of a ball in which every ReLU has a side: how near to the centre a polytope comes.

There the network is one affine function, so the domain's unsafe inputs are a polytope, and its distance from the centre
decides. The multipliers of that distance are floats, like those of a linear program, and what they prove is bounded
anew. Gradient steps on the same multipliers take hundreds, and near a tie do not arrive.
"""

from __future__ import annotations

import numpy as np

from ...bounds.backward import backward
from ...bounds.ball import Ball
from ...bounds.lines import Lines
from ...bounds.walk import Pass
from ...network.exact import FloatArray
from ...property import Polytope
from ...property.norms import norm_of
from ..points.affine_region import AffineRegion, around
from ..points.least_distance import deepest, least_distance
from .leaf import Multipliers, phases_of, proof_by_rows
from .space import Space


def close_round_leaf(
    space: Space, signs: FloatArray, polytope: Polytope, ball: Ball
) -> tuple[Multipliers | None, FloatArray]:
    """A proof that the domain of `signs` (size,), all of them split, is safe on the `ball`; without one points
    (k, inputs) to look at, those deepest inside the polytope first."""
    phases = phases_of(space, signs)
    region = AffineRegion(space.graph, phases, ball.center)
    sides = {}
    for i, columns in space.columns.items():
        sides[i] = np.zeros(space.graph.nodes[i].size)
        sides[i][columns] = signs[space.slices[i]]
    eps = ball.eps if ball.eps > 0 else 1.0
    parts = [region.sides(sides), region.unsafe(polytope)]
    within = around(ball.center, eps, space.bounds.lower[0][0], space.bounds.upper[0][0])
    # Steps in units of the radius.
    rows = np.concatenate([part for part, _ in parts]) * eps
    ends = np.concatenate([part for _, part in parts])
    norm = norm_of(ball.norm)
    nearest, weights = least_distance(rows, ends, norm, within)
    split, count = len(signs), len(signs) + len(polytope.offset.values)
    proof = _proof(space, signs, polytope, weights[:split], weights[split:count])
    if proof is not None or nearest is None:
        return proof, np.zeros((0, len(ball.center)))
    # Deep in the unsafe set, or, where its rows are ties all over the domain, in the domain.
    unsafe, every = (deepest(rows, ends, norm, part, within, nearest) for part in (slice(split, count), slice(None)))
    return None, ball.center + eps * np.array([unsafe, every, nearest])


def _proof(
    space: Space, signs: FloatArray, polytope: Polytope, betas: FloatArray, shares: FloatArray
) -> Multipliers | None:
    """The weights of the splits and of the polytope's rows as multipliers, where they make a rigorous proof."""
    phases, lines, shifts = phases_of(space, signs), {}, {}
    for i, columns in space.columns.items():
        on = (phases[i] > 0).astype(np.float64)[None]
        shifts[i] = np.zeros_like(on)
        shifts[i][0, columns] = -signs[space.slices[i]] * betas[space.slices[i]]
        lines[i] = Lines(on, on, np.zeros_like(on), shifts[i])
    row = (shares @ polytope.matrix.values)[None, None]
    met = backward(space.graph, space.bounds, space.graph.output, row, lines, Pass(False, keep=True)).coefficients
    mu = {i: lines[i].substitute(met[i])[0] if i in met else shifts[i][:, None, :] for i in lines}
    return proof_by_rows(space, signs, polytope, shares, mu)
