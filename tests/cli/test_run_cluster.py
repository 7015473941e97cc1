"""`verdict run --cluster`: Ctrl-C, and an address where nobody answers."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from cli_process import finish, start, wait_until
from support.dask import cluster
from support.hard import EPS, hard

from verdict.base.errors import InputError
from verdict.store.store import Store

pytest.importorskip("distributed")

__all__ = ["cluster"]  # a fixture


def test_ctrl_c_keeps_what_is_answered(cluster, tmp_path: Path):
    address, _ = cluster
    network, _ = hard(tmp_path)
    # The first is proved at once, and the second, the same at a larger radius, never.
    np.save(tmp_path / "one.npy", np.full((1, 50), 0.5, np.float32))
    words = ["run", "--eps", f"0.001,{EPS}", network, "--dataset", tmp_path / "one.npy", "--range", "-1", "2",
             "--store", tmp_path / "a.db", "--cluster", address, "--timeout", 600]  # fmt: skip
    child = start(*words)
    wait_until(lambda: _statuses(tmp_path / "a.db") == ["robust"])
    os.killpg(child.pid, signal.SIGINT)
    done = finish(child)
    assert done.code == 130, done
    assert done.err == "note: stopped; 1 of 2 cases are answered, the same command goes on\n"
    assert "1 robust" in done.out
    assert _statuses(tmp_path / "a.db") == ["robust"]


def _statuses(path: Path) -> list[str]:
    try:
        with Store(path) as store:
            return [row.status for row in store]
    except InputError:  # it is not made yet, or being made
        return []


def test_where_nobody_answers_nothing_is_left(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("verdict.ask.pool.cluster.PATIENCE", 0.5)
    words = ["--maxeps", "xor", "--dataset", "xor", "--store", tmp_path / "a.db", "--certificates"]
    done = run("run", *words, "--cluster", "tcp://127.0.0.1:9")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: --cluster tcp://127.0.0.1:9: no Dask scheduler answers there: ")
    assert done.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
