"""What skl2onnx writes, in small: the operators of ai.onnx.ml against ONNX Runtime, and radii by a formula."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import verdict
from verdict.answer.replay import scores
from verdict.base.errors import ModelError, UnsupportedError
from verdict.network.exact import ExactVector
from verdict.network.network import Network
from verdict.ops.importer.onnx_import import load_onnx
from verdict.ops.importer.selfcheck import check_on

ML = "ai.onnx.ml"
F, I64, S = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING
COEFFICIENTS = [1.0, -2.0, 0.5, -1.0, 2.0, -0.5]


def ml(op: str, inputs: list[str], outputs: list[str], **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op, inputs, outputs, domain=ML, **attributes)


def network(
    nodes: list[onnx.NodeProto],
    outputs: dict[str, int | None],
    folder: Path,
    *,
    twice: bool = False,
    ml_set: int = 1,
    **constants: Any,
) -> Network:
    """`outputs` by name with their types; None for the maps of a ZipMap. `twice`: an operator set imported twice."""
    infos = [
        helper.make_tensor_value_info(name, kind, None)
        if kind
        else helper.make_value_info(
            name,
            helper.make_sequence_type_proto(helper.make_map_type_proto(I64, helper.make_tensor_type_proto(F, []))),
        )
        for name, kind in outputs.items()
    ]
    tensors = [numpy_helper.from_array(np.asarray(a), n) for n, a in constants.items()]
    inputs = [helper.make_tensor_value_info("x", F, ["N", 3])]
    graph = helper.make_graph(nodes, "g", inputs, infos, tensors)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, ml_set)] + [helper.make_opsetid("", 17)] * twice
    path = folder / "m.onnx"
    path.write_bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())
    return load_onnx(path)


def classifier(folder: Path, transform: str = "NONE", **options: Any) -> Network:
    node = ml(
        "LinearClassifier",
        ["x"],
        ["label", "p"],
        coefficients=COEFFICIENTS,
        intercepts=[0.25, -0.25],
        post_transform=transform,
        **({} if "classlabels_strings" in options else {"classlabels_ints": [4, 9]}),
        **options,
    )
    return network([node], {"label": S if "classlabels_strings" in options else I64, "p": F}, folder)


POINTS = np.random.default_rng(0).standard_normal((20, 3)).astype(np.float32)


@pytest.mark.parametrize("transform", ["NONE", "LOGISTIC", "SOFTMAX"])
@pytest.mark.parametrize("options", [{}, {"classlabels_strings": ["no", "yes"]}, {"multi_class": 1}])
def test_linear_classifier(transform: str, options: Any, tmp_path: Path) -> None:
    found = classifier(tmp_path, transform, **options)
    check_on(found, POINTS.astype(float))
    for x in POINTS:
        raw = found.evaluate(x[None])[0]
        order = scores(found, found.runtime(x), x)
        assert raw[:2].argmax() == raw[2:].argmax() == order[:2].argmax() == order[2:].argmax()


@pytest.mark.parametrize("words", [{}, {"classlabels_strings": ["no", "yes"]}])
def test_one_row_of_two_classes(words: Any, tmp_path: Path) -> None:
    """The label is the second where the one number is above 0; without a sigmoid the scores say another class."""
    options = {"coefficients": [1.0, -2.0, 0.5], "intercepts": [0.25], **(words or {"classlabels_ints": [4, 9]})}
    node = ml("LinearClassifier", ["x"], ["label", "p"], post_transform="LOGISTIC", **options)
    kind = S if words else I64
    found = network([node], {"label": kind, "p": F}, tmp_path)
    check_on(found, POINTS.astype(float))
    for x in POINTS:
        number = float(x @ np.array([1, -2, 0.5])) + 0.25
        raw, order = found.evaluate(x[None])[0], scores(found, found.runtime(x), x)
        assert raw[:2].argmax() == raw[2:].argmax() == order[:2].argmax() == order[2:].argmax() == (number > 0)
    for transform in ("NONE", "SOFTMAX"):
        node = ml("LinearClassifier", ["x"], ["label", "p"], post_transform=transform, **options)
        found = network([node], {"label": kind}, tmp_path)
        check_on(found, POINTS.astype(float))
        with pytest.raises(UnsupportedError, match="output 1 of label"):
            network([node], {"label": kind, "p": F}, tmp_path)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"post_transform": "PROBIT"}, "post_transform = PROBIT"),
        ({"intercepts": [0.5, 1.0, 2.0]}, "3 numbers in 'intercepts'"),
        ({"intercepts": [0.5]}, "6 numbers in 'coefficients'"),
        ({"intercepts": [0.5], "coefficients": [1.0] * 3, "classlabels_ints": [1, 2, 3]}, "3 labels and 1 inputs"),
        ({"coefficients": [0.5]}, "1 numbers in 'coefficients'"),
        ({"classlabels_ints": [1]}, "labels for two classes"),
        ({"classlabels_ints": [1, 1]}, "two classes with the same label"),
    ],
)
def test_other_classifiers_are_refused(options: Any, reason: str, tmp_path: Path) -> None:
    given = {"coefficients": COEFFICIENTS, "intercepts": [0.25, -0.25], "classlabels_ints": [4, 9]} | options
    with pytest.raises(UnsupportedError, match=reason):
        network([ml("LinearClassifier", ["x"], ["label", "p"], **given)], {"label": I64, "p": F}, tmp_path)


@pytest.mark.parametrize("output", [None, "label", "p"])
@pytest.mark.parametrize("transform", ["NONE", "LOGISTIC", "SOFTMAX"])
def test_the_radius_of_a_linear_classifier(transform: str, output: str | None, tmp_path: Path) -> None:
    """(z1 - z0) / |w1 - w0|_1, whichever output is asked about."""
    found = classifier(tmp_path, transform)
    x = np.array([0.5, -0.25, 0.125], np.float32)
    answer = verdict.maxeps(found, x, output=output)
    radius = (2 * (Fraction(0.5) + Fraction(0.5) + Fraction(0.0625)) + Fraction(0.5)) / 7
    assert answer.lower <= radius <= answer.upper
    assert answer.upper - answer.lower <= Fraction(1, 10**5)


@pytest.mark.parametrize("size", [1, 3])
def test_scaler_and_regressor(size: int, tmp_path: Path) -> None:
    nodes = [
        ml("Scaler", ["x"], ["s"], offset=[0.1, 0.2, 0.3][:size], scale=[2.0, -0.7, 0.3][:size]),
        ml("LinearRegressor", ["s"], ["y"], coefficients=COEFFICIENTS, intercepts=[0.5, 0.1], targets=2),
    ]
    found = network(nodes, {"y": F}, tmp_path)
    check_on(found, POINTS.astype(float))
    exact = found.evaluate_exact(ExactVector.of([1, 1, 1])).fractions()
    offsets = [Fraction(float(np.float32(v))) for v in ([0.1] * 3 if size == 1 else [0.1, 0.2, 0.3])]
    factors = [Fraction(float(np.float32(v))) for v in ([2.0] * 3 if size == 1 else [2.0, -0.7, 0.3])]
    scaled = [(1 - o) * f for o, f in zip(offsets, factors, strict=True)]
    assert exact[0] == sum(Fraction(c) * s for c, s in zip(COEFFICIENTS, scaled, strict=False)) + Fraction(0.5)


def test_scaler_without_numbers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="'scale' is missing"):
        network([ml("Scaler", ["x"], ["y"], offset=[0.1])], {"y": F}, tmp_path)


def mlp(last: list[onnx.NodeProto], outputs: dict[str, int | None], folder: Path, **options: Any) -> Network:
    """The tail of MLPClassifier behind a linear function."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["z"]), helper.make_node("Softmax", ["z"], ["p"], axis=1), *last]
    weights = np.random.default_rng(1).standard_normal((3, 4)).astype(np.float32)
    return network(nodes, outputs, folder, w=weights, **options)


def label_nodes(out: str = "label") -> list[onnx.NodeProto]:
    return [
        helper.make_node("ArgMax", ["p"], ["i"], axis=1),
        ml("ArrayFeatureExtractor", ["classes", "i"], ["f"]),
        helper.make_node("Reshape", ["f", "flat"], ["r"]),
        helper.make_node("Cast", ["r"], [out], to=I64),
    ]


CLASSES = {"classes": np.array([3, 1, 4, 15], np.int32), "flat": np.array([-1], np.int64)}


@pytest.mark.parametrize("zipped", [False, True])
def test_the_tail_of_a_classifier(zipped: bool, tmp_path: Path) -> None:
    nodes, outputs = label_nodes(), {"label": I64, "p": F}
    if zipped:
        nodes.append(ml("ZipMap", ["p"], ["map"], classlabels_int64s=[3, 1, 4, 15]))
        outputs = {"label": I64, "map": None}  # type: ignore[dict-item]
    found = mlp(nodes, outputs, tmp_path, twice=True, **CLASSES)  # type: ignore[arg-type]
    check_on(found, POINTS.astype(float))
    for x in POINTS:
        raw, y = found.evaluate(x[None])[0], found.runtime(x)
        assert len(y) == 5
        assert y[0] == raw[:4].argmax()
        assert np.array_equal(np.argsort(scores(found, y, x)[4:]), np.argsort(raw[4:]))
    for output in (None, *outputs):
        assert verdict.maxeps(found, POINTS[0], output=output).label == found.evaluate(POINTS[:1])[0][:4].argmax()


def test_label_encoder(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("ArgMax", ["p"], ["i"], axis=1, keepdims=0),
        ml("LabelEncoder", ["i"], ["y"], keys_int64s=[3, 2, 1, 0], values_int64s=[7, 5, 9, 11]),
    ]
    found = mlp(nodes, {"y": I64}, tmp_path, ml_set=2)
    assert found.outputs[0].head is not None
    assert found.outputs[0].head.labels == (11, 9, 5, 7)
    check_on(found, POINTS.astype(float))
    for keys, reason in (([3, 2, 1, 7], "the label 0 has no key"), ([3, 2, 1, 1], "4 keys of type int64")):
        nodes[1] = ml("LabelEncoder", ["i"], ["y"], keys_int64s=keys, values_int64s=[7, 5, 9, 11])
        with pytest.raises(UnsupportedError, match=reason):
            mlp(nodes, {"y": I64}, tmp_path, ml_set=2)
    nodes[1] = ml("LabelEncoder", ["i"], ["y"], keys_int64s=[3, 2, 1, 0], values_int64s=[7, 5, 9, 7])
    with pytest.raises(UnsupportedError, match="the same label"):
        mlp(nodes, {"y": I64}, tmp_path, ml_set=2)


@pytest.mark.parametrize("norm", ["L1", "L2", "MAX"])
def test_normalizer(norm: str, tmp_path: Path) -> None:
    found = mlp([ml("Normalizer", ["p"], ["y"], norm=norm)], {"y": F}, tmp_path)
    check_on(found, POINTS.astype(float))
    with pytest.raises(UnsupportedError, match="probabilities at the output"):
        network([ml("Normalizer", ["x"], ["y"], norm=norm)], {"y": F}, tmp_path)


def test_features_are_chosen(tmp_path: Path) -> None:
    nodes = [ml("ArrayFeatureExtractor", ["x", "columns"], ["y"])]
    found = network(nodes, {"y": F}, tmp_path, columns=np.array([[2, 0, 2]]))
    check_on(found, POINTS.astype(float))
    with pytest.raises(UnsupportedError, match="positions"):
        network(nodes, {"y": F}, tmp_path, columns=np.array([3]))


def test_two_versions_of_an_operator_set_are_refused(tmp_path: Path) -> None:
    mlp(label_nodes(), {"label": I64}, tmp_path, **CLASSES)
    proto = onnx.load(tmp_path / "m.onnx")
    proto.opset_import.append(helper.make_opsetid(ML, 2))
    onnx.save(proto, tmp_path / "m.onnx")
    with pytest.raises(ModelError, match=r"2 versions of the operator set 'ai.onnx.ml'"):
        load_onnx(tmp_path / "m.onnx")
