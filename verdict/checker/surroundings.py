"""What the kernel asks of the work around it: claim, network, files, clock, threads, and which leaves to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from .clock import Ask
from .kernel.tree import Leaves
from .memory import Memory
from .network import Network
from .readers.certificate import Certificate
from .readers.claim import Claim


class Surroundings(Protocol):
    """`nodes` and `parts` are the certificate's, `memory` knows leaves that were excluded before; `ask` ends the check
    where its time is up; `tier` is that of the check."""

    ask: Ask
    certificate: Certificate
    claim: Claim
    memory: Memory
    network: Network
    nodes: Any
    parts: Any
    tier: str

    def arithmetics(self, network: Network, any_order: bool, box: Any) -> tuple[list[Any], Any]:
        """The arithmetics to try in turn, and the exact one."""

    def floats(self, network: Network, any_order: bool) -> Any:
        """Floats, also where the tier has others: what was checked by them is told."""

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """function over items, in order."""

    def count(self, leaves: int) -> None:
        """So many more leaves are looked at."""

    def wanted(self, part: int, goal: int, leaves: Leaves) -> Any:
        """The places of those among the leaves that are to be looked at."""

    def left_open(self, part: int, goal: int, leaves: list[int]) -> None:
        """These leaves do not exclude the unsafe set."""
