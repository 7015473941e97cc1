"""The gate: the code that makes a `Verdict`, a `Radius`, a `Largest` or a `Pruning`.

A violation passes with an exact and a deployed replay of its witness; a proof is `certified` with a certificate that
the exact checker has accepted, and else passes with the trust of its weakest part; everything else is `unknown`, or an
open interval, and says why. An exception never gets here, so it never becomes a verdict.
"""

from __future__ import annotations

import contextlib
import sys
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ..base.deadline import OutOfTime
from ..network.exact import nearest_float
from ..network.network import Network
from .replay import deployable
from .results import Certificate, Largest, Pruning, Radius, Trust, Verdict, Witness, is_closed

if TYPE_CHECKING:
    from .evidence import Evidence
    from .found import FoundLargest, FoundRadius, FoundWeights


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
            ways=evidence.ways,
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
            ways=evidence.ways,
            certificate=certificate,
        )
    reason = evidence.reason or f"{engine} ended with neither a proof nor a witness"
    return Verdict(
        status="unknown",
        label=label,
        engine=engine,
        seconds=seconds,
        reason=reason,
        stages=evidence.stages,
        ways=evidence.ways,
        certificate=certificate,
        real=evidence.real,
    )


def judge_radius(
    search: FoundRadius,
    label: int | None,
    engine: str,
    reason: str = "",
    certificates: tuple[Certificate | None, Certificate | None] = (None, None),
    deploy: bool = True,
) -> Radius:
    """The interval that a search has reached, with the evidence for each end; the certificates where asked for, the
    second one that for every float32 evaluation order.

    Without `deploy`, and where there is no time for it, no witness is looked for that ONNX Runtime confirms.
    """
    closest, upper = search.closest, search.upper
    lower, (certificate, float32) = search.proved, certificates
    proved = certificate.radius if certificate is not None and certificate.accepted else None
    # A certificate is about one radius, and what Z3 has proved of all of them is more.
    unlimited = upper is None and search.is_safe_everywhere
    certified = proved is not None and proved >= lower and not unlimited
    if proved is not None:
        lower = max(lower, proved)
    exact = upper if upper is not None and lower == upper else None
    status = _status(lower, upper)
    if upper is None and search.is_safe:
        status = "safe"
    deployed = None
    if deploy:
        with contextlib.suppress(OutOfTime):
            deployed = search.deployed_witness()
    causes = "; ".join(search.notes)
    if status == "interval":
        causes = _why(engine, lower, upper, [reason, *search.notes])
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
        reason=causes,
        stages=search.stages,
        ways=search.ways,
        certificate=certificate,
        float32=float32,
        is_unlimited=unlimited,
    )


def judge_always(limit: Fraction | None, label: int | None, engine: str, seconds: float) -> Radius:
    """The radius of a property that holds everywhere: every radius up to the `limit` of the sets, if they have one."""
    return Radius(
        # Without a limit every radius is safe; this is the largest float.
        lower=Fraction(sys.float_info.max) if limit is None else limit,
        upper=None,
        exact=None,
        status="safe",
        label=label,
        engine=engine,
        seconds=seconds,
        lower_trust=Trust.EXACT,
        is_unlimited=limit is None,
    )


def judge_at_center(
    network: Network, here: Witness, deployed: Witness | None, label: int | None, engine: str, seconds: float
) -> Radius:
    """The radius 0 of an input that is itself a witness: `here` by its exact replay, `deployed` where ONNX Runtime
    confirms it."""
    zero = Fraction(0)
    return Radius(
        lower=zero,
        upper=zero,
        exact=zero,
        status="wrong-label",
        label=label,
        engine=engine,
        seconds=seconds,
        lower_trust=Trust.EXACT,
        upper_trust=Trust.EXACT if deployed is None else Trust.REPLAYED,
        target=None if label is None else witness_class(network, here, label),
        closest=here,
        witness=deployed,
    )


def _status(lower: Fraction, upper: Fraction | None) -> str:
    """How far an interval has come: exact, closed or interval."""
    if upper is None:
        return "interval"
    return "exact" if lower == upper else "closed" if is_closed(lower, upper) else "interval"


def _why(engine: str, lower: Fraction, upper: Fraction | None, causes: list[str]) -> str:
    """Why an interval is open: the causes that the search has noted."""
    ends = f"{engine} ended with {nearest_float(lower):.6g} proved"
    ends += " and no violation found" if upper is None else f" and {nearest_float(upper):.6g} reached"
    return "; ".join(dict.fromkeys(filter(None, causes))) or ends


def judge_largest(
    search: FoundLargest,
    network: Network,
    engine: str,
    reason: str = "",
    certificate: Certificate | None = None,
    deploy: bool = True,
) -> Largest:
    """The interval that a search for the largest value over `network`'s inputs has reached; `deploy` as for radii."""
    lower, upper, trust = search.lower, search.upper, search.trust
    end = certificate.end if certificate is not None and certificate.accepted else None
    # A certificate is worth the hair between its end and the one that the search has proved.
    if end is not None and (end <= upper or (lower < upper and is_closed(lower, end))):
        upper, trust = end, Trust.CERTIFIED
    exact = upper if lower == upper else None
    status = _status(lower, upper)
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
        upper_trust=trust,
        witness=witness,
        deployed=deployed,
        reason=_why(engine, lower, upper, [reason, *search.notes]) if status == "interval" else "",
        stages=search.stages,
        certificate=certificate,
    )


def judge_weights(search: FoundWeights, label: int, engine: str, reason: str = "") -> Radius:
    """The interval that a search over weight perturbations has reached."""
    lower, upper, closest = search.lower, search.upper, search.closest
    status = _status(lower, upper)
    why = _why(engine, lower, upper, [reason, *search.notes]) if status == "interval" else reason
    return Radius(
        lower=lower,
        upper=upper,
        exact=upper if lower == upper else None,
        status=status,
        label=label,
        engine=engine,
        seconds=search.deadline.elapsed(),
        lower_trust=search.trust,
        upper_trust=None if closest is None else (Trust.REPLAYED if closest.deployed else Trust.EXACT),
        target=None if closest is None else witness_class(search.network, closest, label),
        closest=closest,
        witness=closest if closest is not None and closest.deployed else None,
        reason=why,
        stages=search.stages,
    )


def judge_pruning(
    network: Network,
    ends: tuple[Fraction, Fraction],
    trust: Trust,
    counts: tuple[int, int],
    seconds: float,
    reason: str,
) -> Pruning:
    """What a search over thresholds has reached: `network` is pruned at the lower of the `ends`; `counts` are those of
    the weights that are zero then, and of all."""
    lower, upper = ends
    status = "exact" if lower == upper else "interval"
    why = _why("the search", lower, upper, [reason]) if status == "interval" else ""
    return Pruning(lower, upper, status, trust, network, *counts, seconds=seconds, reason=why)


def recall(kind: str, **members: Any) -> Verdict | Radius:
    """A verdict or radius that was made here before, from the members of its record: nothing is judged anew."""
    return Verdict(**members) if kind == "verdict" else Radius(**members)
