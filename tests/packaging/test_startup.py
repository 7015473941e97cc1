"""Starting is light: `import verdict` and `verdict --version` load none of the heavy packages."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

HEAVY = {"numpy", "scipy", "onnx", "onnxruntime", "networkx", "z3", "ortools", "pulp", "highspy", "matplotlib", "torch"}
# Measured 0.08 s where this was written; the rest is for a busy machine.
LIMIT = 0.25


def loaded(code: str) -> set[str]:
    report = f"import sys; {code}; print(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split()) & HEAVY


@pytest.mark.parametrize(
    "code",
    [
        "import verdict",
        "from verdict.cli.main import main; main(['--version'])",
        "from verdict.cli.main import main; main(['--help'])",
        "from verdict.cli.main import main; main(['models', '--json'])",
        "import verdict.models, verdict.base.errors",
    ],
)
def test_nothing_heavy_is_loaded(code: str) -> None:
    assert loaded(code) == set()


def test_plain_words_need_no_parser() -> None:
    code = (
        "from verdict.cli.main import main; main(['robust', 'xor', '--input', 'xor#0', '--eps', '0.1', '--json'])"
    )
    report = f"import sys, io; sys.stdout = io.StringIO(); {code}; sys.stdout = sys.__stdout__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True, timeout=60)
    assert {"typer", "pydantic", "rich", "z3", "ortools"}.isdisjoint(done.stdout.split())
    assert "verdict.search.decide" in done.stdout.split()


def test_a_package_is_found_when_it_is_there() -> None:
    assert "numpy" in loaded("import verdict; verdict.load")


@pytest.mark.parametrize("words", [["-c", "import verdict"], ["-m", "verdict", "--version"]])
def test_start_is_quick(words: list[str]) -> None:
    # Processor time, and the least of several: what the program costs, not how busy the machine is.
    assert min(processor_time(words) for _ in range(5)) < LIMIT


def processor_time(words: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], check=True, capture_output=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
