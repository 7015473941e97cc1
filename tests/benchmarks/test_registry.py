"""The benchmark registry: it lists, a tiny case runs end to end, and the check sees a contradiction."""

from __future__ import annotations

import csv
import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT))

from benchmarks.bound_kinds import BATCHES, KINDS  # noqa: E402
from benchmarks.questions import compare_intervals  # noqa: E402
from benchmarks.registry import Instance, Options, Row, UsageError, cases, find  # noqa: E402
from benchmarks.revision import checkout  # noqa: E402
from benchmarks.table import read, write  # noqa: E402
from benchmarks.worker import Worker  # noqa: E402

ROW = Row("radius", "now", "abs", "#0", "milp", "highs", "closed", 0.25, 0.5, "", 1.0, 0.5, "")


def benchmark(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_every_case_is_listed() -> None:
    done = benchmark("list")
    assert done.returncode == 0
    listed = [line.split()[0] for line in done.stdout.splitlines()]
    assert listed == list(cases())
    assert {"radius", "smt-strategy", "relu-form", "start", "bounds", "seed"} <= set(listed)
    assert {"vnncomp", "robust-rows", "vnnlib"} <= set(listed)


def test_a_tiny_case_runs_and_writes_csv(tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    done = benchmark("run", "relu-form", "--groups", "abs", "--inputs", "1", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert "0 contradictions" in done.stdout
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["solver"] for row in rows] == ["ite", "implications"]
    part, again = tmp_path / "part.csv", tmp_path / "again.csv"
    again.write_text(out.read_text())
    both = read(out)
    write([dataclasses.replace(both[0], instance="#9")], part)
    assert "2/2" in benchmark("show", str(out), str(part)).stdout  # parts of one run: one table
    shown = benchmark("show", str(out), str(again))
    assert shown.returncode == 0
    assert (shown.stdout.count("1/1"), "2/2" in shown.stdout) == (4, False)  # two runs: two tables
    assert all(row["status"] == "exact" and row["exact"] == rows[0]["exact"] for row in rows)


def test_rows_survive_the_file(tmp_path: Path) -> None:
    rows = [ROW, dataclasses.replace(ROW, instance="#1", lower=None, upper=None)]
    write(rows, tmp_path / "rows.csv")
    assert read(tmp_path / "rows.csv") == rows


def test_the_check_sees_contradictions() -> None:
    exact = dataclasses.replace(ROW, engine="smt", solver="z3", status="exact", lower=0.3, upper=0.3, exact="3/10")
    assert compare_intervals([ROW, exact])[1] == []
    (line,) = compare_intervals([dataclasses.replace(ROW, upper=0.29), exact])[1][:1]
    assert "3" in line
    assert "exactly" in line
    above = dataclasses.replace(ROW, solver="cbc", lower=0.6, upper=0.7)
    assert len(compare_intervals([ROW, above])[1]) == 1


def test_bad_arguments_are_one_line() -> None:
    with pytest.raises(UsageError, match="radius"):
        find("radios")
    with pytest.raises(UsageError, match="--bench"):
        list(find("seed").instances(Options()))
    with pytest.raises(UsageError, match="no group"):
        list(find("radius").instances(Options(groups=("nothing",))))
    done = benchmark("run", "nothing")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("benchmarks: no case")


def test_a_worker_that_dies_is_a_row() -> None:
    good = Instance("abs x1", "0", "bounds", "linear", 30.0, {"model": "abs", "batch": 1, "repeat": 1})
    with Worker("bounds", ROOT) as worker:
        crashed = worker.measure(dataclasses.replace(good, data={**good.data, "model": "no-such-model"}))
        fine = worker.measure(good)
    assert crashed.status == "crashed"
    assert "no-such-model" in crashed.note
    assert fine.status == "ok"


@pytest.mark.skipif(shutil.which("git") is None or not (ROOT / ".git").exists(), reason="needs a git checkout")
def test_another_revision_is_imported_from_its_own_files() -> None:
    code = "import verdict, verdict.solvers, verdict.models; print(verdict.__file__, verdict.solvers.__file__)"
    with checkout("HEAD") as tree:
        done = subprocess.run([sys.executable, "-c", code], cwd=tree, capture_output=True, text=True, timeout=60)
        assert all(path.startswith(str(tree)) for path in done.stdout.split()), done.stdout + done.stderr
        assert done.stdout.split()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_bound_is_measured(kind: str) -> None:
    data = {"model": "cancer-mlp", "batch": BATCHES[kind][0], "repeat": 1}
    outcome = find("bounds").measure(Instance("cancer-mlp x1", "0", "bounds", kind, data=data))
    assert outcome.status == "ok"
    assert float(outcome.extra["per_second"]) > 0
