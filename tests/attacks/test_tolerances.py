"""A MILP solver's tolerances (Tjeng et al. 1711.07356 encode a ReLU by big-M; Zombori et al., ICLR 2021, break it).

The attack: y <= u a with a binary forces y = 0 where the neuron is off. A solver calls a = 1e-6 integral, so with u =
1e7 it lets y be 10 there. And it calls x <= 1, x >= 1 + 1e-8 feasible. Whoever believes the solver's point has a
counterexample that does not exist; whoever believes its optimum can be 1e-6 wrong about a margin of 1e-8.

The defence: a point is replayed in exact rationals before it is a violation, and a margin within the tolerances is no
proof (`MARGIN` in `search/engines/parts/milp.py`). The exact engines decide such questions.
"""

from functools import partial

import pytest
from scipy import optimize
from support.engines import bare, statuses, write_query
from support.handmade import layers

import verdict
from verdict.bounds import linear_bounds
from verdict.encoders.milp import encode_margin
from verdict.network.exact import ExactVector
from verdict.property.vnnlib1 import read_vnnlib1
from verdict.search.engines.parts import milp as robust_milp

BIG = 1e7


def _naive(network, query):
    """(least slack, its input) by HiGHS through SciPy, without Verdict's checks of points and bounds."""
    (case,) = read_vnnlib1(query).cases
    subject = network.passing_inputs() if case.outputs_with_inputs else network
    lower, upper = case.inputs.floats()
    bounds = linear_bounds(subject.graph, lower[None], upper[None])
    model = encode_margin(subject.graph, bounds, case.unsafe.polytopes[0]).model
    found = optimize.milp(
        model.objective,
        integrality=model.integer.astype(int),
        bounds=optimize.Bounds(model.lower, model.upper),
        constraints=optimize.LinearConstraint(model.matrix, model.row_lower, model.row_upper),
    )
    return found.fun, found.x[: network.input_size]


@pytest.fixture
def leak(tmp_path):
    """y = relu(x) >= 3 where x + y <= 1: no such x, but for x in [-1e7, 1e7] the big-M leaks enough."""
    network = verdict.load(layers(tmp_path / "relu.onnx", ([[1]], [0]), ([[1]], [0])))
    limits = f"(>= X_0 {-BIG:.0f})", f"(<= X_0 {BIG:.0f})"
    return network, write_query(tmp_path / "q.vnnlib", 1, 1, *limits, "(>= Y_0 3)", "(<= (+ X_0 Y_0) 1)")


def test_highs_alone_finds_a_point_that_is_none(leak):
    network, query = leak
    slack, x = _naive(network, query)
    assert slack < 0
    (case,) = read_vnnlib1(query).cases
    point = ExactVector.of(x)
    assert not case.holds(point, network.evaluate_exact(point))


@pytest.mark.parametrize("alone", [False, True])
def test_big_m_does_not_make_a_witness(leak, alone, monkeypatch):
    network, query = leak
    if alone:
        bare(monkeypatch)
    found = statuses(partial(verdict.verify, query, network))
    assert set(found.values()) <= {"robust", "unknown"}
    assert found["smt"] == found["auto"] == "robust"


def test_highs_alone_calls_a_contradiction_feasible():
    assert optimize.linprog([0], A_ub=[[1], [-1]], b_ub=[1, -1 - 1e-8], bounds=[(0, 2)]).status == 0


@pytest.fixture
def identity(tmp_path):
    """y = relu(x) - relu(-x) = x."""
    return verdict.load(layers(tmp_path / "identity.onnx", ([[1], [-1]], [0, 0]), ([[1, -1]], [0])))


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize(
    ("reached", "truth"), [("1.00000001", "robust"), ("0.99999999", "violated"), ("1", "violated")]
)
def test_margins_below_every_tolerance(identity, tmp_path, reached, truth, alone, monkeypatch):
    query = write_query(tmp_path / "q.vnnlib", 1, 1, "(>= X_0 -1)", "(<= X_0 1)", f"(>= Y_0 {reached})")
    if alone:
        bare(monkeypatch)
    found = statuses(partial(verdict.verify, query, identity))
    assert set(found.values()) <= {truth, "unknown"}
    assert found["smt"] == truth


def test_without_the_margin_milp_would_prove_what_is_false(identity, tmp_path, monkeypatch):
    query = write_query(tmp_path / "q.vnnlib", 1, 1, "(>= X_0 -1)", "(<= X_0 1)", "(>= Y_0 0.99999999)")
    bare(monkeypatch)
    # A margin of -1e-8 counts as zero: what a solver's own feasibility tolerance does.
    monkeypatch.setattr(robust_milp, "MARGIN", -1e-6)
    monkeypatch.setattr(robust_milp, "blur", lambda graph, bounds, polytope: -1e-6)
    assert verdict.verify(query, identity, engine="milp").status == "robust"
