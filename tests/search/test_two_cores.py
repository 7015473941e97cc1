"""What is shared out between threads is what one thread finds, from run to run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.networks import KINDS, random_network

from verdict.base import workers as workers_module
from verdict.base.workers import Workers
from verdict.bounds import linear_bounds
from verdict.network.evaluate import evaluate
from verdict.network.exact import FloatArray
from verdict.network.graph import Graph
from verdict.ops.importer.onnx_import import load_onnx
from verdict.property import UnsafeSet, misclassification
from verdict.search.points.attack import Starts, Within, attack


@pytest.fixture(autouse=True)
def two_cores_for_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers_module.os, "sched_getaffinity", lambda process: {0, 1}, raising=False)
    monkeypatch.setattr(workers_module, "WORTH", 1)


def drawn(kind: str, seed: int, folder: Path) -> tuple[np.random.Generator, Graph]:
    rng = np.random.default_rng([seed, 5])
    return rng, load_onnx(random_network(rng, kind, folder)).graph


@pytest.mark.parametrize("kind", KINDS)
def test_bounds_are_those_of_one_thread(kind: str, tmp_path: Path) -> None:
    for seed in range(4):
        rng, graph = drawn(kind, seed, tmp_path)
        center = rng.uniform(-1, 1, (2, graph.input_size))
        alone = linear_bounds(graph, center - 0.5, center + 0.5)
        with Workers(2):
            shared = linear_bounds(graph, center - 0.5, center + 0.5)
        for one, other in zip((*alone.lower, *alone.upper), (*shared.lower, *shared.upper), strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_an_attack_finds_the_same_every_time(kind: str, tmp_path: Path) -> None:
    found = 0
    for seed in range(6):
        rng, graph = drawn(kind, seed, tmp_path)
        x = rng.uniform(-1, 1, graph.input_size)
        unsafe = misclassification(int(evaluate(graph, x[None])[0].argmax()), graph.output_size)
        within = Within(x - 1, x + 1)

        def points(graph: Graph = graph, within: Within = within, unsafe: UnsafeSet = unsafe) -> FloatArray:
            return attack(graph, unsafe, within, Starts(np.random.default_rng(0), within.lower[None] + 1))

        alone = points()
        with Workers(2):
            first, second = points(), points()
        np.testing.assert_array_equal(first, second)
        assert (unsafe.slack(evaluate(graph, first)) <= 1e-9).all()
        assert len(first) or not len(alone)
        found += len(first)
    assert found
