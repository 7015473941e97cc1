"""Certificates of all kinds, written and accepted; and not accepted where the claim is another."""

from fractions import Fraction

import numpy as np
import pytest
from support.certified import robust
from support.networks import KINDS, random_network
from support.provers import boxes, relus

import verdict
from verdict.base.errors import InputError
from verdict.certificate.neurons import Disjuncts, NeuronMap
from verdict.certificate.proof import Goal, Part, ProofTree
from verdict.certificate.write import radius_claim, robust_claim, unsat_claim, write_certificate
from verdict.checker import UnreadableError, check
from verdict.models import data
from verdict.property.vnnlib1 import read_vnnlib1

TIERS = ("exact", "rigorous", "python")


def _digit(number=0):
    return [Fraction(float(v)) for v in data("digits").load()[0][number]]


@pytest.mark.parametrize("model", ["digits-mlp", "digits-conv", "digits-resnet"])
def test_relu_splits_with_lemmas(tmp_path, model):
    found = robust(model, _digit(), Fraction(3, 100), tmp_path, "relus", Fraction(0), Fraction(1), lemma_rounds=2)
    for tier in ("exact", "rigorous"):
        report = check(found.path, found.model, tier=tier)
        assert report.accepted, report.reason
        assert report.any_order
        assert report.leaves >= 9


def test_python_tier_agrees(tmp_path):
    found = robust("cancer-mlp", [Fraction(float(v)) for v in data("cancer").load()[0][0]], Fraction(1, 100), tmp_path,
                   "relus")
    assert [check(found.path, found.model, tier=t).accepted for t in TIERS] == [True] * 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["boxes", "relus"])
def test_random_networks(tmp_path, kind, how):
    written = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        model = random_network(rng, kind, folder)
        center = [Fraction(int(v), 4) for v in rng.integers(-4, 5, verdict.load(model).input_size)]
        found = robust(model, center, Fraction(1, 8), folder, how)
        if found is None:
            continue
        written += 1
        for tier in TIERS:
            report = check(found.path, model, tier=tier, any_order=False)
            assert report.accepted, (seed, tier, report.reason)
    assert written >= 2


def test_several_threads_give_the_same(tmp_path):
    found = robust("xor", [Fraction(1, 8), Fraction(7, 8)], Fraction(1, 16), tmp_path, "boxes")
    reports = [check(found.path, found.model, jobs=jobs) for jobs in (1, 2, 5)]
    assert [r.accepted for r in reports] == [True] * 3
    assert len({r.leaves for r in reports}) == 1


def test_a_larger_ball_is_not_proved_by_it(tmp_path):
    found = robust("xor", [Fraction(1, 8), Fraction(7, 8)], Fraction(1, 16), tmp_path, "boxes")
    assert not check(found.write(tmp_path / "a.vcert", eps="3/16"), found.model).accepted
    assert not check(found.write(tmp_path / "b.vcert", label=1 - found.claim["label"]), found.model).accepted
    with pytest.raises(UnreadableError):
        check(found.write(tmp_path / "c.vcert", label=7), found.model)


def test_another_network_is_refused(tmp_path):
    found = robust("xor", [Fraction(1, 8), Fraction(7, 8)], Fraction(1, 16), tmp_path, "boxes")
    report = check(found.path, verdict.load("abs").path)
    assert not report.accepted
    assert "another network" in report.reason


QUERY = """
(declare-const X_0 Real) (declare-const X_1 Real) (declare-const Y_0 Real) (declare-const Y_1 Real)
(assert (or (and (>= X_0 0) (<= X_0 0.4)) (and (>= X_0 0.9) (<= X_0 0.95))))
(assert (>= X_1 0)) (assert (<= X_1 0.125))
(assert (or (and (<= X_0 0.5) (<= Y_0 (+ Y_1 0.01))) (and (>= X_0 0.6) (>= Y_0 Y_1) (<= Y_1 0.9))))
"""


def _unsat(tmp_path, text, how):
    query, network = tmp_path / "q.vnnlib", verdict.load("xor")
    query.write_text(text)
    neurons = NeuronMap(network)
    disjuncts = Disjuncts(unsat_claim(), neurons, query.read_bytes())
    parts = []
    for case in read_vnnlib1(query).cases:
        box = case.inputs.lower, case.inputs.upper
        found = [disjuncts.inside(*box, p) for p in case.unsafe.polytopes]
        if how == "boxes":
            tree = boxes(network.graph, case.unsafe, *case.inputs.floats())
            parts.append(Part(True, [Goal([d for ds in found for d in ds], tree)]))
        else:
            parts.append(relus(network.graph, list(case.unsafe.polytopes), *case.inputs.floats(), neurons, found))
    path = write_certificate(tmp_path / "q.vcert", unsat_claim(), network.data, parts, query=query.read_bytes())
    return path, network.path, query, disjuncts, parts


def test_a_query_with_several_boxes(tmp_path):
    path, model, query, disjuncts, parts = _unsat(tmp_path, QUERY, "boxes")
    assert len(parts) > 1
    assert not disjuncts.left
    for tier in TIERS:
        report = check(path, model, query, tier=tier)
        assert report.accepted, report.reason
    # A part that is left out is missed.
    write_certificate(path, unsat_claim(), model.read_bytes(), parts[:1], query=query.read_bytes())
    report = check(path, model, query)
    assert not report.accepted
    assert "nothing is said" in report.reason
    query.write_text(QUERY.replace("0.125", "0.126"))
    assert "another property" in check(path, model, query).reason
    assert "another property" in check(path, model).reason


def test_command_line_and_api(tmp_path, capsys):
    from verdict.cli.main import main

    found = robust("xor", [Fraction(1, 8), Fraction(7, 8)], Fraction(1, 16), tmp_path, "boxes")
    words = ["check", str(found.path), "--network", f"N={found.model}"]
    assert main(words) == 0
    assert capsys.readouterr().out.startswith("accepted")
    wrong = found.write(tmp_path / "w.vcert", eps="3/16")
    assert main(["check", str(wrong), "--network", str(found.model)]) == 1
    assert capsys.readouterr().out.startswith("rejected")
    assert main([*words, "--json", "--exact=python"]) == 0
    assert '"accepted": true' in capsys.readouterr().out
    assert main(["check", str(tmp_path / "none.vcert"), "--network", str(found.model)]) == 2
    assert verdict.check(found.path, verdict.load("xor"), tier="rigorous").accepted
    with pytest.raises(InputError):
        verdict.check(found.model, found.model)


def _tie(tmp_path, eps, is_open, upper, witness, betas=("0",)):
    """xor: score 0 is 1 - |a - b|, score 1 is |a - b|; around (1/8, 7/8), class 1 ties at radius 1/8 exactly."""
    network = verdict.load("xor")
    center = [Fraction(1, 8), Fraction(7, 8)]
    claim = radius_claim(robust_claim(center, eps, 1), upper, is_open)
    tree = ProofTree()
    tree.close_rational(0, [Fraction(1)], {})
    part = Part(False, [Goal([0], tree)])
    return write_certificate(tmp_path / "tie.vcert", claim, network.data, [part], witness=witness), network.path


def test_a_radius_that_is_a_rational_number(tmp_path):
    witness = [Fraction(1, 4), Fraction(3, 4)]
    path, model = _tie(tmp_path, Fraction(1, 8), True, Fraction(1, 8), witness)
    report = check(path, model, any_order=False)
    assert report.accepted, report.reason
    assert "below 1/8, and not at 1/8" in report.claim


def test_ties_are_unsafe_where_the_end_is_closed(tmp_path):
    witness = [Fraction(1, 4), Fraction(3, 4)]
    path, model = _tie(tmp_path, Fraction(1, 8), False, Fraction(1, 8), witness)
    assert not check(path, model, any_order=False).accepted
    path, model = _tie(tmp_path, Fraction(1, 8) + Fraction(1, 10**30), True, Fraction(1, 4), witness)
    assert not check(path, model, any_order=False).accepted


@pytest.mark.parametrize("witness", [[Fraction(1, 4), Fraction(3, 4) + Fraction(1, 10**30)],
                                     [Fraction(1, 4) + Fraction(1, 10**30), Fraction(3, 4)], [Fraction(1, 4)]])
def test_a_witness_must_be_unsafe_and_near(tmp_path, witness):
    path, model = _tie(tmp_path, Fraction(1, 8), True, Fraction(1, 8), witness)
    assert "witness" in check(path, model, any_order=False).reason


def test_raw_multipliers(tmp_path):
    """Any numbers will do where they happen to be good: here the exact duals of the xor network."""
    network = verdict.load("xor")
    claim = robust_claim([Fraction(1, 8), Fraction(7, 8)], Fraction(1, 16), 1)
    neurons = NeuronMap(network)
    count = int(neurons.checked.starts[-1])
    weights = neurons.checked.nodes[neurons.checked.output].terms[0][0].weight[0]
    row = weights[:, 1] - weights[:, 0]
    # On the box b > a by 5/8 at least: only the ReLUs with b - a are on.
    first = neurons.checked.nodes[1]
    z = first.floats + np.array([1 / 8, 7 / 8]) @ first.terms[0][0].weight[0]
    tree = ProofTree()
    tree.close_raw(0, [1.0], np.where(z > 0, row, 0.0)[:count])
    part = Part(False, [Goal([0], tree)])
    path = write_certificate(tmp_path / "raw.vcert", claim, network.data, [part])
    assert check(path, network.path).accepted
    tree.close_raw(0, [1.0], 9 * np.where(z > 0, row, 0.0)[:count])
    write_certificate(path, claim, network.data, [part])
    assert not check(path, network.path).accepted
