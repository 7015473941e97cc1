"""A whole proof: parts that together speak of every disjunct of the claim, and no node of a tree left over."""

from __future__ import annotations

import numpy as np

from ..errors import RejectedError
from ..readers.claim import replay
from ..surroundings import Surroundings
from .part import Part


def prove(work: Surroundings, any_order: bool) -> None:
    """Raises RejectedError unless the certificate proves its claim, over the reals or for float32 in any order."""
    if any_order and work.network.unbounded:
        raise RejectedError(work.network.unbounded)
    if work.claim.upper is not None:
        replay(work.claim, work.network, work.certificate.witness(), work.ask)
    missing = np.ones(len(work.claim.disjuncts), bool)
    for number in range(len(work.parts)):
        part = Part(work, number, any_order)
        part.check()
        missing[part.disjuncts] = False
    if work.nodes.position != len(work.nodes):
        raise RejectedError("nodes behind the last tree")
    work.certificate.archive.finish()
    if missing.any():
        raise RejectedError(f"nothing is said about {missing.sum()} disjuncts, the first is {missing.argmax()}")
