"""Claims with certificates, written by the small provers, for tests of the checker."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

import verdict
from support.networks import random_network
from support.provers import boxes, relus
from verdict.certificate.neurons import Disjuncts, NeuronMap
from verdict.certificate.proof import Goal, Part
from verdict.certificate.write import robust_claim, write_certificate
from verdict.network.exact import float_above, float_below
from verdict.property.unsafe import misclassification


@dataclass
class Certified:
    """A certificate, the network that it is about, its claim, its parts and its witness."""

    path: Path
    model: Path
    claim: dict[str, Any]
    parts: list[Part]
    witness: Any = None

    def write(self, path: Path, **changes: Any) -> Path:
        claim = {**self.claim, **changes}
        return write_certificate(path, claim, self.model.read_bytes(), self.parts, witness=self.witness)


def claiming(path: Path, other: Path, change: dict[str, Any]) -> Path:
    """A copy of a certificate whose claim says something else."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "manifest.json":
                manifest = json.loads(data)
                manifest["claim"].update(change)
                data = json.dumps(manifest).encode()
            new.writestr(name, data)
    return other


def robust(model: str | Path, center: list[Fraction], eps: Fraction, folder: Path, how: str, low: Any = None,
           high: Any = None, lemma_rounds: int = 0) -> Certified | None:
    """A certificate that the class stays; `how` is boxes or relus. None where the small prover fails."""
    network = verdict.load(model)
    outputs = network.evaluate(np.array([[float(c) for c in center]]))[0]
    label = int(outputs.argmax())
    unsafe = misclassification(label, network.output_size)
    claim = robust_claim(center, eps, label, None, (low, high))
    neurons = NeuronMap(network)
    disjuncts = Disjuncts(claim, neurons)
    box = disjuncts.all[0].lower, disjuncts.all[0].upper
    lower, upper = np.array([float_below(v) for v in box[0]]), np.array([float_above(v) for v in box[1]])
    found = [disjuncts.inside(*box, p) for p in unsafe.polytopes]
    assert not disjuncts.left
    if how == "boxes":
        tree = boxes(network.graph, unsafe, lower, upper)
        part = None if tree is None else Part(True, [Goal([d for ds in found for d in ds], tree)])
    else:
        part = relus(network.graph, list(unsafe.polytopes), lower, upper, neurons, found, lemma_rounds=lemma_rounds)
    if part is None:
        return None
    path = write_certificate(folder / f"{how}.vcert", claim, network.data, [part])
    return Certified(path, network.path, claim, [part])


def random_proof(folder: Path, how: str, lemma_rounds: int = 0, first: int = 0) -> tuple[Certified, Fraction]:
    """A certificate about a random residual network at 19/20 of its exact radius, and that radius.

    Its trees have splits, those of lemmas too if asked for. `first` is the seed to start from.
    """
    for seed in range(first, first + 200):
        rng = np.random.default_rng(seed)
        model = random_network(rng, "residual", folder)
        network = verdict.load(model)
        center = [Fraction(int(v), 4) for v in rng.integers(-4, 5, network.input_size)]
        radius = verdict.maxeps(network, center, range=(-4, 4), engine="smt", timeout=5).exact
        if not radius:
            continue
        found = robust(model, center, radius * Fraction(19, 20), folder, how, Fraction(-4), Fraction(4), lemma_rounds)
        if found is None:
            continue
        goals = [goal.tree for goal in found.parts[0].goals]
        lemmas = [tree for lemma in found.parts[0].lemmas for tree in lemma.trees]
        if max(map(len, goals)) > 3 and (not lemma_rounds or any(len(tree) > 1 for tree in lemmas)):
            return found, radius
    raise AssertionError("no network found")
