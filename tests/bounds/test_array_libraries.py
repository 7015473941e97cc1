"""On another device the same bounds come out, up to rounding, and stay there."""

from __future__ import annotations

import numpy as np
import pytest
from support.networks import KINDS, random_network

from verdict.base.device import Device
from verdict.bounds import Bounds, interval_bounds, linear_bounds, output_bounds
from verdict.bounds.alpha import Ascent, alpha_bounds, ascend_slopes, minimiser
from verdict.bounds.backward import backward
from verdict.bounds.lines import Lines, crown_lines
from verdict.bounds.walk import KEEPING, Pass
from verdict.network.evaluate import evaluate_all, vjp
from verdict.ops.importer.onnx_import import load_onnx

TOLERANCE = {np.float64: 1e-12, np.float32: 1e-4}


def drawn(kind, seed, folder, batch=3):
    rng = np.random.default_rng([seed, 11])
    graph = load_onnx(random_network(rng, kind, folder)).graph
    center = rng.uniform(-1, 1, (batch, graph.input_size))
    return rng, graph, center - 0.7, center + 0.7


def close(device, there, here, dtype=np.float64):
    back = device.fetch(there)
    assert back.dtype == here.dtype == dtype
    assert not there.requires_grad
    np.testing.assert_allclose(back, here, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def split_lines(rng, graph, bounds, batch):
    """Lines as branch and bound makes them: slopes of each domain, some neurons split, their betas as shifts."""
    lines = {}
    for i in graph.pointwise:
        base = crown_lines(graph, bounds, i)
        dtype, shape = base.slope_above.dtype, (batch, base.slope_above.shape[1])
        signs = rng.integers(-1, 2, shape) * ((base.slope_above > 0) & (base.slope_above < 1))
        on = np.where(signs > 0, 1, 0)
        below = np.where(signs == 0, rng.uniform(0, 1, shape), on).astype(dtype)
        above = np.where(signs == 0, base.slope_above, on).astype(dtype)
        gap = np.where(signs == 0, base.offset_above, 0).astype(dtype)
        lines[i] = Lines(below, above, gap, (-signs * rng.uniform(0, 1, shape)).astype(dtype))
    return lines


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("method", [interval_bounds, linear_bounds])
def test_same_bounds(kind, dtype, method, other, tmp_path):
    for seed in range(3):
        _, graph, lower, upper = drawn(kind, seed, tmp_path)
        lower, upper = lower.astype(dtype), upper.astype(dtype)
        here, there = method(graph, lower, upper), method(graph, other.put(lower), other.put(upper))
        for node in range(len(graph.nodes)):
            close(other, there.lower[node], here.lower[node], dtype)
            close(other, there.upper[node], here.upper[node], dtype)
        for box in range(3):
            assert there.unstable(graph, box) == here.unstable(graph, box)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("rigorous", [True, False])
def test_same_backward_bounds_of_a_batch_of_domains(kind, dtype, rigorous, other, tmp_path):
    for seed in range(3):
        rng, graph, lower, upper = drawn(kind, seed, tmp_path, batch=1)
        bounds = linear_bounds(graph, lower, upper)
        bounds = bounds if dtype is np.float64 else bounds.astype(dtype)
        lines = split_lines(rng, graph, bounds, 7)
        row = rng.normal(size=(1, 1, graph.output_size)).astype(dtype)
        here = backward(graph, bounds, graph.output, row, lines, Pass(rigorous=rigorous, keep=True))
        away, placed = bounds.to(other), {i: line.to(other) for i, line in lines.items()}
        there = backward(graph, away, graph.output, other.put(row), placed, Pass(rigorous=rigorous, keep=True))
        close(other, there.lower, here.lower, dtype)
        close(other, there.slope, here.slope, dtype)
        close(other, there.constant, here.constant, dtype)
        assert here.coefficients.keys() == there.coefficients.keys()
        for i in here.coefficients:
            close(other, there.coefficients[i], here.coefficients[i], dtype)


@pytest.mark.parametrize("kind", KINDS)
def test_same_minimiser(kind, other, tmp_path):
    """From one bound, since where a slope is zero up to rounding two bounds may choose different corners."""
    rng, graph, lower, upper = drawn(kind, 2, tmp_path, batch=1)
    bounds = linear_bounds(graph, lower, upper)
    lines = split_lines(rng, graph, bounds, 5)
    row = np.ones((1, 1, graph.output_size))
    bound = backward(graph, bounds, graph.output, row, lines, KEEPING)
    here = minimiser(graph, bounds, bound, lines, graph.output)
    placed = type(bound)(
        *map(other.put, (bound.lower, bound.slope, bound.constant)),
        {i: other.put(nu) for i, nu in bound.coefficients.items()},
    )
    away = {i: line.to(other) for i, line in lines.items()}
    there = minimiser(graph, bounds.to(other), placed, away, graph.output)
    close(other, there.x, here.x)
    assert here.pre.keys() == there.pre.keys()
    for i in here.pre:
        close(other, there.pre[i], here.pre[i])


@pytest.mark.parametrize("kind", KINDS)
def test_slopes_found_elsewhere_are_proved_here(kind, other, tmp_path):
    """The way of docs/backends.md: ascend on the device, fetch the slopes, bound rigorously in NumPy."""
    for seed in range(3):
        _, graph, lower, upper = drawn(kind, seed, tmp_path, batch=2)
        bounds = linear_bounds(graph, lower, upper)
        row = np.tile(np.eye(graph.output_size)[:1], (2, 1, 1))
        lines = {i: crown_lines(graph, bounds, i) for i in graph.pointwise}
        hint, slopes = ascend_slopes(
            graph,
            bounds.astype(np.float32).to(other),
            graph.output,
            other.put(row.astype(np.float32)),
            {i: line.astype(np.float32).to(other) for i, line in lines.items()},
            Ascent(10),
        )
        exact = {
            i: Lines(other.fetch(slopes[i]).astype(np.float64).clip(0, 1), line.slope_above, line.offset_above)
            for i, line in lines.items()
        }
        proved = backward(graph, bounds, graph.output, row, exact).lower
        np.testing.assert_allclose(proved[:, 0], other.fetch(hint), rtol=1e-3, atol=1e-3)
        assert (proved >= output_bounds(graph, bounds, row).lower - 1e-5).all()


@pytest.mark.parametrize("kind", KINDS)
def test_same_alpha_bounds(kind, other, tmp_path):
    _, graph, lower, upper = drawn(kind, 1, tmp_path, batch=1)
    start = linear_bounds(graph, lower, upper)
    here, there = alpha_bounds(graph, start), alpha_bounds(graph, start, device=other)
    for node in range(len(graph.nodes)):
        assert isinstance(there.lower[node], np.ndarray)
        assert there.lower[node].dtype == np.float64
        np.testing.assert_allclose(there.lower[node], here.lower[node], atol=1e-3)
        np.testing.assert_allclose(there.upper[node], here.upper[node], atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [1, 2])
def test_nothing_leaves_its_device(kind, rows, tmp_path):
    """PyTorch's "meta" device holds shapes only and refuses operands from elsewhere, as a GPU does."""
    meta = Device("meta", pytest.importorskip("torch"), "meta")
    pytest.importorskip("array_api_compat")
    _, graph, lower, upper = drawn(kind, 0, tmp_path)
    bounds = interval_bounds(graph, meta.put(lower), meta.put(upper))
    crown = {i: crown_lines(graph, bounds, i) for i in graph.pointwise}
    lines = {i: Lines(a.slope_below, a.slope_above, a.offset_above, a.slope_below) for i, a in crown.items()}
    row = meta.put(np.ones((3, rows, graph.output_size)))
    bound = backward(graph, bounds, graph.output, row, lines, KEEPING)
    results = [bound.lower, bound.slope, bound.constant, *bound.coefficients.values()]
    best, slopes = ascend_slopes(graph, bounds, graph.output, row[:, :1], lines, Ascent(2))
    values = evaluate_all(graph, meta.put(lower))
    results += [best, *slopes.values(), *values, vjp(graph, values, meta.put(np.ones((3, graph.output_size))))]
    assert {str(result.device) for result in results} == {"meta"}


def test_rounding_to_float32_is_outward(device):
    values = np.array([[0.1, -0.1, 1 / 3, 0.0, 1e300, -1e300]])
    there = Bounds((values,), (values,)).to(device).astype(np.float32)
    low, high = device.fetch(there.lower[0]), device.fetch(there.upper[0])
    assert low.dtype == high.dtype == np.float32
    assert (low.astype(np.float64) < values).all()
    assert (high.astype(np.float64) > values).all()
