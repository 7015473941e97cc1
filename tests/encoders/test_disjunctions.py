"""Models of relaxations reach what the network reaches, and not much else once they are cut into pieces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.seeds import seeds
from support.smooth import smooth_network

import verdict
from verdict.base.errors import SolverError
from verdict.bounds import linear_bounds
from verdict.encoders.envelopes import Relaxation
from verdict.encoders.milp import encode_relaxed_margin
from verdict.network.evaluate import evaluate_all
from verdict.network.exact import Coefficients
from verdict.network.functions import Feature
from verdict.property.unsafe import Polytope
from verdict.solvers.mathopt import Highs

MARGIN = Polytope(Coefficients(np.array([[1.0, -1.0]])), Coefficients(np.zeros(1)))


@pytest.mark.parametrize("radius", [0.4, 2.0**-24])
@pytest.mark.parametrize("seed", seeds(5, 60))
def test_a_model_reaches_the_least_margin_and_closes_in_on_it(seed: int, radius: float, tmp_path: Path) -> None:
    graph, center = verdict.load(smooth_network(tmp_path, seed)).graph, np.random.default_rng(seed).uniform(-1, 1, 2)
    bounds = linear_bounds(graph, center[None] - radius, center[None] + radius)
    line = np.linspace(-radius, radius, 41)
    values = evaluate_all(graph, center + np.stack(np.meshgrid(line, line), -1).reshape(-1, 2))
    margins = values[graph.output] @ [1.0, -1.0]
    least, range_ = margins.min(), np.ptp(margins)
    relaxation, found = Relaxation(graph, bounds, Feature.ON_OFF), []
    tolerance = 1e-6 * max(1.0, *(float(np.abs(v).max()) for v in values))
    for _ in range(3):
        encoding = encode_relaxed_margin(relaxation, MARGIN)
        try:
            solution = Highs(isolate=False).solve(encoding.model, time_limit=60)
        except SolverError:
            # HiGHS breaks down where numbers are large, which is no answer.
            assert tolerance > 1e-3
            return
        assert solution.objective is not None
        found.append(solution.objective)
        assert found[-1] <= least + tolerance
        # Small coefficients of pieces are left out, by weaker rows.
        assert found[-1] >= found[0] - 1e3 * tolerance
        relaxed = encoding.relaxed_values(np.asarray(solution.point))
        assert set(relaxed) == {n for i, e in relaxation.nodes.items() for n in (i, *e.sources)}
        relaxation.halve(2)
    assert least - found[-1] <= max(0.6 * (least - found[0]), 0.02 * range_ + tolerance)


def test_a_solution_far_off_the_functions_is_none_of_a_model_with_pieces(tmp_path: Path) -> None:
    """Every input is one of the model, and the values there are those of the network, as far as pieces leave room."""
    graph = verdict.load(smooth_network(tmp_path, 1)).graph
    bounds = linear_bounds(graph, np.full((1, 2), -1.0), np.ones((1, 2)))
    relaxation = Relaxation(graph, bounds, Feature.ON_OFF)
    relaxation.halve(15)
    model = encode_relaxed_margin(relaxation, MARGIN)
    for point in np.random.default_rng(0).uniform(-1, 1, (4, 2)):
        low, high = model.model.lower.copy(), model.model.upper.copy()
        low[:2] = high[:2] = point
        pinned = type(model.model)(**{**vars(model.model), "lower": low, "upper": high})
        solution = Highs(isolate=False).solve(pinned, time_limit=60)
        truth = evaluate_all(graph, point[None])
        for node, found in model.relaxed_values(np.asarray(solution.point)).items():
            assert np.abs(found - truth[node][0]).max() < 0.05
