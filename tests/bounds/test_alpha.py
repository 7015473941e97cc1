"""Optimised lines stay sound, and the gradient is the derivative that it claims to be."""

import numpy as np
import pytest
from support.networks import KINDS, random_network

from verdict.base.device import Device
from verdict.bounds import linear_bounds, output_bounds
from verdict.bounds.alpha import alpha_bounds, minimiser
from verdict.bounds.backward import backward
from verdict.bounds.lines import Lines, crown_lines
from verdict.bounds.walk import Pass
from verdict.network.evaluate import evaluate_all
from verdict.ops.importer.onnx_import import load_onnx


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_alpha_contains_samples_and_never_loosens(kind, seed, device, tmp_path):
    rng = np.random.default_rng([seed, 3])
    graph = load_onnx(random_network(rng, kind, tmp_path)).graph
    lower, upper = -np.ones((1, graph.input_size)), np.ones((1, graph.input_size))
    start = linear_bounds(graph, lower, upper)
    bounds = alpha_bounds(graph, start, device=device)
    points = rng.uniform(-1, 1, (500, graph.input_size))
    points[:100] = np.sign(points[:100])
    for node, values in enumerate(evaluate_all(graph, points)):
        assert (bounds.lower[node] >= start.lower[node]).all()
        assert (bounds.upper[node] <= start.upper[node]).all()
        slack = 1e-9 * (1 + np.abs(values))
        assert (values >= bounds.lower[node] - slack).all()
        assert (values <= bounds.upper[node] + slack).all()


class Broken(Device):
    """A device that brings back anything but slopes."""

    def fetch(self, values):
        return np.random.default_rng(0).choice([-3.0, 0.0, 0.5, 1.0, 7.0, np.inf], values.shape)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_a_broken_device_cannot_make_bounds_unsound(kind, seed, tmp_path):
    rng = np.random.default_rng([seed, 3])
    graph = load_onnx(random_network(rng, kind, tmp_path)).graph
    lower, upper = -np.ones((1, graph.input_size)), np.ones((1, graph.input_size))
    bounds = alpha_bounds(graph, linear_bounds(graph, lower, upper), device=Broken("broken"))
    for node, values in enumerate(evaluate_all(graph, rng.uniform(-1, 1, (500, graph.input_size)))):
        slack = 1e-9 * (1 + np.abs(values))
        assert (values >= bounds.lower[node] - slack).all()
        assert (values <= bounds.upper[node] + slack).all()


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_is_the_derivative(kind, tmp_path):
    """Finite differences of the bound with respect to every free slope."""
    checked = 0
    for seed in range(8):
        rng = np.random.default_rng([seed, 5])
        graph = load_onnx(random_network(rng, kind, tmp_path)).graph
        lower, upper = rng.uniform(-1, 0, (1, graph.input_size)), rng.uniform(0, 1, (1, graph.input_size))
        bounds = linear_bounds(graph, lower, upper)
        row = rng.normal(size=(1, 1, graph.output_size))
        base = {i: crown_lines(graph, bounds, i) for i in graph.pointwise}
        slopes = {i: rng.uniform(0.2, 0.8, line.slope_below.shape) for i, line in base.items()}
        free = {i: (line.slope_above > 0) & (line.slope_above < 1) for i, line in base.items()}
        slopes = {i: np.where(free[i], slopes[i], base[i].slope_below) for i in base}

        def bound(slopes, base=base, graph=graph, bounds=bounds, row=row):
            lines = {i: Lines(slopes[i], base[i].slope_above, base[i].offset_above) for i in base}
            return lines, backward(graph, bounds, graph.output, row, lines, Pass(rigorous=False, keep=True))

        lines, here = bound(slopes)
        relaxed = minimiser(graph, bounds, here, lines, graph.output)
        for i, nu in here.coefficients.items():
            gradient = np.maximum(nu[:, 0], 0) * relaxed.pre[i]
            for neuron in np.flatnonzero(free[i][0]):
                step = 1e-6
                moved = {k: v.copy() for k, v in slopes.items()}
                moved[i][0, neuron] += step
                ahead = bound(moved)[1].lower[0, 0]
                moved[i][0, neuron] -= 2 * step
                behind = bound(moved)[1].lower[0, 0]
                one_sided = {round((ahead - here.lower[0, 0]) / step, 3), round((here.lower[0, 0] - behind) / step, 3)}
                if len(one_sided) == 1:  # away from kinks
                    assert gradient[0, neuron] == pytest.approx((ahead - behind) / (2 * step), abs=1e-3)
                    checked += 1
    assert checked > 5


def test_hint_bounds_are_not_below_rigorous_ones(tmp_path):
    graph = load_onnx(random_network(np.random.default_rng(1), "dense", tmp_path)).graph
    lower, upper = -np.ones((1, graph.input_size)), np.ones((1, graph.input_size))
    bounds = linear_bounds(graph, lower, upper)
    rows = np.eye(graph.output_size)
    lines = {i: crown_lines(graph, bounds, i) for i in graph.pointwise}
    hint = backward(graph, bounds, graph.output, rows, lines, Pass(rigorous=False))
    proved = output_bounds(graph, bounds, rows)
    assert (proved.lower < hint.lower).all()
    assert np.allclose(proved.lower, hint.lower, atol=1e-9)
