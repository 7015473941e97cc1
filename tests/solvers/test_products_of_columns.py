"""Products of columns: SCIP takes them, others refuse them, and the milp engine gives them to who takes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array
from support.products import product_network

import verdict
from verdict.base.errors import SolverError
from verdict.bounds import linear_bounds
from verdict.encoders.envelopes import Relaxation
from verdict.encoders.milp import encode_relaxed_margin
from verdict.network.functions import Feature
from verdict.property import misclassification
from verdict.solvers import Status
from verdict.solvers.mathopt import Highs, Scip
from verdict.solvers.model import LinearModel


def model(*products: tuple[int, int, int]) -> LinearModel:
    """min 0.3 x - 0.2 y + z with x in [-1, 2], y in [-1, 1], z in [-5, 5]: where z = x y, -1.5 at (-1, 1), a saddle."""
    return LinearModel(
        objective=np.array([0.3, -0.2, 1.0]), matrix=csr_array((0, 3)), row_lower=np.zeros(0), row_upper=np.zeros(0),
        lower=np.array([-1.0, -1.0, -5.0]), upper=np.array([2.0, 1.0, 5.0]), integer=np.zeros(3, bool),
        products=products,
    )


def test_scip_takes_products_and_squares() -> None:
    solver = Scip(isolate=False)
    # At (-1, 1): -0.3 - 0.2 - 1; at (2, -1), the other corner that is low, 0.6 + 0.2 - 2.
    found = solver.solve(model((0, 1, 2)))
    assert found.status is Status.OPTIMAL
    assert found.objective == pytest.approx(-1.5, abs=1e-6)
    assert found.bound <= -1.5 + 1e-6
    assert found.point == pytest.approx([-1, 1, -1], abs=1e-6)
    # The order of the factors does not matter; z = x^2 has its least at x = -0.15.
    assert solver.solve(model((1, 0, 2))).objective == pytest.approx(-1.5, abs=1e-6)
    assert solver.solve(model((0, 0, 2))).objective == pytest.approx(-0.0225 - 0.2, abs=1e-6)


def test_others_refuse_them_by_name() -> None:
    with pytest.raises(SolverError, match="highs does not support products of columns"):
        Highs(isolate=False).solve(model((0, 1, 2)))
    with pytest.raises(SolverError, match="not among 3"):
        model((0, 1, 3))


def test_only_who_takes_them_gets_them(tmp_path: Path) -> None:
    network = verdict.load(product_network(1, tmp_path, smooth=False))
    low, high = np.full((1, network.input_size), -0.5), np.full((1, network.input_size), 0.5)
    bounds, polytope = linear_bounds(network.graph, low, high), misclassification(0, network.output_size).polytopes[0]
    relaxation = Relaxation(network.graph, bounds, Feature.ON_OFF)
    plain, exact = (encode_relaxed_margin(relaxation, polytope, exactly=how).model for how in (False, True))
    assert not plain.products
    assert len(exact.products) == sum(network.graph.nodes[i].size for i in network.graph.products)
    assert (plain.rows, plain.columns) == (exact.rows, exact.columns)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_engine_agrees_with_branch_and_bound(seed: int, tmp_path: Path) -> None:
    network = verdict.load(product_network(seed, tmp_path, smooth=False))
    x = np.random.default_rng(seed).uniform(-1, 1, network.input_size).astype(np.float32).astype(float)
    found, other = (
        verdict.maxeps(network, x, range=(-3, 3), timeout=120, threads=1, **how)
        for how in ({"engine": "milp", "solver": "scip"}, {})
    )
    assert found.status == other.status == "closed"
    assert found.lower <= other.upper
    assert other.lower <= found.upper
    assert str(found.lower_trust) == "solver"
