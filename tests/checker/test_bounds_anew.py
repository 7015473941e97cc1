"""Bounds that hold on one domain of a tree, since the outputs are unsafe there: what the checker takes, and refuses."""

import json
import re
from fractions import Fraction

import numpy as np
import pytest
from support.anew_proofs import anew_proof
from support.mutants import array, members, packed, stored, with_arrays

import verdict
from verdict.checker import UnreadableError, check
from verdict.checker.kernel import anew
from verdict.network.evaluate import evaluate_all

ANEW = 3


@pytest.fixture(scope="module")
def proof(tmp_path_factory):
    return anew_proof(tmp_path_factory.mktemp("anew"), 19)


@pytest.fixture(scope="module")
def false(proof):
    """The same proof of what a witness refutes."""
    found, radius = proof
    return found.write(found.path.with_name("false.vcert"), eps=str(radius * Fraction(51, 50)))


def names(path, end):
    return [name for name in members(path.read_bytes()) if re.fullmatch(rf"p0\.g\d\.b\d+.*\.{end}\.npy", name)]


def test_it_is_accepted_in_every_tier_and_says_lambda(proof):
    found, _ = proof
    parts = members(found.path.read_bytes())
    assert len(names(found.path, "layers")) > 5
    assert any(array(parts[name]).any() for name in names(found.path, "lambda"))
    assert any(array(parts[name]).any() for name in names(found.path, "betas"))
    for tier in ("exact", "rigorous", "python"):
        report = check(found.path, found.model, tier=tier)
        assert report.accepted, report.reason
        assert report.any_order


def test_the_proof_needs_its_bounds(proof, tmp_path):
    found, _ = proof
    target = tmp_path / "without.vcert"
    with_arrays(found.path, target, lambda name: name in names(found.path, "lambda"), np.zeros_like)
    assert not check(target, found.model).accepted


@pytest.mark.parametrize("seed", [10, 19, 25, 36])
def test_unsafe_inputs_beyond_the_radius_lie_within(seed, tmp_path, monkeypatch):
    """The proof read for a ball that has unsafe points: these lie within all bounds that are found on the way."""
    found, radius = anew_proof(tmp_path, seed)
    wider = found.write(tmp_path / "wider.vcert", eps=str(radius * Fraction(5, 4)))
    seen = []

    def kept(self, prefix, region, domain, sizes, own=anew.Anew.region):
        result = own(self, prefix, region, domain, sizes)
        seen.append((self.network, self.own, domain, result))
        return result

    monkeypatch.setattr(anew.Anew, "region", kept)
    assert not check(wider, found.model, any_order=False).accepted
    network = verdict.load(found.model)
    graph, rng, held = network.graph, np.random.default_rng(seed), 0
    label = int(network.evaluate(np.zeros((1, 2)))[0].argmax())
    for checked, own, domain, region in seen:
        points = rng.uniform(domain.low, domain.high, (20_000, 2))
        values, path = evaluate_all(graph, points), domain.path
        neurons = np.concatenate([values[graph.nodes[i].sources[0]] for i in graph.pointwise], axis=1)
        outputs = values[graph.output]
        assert len(own) == 1
        sought = outputs[:, label] <= outputs[:, 1 - label]
        while path is not None:
            neuron, sign, value, path = path
            sought &= (neurons[:, neuron] - value) * sign >= 0
        low, high = (np.concatenate([ends[checked.nodes[r].source][0] for r in checked.pointwise])
                     for ends in (region.low, region.high))  # fmt: skip
        assert ((neurons[sought] >= low - 1e-9) & (neurons[sought] <= high + 1e-9)).all()
        held += int(sought.sum())
    assert seen
    assert held or seed == 36


def refused(path, model):
    """Whether a certificate is not accepted."""
    try:
        return not check(path, model, any_order=False).accepted
    except UnreadableError:
        return True


def test_lambda_and_betas_are_never_negative(proof, tmp_path):
    found, _ = proof
    target = tmp_path / "negative.vcert"
    for end in ("lambda", "betas"):
        for name in names(found.path, end):
            with_arrays(found.path, target, lambda member, name=name: member == name, lambda values: -1 - values)
            with pytest.raises(UnreadableError, match="multipliers outside their range"):
                check(target, found.model)


@pytest.mark.parametrize("change", ["layers", "neuron", "side", "wider", "missing"])
def test_malformed_bounds_are_refused(proof, tmp_path, change):
    found, _ = proof
    parts = members(found.path.read_bytes())
    name = names(found.path, {"wider": "lambda", "missing": "lambda"}.get(change, change))[0]
    values = array(parts[name])
    if change == "wider":
        parts[name] = stored(np.concatenate([values, values], axis=1))
    elif change == "missing":
        del parts[name]
    else:
        parts[name] = stored(values + values.dtype.type(100))
    target = tmp_path / "malformed.vcert"
    target.write_bytes(packed(parts))
    assert refused(target, found.model)


def test_a_goal_of_several_disjuncts_has_no_such_bounds(tmp_path):
    """Lambda is of the rows of one: what holds where one polytope is reached need not hold where another is."""
    found, _ = anew_proof(tmp_path, 10)
    parts = members(found.path.read_bytes())
    manifest = json.loads(parts["manifest.json"])
    # A claim of two disjuncts, whose only goal the tree is.
    goal = manifest["parts"][0]["goals"]
    assert len(goal) == 1
    goal[0]["disjuncts"] = goal[0]["disjuncts"] * 2
    parts["manifest.json"] = json.dumps(manifest).encode()
    target = tmp_path / "two.vcert"
    target.write_bytes(packed(parts))
    assert refused(target, found.model)


def test_numbers_of_bounds_are_used_once_and_in_order(proof, tmp_path):
    found, _ = proof
    parts = members(found.path.read_bytes())
    tree = array(parts["tree.npy"]).copy()
    at = np.flatnonzero(tree["kind"] == ANEW)
    for value in (tree["variable"][at[0]], 1000):
        tree["variable"][at[1]] = value
        target = tmp_path / "order.vcert"
        target.write_bytes(packed({**parts, "tree.npy": stored(tree)}))
        assert refused(target, found.model)


def test_bounds_nest_as_often_as_is_allowed(proof, tmp_path):
    found, _ = proof
    parts = members(found.path.read_bytes())
    for name in [name for name in parts if ".b" in name or name == "p0.g0.betas.npy"]:
        del parts[name]
    nodes = np.zeros(2000, array(members(found.path.read_bytes())["tree.npy"]).dtype)
    nodes["kind"], nodes["variable"] = ANEW, np.arange(2000)
    parts["tree.npy"] = stored(nodes)
    parts |= {f"p0.g0.b{number}.layers.npy": stored(np.zeros(0, np.uint32)) for number in range(2000)}
    target = tmp_path / "deep.vcert"
    target.write_bytes(packed(parts))
    assert refused(target, found.model)
    assert "too often" in check(target, found.model, any_order=False).reason


def test_a_false_claim_is_not_accepted_whatever_bounds_are_exchanged(false, proof, tmp_path):
    """Members of one bound in the place of another's, of the goal's too: a bound is of its own domain."""
    found, _ = proof
    rng, target = np.random.default_rng(3), tmp_path / "mutant.vcert"
    assert refused(false, found.model)
    for _ in range(60):
        parts = members(false.read_bytes())
        one, other = rng.choice(names(false, rng.choice(["lambda", "betas", "slopes", "neuron", "side", "chords"])), 2)
        parts[one], parts[other] = parts[other], parts[one]
        target.write_bytes(packed(parts))
        assert refused(target, found.model)
