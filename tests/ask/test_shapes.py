"""Shapes of inputs given from outside: the network has those sizes in its file, and a certificate binds them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from support import tiny

import verdict
from verdict.base.errors import InputError, UnsupportedError
from verdict.cli.main import main

X = np.linspace(0, 1, 12).astype(np.float32)
PLACES = ["robust", "maxeps", "bounds", "prove", "maxdelta", "imitates", "general", "maxfall", "maxweights",
          "maxpruning", "encode", "verify", "info"]


def open_sizes(path: Path, heights: str = "H", widths: str = "W") -> Path:
    """Relu, the mean over height and width, and a Gemm to two scores; batch, height and width are open."""
    weights = {"w": np.array([[1, -1], [2, 1]], np.float32), "b": np.array([0, 1], np.float32)}
    node = helper.make_node
    nodes = [node("Relu", ["x"], ["r"]), node("GlobalAveragePool", ["r"], ["p"]), node("Flatten", ["p"], ["f"]),
             node("Gemm", ["f", "w", "b"], ["y"])]
    return tiny.write(path, nodes, {"x": ["N", 2, heights, widths]}, {"y": ["N", 2]}, weights)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return open_sizes(tmp_path / "m.onnx")


def test_the_network_is_that_with_the_sizes_in_its_file(model: Path, tmp_path: Path) -> None:
    whole = onnx.load(model)
    for dim, size in zip(whole.graph.input[0].type.tensor_type.shape.dim, (1, 2, 2, 3), strict=True):
        dim.dim_value = size
    onnx.save(whole, tmp_path / "fixed.onnx")
    expected = verdict.load(tmp_path / "fixed.onnx")
    for shapes in ((1, 2, 2, 3), {"x": [1, 2, 2, 3]}, {"x": np.array([1, 2, 2, 3])}):
        network = verdict.load(model, shapes=shapes)
        assert network.inputs == expected.inputs
        assert network.sha256 == expected.sha256
        assert network.is_shaped
        assert np.array_equal(network.runtime(X), expected.runtime(X))
    # What changes nothing leaves the file what it is.
    assert verdict.load(tmp_path / "fixed.onnx", shapes=(1, 2, 2, 3)).data == (tmp_path / "fixed.onnx").read_bytes()


@pytest.mark.parametrize("shapes", [(1, 2, 2, 3), {"x": (1, 2, 3, 2)}, (1, 2, 6, 1)])
def test_the_shape_is_the_one_that_is_asked(model: Path, shapes: object) -> None:
    assert verdict.load(model, shapes=shapes).input_size == 12  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        ((1, 2, 3), "has 4 axes"), ((1, 3, 2, 2), "has 2 as axis 1"), ({"z": (1, 2, 2, 2)}, "no input 'z'"),
        ((1, 2, 0, 2), "sides from 1"), ((1, 2, -1, 2), "sides from 1"), ((1, 2, 2**20, 2**20), "sides from 1"),
        ((1, 2, 2.5, 2), "whole number"), ({"x": "1x2"}, "is no list"), ((), "has 4 axes"),
    ],
)  # fmt: skip
def test_shapes_that_do_not_fit(model: Path, shapes: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        verdict.load(model, shapes=shapes)  # type: ignore[arg-type]


def test_a_name_of_an_axis_has_one_size(tmp_path: Path) -> None:
    square = open_sizes(tmp_path / "square.onnx", "S", "S")
    with pytest.raises(InputError, match="S is given as 2 and as 3"):
        verdict.load(square, shapes=(1, 2, 2, 3))
    node = helper.make_node
    pair = tiny.write(
        tmp_path / "pair.onnx", [node("Add", ["a", "b"], ["y"])], {"a": ["N", "K"], "b": ["N", "K"]},
        {"y": ["N", "K"]}, {},
    )
    assert [port.shape for port in verdict.load(pair, shapes={"a": (1, 3)}).inputs] == [(1, 3), (1, 3)]
    with pytest.raises(InputError, match="by name"):
        verdict.load(pair, shapes=(1, 3))
    with pytest.raises(InputError, match="K is given as 3 and as 4"):
        verdict.load(pair, shapes={"a": (1, 3), "b": (1, 4)})


def test_a_certificate_binds_the_shape(model: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.vcert"
    answer = verdict.robust(verdict.load(model, shapes=(1, 2, 2, 3)), X, "0.01", certificate=file, timeout=60)
    assert answer.certificate is not None
    assert answer.certificate.accepted, answer.certificate.reason
    report = verdict.check(file, model)
    assert report.accepted
    assert ("part", "input 'x' of shape (1, 2, 2, 3)") in report.statement.lines()
    (tmp_path / "other.onnx").write_bytes(verdict.load(model, shapes=(1, 2, 2, 3)).data)
    assert not verdict.check(file, tmp_path / "other.onnx").accepted


def test_hidden_values_and_outputs_keep_the_shape(tmp_path: Path) -> None:
    from verdict.ops.importer.onnx_import import exposed
    from verdict.ops.importer.outputs import with_output

    node = helper.make_node
    nodes = [node("Neg", ["x"], ["h"]), node("Relu", ["h"], ["y"]), node("Neg", ["h"], ["z"])]
    path = tiny.write(tmp_path / "two.onnx", nodes, {"x": ["N", "K"]}, {"y": ["N", "K"], "z": ["N", "K"]}, {})
    network = verdict.load(path, shapes=(1, 3))
    alone = with_output(network, "y")
    assert alone.is_shaped
    assert alone.inputs == network.inputs == verdict.load(path, "y", (1, 3)).inputs
    assert exposed(alone.data, ["h"], path).output_size == 6


@pytest.mark.parametrize("command", PLACES)
def test_every_command_takes_it(command: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "x.npy", X)
    query = tmp_path / "q.vnnlib"
    query.write_text(
        "".join(f"(declare-const X_{i} Real)(assert (>= X_{i} 0))(assert (<= X_{i} 1))\n" for i in range(12))
        + "(declare-const Y_0 Real)(declare-const Y_1 Real)(assert (>= Y_0 100))\n"
    )
    point = ["--input", str(tmp_path / "x.npy")]
    words = {
        "robust": [str(model), *point, "--eps", "0.01"],
        "maxeps": [str(model), *point],
        "bounds": [str(model), *point, "--eps", "0.01", "--method", "interval"],
        "prove": [str(model), "--that", "y[0] <= 100", "--given", "box(0, 1)"],
        "maxdelta": [str(model), str(model), *point],
        "imitates": [str(model), str(model), *point, "--delta", "1"],
        "general": [str(model), *point, "--eps", "0.01", "--theta", "1"],
        "maxfall": [str(model), *point, "--feature", "0", "--output", "0", "--step", "0.1"],
        "maxweights": [str(model), *point],
        "maxpruning": [str(model), *point],
        "encode": [str(model), *point, "--eps", "0.01", "--to", "smt2"],
        "verify": [str(query), "--network", str(model)],
        "info": [str(model)],
    }[command]
    timed = [] if command == "info" else ["--timeout", "3"]
    assert main([command, *words]) == 2
    said = capsys.readouterr().err
    assert "input 'x': axes 2, 3 have no fixed size in (N, 2, H, W)" in said
    assert "--shape x=1x2xNxN" in said
    shape = "x=1x2x2x3" if PLACES.index(command) % 2 else "1x2x2x3"
    assert main([command, *words, *timed, "--shape", shape]) in (0, 1, 3)
    capsys.readouterr()
    assert main([command, *words, "--shape", "nothing=1x2x2x3"]) == 2
    assert "'nothing'" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["", "x=", "=1x2x2x3x", "1x2x2x-3", "1X2", "x=1x2 x2", "9" * 40])
def test_what_is_no_shape(word: str, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(model), f"--shape={word}"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_open_shape_is_refused_by_name(model: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"shapes= of verdict.load"):
        verdict.load(model)
