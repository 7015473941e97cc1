"""Certificates of networks of smooth functions, products and normalisations, 10 % below a radius that is refuted."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

import verdict
from support.smooth_asked import smooth_network
from verdict.ask.answering import ask
from verdict.ask.options import Options
from verdict.ask.question import Question
from verdict.search.options import SearchOptions

# The first block of a network, its seed, whether it is neurons that are split, and a radius that is refuted.
NETWORKS = {"smooth neurons": ("function", 22, True, "0.911"), "product": ("product", 6, False, "0.472"),
            "attention": ("product", 26, False, "0.0755"), "normalisation": ("normalisation", 6, False, "0.1428")}


def smooth_proof(how: str, folder: Path) -> tuple[Path, Path, list[Fraction], Fraction]:
    """Certificate, model, centre, and a radius at which a witness refutes the claim."""
    kind, seed, on_neurons, refuted = NETWORKS[how]
    model = smooth_network(np.random.default_rng(seed), kind, folder)
    network = verdict.load(model)
    center = [Fraction(1, 8), Fraction(7, 8), Fraction(-3, 8)][: network.input_size]
    if verdict.robust(network, center, eps=refuted).status != "violated":
        raise ValueError(f"{how} is not refuted at {refuted}")
    path = folder / "c.vcert"
    search = SearchOptions(few_inputs=-1) if on_neurons else SearchOptions()
    question = Question.of("robust", [network], center, eps=str(Fraction(refuted) * Fraction(9, 10)))
    answer = ask(question, Options(engine="bab", timeout=60, certificate=path), search=search)
    if answer.certificate is None or not answer.certificate.accepted:
        raise ValueError(f"{how} is not certified: {answer}")
    return path, model, center, Fraction(refuted)
