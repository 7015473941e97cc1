"""Radii of networks that jump: an end that no violation attains is closed in on, with a proof, never called exact."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper
from support import tiny

import verdict

node = helper.make_node


def model(path: Path, jump: str) -> Path:
    """Class 0 wins where x > 1/4 holds of neither number, as the jump has it; with signs where both are not above 0."""
    weights = {"W": [[1.0, 2.0], [0.0, 1.0]], "b": [-0.25, -0.75], "V": [[-1.0, 0.0], [-1.0, 0.0]], "c": [0.5, 0.0]}
    nodes = [node("MatMul", ["x", "W"], ["z"]), node("Add", ["z", "b"], ["h"])]
    if jump == "Sign":
        nodes.append(node("Sign", ["h"], ["s"]))
    else:
        nodes += [node(jump, ["h", "zero"], ["t"]), node("Cast", ["t"], ["s"], to=TensorProto.FLOAT)]
        weights["zero"] = 0.0
    nodes += [node("MatMul", ["s", "V"], ["v"]), node("Add", ["v", "c"], ["y"])]
    arrays = {name: np.array(w, np.float32) for name, w in weights.items()}
    return tiny.write(path, nodes, {"x": [1, 2]}, {"y": [1, 2]}, arrays)


@pytest.mark.parametrize("engine", ["auto", "smt"])
@pytest.mark.parametrize("jump", ["Greater", "GreaterOrEqual", "Sign"])
def test_the_interval_closes_around_the_jump(jump: str, engine: str, tmp_path: Path) -> None:
    """Both numbers jump at radius 1/4: of `GreaterOrEqual` that is a violation, of the others all are beyond."""
    path = model(tmp_path / "m.onnx", jump)
    point = np.zeros(2, np.float32)
    answer = verdict.maxeps(path, point, engine=engine, timeout=60, certificate=tmp_path / "r.vcert")
    assert answer.upper is not None
    assert answer.lower < Fraction(1, 4) <= answer.upper
    assert answer.upper - answer.lower <= Fraction(1, 10**6) * answer.upper
    assert answer.exact is None
    assert answer.certificate is not None
    assert answer.certificate.accepted
    if jump != "GreaterOrEqual":
        assert answer.upper > Fraction(1, 4)
    status = verdict.robust(path, point, Fraction(1, 4), engine=engine, timeout=60).status
    assert status in (("violated", "unknown") if jump == "GreaterOrEqual" else ("robust", "unknown"))


@pytest.mark.parametrize("engine", ["auto", "bab", "smt"])
def test_a_jump_at_the_input_itself_is_told_as_far_as_floats_go(engine: str, tmp_path: Path) -> None:
    """Class 1 wins where x > 0: at every positive radius, and not at the input, so that no witness is the last."""
    nodes = [node("Greater", ["x", "zero"], ["t"]), node("Cast", ["t"], ["s"], to=TensorProto.FLOAT)]
    nodes += [node("MatMul", ["s", "V"], ["v"]), node("Add", ["v", "c"], ["y"])]
    arrays = {"zero": np.float32(0), "V": np.array([[0, 1]], np.float32), "c": np.array([0.5, 0], np.float32)}
    path = tiny.write(tmp_path / "m.onnx", nodes, {"x": [1, 1]}, {"y": [1, 2]}, arrays)
    answer = verdict.maxeps(path, np.zeros(1, np.float32), engine=engine)
    assert (answer.status, answer.lower, answer.exact) == ("interval", 0, None)
    assert answer.upper is not None
    assert 0 < answer.upper <= Fraction(2) ** -1074
    if engine == "smt":
        assert answer.upper < Fraction(2) ** -1074
        assert "least positive float64" in answer.reason
