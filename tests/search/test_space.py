"""Every bound of a domain against exact rational evaluation at points of the domain, whatever the lines and weights."""

import tempfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.networks import WALKED, random_network

from verdict.bounds import linear_bounds, output_bounds
from verdict.bounds.ball import Ball
from verdict.network.evaluate import evaluate_exact_all
from verdict.network.exact import Coefficients, ExactVector
from verdict.network.functions import RELU
from verdict.network.graph import Affine, Graph, Input, Pointwise
from verdict.network.maps import Dense
from verdict.ops.importer.onnx_import import load_onnx
from verdict.property.norms import norm_of
from verdict.search.means import Means
from verdict.search.options import SearchOptions
from verdict.search.relus.options import ReluOptions
from verdict.search.relus.space import Domains, Space

# Weights of one network: ordinary, all large, tiny, and mixed so that layers cancel each other's size.
SCALES = [(), (1.0,), (1e3, 1e6), (1e-6, 1e-3), (1e-4, 1.0, 1e4), (1e-9, 1e6)]
POINTS = 12


@pytest.mark.parametrize("kind", WALKED)
@pytest.mark.parametrize("most", [ReluOptions.most_reduced, -1], ids=["reduced", "whole"])
@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10**6), st.sampled_from(SCALES), st.sampled_from([0.0, 1e-5, 1e-2, 1.0, 100.0]), st.booleans(),
    st.sampled_from([None, "l1", "l2"])
)
# Slopes so small that steps over them overflow float32.
@example(50225, (1e-9, 1e6), 1e-5, False, "l2")
def test_bounds_are_below_exact_values(kind, most, seed, scales, radius, single, norm):
    rng = np.random.default_rng([seed, WALKED.index(kind)])
    with tempfile.TemporaryDirectory() as folder:
        graph = load_onnx(random_network(rng, kind, Path(folder), scales)).graph
    center = rng.uniform(-1, 1, graph.input_size)
    # A ball is cut on one side by the range in which its inputs are valid.
    low, high = center - radius * (1 if norm is None else rng.choice([0.0, 0.2, 1.0])), center + radius
    ball = None if norm is None else Ball(center, radius, norm_of(norm))
    bounds = linear_bounds(graph, low[None], high[None], ball=ball)
    # Rows that float32 holds, and rows that it does not.
    rows = rng.uniform(-1, 1, (3, graph.output_size)) * 10.0 ** rng.integers(-3, 4)
    rows = rows.astype(np.float32).astype(np.float64) if single else rows
    offsets = rng.uniform(-1, 1, 3) * [0, 1, 1]
    means = Means(options=SearchOptions(relus=ReluOptions(most_reduced=most)))
    space = Space(graph, bounds, rows, offsets, means=means)
    assert space.reduced is None or most >= 0
    # Numbers too large for float32 have no reduced form.
    assert space.reduced is not None or most < 0 or any(np.abs(end).max() > 1e20 for end in bounds.upper)
    points = rng.uniform(low, high, (POINTS, graph.input_size))
    points[::2] = np.where(rng.random(points[::2].shape) < 0.5, low, high)
    if ball is not None:
        # Clearly inside: points at the very surface may be a rounding error outside.
        points = np.concatenate([ball.inward(points[:-1], 1e-9), center[None]])
    domains = _domains_around(rng, space, points)
    seen = space.relax(domains, domains.slopes, domains.betas)
    # A bound's own minimiser comes closest to it, where it lies in the domain.
    minimisers = space.points(seen.x)
    for lower in (seen.lower, space.verify(domains)):
        assert not np.isnan(lower).any()
        for tried in (points, minimisers if ball is None else ball.inward(minimisers, 1e-9)):
            for number, point in enumerate(tried):
                sides, outputs = _exactly(space, point)
                split = domains.signs[number] != 0
                if np.isfinite(lower[number]) and (domains.signs[number] * sides >= 0)[split].all():
                    row = domains.row[number]
                    value = sum(Fraction(c) * y for c, y in zip(rows[row].tolist(), outputs, strict=True))
                    assert Fraction(float(lower[number])) <= value - Fraction(offsets[row])


def _exactly(space, point):
    """The sides (+1, -1, at the kink 0) of the unstable ReLUs at a point, and the outputs."""
    values = evaluate_exact_all(space.graph, ExactVector.of(point))
    sides = np.zeros(space.size, np.int8)
    for i, columns in space.columns.items():
        z = values[space.graph.nodes[i].sources[0]].numerators[columns]
        sides[space.slices[i]] = np.sign(z).astype(np.int8)
    return sides, values[space.graph.output].fractions()


def _domains_around(rng, space, points):
    """A domain with random lines for each point, which lies in it: none of its ReLUs split, some, or all."""
    shape = len(points), space.size
    signs = np.array([_exactly(space, point)[0] for point in points]).reshape(shape)
    # At the kink either side is right.
    signs = np.where(signs == 0, rng.choice([-1, 1], shape), signs).astype(np.int8)
    signs[rng.random(shape) < rng.choice([0.0, 0.5, 1.0], (len(points), 1))] = 0
    slopes = rng.choice([0.0, 1.0, 0.3, rng.random()], shape).astype(np.float32)
    betas = (rng.random(shape) * 10.0 ** rng.integers(-6, 6)).astype(np.float32)
    betas[rng.random(shape) < 0.5] = 0
    row = rng.integers(0, len(space.rows), len(points))
    none = np.zeros(len(points), int)
    lower = np.full(len(points), -np.inf, np.float32)
    return Domains(row, signs, slopes, betas, lower, none, none, np.zeros(len(points)))


@pytest.mark.parametrize("most", [ReluOptions.most_reduced, -1], ids=["reduced", "whole"])
def test_chords_stay_above_the_relu(most):
    """One ReLU of an input in [l, u] under a falling row: its chord is tight at u, and must not be below it."""
    means = Means(options=SearchOptions(relus=ReluOptions(most_reduced=most)))
    rng = np.random.default_rng(3)
    ordinary = [(-rng.random(), rng.random(), 1.0) for _ in range(100)]
    ordinary += [(-1.0, 1e-7 * rng.random(), 1.0) for _ in range(20)]
    flat = [(-1.0, u, 2.0**20 / u) for u in (2.0**-30, 2.0**-70, 1.7e-39, 1e-44)]
    # The slope is a subnormal number, and its product with l has few right digits.
    flat += [(-1e300, 1e-20 * rng.random(), 1e20) for _ in range(20)]
    for low, high, weight in ordinary + flat:
        # A bias that brings the value at u near zero, where floats are dense.
        bias = weight * high
        last = Affine(((Dense(Coefficients([[-weight]])), 1),), Coefficients([bias]))
        graph = Graph((Input(1), Pointwise(RELU, 0, 1), last), 2)
        bounds = linear_bounds(graph, np.array([[low]]), np.array([[high]]))
        for factor in (1.0, 0.1):
            row = np.array([[factor]])
            exact = Fraction(factor) * (Fraction(bias) - Fraction(weight) * Fraction(high))
            space = Space(graph, bounds, row, np.zeros(1), means=means)
            found = [output_bounds(graph, bounds, row).lower[0]]
            # The slope below plays no part, and may not disturb.
            for slope in (0.0, 1.0):
                root = replace(space.root(), slopes=np.full((1, 1), slope, np.float32))
                found += [space.relax(root, root.slopes, root.betas).lower, space.verify(root)]
            for lower in found:
                assert lower[0] == -np.inf or Fraction(float(lower[0])) <= exact, (low, high, weight, factor)


def test_a_multiplier_is_off_by_its_own_rounding_only():
    """y = -relu(x) + s x + s on [-1, u] is 0 at -1: a chord's small slope must not take on the error of the slope
    below, which is of the size of 1."""
    rng = np.random.default_rng(4)
    for high in 1e-7 * rng.random(40):
        steep = 2 * high
        terms = ((Dense(Coefficients([[-1.0]])), 1), (Dense(Coefficients([[steep]])), 0))
        graph = Graph((Input(1), Pointwise(RELU, 0, 1), Affine(terms, Coefficients([steep]))), 2)
        bounds = linear_bounds(graph, np.array([[-1.0]]), np.array([[high]]))
        space = Space(graph, bounds, np.ones((1, 1)), np.zeros(1))
        root = replace(space.root(), slopes=np.ones((1, 1), np.float32))
        assert space.verify(root)[0] <= 0
        assert space.relax(root, root.slopes, root.betas).lower[0] <= 0
