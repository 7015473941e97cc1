"""Jumps moved to the middle between the numbers that occur: no value changes, and none is near a jump any more."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.jumping import Jumping, faces

import verdict
from verdict.certificate.neurons import NeuronMap
from verdict.checker.functions.step import STEP as OTHER
from verdict.checker.readers.onnx import read_network
from verdict.network.builder import Builder
from verdict.network.evaluate import evaluate_exact_all
from verdict.network.exact import Coefficients, ExactVector
from verdict.network.functions import STEP
from verdict.network.maps import Dense


@pytest.mark.parametrize("seed", range(20))
def test_no_output_changes(seed: int, tmp_path: Path) -> None:
    """At every face of random networks, by both readers; and these agree on the neurons."""
    network = Jumping.random(np.random.default_rng([seed, 31]))
    loaded = verdict.load(network.write(tmp_path / "j.onnx"))
    other = read_network(loaded.data)
    NeuronMap(loaded)
    steps = [i for i in loaded.graph.pointwise if loaded.graph.functions[i] is STEP]
    deep = [i for i in steps if set(loaded.graph.ancestors(loaded.graph.nodes[i].sources[0])) & set(steps)]
    for x in faces(network, [Fraction(-2)] * 2, [Fraction(2)] * 2)[::40]:
        values = evaluate_exact_all(loaded.graph, ExactVector.of(x))
        assert values[loaded.graph.output].fractions() == network.value(x)
        theirs = other.evaluate(x)
        assert theirs[other.output] == network.value(x)
        if all(kind not in ("Floor", "Ceil", "Round") for _, _, kind in network.layers):
            for i in deep:
                # Quarters and halves are what weights are made of.
                assert min(map(abs, values[loaded.graph.nodes[i].sources[0]].fractions())) >= Fraction(1, 16)
        mine = [values[i].fractions() for i in steps]
        assert mine == [theirs[i] for i in other.pointwise if other.nodes[i].function is OTHER]


def test_what_float32_may_round_stays(tmp_path: Path) -> None:
    """A third of a sum, or numbers beyond 2^24 times the least: the jump stays where it is."""
    for weights, bias, moved in (
        ([[1.0, -1.0]], [0.0], True), ([[1.0, 2.0**24]], [0.0], False), ([[1.0, 1.0]], [2.0**-25], False),
        ([[float(np.float32(1 / 3)), -1.0]], [0.0], False), ([[0.5, 0.25]], [-0.5], True), ([[2.0, 2.0]], [1.0], False),
    ):
        builder = Builder(2)
        first = builder.step(builder.affine([(Dense(Coefficients(np.array([[1.0, 1.0], [1.0, -1.0]]))), 0)]))
        row = Dense(Coefficients(np.array(weights)))
        graph = builder.finish(builder.step(builder.affine([(row, first)], Coefficients(np.array(bias)))))
        assert len(graph.nodes) == (6 if moved else 5), weights
