"""The attack finds violations that are there, inside the box, wherever it computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.networks import KINDS, random_network

from verdict.base.device import Device
from verdict.network.evaluate import evaluate
from verdict.network.exact import Coefficients
from verdict.network.graph import sequential
from verdict.ops.importer.onnx_import import load_onnx
from verdict.property import Polytope, UnsafeSet, misclassification
from verdict.search.points.attack import Starts, Within, attack


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_found_is_unsafe_and_inside(kind: str, device: Device, tmp_path: Path) -> None:
    found = 0
    for seed in range(6):
        rng = np.random.default_rng([seed, 1])
        graph = load_onnx(random_network(rng, kind, tmp_path)).graph
        x = rng.uniform(-1, 1, graph.input_size)
        unsafe = misclassification(int(evaluate(graph, x[None])[0].argmax()), graph.output_size)
        lower, upper = x - 2, x + 2
        # Many points: where any of them is unsafe, gradient steps must find one too.
        samples = rng.uniform(lower, upper, (2000, graph.input_size))
        reachable = (unsafe.slack(evaluate(graph, samples)) <= 0).mean() > 0.01
        points = attack(graph, unsafe, Within(lower, upper), Starts(np.random.default_rng(0), x[None]), device=device)
        assert isinstance(points, np.ndarray)
        assert points.dtype == np.float64
        assert ((points >= lower) & (points <= upper)).all()
        assert (unsafe.slack(evaluate(graph, points)) <= 1e-9).all()
        assert len(points) or not reachable
        found += len(points)
    assert found


def test_neurons_that_are_off_at_nearly_all_points_are_found() -> None:
    """Each of eight neurons is on only where all eight of its inputs are near 1: no gradient tells of that."""
    blocks = np.kron(np.eye(8), np.ones((1, 8)))
    layers = [(blocks, np.full(8, -7.0)), (-np.ones((1, 8)), np.array([6.0]))]
    graph = sequential([(Coefficients(weight), Coefficients(bias)) for weight, bias in layers])
    unsafe = UnsafeSet((Polytope(Coefficients(np.ones((1, 1))), Coefficients(np.zeros(1))),), 1)
    found = attack(graph, unsafe, Within(np.zeros(64), np.ones(64)), Starts(np.random.default_rng(0)))
    assert len(found)
    assert evaluate(graph, found).max() <= 0
