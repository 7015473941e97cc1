"""Z3, MILP with each backend and brute force over phases must agree on random small networks."""

from fractions import Fraction

import numpy as np
import pytest
from support.brute import least_radius
from support.networks import KINDS, random_network
from support.seeds import seeds

import verdict

# MILP backends beside HiGHS take longer, and have these.
OTHERS = {1: "scip", 2: "cbc"}


def _close(radius, truth):
    """Whether an interval is consistent with the true radius up to the LP solver's tolerance."""
    slack = 1e-6 * max(1.0, truth) if np.isfinite(truth) else 0.0
    if not np.isfinite(truth):
        return radius.upper is None and radius.status == "safe"
    return float(radius.lower) <= truth + slack and float(radius.upper) >= truth - slack


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", seeds(8, 50))
def test_engines_agree(kind, seed, tmp_path):
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    network = verdict.load(random_network(rng, kind, tmp_path))
    x = (rng.integers(-8, 9, network.input_size) / 8).astype(np.float32)
    outputs = network.evaluate(x[None])[0]
    label = int(outputs.argmax())
    if np.sort(outputs)[-1] == np.sort(outputs)[-2]:
        truth = 0.0
    else:
        truth = least_radius(network.graph, x.astype(float), label, -2, 2)
    solver = OTHERS.get(seed % 10, "highs")
    answers = {
        "smt": verdict.maxeps(network, x, range=(-2, 2), engine="smt", label=label),
        "bab": verdict.maxeps(network, x, range=(-2, 2), engine="bab", label=label),
        "milp": verdict.maxeps(network, x, range=(-2, 2), engine="milp", solver=solver, label=label),
    }
    for name, answer in answers.items():
        assert answer.status in ("exact", "closed", "safe", "wrong-label"), (name, answer.status, answer.reason)
        assert _close(answer, truth), (name, float(answer.lower), answer.upper, truth)
    smt, milp = answers["smt"], answers["milp"]
    if smt.exact is not None:
        for answer in (milp, answers["bab"]):
            assert answer.upper is not None
            assert answer.lower <= smt.exact <= answer.upper
        _check_both_sides(network, x, label, smt.exact)


def _check_both_sides(network, x, label, radius):
    """Just below the exact radius `robust` must not refute, at a clear distance above it must not prove."""
    if radius == 0:
        return
    below = verdict.robust(network, x, radius * Fraction(99, 100), range=(-2, 2), label=label, engine="smt")
    assert below.status == "robust"
    for engine in ("auto", "milp"):
        above = verdict.robust(network, x, radius * Fraction(101, 100), range=(-2, 2), label=label, engine=engine)
        assert above.status != "robust"
