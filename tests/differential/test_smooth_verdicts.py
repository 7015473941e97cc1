"""Branch and bound on inputs, on neurons and `auto` on the same random smooth networks: none may contradict another.

Every witness has to solve the query in the checker's enclosures, every proof to have a certificate that the checker
accepts; Z3 and MILP are asked where they take the functions. `VERDICT_LONG=2600 pytest
tests/differential/test_smooth_verdicts.py` asks 2,600 questions, every fourth one of Z3 and MILP too.
"""

from __future__ import annotations

import json
import os
import re
import time

import numpy as np
import pytest
from support.engines import bare
from support.forced import verify
from support.smooth_asked import ask_smooth, smooth_network
from support.tally import Tally

import verdict
from verdict.base.errors import UnsupportedError, VerdictError
from verdict.search.options import SearchOptions

COUNT = int(os.environ.get("VERDICT_LONG", "12"))
BLOCK = 12
WAYS = {
    "input": ("bab", 4.0, {"few_inputs": 1000}),
    "neurons": ("bab", 2.0, {"few_inputs": -1}),
    "auto": ("auto", 4.0, {}),
    "smt": ("smt", 2.0, {}),
    "milp": ("milp", 2.0, {}),
}
RARE = ("smt", "milp")
# What float32 may be beyond, or may not confirm where the reals are violated.
NOT_SAID = re.compile("ONNX Runtime gives -?inf")


@pytest.mark.parametrize("first", range(0, COUNT, BLOCK))
def test_smooth_networks(first, tmp_path, monkeypatch, record_property):
    tally = Tally()
    for serial in range(first, min(first + BLOCK, COUNT)):
        folder = tmp_path / str(serial)
        folder.mkdir()
        try:
            asked = ask_smooth(serial, folder)
        except VerdictError as error:
            if not NOT_SAID.search(str(error)):
                raise
            tally.counts["check beyond float32"] += 1
            continue
        verdicts = {}
        with monkeypatch.context() as patch:
            if serial // 12 % 2:
                bare(patch)
            for way in (w for w in WAYS if w not in RARE or serial % 4 == 0):
                answer = _answer(asked, way, tally)
                if answer is not None:
                    verdicts[way] = answer
        tally.add(asked, verdicts, folder)
    record_property("differential", json.dumps(vars(tally)))
    assert not tally.wrong, "\n".join(tally.wrong)
    uncertified = sum(tally.counts[f"check uncertified {way}"] for way in WAYS)
    assert uncertified <= 1, "\n".join(tally.unknown)
    assert tally.counts["auto unknown"] <= 2, "\n".join(tally.unknown)


def _answer(asked, way, tally):
    """The answer of a way, or None where it does not take the network."""
    engine, limit, forced = WAYS[way]
    path, started = asked.query.with_suffix(f".{way}.vcert"), time.perf_counter()
    try:
        return verify(asked.query, asked.network, SearchOptions(**forced), engine=engine, timeout=limit, threads=1,
                      certificate=path)
    except UnsupportedError:
        assert way in RARE
        tally.counts[f"{way} not asked"] += 1
        return None
    except VerdictError as error:
        if not NOT_SAID.search(str(error)):
            raise
        tally.counts[f"{way} beyond float32"] += 1
        return None
    finally:
        tally.seconds[way] += time.perf_counter() - started


def test_boxes_too_wide_for_floats_have_bounds_all_the_same(tmp_path):
    """Infinite ends in the middle of a network are no warnings, and no numbers that hold nothing."""
    model = verdict.load(smooth_network(np.random.default_rng(3), "normalisation", tmp_path))
    x = np.zeros(model.input_size)
    for eps in (1e5, 1e9):
        points = np.random.default_rng(0).uniform(-eps, eps, (50, model.input_size))
        with np.errstate(all="ignore"):
            scores = model.evaluate(points)
        for found in verdict.bounds_of(model, x, eps, method="all"):
            low, high = (np.asarray(end, float) for end in (found.layers[-1].lower, found.layers[-1].upper))
            assert not (scores < low - 1e-9).any()
            assert not (scores > high + 1e-9).any()
