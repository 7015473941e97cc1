"""Perturbed weights: closed forms, sampled perturbations that must not break what is proved, witnesses replayed."""

from fractions import Fraction

import numpy as np
import pytest
from support.networks import KINDS, random_network

import verdict
from verdict.answer.results import Trust
from verdict.base.errors import InputError
from verdict.checker import check
from verdict.compose.layers import choose, layers, reweighted, shaken, up_to, with_weights
from verdict.models import data
from verdict.network.exact import ExactVector

IMAGE = data("digits").load()[0][3]


def test_one_linear_layer_in_closed_form():
    # Each margin is w_c . x - w_t . x: all 128 weights move by eps, so it falls by 2 eps |x|_1.
    network = verdict.load("digits-linear")
    x = ExactVector.of(IMAGE)
    outputs = network.evaluate_exact(x).fractions()
    label = outputs.index(max(outputs))
    margin = min(outputs[label] - v for i, v in enumerate(outputs) if i != label)
    expected = margin / (2 * sum(abs(v) for v in x.fractions()))
    for engine in ("bab", "milp", "smt"):
        found = verdict.maxweights(network, IMAGE, layer=0, engine=engine)
        assert found.upper == expected, engine
        assert float(found.lower) == pytest.approx(float(expected), rel=1e-6), engine
    assert found.exact == expected
    assert verdict.maxweights(network, IMAGE).upper == expected


def test_relative_changes_in_closed_form():
    network = verdict.load("digits-linear")
    (layer,) = layers(network)
    weights = layer.values if layer.values.shape[0] == 10 else layer.values.T
    outputs = network.evaluate(IMAGE[None])[0]
    label = int(outputs.argmax())
    reach = np.abs(weights * IMAGE).sum(axis=1)
    expected = min((outputs[label] - outputs[t]) / (reach[label] + reach[t]) for t in range(10) if t != label)
    found = verdict.maxweights(network, IMAGE, relative=True)
    assert float(found.upper) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("model", ["digits-mlp", "digits-conv", "digits-resnet"])
def test_what_is_added_behind_a_layer_is_what_other_weights_make(model):
    network = verdict.load(model)
    rng = np.random.default_rng(2)
    for layer in layers(network):
        h = up_to(network, layer.source).evaluate(IMAGE[None])[0]
        change = (rng.integers(-4, 5, layer.values.shape) / 64).astype(np.float32)
        rows, columns, which = layer.incidence
        t = np.bincount(rows, weights=change.ravel()[which] * h[columns], minlength=layer.size)
        expected = with_weights(network, {layer.weight: layer.values + change}).evaluate(IMAGE[None])[0]
        found = shaken(network, [layer]).evaluate(np.concatenate([IMAGE, t])[None])[0]
        np.testing.assert_allclose(found, expected, atol=1e-5)
        if layer.source == network.inputs[0].name:
            exactly = reweighted(layer, [Fraction(v) for v in h])
            exactly = exactly.evaluate(np.concatenate([IMAGE, change.ravel()])[None])[0]
            np.testing.assert_allclose(exactly, expected, atol=1e-5)


@pytest.mark.parametrize(("model", "layer"), [("digits-mlp", "fc1"), ("digits-mlp", "all"), ("digits-conv", "conv2")])
def test_no_sampled_change_breaks_what_is_proved(model, layer):
    network = verdict.load(model)
    found = verdict.maxweights(network, IMAGE, layer=layer, timeout=60)
    assert 0 < found.lower <= found.upper
    rng = np.random.default_rng(0)
    chosen = choose(network, layer)
    for _ in range(20):
        changed = {
            c.weight: c.values + rng.choice([-1, 1], c.values.shape) * float(found.lower) for c in chosen
        }
        assert with_weights(network, changed).evaluate(IMAGE[None])[0].argmax() == found.label
    if layer == "conv2":
        # Closed, and the witness holds x and the changes; a little more of them loses the class.
        assert found.status == "closed"
        (c,) = chosen
        changes = np.array([float(v) for v in found.closest.point.fractions()[len(IMAGE) :]]).reshape(c.values.shape)
        assert np.abs(changes).max() <= float(found.upper)
        beyond = with_weights(network, {c.weight: c.values + 1.001 * changes})
        assert beyond.evaluate(IMAGE[None])[0].argmax() != found.label
    elif layer == "all":
        # The witness holds the changes themselves, none larger than the radius; with them the class is lost.
        changes, at, weights = found.closest.point.fractions(), 0, {}
        assert max(map(abs, changes)) == found.upper
        for c in chosen:
            part = np.array([float(v) for v in changes[at : at + c.values.size]]).reshape(c.values.shape)
            weights[c.weight], at = c.values + part, at + c.values.size
        outputs = with_weights(network, weights).evaluate_exact(ExactVector.of(IMAGE)).fractions()
        assert outputs[found.label] <= max(v for i, v in enumerate(outputs) if i != found.label)


@pytest.mark.parametrize("kind", KINDS)
def test_engines_agree_on_random_networks(kind, tmp_path):
    rng = np.random.default_rng([11, KINDS.index(kind)])
    network = verdict.load(random_network(rng, kind, tmp_path))
    x = rng.integers(-8, 9, network.input_size) / 8
    number = 0 if layers(network)[0].op == "Conv" else len(layers(network)) - 1
    answers = [verdict.maxweights(network, x, layer=number, engine=e, timeout=60) for e in ("bab", "milp", "smt")]
    uppers = [float(a.upper) for a in answers]
    assert uppers == pytest.approx([uppers[0]] * 3, rel=1e-5, abs=1e-9)
    lowers = [float(a.lower) for a in answers]
    assert lowers == pytest.approx(uppers, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("layer", ["conv1", "conv2", "shortcut"])
def test_convolutions_behind_others_close(layer):
    network = verdict.load("digits-resnet")
    found = verdict.maxweights(network, IMAGE, layer=layer, timeout=120)
    assert found.status == "closed"
    # With one layer alone less may be broken than with all of them.
    assert found.lower > verdict.maxweights(network, IMAGE, timeout=2).lower


def test_what_no_few_floats_add_up_to_stays_an_interval():
    layer = choose(verdict.load("digits-conv"), "conv2")[0]
    h = layer.before.evaluate_exact(ExactVector.of(IMAGE)).fractions()
    assert reweighted(layer, h) is not None
    assert reweighted(layer, [Fraction(1, 3), *h[1:]]) is None
    assert reweighted(layer, [Fraction(10) ** 300, *h[1:]]) is None


def test_a_class_that_is_wrong_already():
    network = verdict.load("digits-mlp")
    for layer in ("fc1", "all"):
        found = verdict.maxweights(network, IMAGE, layer=layer, label=7)
        assert (found.lower, found.upper, found.exact) == (0, 0, 0)


def test_names_of_layers():
    with pytest.raises(InputError, match=r"layer 'fc9' is not one of 0 \(fc1\), 1 \(fc2\), 2 \(logits\), or all"):
        verdict.maxweights(verdict.load("digits-mlp"), IMAGE, layer="fc9")


def test_pruning_against_every_threshold():
    # Every magnitude tried by itself, on a set that is a single point: the class there decides.
    network = verdict.load("digits-linear")
    box = verdict.region(network, IMAGE, 0, (0, 1))
    found = verdict.maxpruning(network, box)
    (layer,) = layers(network)
    label = int(network.evaluate(IMAGE[None])[0].argmax())
    agreeing = Fraction(0)
    for threshold in np.unique(np.abs(layer.values)):
        kept = np.where(np.abs(layer.values) <= threshold, 0, layer.values)
        scores = with_weights(network, {layer.weight: kept}).evaluate(IMAGE[None])[0]
        if scores[label] > np.delete(scores, label).max():
            agreeing = Fraction(float(threshold))
    assert found.status == "exact"
    assert found.lower == found.upper == agreeing
    assert found.removed == int((np.abs(layer.values) <= float(agreeing)).sum())
    assert found.network.evaluate(IMAGE[None])[0].argmax() == label


def test_certificates_of_perturbed_weights(tmp_path):
    path = tmp_path / "layer.vcert"
    found = verdict.maxweights(verdict.load("digits-mlp"), IMAGE, layer="fc2", certificate=path, timeout=120)
    assert found.certificate.accepted
    assert (found.lower_trust, found.certificate.radius) == (Trust.CERTIFIED, found.lower)
    assert check(path, f"{path}.onnx", f"{path}.vnnlib").accepted
    with pytest.raises(InputError, match="about one layer"):
        verdict.maxweights(verdict.load("digits-mlp"), IMAGE, certificate=path)
    # An exact radius is a tie: its certificate is about a radius a little below.
    exact = verdict.maxweights(
        verdict.load("digits-linear"), IMAGE, layer=0, engine="smt", certificate=path, timeout=120
    )
    assert exact.exact == exact.lower
    assert exact.exact * Fraction(9999, 10000) < exact.certificate.radius < exact.exact


def test_certificates_of_pruning(tmp_path):
    network = verdict.load("digits-mlp-robust")
    path = tmp_path / "pruned.vcert"
    found = verdict.maxpruning(
        network, verdict.region(network, IMAGE, "0.01", (0, 1)), certificate=path, timeout=120
    )
    assert found.certificate.accepted
    assert found.trust is Trust.CERTIFIED
    assert check(path, f"{path}.onnx", f"{path}.vnnlib").accepted


@pytest.mark.parametrize("opset", [8, 9, 10, 13])
def test_layers_of_old_operator_sets_are_read(opset, tmp_path):
    # Up to operator set 10 a Gemm has to have a bias.
    from onnx import TensorProto, helper, numpy_helper, save

    rng = np.random.default_rng(opset)
    weight, bias = rng.normal(size=(3, 2)).astype(np.float32), rng.normal(size=2).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w", "b"], ["y"], name="only")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")],
    )
    path = tmp_path / "old.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=4), path)
    x = np.array([0.5, -1.0, 2.0], np.float32)
    found = verdict.maxweights(verdict.load(path), x)
    # The gap of the scores over the most that two rows of changes add up to, by hand.
    scores = x.astype(float) @ weight.astype(float) + bias.astype(float)
    assert float(found.lower) == pytest.approx(abs(scores[0] - scores[1]) / (2 * np.abs(x).sum()), rel=1e-5)
