"""Proofs for every float32 evaluation of smooth functions: what they assume is asked for, written down and said."""

import json
from fractions import Fraction

import numpy as np
import pytest
from support.mutants import members, packed
from support.networks import Draft

import verdict
from verdict.base.errors import InputError
from verdict.checker import UnreadableError, check
from verdict.cli.main import main

ASSUMED = "every function computed within 4 ulp of its value, or of 1 where that is larger"


def _network(folder, *chain, margin=0.1, name="net"):
    """y = (f(x0) + f(x1), c) with f the operators of `chain`: the first class leads by `margin` at 1/2."""
    draft, x = Draft(np.random.default_rng(0)), "x"
    for operator in chain:
        if operator == "silu":
            x = draft.add("Mul", x, draft.add("Sigmoid", x))
        elif operator == "twice":
            x = draft.add("Mul", x, draft.add("Gemm", x, draft.constant(np.float32([[1, 2], [2, -1]]))))
        else:
            x = draft.add(operator, x, **({"axis": -1} if operator == "Softmax" else {}))
    weight = draft.constant(np.float32([[1, 0], [1, 0]]))
    bias = draft.constant(np.float32([0, 0]))
    path = draft.save(folder / f"{name}.onnx", (2,), 2, draft.add("Gemm", x, weight, bias))
    value = verdict.load(path).evaluate(np.array([[0.5, 0.5]]))[0, 0]
    last = draft.add("Add", draft.nodes[-1].output[0], draft.constant(np.float32([0, value - margin])))
    return draft.save(folder / f"{name}.onnx", (2,), 2, last)


def _asked(path, target, assume=4, eps="0.01"):
    return verdict.robust(path, [0.5, 0.5], eps, label=0, timeout=20, certificate=target, assume_ulp=assume)


@pytest.mark.parametrize("chain", [["Tanh"], ["Sigmoid", "Exp"], ["silu"], ["twice", "Tanh"]], ids="-".join)
def test_an_assumption_is_asked_for_and_said(chain, tmp_path):
    path, target = _network(tmp_path, *chain), tmp_path / "c.vcert"
    found = _asked(path, target)
    assert (found.status, found.semantics, found.assumed) == ("robust", ("real", "float32"), 4)
    assert found.to_dict()["evidence"]["assumed"] == {"ulp": "4"}
    assert found.certificate.to_dict()["assumed_ulp"] == "4"
    assert "within 4 ulp" in found.statement()
    for tier in ("exact", "rigorous", "python"):
        report = verdict.check(target, path, tier=tier, assume_ulp=4)
        assert report.any_order
        assert ASSUMED in report.semantics
        assert report.to_dict()["evidence"]["assumed"] == {"ulp": "4"}
        assert ("assumes", f"for float32, {ASSUMED}") in report.statement.lines()


def test_without_it_nothing_is_claimed_for_float32(tmp_path):
    path, target = _network(tmp_path, "Tanh"), tmp_path / "c.vcert"
    found = _asked(path, target, assume=None)
    assert (found.semantics, found.assumed) == (("real",), None)
    assert verdict.check(target, path).reason == "the rounding of Tanh is not bounded"
    assert not verdict.check(target, path, assume_ulp=4).accepted


def test_another_assumption_than_is_asked_is_rejected(tmp_path):
    path, target = _network(tmp_path, "Tanh"), tmp_path / "c.vcert"
    _asked(path, target)
    report = verdict.check(target, path, assume_ulp="2")
    assert not report.accepted
    assert report.reason == f"the certificate assumes {ASSUMED}, asked was {ASSUMED.replace('4 ulp', '2 ulp')}"


def test_products_alone_need_none(tmp_path):
    path, target = _network(tmp_path, "twice"), tmp_path / "c.vcert"
    found = _asked(path, target, assume=None)
    assert (found.semantics, found.assumed) == (("real", "float32"), None)
    # An assumption that nothing needs is none of the answer's.
    found = _asked(path, target)
    assert (found.semantics, found.assumed) == (("real", "float32"), None)


@pytest.mark.parametrize("kind", ["Softmax", "InstanceNormalization", "Celu"])
def test_what_no_one_says_how_to_compute_is_refused_by_name(kind, tmp_path):
    draft = Draft(np.random.default_rng(0))
    if kind == "Softmax":
        x = draft.add(kind, "x", axis=-1)
    elif kind == "Celu":
        x = draft.add(kind, "x", alpha=0.5)
    else:
        x = draft.add(kind, "x", *(draft.constant(np.float32([v])) for v in (1, 0)))
    weights = draft.constant(np.float32([[3, 0], [1, 0]])), draft.constant(np.float32([9, 0]))
    last = draft.add("Gemm", draft.add("Flatten", x), *weights)
    shape = (1, 2) if kind == "InstanceNormalization" else (2,)
    path, target = draft.save(tmp_path / "n.onnx", shape, 2, last), tmp_path / "c.vcert"
    found = verdict.robust(path, [0.5, 0.75], "0.01", label=0, timeout=20, certificate=target, assume_ulp=4)
    assert (found.status, found.semantics) == ("robust", ("real",))
    assert verdict.check(target, path).reason.startswith(f"the rounding of {kind}")


def test_a_margin_between_two_assumptions(tmp_path):
    """tanh at a point leads by some 40 ulps of 1/2: enough for 4, not for 400."""
    path = _network(tmp_path, "Tanh", margin=100 * 2.0**-23)
    held = [_asked(path, tmp_path / f"{ulps}.vcert", ulps, eps="0").semantics for ulps in (4, 400)]
    assert held == [("real", "float32"), ("real",)]
    # The same proof under the weaker assumption: what it claims for float32 is not believed.
    parts = members((tmp_path / "400.vcert").read_bytes())
    assert json.loads(parts["manifest.json"])["assumed"] == {"ulp": "400"}
    assert not check(tmp_path / "400.vcert", path).any_order


@pytest.mark.parametrize("forged", [
    {"ulp": "0"}, {"ulp": "1/3"}, {"ulp": "-4"}, {"ulp": "1e2"}, {"ulp": 4}, {"ulp": "65537"}, {}, [], "4", True,
    {"ulp": "4", "of": "Tanh"}, {"ulp": None},
])  # fmt: skip
def test_forged_assumptions_are_unreadable(forged, tmp_path):
    path, target = _network(tmp_path, "Tanh"), tmp_path / "c.vcert"
    _asked(path, target)
    parts = members(target.read_bytes())
    manifest = json.loads(parts["manifest.json"])
    target.write_bytes(packed({**parts, "manifest.json": json.dumps(manifest | {"assumed": forged}).encode()}))
    with pytest.raises(UnreadableError):
        check(target, path)


def test_a_proof_of_chains_does_not_pass_for_one_of_products(tmp_path):
    """x Sigmoid(x) is one function where nothing is assumed: other neurons, which another reading has not."""
    path, target = _network(tmp_path, "silu"), tmp_path / "c.vcert"
    for assume in (None, 4):
        _asked(path, target, assume)
        parts = members(target.read_bytes())
        manifest = json.loads(parts["manifest.json"])
        changed = manifest | {"assumed": {"ulp": "4"}} if assume is None else {
            name: value for name, value in manifest.items() if name != "assumed"}
        target.write_bytes(packed({**parts, "manifest.json": json.dumps(changed).encode()}))
        report = check(target, path)
        # Whatever is still a proof says what it assumes.
        assert report.any_order is (assume is None and report.accepted and report.assumed == 4)


def test_version_1_assumes_nothing(tmp_path):
    path, target = _network(tmp_path, "Tanh"), tmp_path / "c.vcert"
    _asked(path, target)
    parts = members(target.read_bytes())
    manifest = {k: v for k, v in json.loads(parts["manifest.json"]).items() if k != "splits"} | {"version": 1}
    target.write_bytes(packed({**parts, "manifest.json": json.dumps(manifest).encode()}))
    with pytest.raises(UnreadableError, match="assumed"):
        check(target, path)


def test_a_radius_has_one_for_float32(tmp_path):
    path = _network(tmp_path, "Tanh")
    found = verdict.maxeps(path, [0.5, 0.5], label=0, timeout=30, certificate=tmp_path / "r.vcert", assume_ulp=4)
    assert found.status == "closed"
    assert found.float32.any_order
    assert found.assumed == 4
    assert 0.99 * found.lower < found.float32.radius < found.lower
    assert "within 4 ulp" in found.statement()


def test_a_network_that_was_loaded_before_is_read_again(tmp_path):
    path, target = _network(tmp_path, "silu"), tmp_path / "c.vcert"
    network = verdict.load(path)
    assert not network.graph.products
    found = _asked(network, target)
    assert (found.semantics, found.assumed) == (("real", "float32"), Fraction(4))


@pytest.mark.parametrize("value", [0, "1/4", -1, "many", 2**17])
def test_what_is_no_number_of_ulps(value, tmp_path):
    with pytest.raises(InputError, match="assume_ulp"):
        _asked("square", tmp_path / "c.vcert", value)


def test_only_certificates_speak_of_float32():
    with pytest.raises(InputError, match="expected a certificate too"):
        verdict.robust("square", [1], "0.1", assume_ulp=4)


def test_the_commands_say_it(tmp_path, capsys):
    path, target = _network(tmp_path, "Tanh"), tmp_path / "c.vcert"
    np.save(tmp_path / "x.npy", np.float32([0.5, 0.5]))
    words = ["robust", str(path), "--input", str(tmp_path / "x.npy"), "--eps", "0.01", "--certificate", str(target),
             "--assume-ulp", "4"]
    assert main(words) == 0
    assert capsys.readouterr().out.count(ASSUMED) == 2
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["record"]["options"]["assume_ulp"], found["record"]["evidence"]["assumed"]) == ("4", {"ulp": "4"})
    for words, code in ((["--assume-ulp", "4"], 0), ([], 0), (["--assume-ulp", "3"], 1)):
        assert main(["check", str(path), str(target), *words]) == code
        said = capsys.readouterr().out
        assert ASSUMED in said
