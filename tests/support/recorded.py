"""Certificates that the real search has recorded, for queries on random small networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from support.asked import Asked
from verdict.base.deadline import ProcessorTime
from verdict.bounds import linear_bounds
from verdict.certificate.complete import About, Checking, complete
from verdict.certificate.contradiction import contradictions
from verdict.certificate.neurons import Disjuncts, NeuronMap
from verdict.certificate.proof import Part
from verdict.certificate.recording import Recording
from verdict.certificate.subject import subject_of
from verdict.certificate.write import unsat_claim
from verdict.property.vnnlib1 import read_vnnlib1
from verdict.search.effort import Effort
from verdict.search.engines.parts.bab import branch_and_bound
from verdict.search.observer import Watch
from verdict.search.options import DEFAULTS, SearchOptions
from verdict.search.recorder import Recorder


@dataclass
class Recorded:
    """A certificate and its parts; `proved` says whether the search has proved all that it was asked, `left` how many
    leaves the checker finds open after some halving."""

    path: Path
    parts: list[Part]
    proved: bool
    left: int


def record(asked: Asked, folder: Path, seconds: float = 1.0, options: SearchOptions = DEFAULTS) -> Recorded:
    """Branch and bound on every case of a query, recorded and written."""
    data = asked.query.read_bytes()
    neurons = NeuronMap(asked.network)
    claim, parts, proved = Disjuncts(unsat_claim(), neurons, data), [], True
    for case in read_vnnlib1(asked.query).cases:
        subject = asked.network.passing_inputs() if case.outputs_with_inputs else asked.network
        low, high = case.inputs.floats()
        proof = Recording.of_claim(neurons, claim, case.inputs, case.unsafe.polytopes, parts)
        outcome = branch_and_bound(
            subject.graph,
            linear_bounds(subject.graph, low[None], high[None]),
            list(case.unsafe.polytopes),
            Effort(ProcessorTime(seconds), options=options),
            Watch(proof=Recorder(proof)),
        )
        proved &= outcome.proved
    parts += contradictions(claim)
    path, boxes, left = folder / "recorded.vcert", [_box(claim, part) for part in parts], 0
    for tier in ("rigorous", "exact") if proved else ():
        about = About(unsat_claim(), subject_of(asked.network)[0], asked.query)
        left += complete(path, about, parts, boxes, Checking(tier=tier))
    return Recorded(path, parts, proved, left)


def _box(claim: Disjuncts, part: Part) -> tuple[Any, Any]:
    """Floats near the ends of the part's box."""
    chosen = [claim.all[d] for goal in part.goals for d in goal.disjuncts]
    low, high = [d.lower for d in chosen], [d.upper for d in chosen]
    return np.array(low).min(axis=0).astype(float), np.array(high).max(axis=0).astype(float)
