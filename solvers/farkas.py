"""A Farkas ray for an infeasible LP from any backend that gives duals.

Neither MathOpt nor CBC hands over the dual ray of HiGHS, GLOP or Clp. The optimal duals y of the elastic LP,
min Σ s over A x + s⁺ - s⁻ within the rows' sides and x in its box, satisfy |y| <= 1 and prove that this
minimum is positive, which is the Farkas statement for the original; `LinearModel.excludes` checks it exactly.
"""

from __future__ import annotations

import numpy as np

from verdict.solvers.model import LinearModel, Vector


def elastic(model: LinearModel) -> LinearModel:
    """The LP that minimises how much the rows must give; columns x, then s⁺ (m), then s⁻ (m)."""
    from scipy import sparse

    m, n = model.rows, model.columns
    eye = sparse.eye_array(m, format="csr")
    return LinearModel(
        objective=np.r_[np.zeros(n), np.ones(2 * m)],
        matrix=sparse.csr_array(sparse.hstack([model.matrix, eye, -eye])),
        row_lower=model.row_lower,
        row_upper=model.row_upper,
        lower=np.r_[model.lower, np.zeros(2 * m)],
        upper=np.r_[model.upper, np.full(2 * m, np.inf)],
        integer=np.zeros(n + 2 * m, dtype=np.bool_),
    )


def ray(model: LinearModel, duals: Vector | None) -> Vector | None:
    """The ray (m,) for `model` in the optimal duals (m,) of its elastic LP; None passes through."""
    if duals is None:
        return None
    # A multiplier of 1e-17, or one that points at an absent side, would void the proof; it carries nothing.
    out = np.where(np.abs(duals) < 1e-12, 0.0, duals)
    out[(out > 0) & np.isinf(model.row_lower)] = 0.0
    out[(out < 0) & np.isinf(model.row_upper)] = 0.0
    return out
