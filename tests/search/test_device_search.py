"""Branch and bound on a device: the same bounds as NumPy's, and no proof that rests on what the device computed."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from support.brute import least_radius
from support.networks import KINDS, random_network

import verdict
from verdict.base.deadline import Deadline
from verdict.base.device import CPU, Device
from verdict.bounds import linear_bounds
from verdict.network.exact import ExactVector
from verdict.ops.importer.onnx_import import load_onnx
from verdict.property import LinfBall, misclassification
from verdict.search.effort import Effort
from verdict.search.engines.parts.bab import branch_and_bound
from verdict.search.means import Means
from verdict.search.neurons.sharpen import Round, sharpen
from verdict.search.options import SearchOptions
from verdict.search.relus.ascent import optimise
from verdict.search.relus.branch import branch, losses
from verdict.search.relus.options import ReluOptions
from verdict.search.relus.space import Domains, Space

FORMS = pytest.mark.parametrize("most", [ReluOptions.most_reduced, -1], ids=["reduced", "whole"])


class Broken(Device):
    """A device that computes anything: bounds far above the truth, multipliers out of their range, wild choices."""

    is_rigorous = False

    def fetch(self, values):
        rng = np.random.default_rng(values.size)
        if values.dtype.kind == "i":
            return rng.permutation(values)
        return rng.choice([-3.0, 0.5, 7.0, 1e9], values.shape).astype(values.dtype)


def drawn(kind, seed, folder, most, device=CPU, single=True):
    """A space on a random network, and domains with random splits and multipliers."""
    means = Means(device=device, options=SearchOptions(relus=ReluOptions(most_reduced=most)))
    rng = np.random.default_rng([seed, 43])
    graph = load_onnx(random_network(rng, kind, folder)).graph
    center = rng.uniform(-1, 1, graph.input_size)
    bounds = linear_bounds(graph, (center - 2)[None], (center + 2)[None])
    rows = rng.uniform(-1, 1, (3, graph.output_size))
    rows = rows.astype(np.float32).astype(np.float64) if single else rows
    space = Space(graph, bounds, rows, rng.uniform(-1, 1, 3), means=means)
    assert space.size > 2
    signs = rng.choice([-1, 0, 0, 1], (20, space.size)).astype(np.int8)
    signs[:, 0] = 0
    slopes = rng.random((20, space.size)).astype(np.float32)
    betas = (rng.random((20, space.size)) * (signs != 0)).astype(np.float32)
    lower = np.full(20, -np.inf, np.float32)
    none = np.zeros(20, int)
    return space, Domains(rng.integers(0, 3, 20), signs, slopes, betas, lower, none, none, np.zeros(20))


@FORMS
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("single", [True, False], ids=["float32", "float64"])
def test_same_bounds_on_every_device(kind, most, single, other, tmp_path):
    space, domains = drawn(kind, 0, tmp_path, most, single=single)
    here = space.relax(domains, domains.slopes, domains.betas)
    placed = domains.to(other)
    there = space.relax(placed, placed.slopes, placed.betas)
    for name in ("lower", "nu", "z", "x"):
        near, far = getattr(here, name), other.fetch(getattr(there, name))
        assert near.dtype == far.dtype
        np.testing.assert_allclose(far, near, rtol=1e-4, atol=1e-4)


@FORMS
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_leaves_its_device(kind, most, tmp_path):
    """PyTorch's "meta" device holds shapes only and refuses operands from elsewhere, as a GPU does."""
    meta = Device("meta", pytest.importorskip("torch"), "meta")
    pytest.importorskip("array_api_compat")
    space, domains = drawn(kind, 0, tmp_path, most)
    placed = domains.to(meta)
    seen = space.relax(placed, placed.slopes, placed.betas)
    assert {str(a.device) for a in (seen.lower, seen.rounding, seen.nu, seen.z, seen.x)} == {"meta"}


@FORMS
@pytest.mark.parametrize("kind", KINDS)
def test_multipliers_found_elsewhere_are_as_good(kind, most, other, tmp_path):
    results = []
    for device in (CPU, other):
        space, domains = drawn(kind, 1, tmp_path, most, device)
        found, seen = optimise(space, domains, 5)
        left = found.lower < 0
        # Every ReLU is tried, so that the choice does not hang on a loss's last digit.
        halves = branch(space, found.take(left), losses(space, found, seen)[left], trials=space.size)
        results.append((found.lower, halves.lower.reshape(2, -1).min(axis=0).clip(None, 0)))
        for domain in (found, halves):
            assert all(isinstance(a, np.ndarray) for a in (domain.signs, domain.slopes, domain.betas, domain.lower))
    for near, far in zip(*results, strict=True):
        np.testing.assert_allclose(far, near, rtol=0.02, atol=0.02)


@FORMS
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_broken_device_sends_back_is_bounded_again(kind, most, tmp_path):
    space, domains = drawn(kind, 2, tmp_path, most, Broken("broken"))
    found, seen = optimise(space, domains, 3)
    assert (found.signs == domains.signs).all()
    assert (found.row == domains.row).all()
    assert ((found.slopes >= 0) & (found.slopes <= 1) & (found.betas >= 0)).all()
    np.testing.assert_allclose(found.lower, space.relax(found, found.slopes, found.betas).lower, rtol=1e-5, atol=1e-5)
    halves = branch(space, found, losses(space, found, seen))
    proved = space.relax(halves, halves.slopes, halves.betas).lower
    assert (proved < 0).any()
    assert (halves.lower[proved < 0] <= 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_sharpening_with_a_broken_device_contains_samples(kind, tmp_path):
    rng = np.random.default_rng(5)
    graph = load_onnx(random_network(rng, kind, tmp_path)).graph
    start = linear_bounds(graph, -np.ones((1, graph.input_size)), np.ones((1, graph.input_size)))
    bounds = sharpen(graph, start, Round(4), Means(device=Broken("broken")))
    points = rng.uniform(-1, 1, (500, graph.input_size))
    points[:100] = np.sign(points[:100])
    for node, values in enumerate(verdict.network.evaluate.evaluate_all(graph, points)):
        slack = 1e-9 * (1 + np.abs(values))
        assert (values >= bounds.lower[node] - slack).all()
        assert (values <= bounds.upper[node] + slack).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_proves_below_and_not_above_the_radius(kind, seed, device, tmp_path):
    _search(kind, seed, device, tmp_path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_a_broken_device_proves_nothing_false(kind, seed, tmp_path):
    _search(kind, seed, Broken("broken"), tmp_path, factors=[(1.03, False)], seconds=1)


def _search(kind, seed, device, folder, factors=((0.97, True), (1.03, False)), seconds=30):
    rng = np.random.default_rng([seed, 29])
    network = verdict.load(random_network(rng, kind, folder))
    graph = network.graph
    x = rng.integers(-8, 9, graph.input_size) / 8
    label = int(network.evaluate(x[None])[0].argmax())
    truth = least_radius(graph, x, label, -2, 2)
    if not 0 < truth < np.inf:
        pytest.skip("no radius")
    family, unsafe = LinfBall(ExactVector.of(x), Fraction(-2), Fraction(2)), misclassification(label, graph.output_size)
    for factor, safe in factors:
        bounds = linear_bounds(graph, *(end[None] for end in family.floats(truth * factor)))
        effort = Effort(Deadline(seconds), device=device, options=SearchOptions(few_inputs=0))
        outcome = branch_and_bound(graph, bounds, list(unsafe.polytopes), effort)
        assert outcome.proved == safe
