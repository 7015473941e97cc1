"""Every method in the list keeps the same promises."""

from fractions import Fraction

import numpy as np
import pytest
from support.networks import KINDS, random_network

import verdict
from verdict.answer.results import Trust
from verdict.base.deadline import Deadline
from verdict.base.errors import InputError
from verdict.models import data
from verdict.network.evaluate import evaluate_all, evaluate_exact_all
from verdict.network.exact import ExactVector
from verdict.ops.importer.onnx_import import load_onnx
from verdict.property import Box, NormBall
from verdict.search.engines.registry import engine_class
from verdict.search.neurons.methods import METHODS, choose


def box(lower: np.ndarray, upper: np.ndarray) -> Box:
    return Box([Fraction(v) for v in lower.tolist()], [Fraction(v) for v in upper.tolist()])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", METHODS)
def test_samples_lie_inside(kind, name, tmp_path):
    for seed in range(3):
        rng = np.random.default_rng([seed, 51])
        graph = load_onnx(random_network(rng, kind, tmp_path)).graph
        center, radius = rng.uniform(-1, 1, graph.input_size), rng.uniform(0, 1.5)
        lower, upper = center - radius, center + radius
        bounds = METHODS[name].run(graph, box(lower, upper), Deadline()).bounds
        assert bounds.batch == 1
        points = rng.uniform(lower, upper, (400, graph.input_size))
        points[:100] = np.where(rng.random((100, graph.input_size)) < 0.5, lower, upper)
        for node, values in enumerate(evaluate_all(graph, points)):
            slack = 1e-9 * (1 + np.abs(values))
            assert (values >= bounds.lower[node] - slack).all()
            assert (values <= bounds.upper[node] + slack).all()


@pytest.mark.parametrize("name", [m.name for m in METHODS.values() if m.trust is Trust.RIGOROUS])
def test_rigorous_to_the_last_bit(name, tmp_path):
    """A box of one point leaves no slack but rounding: the exact value must still be inside."""
    for seed, kind in enumerate(KINDS):
        rng = np.random.default_rng([seed, 53])
        graph = load_onnx(random_network(rng, kind, tmp_path)).graph
        x = rng.normal(size=graph.input_size)
        bounds = METHODS[name].run(graph, box(x, x), Deadline()).bounds
        for node, exact in enumerate(evaluate_exact_all(graph, ExactVector.of(x))):
            ends = zip(exact.fractions(), bounds.lower[node][0], bounds.upper[node][0], strict=True)
            assert all(Fraction(low) <= value <= Fraction(high) for value, low, high in ends)


@pytest.mark.parametrize("name", METHODS)
def test_without_time_bounds_are_still_bounds(name, tmp_path):
    graph = load_onnx(random_network(np.random.default_rng(5), "residual", tmp_path)).graph
    ones = np.ones(graph.input_size)
    bounds = METHODS[name].run(graph, box(-ones, ones), Deadline(0.0)).bounds
    values = evaluate_all(graph, np.random.default_rng(0).uniform(-1, 1, (200, graph.input_size)))
    for i in range(len(graph.nodes)):
        assert (values[i] >= bounds.lower[i] - 1e-9).all()
        assert (values[i] <= bounds.upper[i] + 1e-9).all()


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("name", METHODS)
def test_balls_are_less_than_their_boxes(name, norm, tmp_path):
    """Samples lie inside, and the layers above the first gain from the ball as well."""
    widths = np.zeros(2)
    for seed, kind in enumerate(KINDS):
        rng = np.random.default_rng([seed, 57])
        graph = load_onnx(random_network(rng, kind, tmp_path)).graph
        center, radius = rng.uniform(0, 1, graph.input_size), float(rng.uniform(0.2, 1.0))
        # A valid range cuts the ball off.
        family = NormBall(norm, ExactVector.of(center), Fraction(0), Fraction(1))
        ball = family.at(Fraction(radius))
        found = METHODS[name].run(graph, ball, Deadline()).bounds
        boxed = METHODS[name].run(graph, box(*ball.floats()), Deadline()).bounds
        points = ball.sample(400, rng)
        for node, values in enumerate(evaluate_all(graph, points)):
            slack = 1e-9 * (1 + np.abs(values))
            assert (values >= found.lower[node] - slack).all()
            assert (values <= found.upper[node] + slack).all()
        widths += [(b.upper[graph.output] - b.lower[graph.output]).sum() for b in (found, boxed)]
    # One by one other lines may be chosen, which may lie worse.
    assert widths[0] < 0.95 * widths[1]


def test_choosing():
    assert [m.name for m in choose("lp, interval,lp")] == ["lp", "interval"]
    assert [m.name for m in choose("all")] == list(METHODS)
    with pytest.raises(InputError, match="did you mean 'linear'"):
        choose("liner")
    assert engine_class("milp").method(None) == "alpha"
    assert engine_class("milp").method("milp") == "milp"
    for name, engine in (("milp", "smt"), ("linear", "bab"), ("all", "milp"), ("crown", "smt")):
        with pytest.raises(InputError):
            engine_class(engine).method(name)


@pytest.mark.parametrize("name", ["interval", "zonotope", "linear", "alpha", "lp", "sharpen", "milp"])
def test_engines_agree_whatever_the_bounds(name):
    """cancer-mlp #1 has the radius 0.0183: robust below, violated above, and maxeps finds it."""
    network, x = verdict.load("cancer-mlp"), data("cancer").load()[0][1]
    engines = ("milp",) if name == "milp" else ("milp", "smt")
    for engine in engines:
        for eps, status in (("0.017", "robust"), ("0.02", "violated")):
            answer = verdict.robust(network, x, eps, range=(0, 1), engine=engine, bounds=name, timeout=60)
            assert answer.status == status
    radius = verdict.maxeps(network, x, range=(0, 1), engine="milp", bounds=name, timeout=60)
    assert 0.0183 < radius.lower <= radius.upper < 0.0184
