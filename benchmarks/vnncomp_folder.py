"""A VNN-COMP benchmark folder: `instances.csv` with rows `onnx,vnnlib,timeout`, and known answers where it has some.

Known answers come from a fourth column of instances.csv or from a results file beside it, in any order of columns:
a cell that ends in .onnx, one that ends in .vnnlib and one that is an answer.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.registry import UsageError

RESULTS = ("results.csv", "expected.csv", "expected_results.csv")
ANSWERS = {
    "sat": "sat",
    "violated": "sat",
    "unsat": "unsat",
    "holds": "unsat",
    "verified": "unsat",
}


@dataclass(frozen=True)
class Question:
    """One row: paths relative to its folder, as the file has them; `limit` in seconds."""

    folder: Path
    onnx: str
    vnnlib: str
    limit: float
    expected: str = ""

    @property
    def name(self) -> str:
        return f"{stem(self.onnx)} {stem(self.vnnlib)}"

    def path(self, relative: str) -> Path:
        """The file, or its .gz or its uncompressed form where only that is there. Raises UsageError."""
        path = self.folder / relative
        for candidate in (path, path.with_name(path.name + ".gz"), path.with_name(path.name.removesuffix(".gz"))):
            if candidate.is_file():
                return candidate
        raise UsageError(f"{self.folder / 'instances.csv'}: there is no file {path}")


def folders(bench: Path) -> dict[str, Path]:
    """The benchmark folders by name: `bench` itself if it has an instances.csv, else those in it."""
    if (bench / "instances.csv").is_file():
        return {bench.resolve().name: bench}
    if not bench.is_dir():
        raise UsageError(f"--bench {bench}: not a folder")
    found = {path.parent.name: path.parent for path in sorted(bench.glob("*/instances.csv"))}
    if not found:
        raise UsageError(f"--bench {bench}: neither it nor a folder in it has an instances.csv")
    return found


def questions(folder: Path) -> list[Question]:
    """The rows of the folder's instances.csv. Raises UsageError with the line."""
    path = folder / "instances.csv"
    known = expected(folder)
    found = []
    for number, cells in enumerate(_cells(path), 1):
        if not cells:
            continue
        try:
            onnx, vnnlib, limit = cells[0], cells[1], float(cells[2])
        except (IndexError, ValueError):
            found_here = ",".join(cells)
            raise UsageError(f"{path}: line {number}: found {found_here!r}, expected onnx,vnnlib,seconds") from None
        found.append(Question(folder, onnx, vnnlib, limit, known.get((stem(onnx), stem(vnnlib)), "")))
    return found


def expected(folder: Path) -> dict[tuple[str, str], str]:
    """The known answers, sat or unsat, by the stems of the network and the query."""
    answers = {}
    for name in ("instances.csv", *RESULTS):
        for cells in _cells(folder / name) if (folder / name).is_file() else ():
            onnx = next((stem(c) for c in cells if c.removesuffix(".gz").endswith(".onnx")), None)
            vnnlib = next((stem(c) for c in cells if c.removesuffix(".gz").endswith(".vnnlib")), None)
            answer = next((ANSWERS[c.lower()] for c in cells if c.lower() in ANSWERS), None)
            if onnx and vnnlib and answer:
                answers[onnx, vnnlib] = answer
    return answers


def spread(rows: Sequence[Question], every: int | None, sample: int | None) -> list[Question]:
    """Every so many-th row, or so many rows spread evenly, or all."""
    if every is not None:
        return list(rows[:: max(1, every)])
    if sample is not None and 0 < sample < len(rows):
        return [rows[i * len(rows) // sample] for i in range(sample)]
    return list(rows)


def unpacked(path: Path, folder: Path) -> Path:
    """The file itself, or its uncompressed copy in `folder`."""
    if path.suffix != ".gz":
        return path
    copy = folder / path.name.removesuffix(".gz")
    copy.write_bytes(gzip.decompress(path.read_bytes()))
    return copy


def stem(path: str) -> str:
    """`onnx/a.onnx.gz` -> `a`."""
    return Path(path.removesuffix(".gz")).stem


def _cells(path: Path) -> list[list[str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return [[cell.strip() for cell in line] for line in csv.reader(file)]
    except (OSError, ValueError, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
