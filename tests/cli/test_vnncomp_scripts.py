"""VNN-COMP's three scripts: the competition's arguments and words, for both versions and for several networks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import verdict

SCRIPTS = Path(__file__).resolve().parents[2] / "vnncomp"
ONE = "(declare-const X_0 Real)(declare-const Y_0 Real)(declare-const Y_1 Real)(assert (<= -1 X_0 1))"
TWO = """(vnnlib-version <2.0>)
(declare-network f (declare-input X float32 [1]) (declare-output Y float32 [2]))
(declare-network g (declare-input U float32 [1]) (declare-output V float32 [2]))
(assert (and (>= X[0] -1.0) (<= X[0] 1.0) (== X[0] U[0])))
"""


def _script(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "VERDICT_PYTHON": sys.executable, "PYTHONPATH": str(SCRIPTS.parent)}
    command = ["bash", str(SCRIPTS / name), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (ONE + "(assert (>= Y_0 0.75))", "sat"),
        (ONE + "(assert (>= Y_0 1.5))", "unsat"),
        (TWO + "(assert (>= (- Y[0] V[1]) 0.25))", "sat"),
        (TWO + "(assert (!= Y[0] V[0]))", "unsat"),
        (TWO + "(assert (>= Z[0] 1.5))", "error"),
    ],
)
def test_an_instance(text, answer, tmp_path):
    """abs scores (|x|, 1/2)."""
    query, results = tmp_path / "q.vnnlib", tmp_path / "out.txt"
    query.write_text(text)
    path = str(verdict.load("abs").path)
    onnx = path if text.startswith(ONE) else f"[('f', '{path}'), ('g', '{path}')]"
    prepared = _script("prepare_instance.sh", "v1", "tiny", onnx, str(query))
    assert prepared.returncode == (1 if answer == "error" else 0), prepared.stderr
    done = _script("run_instance.sh", "v1", "tiny", onnx, str(query), str(results), "60")
    assert done.returncode == 0, done.stderr
    lines = results.read_text().splitlines()
    assert lines[0] == answer
    if answer == "sat":
        assert lines[1].startswith("((X_0 " if text.startswith(ONE) else "X float32 [1]")
        value = float(lines[1][6:-1] if text.startswith(ONE) else lines[2])
        assert abs(value) >= 0.75
    else:
        assert len(lines) == 1


def test_no_time_is_timeout(tmp_path):
    query, results = tmp_path / "q.vnnlib", tmp_path / "out.txt"
    # xor scores (1 - |a - b|, |a - b|), which never sum to more than 1; bounds alone do not see it.
    query.write_text(
        "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)(declare-const Y_1 Real)"
        "(assert (<= 0 X_0 1))(assert (<= 0 X_1 1))(assert (> Y_1 1))"
    )
    path = str(verdict.load("xor").path)
    assert _script("run_instance.sh", "v1", "tiny", path, str(query), str(results), "0").returncode == 0
    assert results.read_text() == "timeout\n"


@pytest.mark.parametrize("name", ["install_tool.sh", "prepare_instance.sh", "run_instance.sh"])
def test_another_version_of_the_interface_is_refused(name):
    done = _script(name, "v2", "", "", "", "", "")
    assert done.returncode == 1
    assert "v1" in done.stderr
