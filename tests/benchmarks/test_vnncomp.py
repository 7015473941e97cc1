"""VNN-COMP folders: reading them, running a row as a whole process, resuming, contradictions, curves and the table."""

from __future__ import annotations

import dataclasses
import gzip
import subprocess
import sys
import time
from pathlib import Path

import pytest

from verdict import models

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT))

from benchmarks.cases.robust_rows import compare_at_eps  # noqa: E402
from benchmarks.cases.unseen import closed_by  # noqa: E402
from benchmarks.cases.vnncomp import answer, compare_answers, note, stages  # noqa: E402
from benchmarks.plot import curves  # noqa: E402
from benchmarks.process import Finished, measured  # noqa: E402
from benchmarks.registry import Options, Row, UsageError, find  # noqa: E402
from benchmarks.table import read, write  # noqa: E402
from benchmarks.vnncomp_folder import expected, folders, questions, spread, unpacked  # noqa: E402

# The shipped network abs: |x| by two ReLUs, as scores (|x|, 1/2), so class 1 wins for |x| < 1/2.
QUERY = """(declare-const X_0 Real)(declare-const Y_0 Real)(declare-const Y_1 Real)
(assert (>= X_0 -0.25))(assert (<= X_0 {}))(assert (>= Y_0 Y_1))
"""
ROW = Row("vnncomp", "now", "tiny", "abs safe", "auto", "", "unsat", None, None, "", 1.0, 0.5, "", {"limit": "5"})


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    """A folder of one benchmark folder with one safe and one unsafe row, the network compressed."""
    folder = tmp_path / "bench" / "tiny"
    (folder / "onnx").mkdir(parents=True)
    (folder / "vnnlib").mkdir()
    (folder / "onnx" / "abs.onnx.gz").write_bytes(gzip.compress(Path(models.model("abs").path).read_bytes()))
    (folder / "vnnlib" / "safe.vnnlib").write_text(QUERY.format("0.25"))
    (folder / "vnnlib" / "unsafe.vnnlib.gz").write_bytes(gzip.compress(QUERY.format("0.75").encode()))
    rows = ["onnx/abs.onnx,vnnlib/safe.vnnlib,60", "onnx/abs.onnx.gz,vnnlib/unsafe.vnnlib, 30.5"]
    (folder / "instances.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "bench"


def benchmark(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_folders_and_rows(bench: Path, tmp_path: Path) -> None:
    assert list(folders(bench)) == ["tiny"]
    assert list(folders(bench / "tiny")) == ["tiny"]
    first, second = questions(bench / "tiny")
    assert (first.name, first.limit, second.limit) == ("abs safe", 60.0, 30.5)
    assert first.path(first.onnx).name == "abs.onnx.gz"
    assert unpacked(first.path(first.onnx), tmp_path).read_bytes() == Path(models.model("abs").path).read_bytes()
    rows = [dataclasses.replace(first, limit=float(i)) for i in range(10)]
    assert [row.limit for row in spread(rows, 4, None)] == [0, 4, 8]
    assert [row.limit for row in spread(rows, None, 3)] == [0, 3, 6]
    assert len(spread(rows, None, 50)) == 10
    options = Options(bench=bench, timeout=40.0)
    assert [instance.timeout for instance in find("vnncomp").instances(options)] == [40.0, 30.5]


def test_bad_folders_are_one_line(bench: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither it nor a folder in it"):
        folders(tmp_path)
    with pytest.raises(UsageError, match="not a folder"):
        folders(tmp_path / "absent")
    (bench / "tiny" / "instances.csv").write_text("onnx/abs.onnx,vnnlib/safe.vnnlib,soon\n")
    with pytest.raises(UsageError, match=r"line 1: found 'onnx/abs\.onnx,vnnlib/safe\.vnnlib,soon'"):
        questions(bench / "tiny")
    (bench / "tiny" / "instances.csv").write_text("onnx/abs.onnx,vnnlib/absent.vnnlib,5\n")
    with pytest.raises(UsageError, match=r"no file .*absent.vnnlib"):
        list(find("vnncomp").instances(Options(bench=bench)))


def test_rows_run_resume_and_contradict(bench: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    done = benchmark("run", "vnncomp", "--bench", str(bench), "--out", str(out), "--timeout", "60")
    assert done.returncode == 0, done.stderr
    rows = read(out)
    assert [row.status for row in rows] == ["unsat", "sat"]
    assert rows[0].extra["limit"] == "60"
    assert all(row.cpu > 0 and float(row.extra["peak_mb"]) > 10 for row in rows)
    assert "attack" in rows[0].extra["stages"]

    write(rows[:1], out)
    again = benchmark("run", "vnncomp", "--bench", str(bench), "--out", str(out), "--timeout", "60")
    assert "1 rows are in" in again.stdout
    assert read(out)[0] == rows[0]
    assert [row.status for row in read(out)] == ["unsat", "sat"]

    (bench / "tiny" / "results.csv").write_text("tiny,./onnx/abs.onnx,./vnnlib/safe.vnnlib,0.1,sat,1.5\n")
    contradicted = benchmark("run", "vnncomp", "--bench", str(bench), "--sample", "1")
    assert contradicted.returncode == 1
    assert "CONTRADICTION: tiny abs safe: unsat by now, expected sat" in contradicted.stdout


def test_known_answers_in_any_order_of_columns(bench: Path) -> None:
    folder = bench / "tiny"
    assert expected(folder) == {}
    lines = ["net,query,result", "abs.onnx,safe.vnnlib,timeout", "Unsat,safe.vnnlib.gz,abs.onnx"]
    (folder / "results.csv").write_text("\n".join(lines))
    assert expected(folder) == {("abs", "safe"): "unsat"}
    assert [row.expected for row in questions(folder)] == ["unsat", ""]


def test_the_checks_see_contradictions() -> None:
    other = dataclasses.replace(ROW, status="sat", revision="abc")
    unknown = dataclasses.replace(ROW, status="timed-out")
    assert compare_answers([ROW, unknown])[1] == []
    assert compare_answers([ROW, other])[1] == ["tiny abs safe: sat by abc auto, unsat by now auto"]
    robust = dataclasses.replace(ROW, instance="#3 x0.9", status="robust", extra={"eps": "0.2"})
    violated = dataclasses.replace(ROW, instance="#3 x0.8", status="violated", extra={"eps": "0.25"})
    assert compare_at_eps([robust, violated])[1] == []
    nearer = dataclasses.replace(violated, extra={"eps": "0.2"})
    assert len(compare_at_eps([robust, nearer])[1]) == 1


def test_a_process_that_goes_on_is_killed_with_its_children() -> None:
    forever = "import time; time.sleep(600)"
    code = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {forever!r}]).pid, flush=True)"
    done = measured([sys.executable, "-c", f"{code}; {forever}"], 1.5)
    assert done.killed
    assert answer(done) == "killed"
    assert done.seconds < 10
    status = Path("/proc", done.stdout.strip(), "status")
    until = time.monotonic() + 20
    while status.exists() and "zombie" not in status.read_text():
        assert time.monotonic() < until, "the grandchild is still there"
        time.sleep(0.05)
    quick = measured([sys.executable, "-c", "sum(range(10**6)); print('unsat'); raise SystemExit(3)"], 60)
    assert (quick.code, quick.stdout, quick.killed, answer(quick)) == (3, "unsat\n", False, "unsat")
    assert quick.cpu > 0


def test_what_a_process_prints() -> None:
    last = "1.500 s (attack 0.010 s, milp/highs 1.400 s) trust: None class 1: the time limit was reached"
    said = f"note: something\n{last}\n"
    done = Finished(3, "timed-out\n", said, 1.6, 1.5, 90.0, False)
    assert (answer(done), stages(said)) == ("timed-out", "attack 0.010, milp/highs 1.400")
    assert note(done) == "class 1: the time limit was reached"
    crashed = Finished(2, "", "error: no such file\n", 0.1, 0.1, 50.0, False)
    assert (answer(crashed), note(crashed), stages(crashed.stderr)) == ("exit 2", "error: no such file", "")
    assert answer(dataclasses.replace(crashed, stdout="sat\n", code=-9)) == "exit -9"


def test_curves_are_named_by_what_tells_them_apart() -> None:
    case, late = find("vnncomp"), dataclasses.replace(ROW, status="timed-out", seconds=5.0)
    assert curves(case, {"a": [ROW, late]}) == {"tiny": ([1.0], 2)}
    both = curves(case, {"a": [late, dataclasses.replace(ROW, seconds=2.0), ROW], "b": [ROW]})
    assert both == {"a": ([1.0, 2.0], 3), "b": ([1.0], 1)}


def test_extra_columns_survive_the_file(tmp_path: Path) -> None:
    plain = dataclasses.replace(ROW, extra={})
    write([plain, ROW], tmp_path / "rows.csv")
    assert read(tmp_path / "rows.csv") == [plain, ROW]


def test_a_missing_bench_is_one_line(tmp_path: Path) -> None:
    for case in ("vnncomp", "robust-rows"):
        with pytest.raises(UsageError, match="--bench"):
            list(find(case).instances(Options()))
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "instances.csv").touch()
    with pytest.raises(UsageError, match="no group nothing; this case has tiny"):
        list(find("vnncomp").instances(Options(bench=tmp_path, groups=("nothing",))))


def test_unseen_says_who_closed_the_rows(bench: Path, tmp_path: Path) -> None:
    inside = tmp_path / "all" / "unseen"
    inside.parent.mkdir()
    bench.rename(inside)
    out = tmp_path / "unseen.csv"
    done = benchmark("run", "unseen", "--bench", str(inside.parent), "--out", str(out))
    assert done.returncode == 0, done.stderr
    rows = {row.instance: row for row in read(out)}
    ways = {name: row.extra["closed_by"] for name, row in rows.items()}
    assert ways == {"abs safe": "bounds", "abs unsafe": "attack"}
    assert rows["abs safe"].extra["limit"] == "60"
    said = "closed by: relus 60 % in 1.00 s, boxes 40 % and the witness in 2.0 s"
    assert closed_by(f"1 s (attack 1 s)\n{said}") == "boxes"
    assert closed_by("closed by: boxes 1e-05 % in 2.00 s, bounds nothing in 0.1 s") == "boxes"
    assert closed_by("nothing said") == ""
