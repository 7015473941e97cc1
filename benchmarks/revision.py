"""The code of a git revision as a folder that can be imported.

The packages encoders, solvers and models stand at the root of the repository and are mapped into `verdict` at
installation; here links do the same. `git archive` writes the files, so nothing in the repository changes.
"""

from __future__ import annotations

import contextlib
import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.registry import UsageError

ROOT = Path(__file__).resolve().parent.parent
MAPPED = ("encoders", "solvers", "models")


def _git(*arguments: str) -> bytes:
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True).stdout
    except FileNotFoundError:
        raise UsageError("--against needs git") from None
    except subprocess.CalledProcessError as error:
        raise UsageError(f"git {arguments[0]}: {error.stderr.decode().strip()}") from error


def short(revision: str) -> str:
    """The revision's short hash."""
    return _git("rev-parse", "--short", "--verify", f"{revision}^{{commit}}").decode().strip()


@contextlib.contextmanager
def checkout(revision: str) -> Iterator[Path]:
    """A temporary folder with the revision's `verdict`, complete, and the present `benchmarks`."""
    data = _git("archive", "--format=tar", short(revision))
    with tempfile.TemporaryDirectory(prefix="verdict-benchmark-") as folder:
        tree = Path(folder)
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            archive.extractall(tree / "source", filter="data")
        source = tree / "source"
        if not (source / "verdict").is_dir():
            raise UsageError(f"revision {revision} has no package verdict")
        (tree / "verdict").symlink_to(source / "verdict")
        for name in MAPPED:
            if (source / name).is_dir():
                (source / "verdict" / name).symlink_to(source / name)
        (tree / "benchmarks").symlink_to(ROOT / "benchmarks")
        yield tree
