"""Every engine on the same random questions: all definite answers must agree with each other and with brute force.

100 questions by default; `VERDICT_LONG=1000 pytest tests/differential` asks the first 1,000 of the same sequence.
Every second question is asked "bare": without the attack, and with every polytope left to the engine, since
otherwise the steps that all engines share would answer nearly all of them.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter

import pytest
from support.asked import Asked, ask
from support.engines import bare

import verdict
from verdict.search import bab
from verdict.solvers import Solver

COUNT = int(os.environ.get("VERDICT_LONG", "100"))
BLOCK = 20
# The engine of each way, its limit in seconds, and what it forces; branch and bound on inputs never ends at a tie.
WAYS = {
    "relu": ("bab", 20.0, {"FEW_INPUTS": -1}),
    "input": ("bab", 2.0, {"FEW_INPUTS": 1000, "FEW_RELUS": -1}),
    "auto": ("auto", 20.0, {}),
    "milp": ("milp", 20.0, {}),
    "smt": ("smt", 20.0, {}),
}
# The most unknowns per way in a block, questions that brute force finds too close to call not counted.
MOST_UNKNOWN = {"relu": 1, "input": 5, "auto": 1, "milp": 1, "smt": 1}


@pytest.mark.parametrize("first", range(0, COUNT, BLOCK))
def test_engines_agree(first, tmp_path, monkeypatch, record_property):
    counts, seconds, wrong, unknown = Counter(), Counter(), [], []
    for serial in range(first, min(first + BLOCK, COUNT)):
        folder = tmp_path / str(serial)
        folder.mkdir()
        started = time.perf_counter()
        asked = ask(serial, folder)
        seconds["brute"] += time.perf_counter() - started
        with monkeypatch.context() as patch:
            if serial // 28 % 2:
                bare(patch)
            answers = {way: _answer(asked, way, patch, seconds) for way in WAYS}
        counts.update(_count(asked, answers))
        if asked.truth is not None:
            gave_up = {way: reason for way, (status, reason) in answers.items() if status == "unknown"}
            unknown += [f"question {asked.name}: {way}: {reason}" for way, reason in gave_up.items()]
        if len({status for status, _ in answers.values()} - {"unknown"} | {asked.truth} - {None}) > 1:
            said = ", ".join(f"{way}: {status} {reason}".strip() for way, (status, reason) in answers.items())
            wrong.append(f"question {asked.name}: brute force says {asked.truth}; {said}; files in {folder}")
    record_property("differential", json.dumps({"counts": counts, "seconds": seconds, "unknown": unknown}))
    assert not wrong, "\n".join(wrong)
    open_ = {way: counts[f"{way} unknown"] for way in WAYS if counts[f"{way} unknown"] > MOST_UNKNOWN[way]}
    assert not open_, "\n".join([f"too many unknowns: {open_}", *unknown])


def _answer(asked: Asked, way: str, patch: pytest.MonkeyPatch, seconds: Counter) -> tuple[str, str]:
    engine, limit, forced = WAYS[way]
    with patch.context() as inner:
        for name, value in forced.items():
            inner.setattr(bab, name, value)
        started = time.perf_counter()
        answer = verdict.verify(asked.query, asked.network, engine=engine, timeout=limit, threads=1)
        seconds[way] += time.perf_counter() - started
    return answer.status, answer.reason


def _count(asked: Asked, answers: dict[str, tuple[str, str]]) -> Counter:
    """Definite answers and unknowns by way; at a tie, nobody has to know."""
    counts = Counter({f"truth {asked.truth or 'tie'}": 1})
    for way, (status, _) in answers.items():
        counts[f"{way} {status}{' at a tie' if asked.truth is None else ''}"] += 1
    return counts


@pytest.mark.parametrize("engine", ["milp", "auto"])
def test_a_solver_that_breaks_down_gives_no_answer(engine, tmp_path, monkeypatch):
    """HiGHS has ended with kError on well-formed models, which must not end the whole call."""

    def break_down(self, *args, **options):
        raise verdict.SolverError("MathOpt (highs): kError")

    asked = ask(27, tmp_path)
    bare(monkeypatch)
    monkeypatch.setattr(bab, "FEW_INPUTS", -1)
    monkeypatch.setattr(Solver, "solve", break_down)
    answer = verdict.verify(asked.query, asked.network, engine=engine, timeout=20, threads=1)
    # Alone it leaves the question open; where nothing is left but a tie of a leaf, auto asks Z3.
    assert answer.status == ("unknown" if engine == "milp" else asked.truth)
    assert "kError" in answer.reason or answer.trust == "z3-exact"


@pytest.mark.parametrize("serial", [22, 27, 123, 205])
def test_relu_splits_close_polytopes_of_several_rows(serial, tmp_path, monkeypatch):
    """Each row alone is reached, all together are not: the linear program of a leaf needs them all."""
    asked = ask(serial, tmp_path)
    monkeypatch.setattr(bab, "FEW_INPUTS", -1)
    answer = verdict.verify(asked.query, asked.network, engine="bab", timeout=20)
    assert (asked.truth, answer.status) == ("robust", "robust"), answer.reason
