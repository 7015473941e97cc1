"""The same questions on a real Dask cluster: a scheduler and two workers on this machine, of which one is killed."""

from __future__ import annotations

import signal
import socket
import threading
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from support.dask import cluster
from support.left import left_of

import verdict
from verdict.ask.options import Options
from verdict.ask.pool.agenda import Chains
from verdict.ask.pool.case import Case
from verdict.ask.pool.cluster import Cluster
from verdict.ask.pool.keep import Here, kept
from verdict.ask.question import Question
from verdict.models import model
from verdict.store.store import Store

pytest.importorskip("distributed")

__all__ = ["cluster"]  # a fixture


def _chains(folder: Path) -> list[list[Case]]:
    """Two radii of a few inputs, of a file that no worker has, of a model in memory, and of one with its weights in
    another file."""
    rng, options = np.random.default_rng(2), Options(engine="bab", timeout=60, threads=1, certificate="proof")
    file = verdict.load(str(model("xor").path))
    outside = folder / "outside.onnx"
    if not outside.exists():
        onnx.save(onnx.load_model_from_string(file.data), outside, save_as_external_data=True, location="weights",
                  size_threshold=0)
    models = [file, verdict.load(file.data), verdict.load(outside)]
    chains = []
    for number, x in enumerate(rng.random((8, 2)).astype(np.float32)):
        network = models[number % 3]
        asked = [Question.of("robust", [network], x, eps=eps, range=(0, 1)) for eps in ("0.02", "0.2")]
        chains.append([Case(each, options, f"x{number}", 2 * number + i) for i, each in enumerate(asked)])
    return chains


def _said(store: Store) -> dict[str, tuple[object, ...]]:
    found = {}
    for row in store:
        evidence = {} if row.record is None else {**row.record["evidence"]}
        evidence["certificate"] = evidence["certificate"] and {**evidence["certificate"], "seconds": 0}
        found[row.key] = (row.place, row.status, row.reason, row.options_key, row.question, row.about, evidence)
    return found


def test_a_cluster_loses_nothing_with_a_worker_and_says_the_same(cluster, tmp_path: Path):
    address, workers = cluster
    with Store(tmp_path / "here.db", create=True) as here, Store(tmp_path / "far.db", create=True) as far:
        here.certificates.mkdir()
        list(kept(Chains(_chains(tmp_path), {}), Here(here.certificates), here, "b"))
        agenda = Chains(_chains(tmp_path), {})
        with Cluster(address) as answering:
            for number, _ in enumerate(kept(agenda, answering, far, "b")):
                if number == 3:
                    workers[0].send_signal(signal.SIGKILL)
        assert agenda.done == agenda.total == len(far) == 16
        there, expected = _said(far), _said(here)
        assert there.keys() == expected.keys()
        for key, row in expected.items():
            assert there[key] == row
        names = [sorted(path.name for path in store.certificates.glob("*.vcert")) for store in (here, far)]
        assert names[0] == names[1] != []
        for name in names[1][:2]:
            assert verdict.check(far.certificates / name, "xor").accepted
    # What a worker has started ends with it.
    workers[1].kill()
    until = time.monotonic() + 10
    while (left := [line for line in left_of("ask.pool.worker") if str(tmp_path) in line]) and time.monotonic() < until:
        time.sleep(0.05)
    assert left == []


def test_no_scheduler_is_one_clear_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("verdict.ask.pool.cluster.PATIENCE", 0.5)
    with pytest.raises(verdict.InputError, match="no Dask scheduler answers there"):
        Cluster("tcp://127.0.0.1:9")
    with pytest.raises(verdict.InputError, match="no Dask scheduler answers there"):
        Cluster("nonsense://x")


def test_another_service_is_no_scheduler(recwarn: pytest.WarningsRecorder):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with server.accept()[0] as met:
                met.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(100))
                met.recv(2**16)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(verdict.InputError, match="no Dask scheduler answers there: but another service"):
            Cluster(f"127.0.0.1:{server.getsockname()[1]}")
        thread.join()
