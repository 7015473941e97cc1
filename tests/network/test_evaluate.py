"""Running a graph on any device: values, and gradients against finite differences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.networks import KINDS, random_network

from verdict.base.device import Device
from verdict.network.evaluate import evaluate, evaluate_all, evaluate_exact, vjp
from verdict.network.exact import ExactVector
from verdict.ops.importer.onnx_import import load_onnx


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_the_exact_ones(kind: str, device: Device, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    graph = load_onnx(random_network(rng, kind, tmp_path)).graph
    x = rng.integers(-8, 9, (5, graph.input_size)) / 8
    outputs = device.fetch(evaluate(graph, device.put(x)))
    for point, output in zip(x, outputs, strict=True):
        assert (output == evaluate_exact(graph, ExactVector.of(point)).floats()).all()


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_finite_differences(kind: str, device: Device, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    graph = load_onnx(random_network(rng, kind, tmp_path)).graph
    x, cotangent = rng.normal(size=(20, graph.input_size)), rng.normal(size=(20, graph.output_size))
    there = device.put(x)
    gradient = device.fetch(vjp(graph, evaluate_all(graph, there), device.put(cotangent)))
    step, checked = 1e-6, 0
    for i in range(graph.input_size):
        move = step * np.eye(graph.input_size)[i]
        ahead, here, behind = (evaluate(graph, x + k * move) for k in (1, 0, -1))
        smooth = np.isclose(ahead - here, here - behind, atol=1e-9).all(axis=1)  # away from kinks
        slope = ((ahead - behind) / (2 * step) * cotangent).sum(axis=1)
        np.testing.assert_allclose(gradient[smooth, i], slope[smooth], atol=1e-5)
        checked += int(smooth.sum())
    assert checked > 20
