"""`verdict verify`: the answer first, then a witness that satisfies the query; bad queries end with code 2."""

import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner

import verdict
from verdict import models
from verdict.cli.main import COMMANDS, main
from verdict.cli.parser import app
from verdict.network.exact import ExactVector
from verdict.property.vnnlib1 import read_vnnlib1

QUERY = """
(declare-const X_0 Real) (declare-const X_1 Real) (declare-const Y_0 Real) (declare-const Y_1 Real)
(assert (>= X_0 {low})) (assert (<= X_0 {high})) (assert (>= X_1 0)) (assert (<= X_1 0.125))
(assert {unsafe})
"""


def _query(tmp_path, low, high, unsafe):
    path = tmp_path / "q.vnnlib"
    path.write_text(QUERY.format(low=low, high=high, unsafe=unsafe))
    return path


@pytest.mark.parametrize("engine", ["auto", "bab", "milp", "smt"])
def test_xor_is_decided_by_every_engine(tmp_path, engine, capsys):
    """xor: class 1 scores |a - b|, class 0 scores 1 - |a - b|; at b <= 1/8 they tie from a = 1/2 on."""
    safe = _query(tmp_path, 0, "0.4999", "(<= Y_0 Y_1)")
    assert main(["verify", str(safe), "--network", str(_model()), "--engine", engine]) == 0
    assert capsys.readouterr().out == "unsat\n"
    unsafe = _query(tmp_path, 0, "0.75", "(<= Y_0 Y_1)")
    assert main(["verify", str(unsafe), "--network", f"f={_model()}", "--engine", engine]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "sat"
    values = {k: Fraction(float(v)) for k, v in re.findall(r"\((\w_\d+) ([-0-9.e]+)\)", "\n".join(lines[1:]))}
    x = ExactVector.of([values["X_0"], values["X_1"]])
    case = read_vnnlib1(unsafe).cases[0]
    assert case.holds(x, verdict.load("xor").evaluate_exact(x))


def test_xor_is_decided_on_another_device(tmp_path, other, capsys):
    for low, answer in (("0.4999", "unsat"), ("0.75", "sat")):
        query = _query(tmp_path, 0, low, "(<= Y_0 Y_1)")
        assert main(["verify", str(query), "--network", str(_model()), "--device", other.name]) == 0
        assert capsys.readouterr().out.splitlines()[0] == answer


def test_constraints_that_mix_inputs_and_outputs(tmp_path, capsys):
    """Y_1 = |X_0 - X_1| <= X_0 always; Y_1 > X_0 + 0.5 never, since X_1 <= 1/8."""
    path = _query(tmp_path, 0, 1, "(>= Y_1 (+ X_0 0.5))")
    assert main(["verify", str(path), "--network", str(_model())]) == 0
    assert capsys.readouterr().out == "unsat\n"
    path = _query(tmp_path, 0, 1, "(>= Y_1 (+ X_1 0.5))")
    assert main(["verify", str(path), "--network", str(_model())]) == 0
    assert capsys.readouterr().out.startswith("sat\n")


def test_a_strict_boundary_is_no_witness(tmp_path, capsys):
    """Y_1 reaches 1 only at one corner, so Y_1 > 1 has no solution; the closed set has: here the formula decides."""
    path = _query(tmp_path, 0, 1, "(> Y_1 1)")
    code = main(["verify", str(path), "--network", str(_model()), "--timeout", "20"])
    assert (code, capsys.readouterr().out) == (0, "unsat\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(assert (<= X_0 1))", "X_0"),
        (QUERY.format(low=0, high=1, unsafe="(<= Y_0 Y_7)"), "Y_7"),
        ("(", "parenthes"),
    ],
)
def test_bad_queries(tmp_path, text, expected, capsys):
    path = tmp_path / "bad.vnnlib"
    path.write_text(text)
    assert main(["verify", str(path), "--network", str(_model())]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert expected in captured.err
    assert "Traceback" not in captured.err


def test_an_empty_input_set_is_said(tmp_path, capsys):
    path = tmp_path / "empty.vnnlib"
    path.write_text(QUERY.format(low=2, high=1, unsafe="(<= Y_0 Y_1)"))
    assert main(["verify", str(path), "--network", str(_model())]) == 0
    captured = capsys.readouterr()
    assert captured.out == "unsat\n"
    assert "the input set is empty: X_0 >= 2 (line 3) contradicts X_0 <= 1 (line 3)" in captured.err


def test_a_query_of_another_size(tmp_path, capsys):
    path = _query(tmp_path, 0, 1, "(<= Y_0 Y_1)")
    assert main(["verify", str(path), "--network", str(_model("abs"))]) == 2
    assert "2 inputs" in capsys.readouterr().err


def test_help_names_the_answers():
    assert "unsat" in CliRunner().invoke(app(COMMANDS), ["verify", "--help"]).output


def _model(name="xor"):
    from verdict.models import model

    return model(name).path


def test_stages_add_up_to_the_whole(tmp_path):
    boxes = " ".join(f"(and (>= X_0 0.{i}) (<= X_0 0.{i}5))" for i in range(1, 9))
    path = _query(tmp_path, 0, 1, f"(and (<= Y_0 -9) (or {boxes}))")
    answer = verdict.verify(path, verdict.load("xor"))
    assert answer.status == "robust"
    assert sum(answer.stages.values()) <= answer.seconds


def test_a_question_without_a_certificate_imports_no_checker(tmp_path: Path) -> None:
    """What starts in a blink must not read what only certificates and composed networks need."""
    query = tmp_path / "q.vnnlib"
    query.write_text(
        "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)(declare-const Y_1 Real)"
        "(assert (<= X_0 0.1))(assert (>= X_0 0))(assert (<= X_1 0.1))(assert (>= X_1 0))(assert (<= Y_0 Y_1))"
    )
    model = Path(models.model("xor").path)
    code = (
        "import sys; from verdict.cli.main import main; "
        f"print(main(['verify', {str(query)!r}, '--network', {str(model)!r}])); "
        "print([m for m in sys.modules if m.startswith(('verdict.checker', 'verdict.compose'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == ["unsat", "0", "[]"], done.stderr
