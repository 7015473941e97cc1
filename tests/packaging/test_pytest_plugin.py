"""The fixture `verdict_robust`: it passes on proofs, fails with the witness, and costs nothing where nobody asks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import verdict
import verdict_pytest


def test_it_returns_a_proof_and_fails_with_the_witness():
    assert verdict_pytest.robust("xor", [0, 1], "0.2", range=(0, 1)).status == "robust"
    with pytest.raises(pytest.fail.Exception) as failed:
        verdict_pytest.robust("cancer-mlp", [0.3] * 30, "0.9", range=(0, 1))
    text = str(failed.value)
    assert "not robust within 0.9: class " in text
    assert "mean radius" in text or "worst" in text
    witness = json.loads(text.rpartition("witness = ")[2])
    assert verdict.robust("cancer-mlp", witness, 0).label != verdict.robust("cancer-mlp", [0.3] * 30, 0).label


def test_it_fails_with_the_reason_where_nothing_is_proved():
    answer = verdict.Verdict("unknown", 0, "auto", 0.0, reason="the time limit was reached")
    text = verdict_pytest.message(answer, [0, 1], "0.3")
    assert text == "not proved to be robust within 0.3: unknown: the time limit was reached"


TEST = """
def test_yes(verdict_robust):
    assert verdict_robust("xor", [0, 1], "0.2", range=(0, 1)).status == "robust"

def test_no(verdict_robust):
    verdict_robust("xor", [0, 1], "0.3", range=(0, 1))
"""


def test_pytest_runs_it_as_a_plugin_and_loads_nothing_before(tmp_path):
    (tmp_path / "test_mine.py").write_text(TEST)
    (tmp_path / "conftest.py").write_text(
        "import sys\n"
        "def pytest_configure(config):\n"
        "    assert not {name for name in sys.modules if name.partition('.')[0] in ('verdict', 'numpy', 'onnx')}\n"
    )
    words = [sys.executable, "-m", "pytest", "-q", "-p", "verdict_pytest", "test_mine.py"]
    # By its name, whether or not it is installed, and no other plugin.
    place = {"PYTHONPATH": str(Path(verdict_pytest.__file__).parent), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(words, cwd=tmp_path, env={**os.environ, **place}, capture_output=True, text=True)
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "not robust within 0.3: class 1" in done.stdout
    assert "\n  a: 0 -> 0." in done.stdout
    assert "verdict/ask" not in done.stdout
