"""encoders/, solvers/ and models/ are verdict's own; under their bare names they would be second copies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUFF = [sys.executable, "-m", "ruff", "check", "--no-cache", "--config", str(ROOT / "pyproject.toml")]


def lint(tmp_path: Path, line: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "sample.py").write_text(line + "\n")
    words = [*RUFF, "--ignore", "F401,I001", str(tmp_path / "sample.py")]
    return subprocess.run(words, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("name", ["encoders", "solvers", "models"])
def test_bare_import_is_flagged(tmp_path: Path, name: str) -> None:
    for line in (f"import {name}", f"from {name} import something"):
        done = lint(tmp_path, line)
        assert done.returncode == 1
        assert "TID251" in done.stdout
        assert f"import verdict.{name}" in done.stdout
    assert lint(tmp_path, f"import verdict.{name}").returncode == 0


@pytest.mark.parametrize("name", ["encoders", "solvers", "models"])
def test_the_mapped_package_is_this_repository(name: str) -> None:
    module = __import__(f"verdict.{name}", fromlist=["__file__"])
    assert Path(module.__file__).parent.name == name


def test_one_version() -> None:
    import verdict

    assert f'version = "{verdict.__version__}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
