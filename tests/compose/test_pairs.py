"""Two networks and two copies as one: outputs exactly as those of the parts."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from support.networks import KINDS, random_network

import verdict
from verdict.base.errors import InputError
from verdict.bounds import linear_bounds, output_bounds
from verdict.compose.layers import layers, with_weights
from verdict.compose.pairs import alike, both, copies, difference, movement, raised
from verdict.network.exact import ExactVector


def test_outputs_are_those_of_the_parts(tmp_path):
    rng = np.random.default_rng(8)
    first = verdict.load(random_network(rng, "residual", tmp_path))
    second = first
    while second.output_size != first.output_size or second is first:
        second = verdict.load(random_network(rng, "residual", tmp_path))
    x, p = rng.integers(-8, 9, (2, 3)) / 8

    def at(network, point):
        return np.array(network.evaluate_exact(ExactVector.of(np.asarray(point, dtype=float))).fractions())

    f, g, moved = at(first, x), at(second, x), at(first, x + p)
    assert (at(difference(first, second), x) == f - g).all()
    assert (at(both(first, second), x) == np.concatenate([f, g])).all()
    assert (at(movement(first), [*x, *p]) == moved - f).all()
    assert (at(copies(first), [*x, *p]) == np.concatenate([f, moved])).all()
    step = np.array([[0, 0.5, 0]])
    assert (at(movement(first, step), [*x, 2]) == at(first, x + 2 * step[0]) - f).all()
    rows = np.vstack([np.eye(len(f)), -np.eye(len(f))])
    assert (at(raised(first, rows), [*x, 0.25]) == np.concatenate([f, -f]) + 0.25).all()


@pytest.mark.parametrize("kind", KINDS)
def test_twins_compute_the_same(kind, tmp_path):
    rng = np.random.default_rng(9)
    first = verdict.load(random_network(rng, kind, tmp_path))
    # Every fourth weight a little different: the same layers.
    second = with_weights(
        first,
        {layer.weight: layer.values * rng.choice([1, 1, 1, 1.125], layer.values.shape) for layer in layers(first)},
    )
    size = first.input_size
    # Points where inputs, and so some pre-activations, are equal, far apart, and in between.
    points = [rng.integers(-8, 9, 2 * size) / 8 for _ in range(6)]
    points.append(np.concatenate([points[0][:size], np.zeros(size)]))
    relus = bool(first.graph.pointwise) and "Relu" in first.operators
    assert alike(first, second) == relus
    for make in (movement, copies):
        plain, twin = make(first), make(first, twin=True)
        for point in points:
            x = ExactVector.of(point)
            assert plain.evaluate_exact(x).fractions() == twin.evaluate_exact(x).fractions()
    for make in (difference, both):
        plain, twin = make(first, second), make(first, second, twin=True)
        for point in points:
            x = ExactVector.of(point[:size])
            assert plain.evaluate_exact(x).fractions() == twin.evaluate_exact(x).fractions()


def test_twins_are_as_near_as_their_inputs():
    # Bounds of the plain pair are as wide as the range is; those of the twins shrink with the distance.
    network = verdict.load("cancer-mlp")
    widths = {}
    for twin in (False, True):
        composed = movement(network, twin=twin)
        for eps in (2.0**-10, 2.0**-14):
            lower = np.concatenate([np.zeros(30), np.full(30, -eps)])
            upper = np.concatenate([np.ones(30), np.full(30, eps)])
            bounds = linear_bounds(composed.graph, lower[None], upper[None])
            rows = np.vstack([np.eye(2), -np.eye(2)])
            widths[twin, eps] = -float(output_bounds(composed.graph, bounds, rows).lower.min())
    assert widths[False, 2.0**-14] > widths[False, 2.0**-10] / 1.1 > 50
    assert widths[True, 2.0**-14] < widths[True, 2.0**-10] / 15 < 1


def test_only_networks_of_the_same_layers_are_alike():
    assert alike(verdict.load("digits-mlp"), verdict.load("digits-mlp-robust"))
    assert not alike(verdict.load("digits-mlp"), verdict.load("digits-conv"))
    # Another stride: the same operators and weights, other shapes.
    conv = verdict.load("digits-conv")
    model = onnx.load_from_string(conv.data)
    stride = next(a for n in model.graph.node if n.op_type == "Conv" for a in n.attribute if a.name == "strides")
    stride.ints[:] = [s + 1 for s in stride.ints]
    other = replace(conv, data=model.SerializeToString())
    assert alike(conv, conv)
    assert not alike(conv, other)
    # Without a ReLU there is nothing to tell by a distance.
    assert not alike(verdict.load("digits-linear"), verdict.load("digits-linear"))


def test_what_does_not_fit():
    with pytest.raises(InputError, match=r"digits-mlp.onnx has 64 inputs, xor.onnx has 2"):
        difference(verdict.load("digits-mlp"), verdict.load("xor"))
    linear = verdict.load("digits-linear")
    with pytest.raises(InputError, match="ends with Softmax"):
        difference(linear, linear)
    # Classes are compared by the scores in front of the Softmax.
    assert both(linear, verdict.load("digits-mlp")).output_size == 20
