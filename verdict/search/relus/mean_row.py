"""A weighted mean of a polytope's rows, which may exclude it where no single row does.

In a polytope {C y <= d} all rows of C y - d are at most 0, and so is every mean of them with weights >= 0. Linear
bounds of the rows as functions of the input are averaged without another pass through the network; the best weights
are found by multiplicative steps along the supergradient. An implied row can also be added to the polytope for good.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ...bounds.rounding import gamma
from ...bounds.walk import LinearBound
from ...network.exact import Coefficients
from ...property import Polytope

STEPS = 12
# Weights of implied rows are multiples of this, so that the row is a float.
GRID = 2**12


def best_mean(bound: LinearBound, limits: Any, low: Any, high: Any) -> tuple[Any, Any]:
    """Rigorous lower bounds (batch,) of the best weighted mean found of rows minus limits, and its weights.

    `bound` holds the bounds of all rows over the boxes [low, high], (batch, inputs); limits is (rows,). Row r is at
    least slope[b, r] . x + constant[b, r] - wrong[b, r] on box b, where `wrong` is what its bound was charged.
    """
    slope, constant, lower = (np.asarray(a, np.float64) for a in (bound.slope, bound.constant, bound.lower))
    low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
    least = np.where(slope > 0, low[:, None], high[:, None])
    with np.errstate(invalid="ignore", over="ignore"):
        wrong = np.maximum((slope * least).sum(axis=2) + constant - lower, 0) * (1 + 2.0**-20)
    size = (np.abs(slope) * np.maximum(np.abs(low), np.abs(high))[:, None]).sum(axis=2) + np.abs(constant)
    rounding = 4 * gamma(slope.shape[1] + slope.shape[2] + 8) * (size + np.abs(limits) + wrong)
    constant = constant - limits - wrong - rounding
    # A bound that overflowed knows nothing: its row takes no part.
    known = np.isfinite(constant) & np.isfinite(slope).all(axis=2)
    slope, constant = np.where(known[..., None], slope, 0), np.where(known, constant, 0)
    weights = known / np.maximum(known.sum(axis=1, keepdims=True), 1)
    best, kept = np.full(len(constant), -np.inf), weights
    for step in range(STEPS):
        mean, offset = np.einsum("br,brn->bn", weights, slope), (weights * constant).sum(axis=1)
        x = np.where(mean > 0, low, high)
        lower = np.where(known.any(axis=1), (mean * x).sum(axis=1) + offset, -np.inf)
        kept = np.where((lower > best)[:, None], weights, kept)
        best = np.maximum(best, lower)
        values = np.einsum("brn,bn->br", slope, x) + constant
        ahead = values - values.max(axis=1, keepdims=True)
        spread = np.maximum(-ahead.min(axis=1, keepdims=True), 1e-300)
        weights = weights * np.exp(ahead / spread * (2.0 / (1 + step) ** 0.5))
        weights = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)
    return best, kept


def with_mean(polytope: Polytope, weights: Any) -> tuple[Polytope, Any]:
    """The polytope with one more row that its rows imply: their mean with about these weights (rows,), exactly; and of
    what weights (rows + 1, rows) of its rows its rows are now the means.

    The polytope itself where the mean is no row of floats.
    """
    shares = np.array([Fraction(max(0, round(float(w) * GRID)), GRID) for w in weights], dtype=object)
    own = np.eye(len(shares))
    if np.count_nonzero(shares) < 2:
        return polytope, own
    matrix, offset = polytope.matrix.fractions(), polytope.offset.fractions()
    row = Coefficients.from_fractions(np.vstack([matrix, shares @ matrix]))
    limit = Coefficients.from_fractions(np.append(offset, shares @ offset))
    if not row.is_dyadic:
        return polytope, own
    return Polytope(row, limit, polytope.name), np.vstack([own, shares.astype(np.float64)])
