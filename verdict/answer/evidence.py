"""What a search has established, for the gate to judge.

A search proves nothing by itself: it hands over a witness, or says how far its proof can be trusted, or why it has
neither. The gate (`verdict.answer.gate`) alone turns that into a verdict.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .credit import Credits
from .results import Trust, Witness


@dataclass
class Evidence:
    """What a search has established: a confirmed witness, a full proof's trust, or neither and why.

    `unrecorded` says why a proof that was to be recorded is not, or not all of it; `real` is a violation over the reals
    that the deployed network does not confirm. `ways` says who has closed what.
    """

    witness: Witness | None = None
    proof: Trust | None = None
    reason: str = ""
    unrecorded: str = ""
    real: Witness | None = None
    stages: dict[str, float] = field(default_factory=dict)
    ways: Credits = field(default_factory=dict)
