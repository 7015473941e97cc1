"""What file a certificate is about: the user's own, one output of it in given sizes, or one with constants computed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from support import tiny
from support.mutants import members, packed

import verdict
from verdict.base.errors import InputError
from verdict.certificate.write import VERSION

X = np.linspace(0, 1, 4).astype(np.float32)
node = helper.make_node


def _sized(path: Path) -> Path:
    """Two outputs of an input with an open axis."""
    weights = {"w": np.array([[1, -1], [2, 1]], np.float32)}
    nodes = [node("ReduceMean", ["x"], ["m"], axes=[1], keepdims=0), node("Relu", ["m"], ["r"]),
             node("MatMul", ["r", "w"], ["y"]), node("Sigmoid", ["x"], ["z"])]
    return tiny.write(path, nodes, {"x": ["N", "K", 2]}, {"y": ["N", 2], "z": ["N", "K", 2]}, weights)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("made")
    path, file = _sized(folder / "m.onnx"), folder / "a.vcert"
    network = verdict.load(path, output="y", shapes=(1, 2, 2))
    answer = verdict.robust(network, X, "0.01", certificate=file, timeout=60)
    assert answer.certificate is not None
    assert answer.certificate.network == path
    return path, file


def _is_refused(certificate: Path, model: Path) -> bool:
    try:
        return not verdict.check(certificate, model).accepted
    except InputError:
        return True


def test_output_and_shape(made: tuple[Path, Path]) -> None:
    report = verdict.check(made[1], made[0])
    assert report.accepted
    said = report.statement.members()
    assert (said["chosen"], said["shapes"]) == ("y", {"x": [1, 2, 2]})


@pytest.mark.parametrize("change", [
    {"output": None}, {"output": "z"}, {"output": "r"}, {"output": ""}, {"output": 0}, {"shapes": None},
    {"shapes": {"x": [1, 4, 1]}}, {"shapes": {"x": [1, 2]}}, {"shapes": {"x": [1, 2, -2]}},
    {"shapes": {"x": [1, 2.0, 2]}}, {"shapes": {"x": [True, 2, 2]}}, {"shapes": {"x": [2, 2, 2]}},
    {"shapes": {"y": [1, 2, 2]}}, {"shapes": [1, 2, 2]},
    {"shapes": {"x": [1, 2, 2], "w": [2, 2]}}, {"version": 1, "splits": None},
    {"inputs": "x"},
])  # fmt: skip
def test_another_view_is_another_claim(made: tuple[Path, Path], change: dict[str, Any], tmp_path: Path) -> None:
    """None takes the member away."""
    parts = members(made[1].read_bytes())
    manifest = {**json.loads(parts["manifest.json"]), **change}
    parts["manifest.json"] = json.dumps({k: v for k, v in manifest.items() if v is not None}).encode()
    (tmp_path / "b.vcert").write_bytes(packed(parts))
    assert _is_refused(tmp_path / "b.vcert", made[0])


def test_an_axis_with_a_name_has_one_size(tmp_path: Path) -> None:
    """The writer fills in the axes of the same name; a manifest that says something else is refused."""
    weights = {"w": np.array([[1, -1], [2, 1]], np.float32)}
    nodes = [node("Add", ["a", "b"], ["s"]), node("Relu", ["s"], ["r"]), node("MatMul", ["r", "w"], ["y"])]
    path = tiny.write(tmp_path / "m.onnx", nodes, {"a": ["N", "K"], "b": [1, "K"]}, {"y": ["N", 2]}, weights)
    network = verdict.load(path, shapes={"a": (1, 2)})
    answer = verdict.robust(network, X, "0.01", certificate=tmp_path / "a.vcert", timeout=60)
    assert answer.certificate is not None
    assert answer.certificate.network == path
    parts = members((tmp_path / "a.vcert").read_bytes())
    manifest = json.loads(parts["manifest.json"])
    assert manifest["version"] == VERSION
    assert manifest["shapes"] == {"a": [1, 2], "b": [1, 2]}
    for wrong in ({"a": [1, 2], "b": [1, 1]}, {"a": [1, 2]}):
        parts["manifest.json"] = json.dumps({**manifest, "shapes": wrong}).encode()
        (tmp_path / "b.vcert").write_bytes(packed(parts))
        assert _is_refused(tmp_path / "b.vcert", path)


def test_dead_nodes_have_no_part_in_it(tmp_path: Path) -> None:
    weights = {"w": np.array([[1, -1], [2, 1]], np.float32), "odd": np.array([1, 2], np.float32),
               "k": np.array(0)}
    nodes = [node("Relu", ["x"], ["dead"]), node("CumSum", ["odd", "k"], ["too"]), node("Relu", ["x"], ["r"]),
             node("MatMul", ["r", "w"], ["y"])]
    path = tiny.write(tmp_path / "m.onnx", nodes, {"x": [1, 2]}, {"y": [1, 2]}, weights)
    answer = verdict.robust(path, X[:2], "0.01", certificate=tmp_path / "a.vcert", timeout=60)
    assert answer.certificate is not None
    assert "CumSum" in answer.certificate.reason
    assert verdict.check(tmp_path / "a.vcert", tmp_path / "a.vcert.onnx").accepted


def _branch(operator: str) -> Any:
    info = helper.make_tensor_value_info("t", TensorProto.FLOAT, [1, 2])
    return helper.make_graph([node(operator, ["x"], ["t"])], operator, [], [info])


SHIFTED = [node("Add", ["x", "c"], ["s"]), node("Relu", ["s"], ["r"])]
BEYOND = {
    "Mod": ([node("Mod", ["a", "b"], ["c"], fmod=1), *SHIFTED], {"a": [5.5, 3], "b": [2, 2]}),
    "CumSum": ([node("CumSum", ["a", "k"], ["c"]), *SHIFTED], {"a": [0.5, 3], "k": np.array(0)}),
    "If": ([node("Equal", ["a", "b"], ["c"]),
            node("If", ["c"], ["r"], then_branch=_branch("Identity"), else_branch=_branch("Relu"))],
           {"a": np.array(1), "b": np.array(2)}),
}


@pytest.mark.parametrize("operator", BEYOND)
def test_constants_that_the_checker_does_not_compute(tmp_path: Path, operator: str) -> None:
    """They are written down in a file beside the certificate, which says so."""
    nodes, given = BEYOND[operator]
    weights = {name: v if isinstance(v, np.ndarray) else np.array(v, np.float32) for name, v in given.items()}
    weights["w"] = np.array([[1, -1], [2, 1]], np.float32)
    nodes = [*nodes, node("MatMul", ["r", "w"], ["y"])]
    path = tiny.write(tmp_path / "m.onnx", nodes, {"x": [1, 2]}, {"y": [1, 2]}, weights)
    answer = verdict.robust(path, X[:2], "0.01", certificate=tmp_path / "a.vcert", timeout=60)
    assert answer.certificate is not None
    assert answer.certificate.accepted
    assert operator in answer.certificate.reason
    assert answer.certificate.network == tmp_path / "a.vcert.onnx"
    assert verdict.check(tmp_path / "a.vcert", tmp_path / "a.vcert.onnx").accepted
    other = verdict.load(tmp_path / "a.vcert.onnx")
    assert np.array_equal(other.evaluate(X[None, :2]), verdict.load(path).evaluate(X[None, :2]))


def test_a_constant_that_no_float_equals_gets_no_certificate(tmp_path: Path) -> None:
    """Of what the checker does not compute: thirds, summed up."""
    weights = {"w": np.array([[1, -1], [2, 1]], np.float32), "a": np.array([1, 4], np.float32),
               "b": np.array(3, np.float32), "k": np.array(0)}  # fmt: skip
    nodes = [node("Div", ["a", "b"], ["d"]), node("CumSum", ["d", "k"], ["c"]), *SHIFTED,
             node("MatMul", ["r", "w"], ["y"])]  # fmt: skip
    path = tiny.write(tmp_path / "m.onnx", nodes, {"x": [1, 2]}, {"y": [1, 2]}, weights)
    answer = verdict.robust(path, X[:2], "0.01", certificate=tmp_path / "a.vcert", timeout=60)
    assert answer.certificate is not None
    assert answer.certificate.path is None
    assert "CumSum" in answer.certificate.reason


def test_roots_of_constants_are_the_nearest_floats(tmp_path: Path) -> None:
    """In both readers, so the file itself is certified, and nothing is claimed for float32."""
    weights = {"w": np.array([[1, -1], [2, 1]], np.float32), "a": np.array([2, 3], np.float32)}
    nodes = [node("Sqrt", ["a"], ["c"]), *SHIFTED, node("MatMul", ["r", "w"], ["y"])]
    path = tiny.write(tmp_path / "m.onnx", nodes, {"x": [1, 2]}, {"y": [1, 2]}, weights)
    answer = verdict.robust(path, X[:2], "0.01", certificate=tmp_path / "a.vcert", timeout=60)
    assert answer.certificate is not None
    assert (answer.certificate.accepted, answer.certificate.network) == (True, path)
    report = verdict.check(tmp_path / "a.vcert", path)
    assert report.accepted
    assert not report.any_order
