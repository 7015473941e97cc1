"""Starting is light: `import verdict` and `verdict --version` load none of the heavy packages, and a question that
bounds answer none of what only others need."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"numpy", "scipy", "onnx", "onnxruntime", "networkx", "z3", "ortools", "pulp", "highspy", "matplotlib", "torch"}
# Measured 0.08 s where this was written; the rest is for a busy machine.
LIMIT = 0.25
# What is never loaded for a question that the attack or bounds answer, packages with all that is in them: parsers and
# consoles, threads and processes, solvers and encoders, other languages, searches, and proofs.
NOT_NEEDED = {
    "typer", "pydantic", "rich", "scipy", "networkx", "z3", "ortools", "vnnlib", "PIL",
    "concurrent", "multiprocessing", "logging", "unittest",
    "verdict.solvers", "verdict.encoders", "verdict.certificate", "verdict.checker", "verdict.compose",
    "verdict.report", "verdict.store", "verdict.property.vnnlib2", "verdict.property.assignment",
    "verdict.property.fronts", "verdict.network.join", "verdict.network.bells", "verdict.network.stepped",
    "verdict.network.functions.registry", "verdict.network.functions.formula", "verdict.ops.smooth",
    "verdict.ops.choice", "verdict.bounds.growing", "verdict.bounds.edges", "verdict.bounds.alpha",
    "verdict.search.engines.parts", "verdict.search.neurons.methods", "verdict.search.settle",
    "verdict.search.boxes.input_split", "verdict.search.relus.relu_split", "verdict.search.tangents",
    "verdict.answer.about", "verdict.answer.statement", "verdict.answer.html", "verdict.answer.plot",
}  # fmt: skip
QUERY = """
(declare-const X_0 Real) (declare-const X_1 Real) (declare-const Y_0 Real) (declare-const Y_1 Real)
(assert (>= X_0 0.0)) (assert (<= X_0 0.1)) (assert (>= X_1 0.0)) (assert (<= X_1 0.1)) (assert (>= Y_1 Y_0))
"""


def modules(code: str) -> set[str]:
    """What is loaded behind this code, which may print what it likes."""
    report = f"import sys, io; sys.stdout = io.StringIO(); {code}; sys.stdout = sys.__stdout__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def heavy(code: str) -> set[str]:
    return {name.split(".")[0] for name in modules(code)} & HEAVY


def command(*words: object) -> str:
    return f"from verdict.cli.main import main; assert main({list(map(str, words))}) == 0"


@pytest.mark.parametrize(
    "code",
    [
        "import verdict",
        command("--version"),
        command("--help"),
        command("models", "--json"),
        "import verdict.models, verdict.base.errors",
    ],
)
def test_nothing_heavy_is_loaded(code: str) -> None:
    assert heavy(code) == set()


def test_the_version_needs_no_command() -> None:
    found = modules(command("--version"))
    assert "verdict.cli.main" in found
    assert {"inspect", "dataclasses", "fractions", "verdict.cli.limits"}.isdisjoint(found)


@pytest.mark.parametrize("question", ["robust", "verify", "verify in Python"])
def test_a_question_that_bounds_answer_loads_what_it_needs(question: str, tmp_path: Path) -> None:
    query = tmp_path / "query.vnnlib"
    query.write_text(QUERY)
    code = {
        "robust": command("robust", "xor", "--input", "xor#0", "--eps", "0.1"),
        "verify": command("verify", "xor", query),
        "verify in Python": f"import verdict; assert verdict.verify({str(query)!r}, 'xor').status == 'robust'",
    }[question]
    found = modules(code)
    assert {"onnxruntime", "verdict.search.decide", "verdict.ops.gemm"} <= found
    needless = {name for name in NOT_NEEDED if name in found}
    assert needless <= ({"verdict.property.vnnlib2"} if "Python" in question else set())


def test_a_package_is_found_when_it_is_there() -> None:
    assert "numpy" in heavy("import verdict; verdict.load")
    found = modules(command("maxeps", "xor", "--input", "xor#0"))
    assert {"scipy", "verdict.solvers", "verdict.search.engines.parts", "verdict.encoders"} <= found


@pytest.mark.parametrize("words", [["-c", "import verdict"], ["-m", "verdict", "--version"]])
def test_start_is_quick(words: list[str]) -> None:
    # Processor time, and the least of several: what the program costs, not how busy the machine is.
    assert min(processor_time(words) for _ in range(5)) < LIMIT


def processor_time(words: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], check=True, capture_output=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
