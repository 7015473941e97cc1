"""What changes where one run of a network takes seconds: fewer points, rows in parts, no replay that cannot end."""

import numpy as np
import pytest

import verdict
from verdict import models
from verdict.answer import replay
from verdict.bounds import backward, forward, linear_bounds, output_bounds, output_lower
from verdict.network.evaluate import evaluate, evaluate_all, exact_seconds, last_uses, look, running_error
from verdict.search.points import attack as attacks

X = models.data("digits").load()[0][3].ravel()


@pytest.fixture
def dear(monkeypatch):
    monkeypatch.setattr(replay, "exact_seconds", lambda graph: 1e6)


def test_a_violation_that_cannot_be_replayed_in_time_is_told_and_not_claimed(dear, processor_clock):
    answer = verdict.robust("digits-mlp", X, "0.5", range=(0, 1), timeout=5)
    assert (answer.status, answer.witness) == ("unknown", None)
    assert "a violation that the attack found, and ONNX Runtime too; exact arithmetic on this network" in answer.reason
    radius = verdict.maxeps("digits-mlp", X, range=(0, 1), timeout=3)
    assert (radius.status, radius.upper, radius.witness) == ("interval", None, None)
    assert "ONNX Runtime gives a violation at " in radius.reason
    assert "takes about 1000000 s for one input" in radius.reason
    assert radius.lower > 0


def test_without_a_limit_every_replay_is_made(dear):
    assert verdict.robust("digits-mlp", X, "0.5", range=(0, 1)).status == "violated"


def test_a_deeper_network_takes_longer_to_evaluate_exactly():
    times = [exact_seconds(verdict.load(name).graph) for name in ("xor", "digits-mlp", "digits-resnet")]
    assert 0 < times[0] < times[1] < times[2] < 1


def test_rows_in_several_passes_have_the_same_bounds(monkeypatch):
    graph = verdict.load("digits-conv").graph
    bounds = linear_bounds(graph, (X - 0.01)[None], (X + 0.01)[None])
    rows = np.random.default_rng(0).normal(size=(7, graph.output_size))
    whole = output_bounds(graph, bounds, rows).lower
    monkeypatch.setattr(backward, "MOST_ENTRIES", 2 * max(node.size for node in graph.nodes))
    assert np.allclose(output_lower(graph, bounds, rows), whole, rtol=1e-12)
    stopped = output_lower(graph, bounds, rows, lambda: True)
    assert (stopped == -np.inf).all()


def test_an_attack_on_a_large_network_takes_fewer_points_and_steps(monkeypatch):
    network = verdict.load("digits-mlp")
    sizes = []
    monkeypatch.setattr(attacks, "evaluate_all", lambda graph, x: sizes.append(len(x)) or evaluate_all(graph, x))
    monkeypatch.setattr(attacks, "MOST_KEPT", 3 * sum(node.size for node in network.graph.nodes))
    label = int(network.evaluate(X[None])[0].argmax())
    unsafe = verdict.property.misclassification(label, 10, None)
    rng = np.random.default_rng(0)
    attacks.attack(network.graph, unsafe, attacks.Within(X - 1e-6, X + 1e-6), attacks.Starts(rng, np.stack([X] * 8)))
    assert set(sizes) == {6}
    assert len(sizes) == 2 * attacks.points_at_once(network.graph)


@pytest.mark.parametrize("name", ["xor", "digits-conv", "digits-resnet"])
def test_one_pass_sees_what_several_do(name):
    graph = verdict.load(name).graph
    points = np.random.default_rng(1).uniform(-1, 2, (3, graph.input_size))
    values = evaluate_all(graph, points)
    errors = running_error(graph, [np.abs(v) for v in values], 2.0**-24, 2.0**-126, 2)
    largest = float(max(np.abs(v[1]).max() for v in values))
    seen = look(graph, points, 2.0**-24, 2.0**-126, largest, 2)
    assert np.allclose(seen.errors, errors, rtol=1e-9)
    assert np.array_equal(seen.outputs, values[graph.output])
    assert seen.fits.tolist() == [all(np.abs(v[i]).max() <= largest for v in values) for i in range(3)]
    assert np.array_equal(evaluate(graph, points), seen.outputs)
    kept = evaluate_all(graph, points, last_uses(graph))
    assert [v is None for v in kept].count(False) == 1


def test_forward_functions_of_many_inputs_are_not_held_for_large_layers(monkeypatch):
    graph = verdict.load("digits-conv").graph
    low, high = X[None].copy(), X[None].copy()
    high[:, :5] += 0.01
    assert forward.forward_first(graph, low, high) is not None
    monkeypatch.setattr(forward, "MOST_NUMBERS", 6 * max(node.size for node in graph.nodes) - 1)
    assert forward.forward_first(graph, low, high) is None
