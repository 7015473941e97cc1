"""Cases in processes of their own: limits that hold from outside, crashes that are noted, kills that lose nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.left import left_of

import verdict
from verdict.ask.options import Options
from verdict.ask.pool import process
from verdict.ask.pool.agenda import Chains
from verdict.ask.pool.case import Case, Reply
from verdict.ask.pool.keep import kept
from verdict.ask.pool.pool import Pool
from verdict.ask.question import Question
from verdict.store.store import Store

# A perturbation of a user's own that misbehaves, but only in a process that answers.
CARELESS = """
import os, sys, time
from verdict.property.fronts import Brightness

class _Careless(Brightness):
    def __init__(self):
        super().__init__()
        if sys.argv[0].endswith("worker.py"):
            self.misbehave()

class Crashes(_Careless):
    def misbehave(self):
        os.write(2, b"something broke\\n")
        os.abort()

class Hangs(_Careless):
    def misbehave(self):
        if os.fork() == 0:
            time.sleep(1000)
        time.sleep(1000)

class Grows(_Careless):
    def misbehave(self):
        self.room = bytearray(2**30)
        self.room[:: 4096] = b"x" * len(self.room[:: 4096])
        time.sleep(1000)

class Raises(_Careless):
    def misbehave(self):
        raise ZeroDivisionError("never")
"""


def _case(number: int, options: Options | None = None, **said) -> Case:
    x = np.array([number / 100, 1.0], np.float32)
    question = Question.of("robust", ["xor"], x, **{"eps": "0.01", "range": (0, 1), **said})
    return Case(question, options or Options(), f"x{number}", number)


def test_each_limit_holds_and_the_rest_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "careless_fronts.py").write_text(CARELESS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(process, "GRACE", 0.1)
    names = ("Crashes", "Hangs", "Grows", "Raises")
    asked = {name: _case(i, Options(timeout=0.3 if name == "Hangs" else 60),
                         perturbation=f"careless_fronts.{name}") for i, name in enumerate(names)}
    asked |= {"missing": _case(7), "good": _case(8)}
    missing = replace(asked["missing"].question.models[0], path="/none.onnx", sha256="0" * 64, network=None)
    asked["missing"] = replace(asked["missing"], question=replace(asked["missing"].question, models=(missing,)))
    with Store(tmp_path / "a.db", create=True) as store, Pool(1, 0.9, tmp_path) as pool:
        entries = list(kept(Chains([[case] for case in asked.values()], {}), pool, store, "b"))
        assert len(store) == len(entries) == 6
    found = dict(zip(asked, entries, strict=True))
    assert {name: entry.status for name, entry in found.items()} == {
        "Crashes": "crashed", "Hangs": "timed-out", "Grows": "out-of-memory", "Raises": "crashed",
        "missing": "refused", "good": "robust"}
    assert "signal 6: something broke" in found["Crashes"].reason
    assert "ZeroDivisionError: never" in found["Raises"].reason
    assert "/none.onnx" in found["missing"].reason
    assert "0.9 GiB" in found["Grows"].reason
    assert all(entry.answer is None for name, entry in found.items() if name != "good")
    # Nothing is left, of those that were ended either.
    assert [path.name for path in tmp_path.glob("verdict-*")] == []
    assert left_of(str(tmp_path)) == []


def test_a_radius_that_is_reached_is_kept_of_a_process_that_is_ended(tmp_path: Path):
    made = process.Process.__new__(process.Process)
    made.case, made.is_ready, made.until, made.memory = _case(0), True, 0.0, 2**40
    answer = verdict.maxeps("xor", [0, 1], range=(0, 1), engine="smt")
    made.began, made.held = 0.0, {"status": "interval", "reason": "r", "record": answer.to_dict(), "seconds": 1.0}
    reply = made.late()
    assert reply is not None
    assert (reply.status, reply.record) == ("interval", answer.to_dict())


def test_a_process_that_cannot_begin_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "onnxruntime.py").write_text("raise SystemExit('no such library')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Pool(1, 1.0) as pool, pytest.raises(verdict.SolverError, match=r"cannot begin.*no such library"):
        list(pool.answers(Chains([[_case(1)]], {})))


def test_chains_ask_from_the_least_radius_on():
    chain = [replace(_case(3), question=replace(_case(3).question, domain=replace(
        _case(3).question.domain, eps=Fraction(k, 10)))) for k in (1, 2, 3)]
    key = [(case.key, case.options_key) for case in chain]
    agenda = Chains([chain, chain], {})
    assert agenda.total == 3
    assert agenda.next() is chain[0]
    assert agenda.next() is None
    agenda.settle(chain[0], Reply("robust"))
    assert agenda.next() is chain[1]
    agenda.settle(chain[1], Reply("violated"))
    assert (agenda.next(), agenda.implied_by(chain[1]), agenda.done) == (None, (chain[2],), 3)
    resumed = Chains([chain], {key[0]: "robust", key[1]: "wrong-label"})
    assert (resumed.next(), resumed.implied, resumed.done) == (None, [(chain[1], chain[2])], 3)
    assert Chains([chain], {key[0]: "crashed"}).next() is chain[1]
    assert Chains([chain], {}, lambda: True).next() is None
    # What is to be asked again does not bring back what is known behind it.
    again = Chains([chain], {key[1]: "violated"})
    assert again.next() is chain[0]
    again.settle(chain[0], Reply("robust"))
    assert (again.next(), again.implied, again.done) == (None, [(chain[1], chain[2])], 3)
    other = Chains([chain], {key[1]: "robust"})
    other.settle(other.next(), Reply("robust"))
    assert other.next() is chain[2]
    refuted = Chains([chain], {key[1]: "robust"})
    refuted.settle(refuted.next(), Reply("wrong-label"))
    assert (refuted.implied_by(chain[0]), refuted.done) == ((chain[2],), 3)


def test_models_in_memory_travel_as_bytes(tmp_path: Path):
    sklearn = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(0)
    X = rng.random((40, 3))
    y = np.array(["low", "high"])[(X.sum(axis=1) > 1.5).astype(int)]
    model = sklearn.LogisticRegression().fit(X, y)
    here = verdict.radii(model, X[:3], y[:3], progress=False)
    far = verdict.radii(model, X[:3], y[:3], store=tmp_path / "a.db", workers=1, certificate=True, progress=False)
    assert [float(row.answer.lower) for row in far] == pytest.approx([float(row.answer.lower) for row in here])
    assert [row.name for row in far] == [row.name for row in here]
    with Store(tmp_path / "a.db") as store:
        assert [json.dumps(row.about["classes"]) for row in store] == ['["high", "low"]'] * 3
        assert all(row.certificate["accepted"] for row in store if row.status != "wrong-label")
