"""Composed networks compute what their parts compute, as any ONNX file does."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from support.networks import KINDS, random_network

import verdict
from verdict.base.errors import InputError
from verdict.compose.composer import Composer, save
from verdict.compose.layers import layers
from verdict.network.exact import ExactVector
from verdict.ops.importer.onnx_import import load_onnx, network_of


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_behind_a_map_and_its_copy(kind, tmp_path):
    rng = np.random.default_rng(3)
    network = verdict.load(random_network(rng, kind, tmp_path))
    n, k = network.input_size, network.output_size
    matrix, base = rng.integers(-4, 5, (2, n)) / 4, rng.integers(-4, 5, n) / 4
    draft = Composer(2 + n, network)
    moved = draft.clip(draft.affine(draft.part(draft.x, 0, 2), matrix, base), -1.0, 1.0)
    scaled = draft.scale(draft.part(draft.x, 2, 2 + n), np.full(n, 0.5))
    output = draft.join(draft.subtract(draft.run(network, moved), draft.run(network, scaled)), draft.add(moved, scaled))
    composed = draft.finish(output, "test")
    assert composed.output_size == k + n
    x = ExactVector.of(rng.integers(-8, 9, 2 + n) / 8)
    p, free = x.floats()[:2], x.floats()[2:]
    first, second = np.clip(p @ matrix + base, -1, 1), free / 2
    expected = network.evaluate_exact(ExactVector.of(first)).fractions()
    other = network.evaluate_exact(ExactVector.of(second)).fractions()
    found = composed.evaluate_exact(x).fractions()
    assert found[:k] == [a - b for a, b in zip(expected, other, strict=True)]
    assert [float(v) for v in found[k:]] == (first + second).tolist()
    saved = save(composed, tmp_path / "composed.onnx")
    assert load_onnx(saved.path).evaluate_exact(x).fractions() == found


def test_files_whose_constants_are_inputs_too():
    """As files of the versions before 4 had to have them."""
    model = onnx.load_model_from_string(verdict.load("xor").data)
    model.ir_version = 3
    model.graph.input.extend(
        onnx.helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in model.graph.initializer
    )
    network = network_of(model.SerializeToString(), Path("old.onnx"))
    draft = Composer(network.input_size, network)
    same = draft.finish(draft.subtract(draft.run(network, "x"), draft.run(network, draft.scale("x", [1, 1]))), "same")
    assert set(same.evaluate_exact(ExactVector.of([0.25, 0.75])).fractions()) == {0}
    assert [layer.is_independent for layer in layers(network)] == [True, True]


def test_operator_sets_are_brought_together():
    network = verdict.load("digits-mlp")
    model = onnx.load_model_from_string(network.data)
    newer = onnx.version_converter.convert_version(model, network.opset + 2).SerializeToString()
    other = network_of(newer, Path("newer.onnx"))
    draft = Composer(network.input_size, network, other)
    same = draft.finish(draft.subtract(draft.run(network, "x"), draft.run(other, "x")), "difference")
    assert same.opset == network.opset + 2
    point = ExactVector.of(np.linspace(0, 1, 64, dtype=np.float32))
    assert set(same.evaluate_exact(point).fractions()) == {0}


def test_a_head_is_left_away_for_scores_only():
    network = verdict.load("digits-linear")
    assert network.head == "Softmax"
    draft = Composer(network.input_size, network)
    scores = draft.finish(draft.run(network, "x", scores=True), "scores")
    assert scores.head is None
    kept = Composer(network.input_size, network)
    assert kept.finish(kept.run(network, "x"), "kept").head == network.head
    x = ExactVector.of(np.full(network.input_size, 0.25))
    assert scores.evaluate_exact(x).fractions() == network.evaluate_exact(x).fractions()


def test_sizes_and_ranges_are_checked():
    network = verdict.load("xor")
    draft = Composer(3, network)
    with pytest.raises(InputError, match="2 inputs, found 3"):
        draft.run(network, "x")
    with pytest.raises(InputError, match="beyond float32"):
        draft.constant([1e39])
