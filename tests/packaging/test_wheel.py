"""A built wheel holds every module, model, data file and manifest, and works when it is all there is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("verdict", "encoders", "solvers", "models")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # From a copy: setuptools leaves build folders behind, and stale ones would hide a missing file.
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for part in PARTS:
        shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = ["-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(out), "."]
    done = subprocess.run([sys.executable, *command], cwd=source, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("verdict_nn-*.whl")
    return built


def expected() -> set[str]:
    """The repository's files under the names that they have in the wheel."""
    files = set()
    for part in PARTS:
        kinds = {".py", ".jinja", ".css", ".js"} if part != "models" else {".py", ".onnx", ".npz", ".json"}
        for path in (ROOT / part).rglob("*"):
            if path.suffix in kinds and "__pycache__" not in path.parts:
                place = path.relative_to(ROOT).as_posix()
                files.add(place if part == "verdict" else f"verdict/{place}")
    return files | {"verdict/py.typed"}


def test_wheel_holds_everything_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert found == expected()


def test_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < 2_000_000


def test_wheel_works_without_the_repository(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = (
        "import verdict, verdict.encoders, verdict.solvers, verdict.models as m; m.verify_manifest();"
        "assert verdict.__file__.startswith(sys.argv[1]), verdict.__file__;"
        "from verdict.cli.main import main; sys.exit(main(['robust', 'xor', '--input', 'xor#0', '--eps', '0.1']))"
    )
    # An editable install puts a finder of its own in front; without site-packages' .pth files it is not there.
    site = [p for p in sys.path if p.endswith("site-packages")]
    code = f"import sys; sys.path[:0] = [sys.argv[1]]; sys.path += {site!r}; " + code
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert "robust at eps 0.1" in done.stdout
