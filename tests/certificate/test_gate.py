"""The gate must not let anything through that its replays do not bear out."""

from fractions import Fraction

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import verdict
from verdict.answer.evidence import Evidence
from verdict.answer.gate import judge
from verdict.answer.replay import confirm, deployable
from verdict.answer.results import CLOSED, Radius, Trust, Verdict, Witness, is_closed
from verdict.network.exact import ExactVector
from verdict.property import Box, misclassification


def gemm_model(path, weight, bias):
    weight, bias = np.array(weight, np.float32), np.array(bias, np.float32)
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w", "b"], ["y"], transB=1)],
        "gemm",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, weight.shape[1]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, len(bias)])],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return verdict.load(path)


@pytest.fixture
def network(tmp_path):
    """y0 = 0.5 - x, y1 = x: class 0 below 1/2, a tie at 1/4."""
    return gemm_model(tmp_path / "m.onnx", [[-1.0], [1.0]], [0.5, 0.0])


def test_a_claimed_witness_that_is_safe_is_refused(network):
    box = Box([Fraction(0)], [Fraction(1)])
    witness, reason = confirm(network, misclassification(0, 2), box, [np.array([0.1])])
    assert witness is None
    assert "not a violation in exact arithmetic" in reason


def test_a_witness_outside_the_set_is_moved_inside_or_refused(network):
    box = Box([Fraction(0)], [Fraction(1, 5)])
    witness, _ = confirm(network, misclassification(0, 2), box, [np.array([0.9])])
    assert witness is None  # clipped to 0.2, where the network is right


def test_a_real_violation_that_the_deployed_network_does_not_show(network, monkeypatch):
    monkeypatch.setattr(type(network.runtime), "__call__", lambda self, x: np.array([1.0, 0.0]))
    witness, reason = confirm(
        network, misclassification(0, 2), Box([Fraction(0)], [Fraction(1)]), [np.array([0.9])]
    )
    assert witness is None
    assert "ONNX Runtime does not confirm" in reason
    assert judge(network, Evidence(witness=None, reason=reason), 0, "x", 0.0).status == "unknown"


def test_an_undeployed_witness_is_not_a_violation(network):
    point = ExactVector.of([Fraction(9, 10)])
    witness = Witness(point, network.evaluate_exact(point), "class 1")
    assert judge(network, Evidence(witness=witness), 0, "x", 0.0).status == "unknown"


def test_no_evidence_is_unknown_with_a_reason(network):
    verdict_ = judge(network, Evidence(), 0, "x", 0.0)
    assert verdict_.status == "unknown"
    assert verdict_.reason


def test_deployable_finds_a_float_of_the_type_inside_the_exact_box(network):
    low, high = Fraction(1, 3), Fraction(1, 3) + Fraction(1, 2**26)
    placed = deployable(network, Box([low], [high]), np.array([0.3333]))
    assert placed is not None
    point, exactly = placed
    assert exactly is None
    assert low <= Fraction(float(point[0])) <= high
    assert np.float32(point[0]) == point[0]


def test_a_box_without_any_float32_has_no_deployable_point(network):
    low = Fraction(1, 3)
    assert deployable(network, Box([low], [low + Fraction(1, 2**40)]), np.array([0.3333])) is None


def test_a_coordinate_fixed_at_no_float_is_replayed_at_both(network):
    """Exactly at 1/3, and in ONNX Runtime at the float32 nearest to it."""
    third = Fraction(1, 3)
    placed = deployable(network, Box([third], [third]), np.array([0.3333]))
    assert placed is not None
    point, exactly = placed
    assert exactly is not None
    assert exactly.fractions() == [third]
    assert point[0] == np.float32(1 / 3)
    witness, _ = confirm(network, misclassification(0, 2), Box([third], [third]), [point])
    assert witness is not None
    assert witness.rounded
    assert witness.point.fractions() == [third]


def test_the_exact_radius_is_a_tie(network):
    radius = verdict.maxeps(network, [0.0], range=(0, 1), engine="smt")
    assert radius.exact == Fraction(1, 4)
    assert radius.lower_trust is Trust.Z3
    assert radius.closest is not None
    assert radius.closest.outputs.fractions() == [Fraction(1, 4), Fraction(1, 4)]
    assert radius.witness is not None
    assert radius.witness.deployed


@pytest.mark.parametrize("engine", ["milp", "smt"])
def test_a_tie_at_the_very_edge_is_not_robust(network, engine):
    assert verdict.robust(network, [0.0], "0.25", range=(0, 1), engine=engine).status != "robust"
    assert verdict.robust(network, [0.0], "0.2499", range=(0, 1), engine=engine).status == "robust"


def test_decimal_eps_is_exact(network):
    """The float 0.1 is above 1/10; as a decimal string it is not."""
    from verdict.base.number import exact

    assert exact("0.1") == Fraction(1, 10) != exact(0.1)


def test_lower_never_passes_upper(network):
    for engine in ("milp", "smt"):
        answer = verdict.maxeps(network, [0.125], range=(0, 1), engine=engine)
        assert answer.lower <= answer.upper


@pytest.mark.parametrize("status", ["interval", "unknown"])
def test_nothing_is_left_open_without_a_reason(status: str) -> None:
    zero = Fraction(0)
    with pytest.raises(ValueError, match="no reason"):
        Verdict(status=status, label=None, engine="bab", seconds=0.0)
    with pytest.raises(ValueError, match="no reason"):
        Radius(zero, None, None, status, None, "bab", 0.0, Trust.EXACT)


@pytest.mark.parametrize("size", [Fraction(1, 10**50), Fraction(1, 1000), Fraction(1), Fraction(10**30)])
def test_closed_is_one_rule(size: Fraction) -> None:
    assert is_closed(size * (1 - CLOSED), size)
    assert not is_closed(size * (1 - CLOSED - Fraction(1, 10**12)), size)
    assert not is_closed(Fraction(0), size)
    assert is_closed(Fraction(0), Fraction(0))
