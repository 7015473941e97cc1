"""Certificates whose trees rest on bounds found anew on domains, by the search itself with next to no patience."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import verdict
from support.certified import Certified
from support.networks import Draft
from verdict.base.deadline import Deadline
from verdict.bounds import linear_bounds
from verdict.certificate.neurons import Disjuncts, NeuronMap
from verdict.certificate.recording import Recording
from verdict.certificate.write import robust_claim, write_certificate
from verdict.network.exact import float_above, float_below
from verdict.property.unsafe import misclassification
from verdict.search.means import Means
from verdict.search.observer import Watch
from verdict.search.recorder import Recorder
from verdict.search.relus import anew_tree


def deep(folder: Path, seed: int) -> Path:
    """A random network of three hidden layers."""
    draft, h = Draft(np.random.default_rng([seed, 5])), "x"
    for before, after in ((2, 4), (4, 4), (4, 3)):
        h = draft.add("Relu", draft.gemm(h, before, after))
    return draft.save(folder / f"deep{seed}.onnx", (2,), 2, draft.gemm(h, 3, 2))


def anew_proof(folder: Path, seed: int, share: Fraction = Fraction(19, 20)) -> tuple[Certified, Fraction]:
    """A certificate that the class of 0 stays within this share of its exact radius, and that radius."""
    model = deep(folder, seed)
    network = verdict.load(model)
    radius = verdict.maxeps(network, [0, 0], engine="smt").exact
    assert radius is not None
    eps = radius * share
    center = [Fraction(0)] * network.input_size
    label = int(network.evaluate(np.zeros((1, network.input_size)))[0].argmax())
    polytopes = list(misclassification(label, network.output_size).polytopes)
    claim, neurons = robust_claim(center, eps, label), NeuronMap(network)
    disjuncts = Disjuncts(claim, neurons)
    low, high = disjuncts.all[0].lower, disjuncts.all[0].upper
    found = [disjuncts.inside(low, high, polytope) for polytope in polytopes]
    recording = Recording(neurons, found, claim=disjuncts)
    ends = np.array([[float_below(v) for v in low]]), np.array([[float_above(v) for v in high]])
    bounds = linear_bounds(network.graph, *ends)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(anew_tree, "GLANCE", 1)
        patch.setattr(anew_tree, "PER_DOMAIN", 10**6)
        watch = Watch(proof=Recorder(recording))
        outcome = anew_tree.AnewTree(network.graph, bounds, polytopes, watch, Means()).run(Deadline())
    assert outcome.proved
    path = write_certificate(folder / "anew.vcert", claim, network.data, recording.parts)
    return Certified(path, network.path, claim, recording.parts), radius
