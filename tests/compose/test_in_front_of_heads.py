"""Networks with heads in questions about pairs, weights and perturbations: classes are asked of the scores in front."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import verdict
from verdict.base.errors import UnsupportedError, VerdictError
from verdict.compose.behind import normalised
from verdict.compose.layers import layers, shaken
from verdict.compose.pairs import both

node = helper.make_node
F, I64 = TensorProto.FLOAT, TensorProto.INT64
X = np.array([0.4, 0.9, -0.3, 0.2], np.float32)
ML = "ai.onnx.ml"
rng = np.random.default_rng(11)
WEIGHTS = {
    "w": rng.normal(size=(4, 5)).astype(np.float32), "b": rng.normal(size=5).astype(np.float32),
    "v": rng.normal(size=(5, 3)).astype(np.float32), "u": rng.normal(size=(5, 1)).astype(np.float32),
    "one": np.array([1], np.float32), "half": np.array([0.5], np.float32), "names": np.array([7, 4, 9]),
}  # fmt: skip
HIDDEN = [node("Gemm", ["x", "w", "b"], ["h"], name="first"), node("Relu", ["h"], ["r"])]
THREE, ONE = node("MatMul", ["r", "v"], ["z"], name="last"), node("MatMul", ["r", "u"], ["z"], name="last")
LINEAR = WEIGHTS["v"].T.ravel().tolist()
# Nodes behind the ReLUs, and the type of the output y.
HEADS = {
    "Softmax": ([THREE, node("Softmax", ["z"], ["y"])], F),
    "labels": ([THREE, node("Softmax", ["z"], ["p"]), node("ArgMax", ["p"], ["i"], axis=1, keepdims=0),
                node("ArrayFeatureExtractor", ["names", "i"], ["y"], domain=ML)], I64),
    "LinearClassifier": ([node("LinearClassifier", ["r"], ["y", "p"], domain=ML, coefficients=LINEAR,
                               intercepts=[0.0] * 3, classlabels_ints=[7, 4, 9], post_transform="SOFTMAX")], I64),
    "one probability": ([ONE, node("Sigmoid", ["z"], ["y"])], F),
    "two probabilities": ([ONE, node("Sigmoid", ["z"], ["p"]), node("Sub", ["one", "p"], ["q"]),
                           node("Concat", ["q", "p"], ["y"], axis=1)], F),
    "a threshold": ([ONE, node("Sigmoid", ["z"], ["p"]), node("Greater", ["p", "half"], ["c"]),
                     node("Cast", ["c"], ["y"], to=I64)], I64),
}  # fmt: skip


def written(path: Path, nodes: list[onnx.NodeProto], kind: int) -> Path:
    used = {name for each in (*HIDDEN, *nodes) for name in each.input}
    tensors = [numpy_helper.from_array(array, name) for name, array in WEIGHTS.items() if name in used]
    info = helper.make_tensor_value_info
    graph = helper.make_graph([*HIDDEN, *nodes], "g", [info("x", F, ["N", 4])], [info("y", kind, None)], tensors)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def plain(folder: Path, name: str) -> Path:
    """The scores alone: three, or 0 and the logit."""
    if ONE not in HEADS[name][0]:
        return written(folder / "plain.onnx", [node("MatMul", ["r", "v"], ["y"], name="last")], F)
    two = np.concatenate([np.zeros((5, 1), np.float32), WEIGHTS["u"]], axis=1)
    path = written(folder / "plain.onnx", [node("MatMul", ["r", "u2"], ["y"], name="last")], F)
    model = onnx.load(path)
    model.graph.initializer.append(numpy_helper.from_array(two, "u2"))
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("name", HEADS)
def test_classes_are_those_of_the_scores(name: str, tmp_path: Path) -> None:
    network, scores = verdict.load(written(tmp_path / "m.onnx", *HEADS[name])), verdict.load(plain(tmp_path, name))
    points = np.random.default_rng(2).normal(size=(50, 4))
    halves = np.split(both(scores, network).evaluate(points), 2, axis=1)
    assert np.array_equal(halves[0].argmax(axis=1), halves[1].argmax(axis=1))
    assert [layer.name for layer in layers(network)][:1] == ["first"]
    changed = shaken(network, layers(network)[:1])
    zeros = np.zeros((50, changed.input_size - 4))
    found = changed.evaluate(np.concatenate([points, zeros], axis=1))
    assert np.array_equal(found.argmax(axis=1), halves[0].argmax(axis=1))


def test_questions_about_classes(tmp_path: Path) -> None:
    path = written(tmp_path / "m.onnx", *HEADS["labels"])
    inputs = verdict.region(path, X, "0.01")
    assert verdict.imitates(plain(tmp_path, "labels"), path, inputs, lead="0.01").status == "robust"
    assert verdict.general(path, inputs, "0.001", lead="0.5").status == "robust"


@pytest.mark.parametrize("name", HEADS)
def test_behind_a_perturbation_and_a_normalisation(name: str, tmp_path: Path) -> None:
    """There the head stays: ONNX Runtime's own label is what a witness is replayed with."""
    network, scores = verdict.load(written(tmp_path / "m.onnx", *HEADS[name])), verdict.load(plain(tmp_path, name))
    one, other = (verdict.robust(m, X, "10", perturbation="contrast", range=(-2, 2)) for m in (network, scores))
    assert (one.status, one.label) == (other.status, other.label)
    points = np.random.default_rng(2).normal(size=(50, 4))
    found, expected = (normalised(m, 0.1, 0.5).evaluate(points).argmax(axis=1) for m in (network, scores))
    assert np.array_equal(found, expected)
    assert normalised(network, 0.1, 0.5).head == network.head


def test_what_has_no_number_is_refused_by_one_sentence(tmp_path: Path) -> None:
    words = node("LinearClassifier", ["r"], ["y", "p"], domain=ML, coefficients=LINEAR, intercepts=[0.0] * 3,
                 classlabels_strings=["a", "b", "c"], post_transform="SOFTMAX")  # fmt: skip
    network = verdict.load(written(tmp_path / "m.onnx", [words], TensorProto.STRING))
    with pytest.raises(UnsupportedError, match=r"'y' is labels that are texts.*--output NAME"):
        verdict.maxeps(network, X, perturbation="contrast", range=(-2, 2))
    # Of classes alone it is asked all the same; how far apart outputs are is no question about classes.
    assert verdict.general(network, verdict.region(network, X), "0.001", lead=0).status == "robust"
    with pytest.raises(VerdictError, match="ends with ArgMax: how far its outputs are apart is not linear"):
        verdict.maxdelta(network, network, verdict.region(network, X))
