"""The gate: the only code that makes a `Verdict`, a `Radius` or a `Largest`.

A violation passes with an exact and a deployed replay of its witness; a proof is `certified` with a certificate that
the exact checker has accepted, and else passes with the trust of its weakest part; everything else is `unknown` and
says why. An exception never gets here, so it never becomes a verdict.
"""

from __future__ import annotations

import contextlib
from fractions import Fraction
from typing import TYPE_CHECKING

from ..deadline import OutOfTime
from ..network.network import Network
from ..results import CLOSED, Certificate, Largest, Radius, Trust, Verdict, Witness
from .replay import deployable

if TYPE_CHECKING:
    from ..search.evidence import Evidence
    from ..search.largest import LargestSearch
    from ..search.radius import RadiusSearch
    from ..search.weights import WeightSearch

# The gap of a closed interval is relative to its upper end; radii below 1/100 are measured as if they were
# 1/100, because float solvers' tolerances are absolute.
SMALL = Fraction(1, 100)


def witness_class(network: Network, witness: Witness, label: int) -> int:
    """The class that the witness gets: its best-scoring rival to `label`, by the exact outputs."""
    passed = network.input_size if network.passes_inputs else 0
    outputs = witness.outputs.fractions()[: network.output_size - passed]
    return max((i for i in range(len(outputs)) if i != label), key=lambda i: outputs[i])


def judge(
    network: Network,
    evidence: Evidence,
    label: int | None,
    engine: str,
    seconds: float,
    certificate: Certificate | None = None,
) -> Verdict:
    """The verdict that the evidence supports; `certificate` where one was asked for."""
    witness = evidence.witness
    if witness is not None and witness.deployed:
        return Verdict(
            status="violated",
            label=label,
            engine=engine,
            seconds=seconds,
            trust=Trust.REPLAYED,
            target=None if label is None else witness_class(network, witness, label),
            witness=witness,
            semantics=("real", "deployed"),
            stages=evidence.stages,
            certificate=certificate,
        )
    if evidence.proof is not None:
        return Verdict(
            status="robust",
            label=label,
            engine=engine,
            seconds=seconds,
            trust=Trust.CERTIFIED if certificate is not None and certificate.accepted else evidence.proof,
            semantics=("real", "float32") if certificate is not None and certificate.any_order else ("real",),
            stages=evidence.stages,
            certificate=certificate,
        )
    reason = evidence.reason or "the search ended without a proof or a witness"
    return Verdict(
        status="unknown",
        label=label,
        engine=engine,
        seconds=seconds,
        reason=reason,
        stages=evidence.stages,
        certificate=certificate,
        real=evidence.real,
    )


def judge_radius(
    search: RadiusSearch,
    label: int | None,
    engine: str,
    reason: str = "",
    certificate: Certificate | None = None,
    float32: Certificate | None = None,
    deploy: bool = True,
) -> Radius:
    """The interval that a search has reached, with the evidence for each end; the certificates where asked for.

    Without `deploy`, and where there is no time for it, no witness is looked for that ONNX Runtime confirms.
    """
    closest, upper = search.closest, search.upper
    lower, limit = search.proved, search.family.limit
    proved = certificate.radius if certificate is not None and certificate.accepted else None
    certified = proved is not None and proved >= lower
    if proved is not None:
        lower = max(lower, proved)
    exact = upper if upper is not None and lower == upper else None
    if exact is not None:
        status = "exact"
    elif upper is None:
        status = "safe" if limit is not None and all(low > limit for low in search.lowers) else "interval"
    elif upper - lower <= CLOSED * max(upper, SMALL):
        status = "closed"
    else:
        status = "interval"
    deployed = None
    if deploy:
        with contextlib.suppress(OutOfTime):
            deployed = search.deployed_witness()
    notes = [reason, *search.notes] if status == "interval" else search.notes
    return Radius(
        lower=lower,
        upper=upper,
        exact=exact,
        status=status,
        label=label,
        engine=engine,
        seconds=search.deadline.elapsed(),
        lower_trust=Trust.CERTIFIED if certified else search.lower_trust,
        upper_trust=None if closest is None else (Trust.REPLAYED if deployed is not None else Trust.EXACT),
        target=None if closest is None or label is None else witness_class(search.network, closest, label),
        closest=closest,
        witness=deployed,
        reason="; ".join(filter(None, notes)),
        stages=search.stages,
        certificate=certificate,
        float32=float32,
    )


def judge_largest(
    search: LargestSearch,
    network: Network,
    engine: str,
    reason: str = "",
    certificate: Certificate | None = None,
    deploy: bool = True,
) -> Largest:
    """The interval that a search for the largest value over `network`'s inputs has reached; `deploy` as for radii."""
    lower, upper = search.lower, search.upper
    exact = upper if lower == upper else None
    status = "exact" if exact is not None else "interval" if search.is_open() else "closed"
    witness, deployed = search.witness, None
    with contextlib.suppress(OutOfTime):
        placed = deployable(network, search.box, witness.point) if deploy else None
        deployed = None if placed is None else network.runtime(placed[0])
    return Largest(
        lower=lower,
        upper=upper,
        exact=exact,
        status=status,
        engine=engine,
        seconds=search.deadline.elapsed(),
        upper_trust=Trust.CERTIFIED if certificate is not None and certificate.accepted else search.trust,
        witness=witness,
        deployed=deployed,
        reason="; ".join(filter(None, [reason, *search.notes])) if status == "interval" else "",
        stages=search.stages,
        certificate=certificate,
    )


def judge_weights(search: WeightSearch, label: int, engine: str, reason: str = "") -> Radius:
    """The interval that a search over weight perturbations has reached."""
    lower, upper, closest = search.lower, search.upper, search.closest
    exact = upper if lower == upper else None
    narrow = upper is not None and upper - lower <= CLOSED * max(upper, SMALL)
    return Radius(
        lower=lower,
        upper=upper,
        exact=exact,
        status="exact" if exact is not None else "closed" if narrow else "interval",
        label=label,
        engine=engine,
        seconds=search.deadline.elapsed(),
        lower_trust=search.trust,
        upper_trust=None if closest is None else (Trust.REPLAYED if closest.deployed else Trust.EXACT),
        target=None if closest is None else witness_class(search.network, closest, label),
        closest=closest,
        witness=closest if closest is not None and closest.deployed else None,
        reason=reason,
        stages=search.stages,
    )
