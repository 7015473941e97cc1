"""Two networks and two copies as one: outputs exactly as those of the parts."""

import numpy as np
import pytest
from support.networks import random_network

import verdict
from verdict.compose.pairs import both, copies, difference, movement, raised
from verdict.errors import InputError
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


def test_what_does_not_fit():
    with pytest.raises(InputError, match=r"digits-mlp.onnx has 64 inputs, xor.onnx has 2"):
        difference(verdict.load("digits-mlp"), verdict.load("xor"))
    linear = verdict.load("digits-linear")
    with pytest.raises(InputError, match="ends with Softmax"):
        difference(linear, linear)
    # Classes are compared by the scores in front of the Softmax.
    assert both(linear, verdict.load("digits-mlp")).output_size == 20
