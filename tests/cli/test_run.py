"""`verdict run`: a batch that is killed loses nothing, instances, and what a user does wrong."""

from __future__ import annotations

import gzip
import os
import random
import signal
import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest
from cli_process import finish, start
from support.left import left_of
from support.seeds import seeds

import verdict
from verdict.store.store import Store


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], dict, list[str]]:
    """The words of a run, and what it ends with where nothing disturbs it."""
    folder = tmp_path_factory.mktemp("batch")
    np.save(folder / "x.npy", np.random.default_rng(1).random((10, 2)).astype(np.float32))
    words = ["run", "--eps", "0.02,0.2", "--maxeps", "xor", "--dataset", str(folder / "x.npy"), "--range", "0", "1",
             "--certificates", "--engine", "bab", "--workers", "2"]
    done = finish(start(*words, "--store", folder / "whole.db", "--json"))
    assert done.code == 0, done
    assert done.json["batches"][0]["count"] == 30
    return words, *_content(folder / "whole.db")


def _content(path: Path) -> tuple[dict, list[str]]:
    """What a store says, times aside, and the files beside it."""
    with Store(path) as store:
        rows = {}
        for row in store:
            record = {} if row.record is None else row.record
            evidence = dict(record.get("evidence", {}))
            for name in ("certificate", "float32"):
                evidence[name] = evidence.get(name) and {**evidence[name], "seconds": 0}
            said = row.place, row.name, row.status, row.reason, record.get("answer"), evidence
            rows[row.key, row.options_key] = said
        return rows, sorted(file.name for file in store.certificates.iterdir())


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="the system does not list processes")
def test_a_run_that_is_killed_ends_with_the_same_store(batch, tmp_path: Path):
    words, rows, files = batch
    path, chance = tmp_path / "a.db", random.Random(5)
    kills, codes = seeds(2, 10), []
    for number in kills:
        child = start(*words, "--store", path)
        wanted = chance.randrange(1, 1 + 24 // len(kills)) + _count(path)
        while _count(path) < wanted and child.poll() is None:
            time.sleep(0.01)
        time.sleep(chance.random() * 0.05)
        signals = (signal.SIGKILL, signal.SIGINT, signal.SIGKILL, signal.SIGTERM)
        child.send_signal(signals[number % len(signals)])
        done = finish(child)
        codes.append(done.code)
        # On a machine that does all the rest between two looks of this test it has ended before it is killed.
        assert done.code in (-9, 130) or (done.code == 0 and _count(path) == 30), done
        if done.code == 130:
            assert "the same command goes on" in done.err
        until = time.monotonic() + 10
        while (left := left_of(str(path))) and time.monotonic() < until:
            time.sleep(0.05)
        assert left == []
    assert codes[0] != 0
    done = finish(start(*words, "--store", path))
    assert done.code == 0, done
    assert _content(path) == (rows, files)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.db", "a.db-certificates"]


def _count(path: Path) -> int:
    if not path.exists():
        return 0
    try:
        data = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            return int(data.execute("SELECT count(*) FROM answers").fetchone()[0])
        finally:
            data.close()
    except sqlite3.Error:
        return 0


@pytest.fixture
def instances(tmp_path: Path) -> Path:
    folder = tmp_path / "bench"
    folder.mkdir()
    (folder / "xor.onnx").write_bytes(verdict.load("xor").data)
    (folder / "packed.onnx.gz").write_bytes(gzip.compress(verdict.load("xor").data))
    for i, far in enumerate(("0.1", "0.9")):
        (folder / f"q{i}.vnnlib").write_text(f"""
(declare-const X_0 Real) (declare-const X_1 Real) (declare-const Y_0 Real) (declare-const Y_1 Real)
(assert (<= X_0 {far})) (assert (>= X_0 0)) (assert (<= X_1 1)) (assert (>= X_1 0.9)) (assert (<= Y_1 Y_0))
""")
    (folder / "instances.csv").write_text("xor.onnx,q0.vnnlib,10\n\npacked.onnx,q1.vnnlib,10\nxor.onnx,bad.vnnlib,10\n")
    (folder / "bad.vnnlib").write_text("(assert")
    return folder / "instances.csv"


def test_instances_are_cases(instances: Path, run, tmp_path: Path):
    store = tmp_path / "a.db"
    done = run("run", instances, "--store", store, "--certificates", "--workers", 1, "--engine", "bab")
    assert done.code == 3, done
    assert "1 refused, 1 robust, 1 violated" in done.out
    with Store(store) as opened:
        first, second, bad = opened
        assert [row.name for row in opened] == ["xor q0", "packed q1", "xor bad"]
        assert (first.status, second.status, bad.status) == ("robust", "violated", "refused")
        assert first.options["timeout"] == 10
        assert "bad.vnnlib" in bad.reason
        path = opened.certificates / first.certificate["file"]
    assert run("check", instances.parent / "xor.onnx", path, "--property", instances.parent / "q0.vnnlib").code == 0
    # What is known is not asked again, and what was refused only where that is wanted.
    before = _times(store)
    words = ("run", instances, "--store", store, "--certificates", "--workers", 1, "--engine", "bab")
    assert run(*words).code == 3
    assert _times(store) == before
    assert run(*words, "--again").code == 3
    assert [a == b for a, b in zip(_times(store), before, strict=True)] == [True, True, False]


def _times(path: Path) -> list[str]:
    with Store(path) as store:
        return [row.at for row in store]


@pytest.mark.parametrize(("words", "why"), [
    (("xor",), "Expected --maxeps or --eps"),
    (("--maxeps", "xor"), "--dataset is needed"),
    (("none.csv",), "none.csv: cannot be read: No such file"),
    (("bad.csv",), "bad.csv: line 2: found 'a,b', expected onnx,vnnlib,seconds"),
    (("missing.csv",), "missing.csv: line 1: there is no file"),
    (("late.csv",), "late.csv: line 1: seconds is 'soon'"),
    (("--eps", "0.1,x", "xor", "--dataset", "xor"), "'x'"),
    (("--maxeps", "xor", "--dataset", "xor", "--index", "3:2"), "the range 3:2 is empty"),
    (("--maxeps", "xor", "--dataset", "xor", "--store", "mine.db"), "mine.db: "),
    (("--maxeps", "xor", "--dataset", "xor", "--timeout", "-1"), "--timeout is"),
    (("bad.csv", "--dataset", "xor"), "--dataset goes with"),
])
def test_bad_input_is_one_clear_error(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words, why):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.db").write_text("mine " * 1000)
    (tmp_path / "bad.csv").write_text("\na,b\n")
    (tmp_path / "missing.csv").write_text("a.onnx,b.vnnlib,1\n")
    (tmp_path / "late.csv").write_text("a.onnx,b.vnnlib,soon\n")
    done = run("run", *words)
    assert (done.code, done.out) == (2, "")
    assert why in done.err
    assert done.err.count("\n") == 1
    assert (tmp_path / "mine.db").read_text() == "mine " * 1000


def test_from_a_pickled_model_and_a_table_to_a_report_in_two_commands(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    joblib, linear = pytest.importorskip("joblib"), pytest.importorskip("sklearn.linear_model")
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    X = rng.random((30, 2))
    y = np.where(X[:, 0] > 0.5, "ham", "spam")
    joblib.dump(linear.LogisticRegression().fit(X, y), "model.joblib")
    lines = [f"{a:.3f},{label},{b:.3f}" for (a, b), label in zip(X[:3], y[:3], strict=True)]
    Path("mails.csv").write_text("\n".join(["length,kind,links", *lines]) + "\n")
    words = ("run", "--maxeps", "model.joblib", "--dataset", "mails.csv", "--label-column", "kind", "--workers", 1)
    refused = run(*words)
    assert (refused.code, refused.out) == (2, "")
    assert "say --unpickle" in refused.err
    assert run(*words, "--unpickle").code == 0
    assert run("report", "verdict.db", "--image", "1x2").code == 0
    assert "model on mails: 3 cases" in run(*words, "--unpickle").out
    with Store("verdict.db") as store:
        # A second conversion would be another model, and all would be asked again.
        assert len(store) == 3
        assert [row.about["classes"][row.truth] for row in store] == list(y[:3])
    assert "ham" in Path("report.html").read_text()
    Path("labels.csv").write_text("kind\n" + "\n".join(y[:3]) + "\n")
    Path("inputs.csv").write_text("\n".join(f"{a:.3f},{b:.3f}" for a, b in X[:3]) + "\n")
    other = ("run", "--maxeps", "model.joblib", "--unpickle", "--dataset", "inputs.csv", "--labels", "labels.csv")
    assert "3 cases" in run(*other, "--workers", 1).out
    with Store("verdict.db") as store:
        assert len(store) == 3
    Path("labels.csv").write_text("ham\nspam\neggs\n")
    assert "'eggs', expected the number of a class, or one of the classes ham, spam" in run(*other).err
    Path("broken.pkl").write_text("none")
    broken = run("run", "--maxeps", "broken.pkl", "--unpickle", "--dataset", "xor")
    assert "cannot be read as a pickled model" in broken.err


def test_a_store_is_summed_up_and_exported(run, tmp_path: Path):
    path = tmp_path / "a.db"
    verdict.certify("xor", [[0, 0], [0, 1]], [0, 1], eps=["0.1", "0.3"], range=(0, 1), store=path, progress=False)
    assert "at 0.3: 1 proved, 1 refuted, 0 open of 2: certified accuracy 50.0%" in run("summary", path).out
    assert run("export", path, "-o", tmp_path / "a.csv").out.startswith("4 rows")
    wrong = ((("summary", tmp_path / "none.db"), "no such store"), (("export", path, "-o", "a.txt"), "ends in"))
    for words, why in wrong:
        done = run(*words)
        assert (done.code, done.out) == (2, "")
        assert why in done.err
