"""The steps of a decision: what is dear waits until something cheaper has been tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.networks import Draft, random_network

import verdict
from verdict.bounds import linear_bounds, output_lower
from verdict.network.evaluate import evaluate
from verdict.search import decision
from verdict.search.points.attack import Starts


@pytest.fixture
def restarts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every attack is a dear one; the starts that each had."""
    seen: list[int] = []
    attack: Callable[..., Any] = decision.attack

    def watched(graph: Any, unsafe: Any, within: Any, begin: Starts, *others: Any) -> Any:
        seen.append(begin.restarts)
        return attack(graph, unsafe, within, begin, *others)

    monkeypatch.setattr(decision, "attack", watched)
    monkeypatch.setattr(decision, "DEAR", 0)
    return seen


def test_what_bounds_prove_needs_no_second_part_of_an_attack(restarts, tmp_path):
    network = verdict.load(random_network(np.random.default_rng(3), "dense", tmp_path))
    x = np.full(network.input_size, 0.5)
    assert verdict.robust(network, x, 1e-6).status == "robust"
    assert restarts == [decision.FIRST_STARTS]


def test_a_witness_is_found_in_the_second_part(restarts, monkeypatch, tmp_path):
    network = verdict.load(random_network(np.random.default_rng(3), "dense", tmp_path))
    x = np.full(network.input_size, 0.5)
    assert verdict.robust(network, x, 50).status == "violated"
    whole, restarts[:] = decision.Decision._attacked, []

    def later(run: decision.Decision, begin: Starts) -> bool:
        return begin.restarts != decision.FIRST_STARTS and whole(run, begin)

    monkeypatch.setattr(decision.Decision, "_attacked", later)
    found = verdict.robust(network, x, 50)
    assert (found.status, restarts) == ("violated", [Starts(np.random.default_rng(0)).restarts - decision.FIRST_STARTS])


def detector(tmp_path: Any) -> Any:
    """Convolutions up to the output: 8x8 places, each about 7x7 pixels."""
    draft = Draft(np.random.default_rng(11))
    h = "x"
    for channels, outs in ((1, 3), (3, 3)):
        h = draft.add("Conv", h, draft.weight(outs, channels, 3, 3), draft.weight(outs), pads=[1, 1, 1, 1])
        h = draft.add("Relu", h)
    h = draft.add("Conv", h, draft.weight(1, 3, 3, 3), draft.weight(1), pads=[1, 1, 1, 1])
    return draft.save(tmp_path / "detector.onnx", (1, 8, 8), 64, draft.add("Flatten", h))


@pytest.mark.parametrize("share", [-0.01, 0.1], ids=["bounds", "splits"])
def test_a_query_about_one_place_is_about_what_it_sees(share, tmp_path):
    path = detector(tmp_path)
    low, high = [0.5] * 64, [0.58] * 64
    graph = verdict.load(path).graph
    bounds = linear_bounds(graph, np.array([low]), np.array([high]))
    bound = output_lower(graph, bounds, np.eye(64)[9:10])[0, 0]
    sampled = evaluate(graph, np.random.default_rng(0).choice([low[0], high[0]], (1000, 64)))[:, 9].min()
    limit = bound + share * (sampled - bound)
    query = tmp_path / "q.vnnlib"
    lines = [f"(declare-const X_{i} Real)" for i in range(64)] + [f"(declare-const Y_{i} Real)" for i in range(64)]
    for i, (below, above) in enumerate(zip(low, high, strict=True)):
        lines += [f"(assert (>= X_{i} {below}))", f"(assert (<= X_{i} {above}))"]
    query.write_text("\n".join([*lines, f"(assert (<= Y_9 {limit:.6f}))"]))
    answer = verdict.verify(query, path, timeout=60, certificate=tmp_path / "a.vcert")
    assert answer.status == "robust"
    assert verdict.check(tmp_path / "a.vcert", path, query).accepted
    assert answer.ways["bounds"].closed == (share < 0)
