"""The bound of arbitrary multipliers: sound for every one of them, exactly, and as good as the LP for its duals."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network.random_graphs import graphs
from support.networks import KINDS, random_network

from verdict.bounds import interval_bounds, linear_bounds
from verdict.bounds.backward import backward
from verdict.bounds.dual import dual_bound
from verdict.bounds.lines import crown_lines
from verdict.bounds.walk import KEEPING
from verdict.network.evaluate import evaluate_exact_all
from verdict.network.exact import ExactVector
from verdict.network.functions import RELU
from verdict.ops.importer.onnx_import import load_onnx


def exact_rule(graph, bounds, number, row, multipliers):
    """The rule of design section 7 in rationals, for one box and one row, written out naively."""
    zero = Fraction(0)
    pending = {number: [Fraction(float(v)) for v in row]}
    total = zero
    for i in range(number, 0, -1):
        if i not in pending:
            continue
        nu, node = pending.pop(i), graph.nodes[i]
        if i in graph.pointwise:
            mu = [Fraction(float(v)) for v in multipliers.get(i, np.zeros(node.size))]
            low, high = (side[0] for side in bounds.in_front(graph, i))
            for n, m, a, b in zip(nu, mu, low, high, strict=True):
                places = [Fraction(float(a)), Fraction(float(b))] + ([zero] if a < 0 < b else [])
                total += min(n * max(z, zero) - m * z for z in places)
            back = [(node.source, mu)]
        else:
            total += sum((n * b for n, b in zip(nu, node.bias.fractions().ravel(), strict=True)), zero)
            exact = ExactVector.of(nu)
            back = [(source, linear.apply_exact_transpose(exact).fractions()) for linear, source in node.terms]
        for source, values in back:
            old = pending.get(source, [zero] * len(values))
            pending[source] = [a + b for a, b in zip(old, values, strict=True)]
    for s, a, b in zip(pending.get(0, []), bounds.lower[0][0], bounds.upper[0][0], strict=False):
        total += min(s * Fraction(float(a)), s * Fraction(float(b)))
    return total


@settings(max_examples=60, deadline=None)
@given(graph=graphs, seed=st.integers(0, 10**6), scale=st.sampled_from([0.0, 1e-3, 1.0, 1e6, 1e150]))
def test_any_multipliers_are_sound(graph, seed, scale):
    """Below the exact value of the same rule, which is itself below the exact network everywhere."""
    rng = np.random.default_rng(seed)
    center = rng.normal(size=graph.input_size)
    radius = rng.uniform(0, 1, graph.input_size) * rng.integers(0, 2)
    bounds = interval_bounds(graph, (center - radius)[None], (center + radius)[None])
    number = graph.output
    rows = rng.normal(size=(2, graph.output_size))
    mu = {i: scale * rng.normal(size=(1, 2, graph.nodes[i].size)) for i in graph.pointwise if rng.random() < 0.8}
    found = dual_bound(graph, bounds, number, rows, mu)
    assert found.shape == (1, 2)
    point = ExactVector.of(np.clip(rng.uniform(-1, 1, graph.input_size) * radius + center,
                                   bounds.lower[0][0], bounds.upper[0][0]))
    outputs = evaluate_exact_all(graph, point)[number].fractions()
    for r, row in enumerate(rows):
        value = sum((Fraction(float(c)) * v for c, v in zip(row, outputs, strict=True)), Fraction(0))
        rule = exact_rule(graph, bounds, number, row, {i: m[0, r] for i, m in mu.items()})
        assert rule <= value
        if np.isfinite(found[0, r]):
            assert Fraction(float(found[0, r])) <= rule
        # The charge for rounding is small against the numbers involved.
        if scale <= 1:
            assert float(rule) - found[0, r] <= 1e-9 * (1 + abs(float(rule)))


@pytest.mark.parametrize("kind", KINDS)
def test_lines_are_multipliers(kind, tmp_path):
    """CROWN's lines, put in as multipliers, give at least CROWN's bound, per box of a batch."""
    for seed in range(6):
        rng = np.random.default_rng([seed, 33])
        graph = load_onnx(random_network(rng, kind, tmp_path)).graph
        center, radius = rng.uniform(-1, 1, (3, graph.input_size)), rng.uniform(0, 1, (3, 1))
        bounds = linear_bounds(graph, center - radius, center + radius)
        rows = rng.normal(size=(4, graph.output_size))
        lines = {i: crown_lines(graph, bounds, i) for i in graph.pointwise}
        crown = backward(graph, bounds, graph.output, rows, lines, KEEPING)
        mu = {i: lines[i].substitute(nu)[0] for i, nu in crown.coefficients.items()}
        assert (dual_bound(graph, bounds, graph.output, rows, mu) >= crown.lower - 1e-9).all()


def test_the_kink_counts_only_inside():
    nu, mu = np.array([[[1.0, 1.0, -1.0]]]), np.array([[[0.5, 0.5, -0.5]]])
    low, high = np.array([[[-1.0, 1.0, -1.0]]]), np.array([[[1.0, 3.0, 1.0]]])
    # max(z, 0) - z/2 has its minimum 0 at the kink, 1/2 at z = 1 where z >= 1; its negative is least at the ends.
    assert RELU.least(nu, mu, low, high).tolist() == [[[0.0, 0.5, -0.5]]]


def test_not_a_number_knows_nothing(tmp_path):
    graph = load_onnx(random_network(np.random.default_rng(1), "dense", tmp_path)).graph
    bounds = linear_bounds(graph, -np.ones((1, graph.input_size)), np.ones((1, graph.input_size)))
    for bad in (np.nan, np.inf, -np.inf):
        mu = {i: np.full((1, 1, graph.nodes[i].size), bad) for i in graph.pointwise}
        assert dual_bound(graph, bounds, graph.output, np.ones((1, graph.output_size)), mu)[0, 0] == -np.inf
