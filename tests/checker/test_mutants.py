"""Thousands of damaged certificates: none proves anything false, and what is still accepted is still a proof.

How the test knows. Certificates come in pairs. One claims what is true, 5 % below an exact radius; the other is the
same proof under a claim that a counterexample refutes, 2 % above it, with trees that close all but the leaves near
it. A mutant of either may be accepted only if its hashes are the original ones, if Fractions (tier python) accept it
as well, and if Z3, which has never seen a certificate, says that what it claims is true.
"""

import json
import os
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from support.anew_proofs import anew_proof
from support.certified import Certified, random_proof
from support.mutants import KINDS, members, packed
from support.smooth_proofs import NETWORKS, smooth_proof

import verdict
from verdict.certificate.neurons import NeuronMap
from verdict.certificate.proof import Goal, Part, ProofTree
from verdict.certificate.write import radius_claim, robust_claim, write_certificate
from verdict.checker import UnreadableError, check

# 600 in CI; VERDICT_LONG asks for 10,000.
MUTANTS = 10_000 if os.environ.get("VERDICT_LONG") else 600
# The small prover's arguments: how, rounds of splits for lemmas, and a seed whose network needs splits.
RANDOM = {"boxes": ("boxes", 0, 1), "again": ("boxes", 0, 1), "relus": ("relus", 0, 10), "lemmas": ("relus", 1, 10)}
# Models of smooth functions with their centres and radii that witnesses refute.
REFUTED = {}
CENTER = [Fraction(1, 8), Fraction(7, 8)]


class Found:
    """A certificate that a search wrote, with a claim that may be changed afterwards."""

    def __init__(self, path, model):
        self.path, self.model = path, model

    def write(self, path, **changes):
        parts = members(self.path.read_bytes())
        manifest = json.loads(parts["manifest.json"])
        manifest["claim"].update(changes)
        path.write_bytes(packed({**parts, "manifest.json": json.dumps(manifest).encode()}))
        return path


def _smooth(folder, how):
    """A network of smooth functions, 10 % below a radius at which it is refuted, and a claim 2 % above that."""
    path, model, center, refuted = smooth_proof(how, folder)
    REFUTED[model] = center, refuted
    return Found(path, model), {"eps": str(refuted * Fraction(51, 50))}


def _pair(folder, how):
    """(certified, changes that make its claim false) on a small network."""
    if how in NETWORKS:
        return _smooth(folder, how)
    if how == "anew":
        found, radius = anew_proof(folder, 10)
        return found, {"eps": str(radius * Fraction(51, 50))}
    if how in RANDOM:
        found, radius = random_proof(folder, *RANDOM[how])
        if how == "again":
            parts = [replace(part, at_leaves=False, again=True) for part in found.parts]
            found = replace(found, parts=parts, path=folder / "again.vcert")
            found.write(found.path)
        return found, {"eps": str(radius * Fraction(51, 50))}
    network, tree = verdict.load("xor"), ProofTree()
    if how == "l1 tie":
        # The two classes tie at 1/4 in this norm.
        claim = radius_claim(robust_claim(CENTER, Fraction(1, 4), 1, norm="l1"), Fraction(1, 4), True)
        witness = [Fraction(3, 8), Fraction(7, 8)]
        tree.close_rational(0, [Fraction(1)], [])
    elif how == "l2":
        # The classes tie at sqrt(1/32), about 0.17678.
        claim, witness = robust_claim(CENTER, Fraction(17677, 100000), 1, norm="l2"), None
    elif how == "raw":
        # Around CENTER the second input is larger by 3/4: the ReLU of their difference is on, the other off.
        claim, witness = robust_claim(CENTER, Fraction(1, 9), 1), None
        weight = NeuronMap(network).checked.nodes[3].terms[0][0].weight[0]
        tree.close_raw(0, [1.0], (weight[:, 1] - weight[:, 0]) * [0, 1])
    else:
        # The two classes tie at 1/8.
        witness = [Fraction(1, 4), Fraction(3, 4)]
        claim = radius_claim(robust_claim(CENTER, Fraction(1, 8), 1), Fraction(1, 8), True)
        tree.close_rational(0, [Fraction(1)], [])
    parts = [Part(False, [Goal([0], tree)])]
    path = write_certificate(folder / "c.vcert", claim, network.data, parts, witness=witness)
    lies = {"l1 tie": "65/256", "l2": "17678/100000"}
    return Certified(path, network.path, claim, parts, witness), {"eps": lies.get(how, "17/128")}


@pytest.mark.parametrize("how", [*RANDOM, "anew", "raw", "tie", "l1 tie", "l2", *NETWORKS])
def test_mutants(tmp_path, how):
    found, lie = _pair(tmp_path, how)
    assert check(found.path, found.model).accepted
    false = found.write(tmp_path / "false.vcert", **lie)
    assert not check(false, found.model).accepted
    assert not _true(found.model, json.loads(members(false.read_bytes())["manifest.json"])["claim"])
    true_members, false_members = members(found.path.read_bytes()), members(false.read_bytes())
    model = json.loads(true_members["manifest.json"])["model"]
    rng, target = np.random.default_rng(len(how)), tmp_path / "mutant.vcert"
    outcomes, examined = {"rejected": 0, "unreadable": 0, "accepted": 0}, {}
    kinds = list(KINDS.items())
    for number in range(MUTANTS // (50 if how in NETWORKS else 5)):
        name, mutate = kinds[number // 2 % len(kinds)]
        target.write_bytes(mutate(dict(false_members if number % 2 else true_members), rng))
        try:
            report = check(target, found.model, any_order=False)
        except UnreadableError:
            outcomes["unreadable"] += 1
            continue
        outcomes["accepted" if report.accepted else "rejected"] += 1
        if report.accepted:
            manifest = json.loads(members(target.read_bytes())["manifest.json"])
            assert manifest["model"] == model, name
            assert check(target, found.model, tier="python", any_order=False).accepted, (name, number)
            claim = json.dumps(manifest["claim"])
            if claim not in examined:
                examined[claim] = _true(found.model, manifest["claim"])
            assert examined[claim], (name, number, claim)
    assert outcomes["rejected"] > MUTANTS // 300
    assert outcomes["unreadable"] > MUTANTS // 300
    print(how, outcomes, f"{len(examined)} claims")


def _true(model, claim):
    """What Z3 says of a claim, whatever the certificate says; of balls in other norms, what the search for radii says,
    which is within a millionth of the radius; of smooth functions, whether a point refutes it."""
    if model in REFUTED:
        center, refuted = REFUTED[model]
        rest = {key: value for key, value in claim.items() if value is not None and key != "eps"}
        assert rest == {"kind": "robust", "input": [str(c) for c in center], "label": rest["label"], "norm": "linf"}
        return Fraction(claim["eps"]) < refuted
    low, high = claim.get("low"), claim.get("high")
    limits = None if low is None else (low, high)
    answer = verdict.maxeps(
        verdict.load(model),
        [Fraction(v) for v in claim["input"]],
        range=limits,
        label=claim["label"],
        target=claim["target"],
        norm=claim["norm"],
        engine="smt" if claim["norm"] == "linf" else "bab",
    )
    if claim["norm"] != "linf":
        return answer.upper is None or Fraction(claim["eps"]) <= answer.upper
    eps, upper = Fraction(claim["eps"]), claim.get("upper")
    below = answer.exact is None or eps < answer.exact or (claim.get("open", False) and eps <= answer.exact)
    return below and (upper is None or (answer.exact is not None and Fraction(upper) >= answer.exact))
