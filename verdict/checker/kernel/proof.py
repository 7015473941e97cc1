"""A whole proof: parts that together speak of every disjunct of the claim, and no node of a tree left over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import numpy as np

from ..errors import RejectedError
from ..network import Network
from ..readers.certificate import Certificate, PartRecord
from ..readers.claim import Claim, replay
from .part import Part
from .tree import Leaves


class Work(Protocol):
    """What is checked, and how."""

    certificate: Certificate
    claim: Claim
    network: Network
    parts: list[PartRecord]
    nodes: Any

    def arithmetics(self, network: Network, any_order: bool, box: Any) -> tuple[list[Any], Any]:
        """Arithmetics for most leaves, cheapest first, and the one for leaves that need rationals; the exact `box`."""

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """function over items, in order."""

    def count(self, leaves: int) -> None:
        """So many leaves more."""

    def wanted(self, part: int, goal: int, leaves: Leaves) -> Any:
        """Which of the leaves to look at, all of them in a check."""

    def left_open(self, part: int, goal: int, leaves: list[int]) -> None:
        """These leaves of a goal are not closed: raises RejectedError in a check."""


def prove(work: Work, any_order: bool) -> None:
    """Raises RejectedError unless the certificate proves its claim, over the reals or for float32 in any order."""
    if any_order and work.network.head:
        # Nearly equal scores may become equal probabilities; nothing bounds how a library computes exp.
        raise RejectedError(f"the rounding of a {work.network.head} is not bounded")
    if work.claim.upper is not None:
        replay(work.claim, work.network, work.certificate.witness())
    position, missing = 0, np.ones(len(work.claim.disjuncts), bool)
    for number in range(len(work.parts)):
        part = Part(work, number, any_order)
        position = part.check(position)
        missing[part.disjuncts] = False
    if position != len(work.nodes):
        raise RejectedError("nodes behind the last tree")
    work.certificate.archive.finish()
    if missing.any():
        raise RejectedError(f"nothing is said about {missing.sum()} disjuncts, the first is {missing.argmax()}")
