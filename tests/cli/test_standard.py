"""The command line of the VNN-LIB standard: what is on stdout, how assignments look, when `verify` must fail."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import onnx
import pytest

import verdict
from verdict.cli.main import main
from verdict.cli.supports import CAPABILITIES
from verdict.ops.importer.onnx_import import load_onnx

# xor: class 1 scores |a - b|, class 0 scores 1 - |a - b|.
QUERY = """(vnnlib-version <2.0>)
(declare-network f
  (declare-input X float32 [1,2])
  (declare-output Y float32 [1,2])
)
(declare-network g
  (equal-to f)
  (declare-input U float32 [1,2])
  (declare-output V float32 [1,2])
)
(assert (and (>= X[0,0] 0.0) (<= X[0,0] 1.0) (== X[0,1] 0.0)))
(assert (and (== U[0,0] X[0,0]) (== U[0,1] 1.0)))
"""
ONE = QUERY.split("(declare-network g")[0].replace("(declare-output", "{} (declare-output") + "(assert (<= X[0,0] 1.0))"
SAT, UNSAT = "(assert (>= Y[0,1] (+ V[0,1] 0.5)))", "(assert (> (+ Y[0,1] V[0,1]) 1.0))"


def _xor() -> str:
    return str(verdict.load("xor").path)


def _write(folder, text, name="q.vnnlib") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def _run(capsys, *words) -> tuple[int, str, str]:
    code = main(["verify", *words])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_query_over_a_network_and_itself(tmp_path, capsys):
    code, out, _ = _run(capsys, _write(tmp_path, QUERY + SAT), "--network", f"f={_xor()}")
    lines = out.splitlines()
    assert (code, lines[0]) == (0, "sat")
    assert [line for line in lines if "[" in line] == [f"{v} float32 [1,2]" for v in "XYUV"]
    x0, x1, y0, y1, u0, u1, v0, v1 = (float(line) for line in lines[1:] if "[" not in line)
    assert (x1, u1, u0) == (0, 1, x0)
    assert (y1, y0, v1, v0) == (x0, 1 - x0, 1 - x0, x0)
    assert y1 >= v1 + 0.5
    code, out, err = _run(capsys, _write(tmp_path, QUERY + UNSAT), "--network", f"f={_xor()}")
    assert (code, out) == (0, "unsat\n")
    assert "rounding in the declared types is not covered" in err
    real = _write(tmp_path, (QUERY + UNSAT).replace("float32", "real"))
    assert _run(capsys, real, "--network", f"f={_xor()}") == (0, "unsat\n", "")


def test_hidden_values_are_assigned_in_the_order_of_declaration(tmp_path, capsys):
    model = onnx.load(_xor())
    inner = model.graph.node[0].output[0]
    width = verdict.load("xor").graph.nodes[1].size
    declared = f'(declare-hidden H float32 [1,{width}] "{inner}")'
    query = ONE.format(declared) + "(assert (and (== X[0,0] 0.5) (== X[0,1] 0.25)))"
    code, out, _ = _run(capsys, _write(tmp_path, query), "--network", f"f={_xor()}")
    assert (code, [line for line in out.splitlines() if "[" in line]) == (
        0,
        ["X float32 [1,2]", f"H float32 [1,{width}]", "Y float32 [1,2]"],
    )
    # H is W x + b of the first layer, or its ReLU, whatever the first node is.
    values = [float(line) for line in out.splitlines()[1:] if "[" not in line]
    expected = load_onnx(_xor(), hidden=[inner]).runtime(np.array([0.5, 0.25]))
    assert values == [0.5, 0.25, *expected[2:], *expected[:2]]


def test_assignments_as_tensors(tmp_path, capsys):
    folder = tmp_path / "out" / "put"
    words = ["--network", f"f={_xor()}", "--serialise-assignments", str(folder)]
    assert _run(capsys, _write(tmp_path, QUERY + SAT), *words)[:2] == (0, "sat\n")
    tensors = {path.stem: onnx.load_tensor(str(path)) for path in folder.iterdir()}
    assert sorted(tensors) == ["U", "V", "X", "Y"]
    arrays = {name: onnx.numpy_helper.to_array(tensor) for name, tensor in tensors.items()}
    assert {(a.shape, a.dtype.name) for a in arrays.values()} == {((1, 2), "float32")}
    assert arrays["U"][0, 0] == arrays["X"][0, 0]
    assert arrays["Y"][0, 1] == arrays["X"][0, 0]
    empty = tmp_path / "empty"
    words[-2:] = ["--assignments", str(empty)]
    assert _run(capsys, _write(tmp_path, QUERY + UNSAT), *words)[:2] == (0, "unsat\n")
    assert list(empty.iterdir()) == []


def test_json_has_the_details(tmp_path, capsys):
    code, out, _ = _run(capsys, _write(tmp_path, QUERY + SAT), "--network", f"f={_xor()}", "--json")
    record = json.loads(out)
    assert (code, record["result"], record["semantics"]) == (0, "sat", ["real", "deployed"])
    assert record["assignment"]["U"][0] == record["assignment"]["X"][0]
    third = QUERY + "(assert (== (* 3.0 Y[0,0]) 1.0))"
    code, out, _ = _run(capsys, _write(tmp_path, third), "--network", f"f={_xor()}", "--json")
    record = json.loads(out)
    assert (code, record["result"], record["assignment"]) == (3, "unknown", None)
    assert "over the reals" in record["reason"]
    assert Fraction(record["real"]["Y"][0]) == Fraction(1, 3)
    assert len(record["real"]["X"]) == 3


def test_a_certificate_of_two_networks_is_not_made_and_the_answer_says_why(tmp_path, capsys):
    path = tmp_path / "c.vcert"
    words = ["--network", f"f={_xor()}", "--certificate", str(path), "--json"]
    code, out, err = _run(capsys, _write(tmp_path, QUERY + UNSAT), *words)
    assert (code, json.loads(out)["result"], json.loads(out)["trust"]) == (0, "unsat", "z3-exact")
    assert "only about one network" in err
    assert not path.exists()


def test_no_time_is_timed_out(tmp_path, capsys):
    code, out, _ = _run(capsys, _write(tmp_path, QUERY + UNSAT), "--network", f"f={_xor()}", "--timeout", "0")
    assert (code, out) == (3, "timed-out\n")


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        (QUERY + SAT, [], "no model is given for the network f"),
        (QUERY + SAT, ["f={xor}", "f={xor}"], "more than once"),
        (QUERY + SAT, ["f={xor}", "g={xor}"], "g, which is equal to another"),
        (QUERY + SAT, ["f={xor}", "h={xor}"], "h, which is not declared"),
        (QUERY.replace("(equal-to f)", "") + SAT, ["f={xor}"], "no model is given for the network g"),
        (QUERY.replace("(equal-to f)", "") + SAT, ["{xor}"], "expected NAME=FILE"),
        (QUERY.replace("float32", "float64") + SAT, ["f={xor}"], "float64"),
        (QUERY.replace("[1,2]", "[2,2]") + SAT, ["f={xor}"], "[2,2]"),
        (QUERY.replace("[1,2]", "[3]").replace("[0,", "[") + SAT.replace("[0,", "["), ["f={xor}"], "[3]"),
        (ONE.format('(declare-hidden H float32 [1] "no")'), ["f={xor}"], "'no'"),
        (ONE.format("(declare-input Z float32 [1])"), ["f={xor}"], "declares 2 inputs"),
        (QUERY + SAT, ["f=/nowhere.onnx"], "/nowhere.onnx"),
        (QUERY + "(assert (<= X[0,0]))", ["f={xor}"], "syntax error"),
        ("(vnnlib-version <2.0>)", ["f={xor}"], "syntax error"),
        ("", ["{xor}"], ""),
    ],
)  # fmt: skip
def test_errors_are_on_stderr_alone(text, words, expected, tmp_path, capsys):
    options = [w for word in words for w in ("--network", word.format(xor=_xor()))]
    code, out, err = _run(capsys, _write(tmp_path, text), *options or ["--network", "h=x"])
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert expected in err or not words


def test_one_network_needs_no_name(tmp_path, capsys):
    assert _run(capsys, _write(tmp_path, QUERY + UNSAT), "--network", _xor())[:2] == (0, "unsat\n")


def test_an_assignment_folder_that_cannot_be_is_found_out_first(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    words = ["--network", f"f={_xor()}", "--serialise-assignments", str(tmp_path / "file" / "folder")]
    code, out, err = _run(capsys, _write(tmp_path, QUERY + SAT), *words)
    assert (code, out) == (2, "")
    assert "cannot be written" in err


@pytest.mark.parametrize(
    ("capability", "expected"),
    [
        ("onnx-opset-versions", f"7\n{onnx.defs.onnx_opset_version()}\n"),
        ("onnx-element-types", "real\n"),
        ("vnnlib-versions", "1.0\n2.0\n"),
        ("hidden-node-theories", "NH\nH\n"),
        ("multiple-input-output-theories", "SIO\nMIO\n"),
        ("multiple-inputs-output-theories", "SIO\nMIO\n"),
        ("multiple-network-theories", "SNET\nMENET\nMINET * networks of the same element types\nMNET\n"),
        ("multiple-node-comparison-theories", "SNC\nMNC\n"),
        ("arithmetic-complexity-theories", "BND\nOUTC\nLIN\nPOLY\n"),
        ("optimised-disjunctive-reasoning", "true\n"),
        ("serialise-assignments", "true\n"),
    ],
)
def test_capabilities(capability, expected, capsys):
    assert main(["supports", f"--{capability}"]) == 0
    assert capsys.readouterr() == (expected, "")


def test_the_operators_are_those_of_the_importer(capsys):
    assert len(CAPABILITIES) == 11
    assert main(["supports", "--onnx-operators"]) == 0
    names = capsys.readouterr().out.splitlines()
    assert {"Conv", "Gemm", "MatMul", "Relu"} <= set(names)
    assert names == sorted(set(names))


def test_an_unknown_capability(capsys):
    assert main(["supports", "--flying"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "--vnnlib-versions" in err


def test_name_and_version(capsys):
    assert main(["--name"]) == 0
    assert main(["--version"]) == 0
    assert capsys.readouterr() == (f"Verdict\n{verdict.__version__}\n", "")
