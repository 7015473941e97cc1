"""Checking a certificate: the claim is read from the files themselves, and every leaf of every tree is excluded anew.

Here are files, hashes, threads and the report; what a proof is stands in `kernel/`. The format and the rule are in
docs/certificate.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from .arithmetic import TIERS
from .errors import RejectedError, UnreadableError
from .memory import Memory
from .statement import Statement, assumption
from .work import Work

REAL, ANY_ORDER = "the reals", "the reals and every float32 evaluation order"


@dataclass(frozen=True, repr=False)
class Report:
    """What the checker found. `accepted`: the claim holds over the reals and, with `any_order`, for every float32
    evaluation; `reason` says why not."""

    accepted: bool
    claim: str
    tier: str
    any_order: bool
    reason: str
    leaves: int
    seconds: float
    # Leaves (part, goal, number in the goal's preorder) that were found open, for some float32 evaluation if that was
    # asked; not all of them where there are many.
    open: tuple[tuple[int, int, int], ...] = ()
    # The whole claim, of which `claim` is a summary.
    statement: Statement = field(default_factory=Statement)
    # Within how many ulps functions are computed, of what is claimed for float32; None: that holds without.
    assumed: Fraction | None = None

    def __repr__(self) -> str:
        state = "accepted" if self.accepted else f"rejected: {self.reason[:80]}"
        return f"<Report {state}, tier {self.tier}, {self.leaves} leaves>"

    def __bool__(self) -> bool:
        raise TypeError("a Report is neither true nor false, expected a question such as accepted")

    def to_dict(self) -> dict[str, Any]:
        """The answer, its evidence and its times for JSON (docs/record.md)."""
        semantics = ["real", "float32"] if self.any_order else ["real"] if self.accepted else []
        trust = "certified" if self.accepted and self.tier != "rigorous" else "rigorous" if self.accepted else None
        names = ("witness", "closest", "real", "certificate", "float32")
        assumed = None if self.assumed is None else {"ulp": str(self.assumed)}
        return {
            "answer": {
                "kind": "report", "status": "accepted" if self.accepted else "rejected", "claim": self.claim,
                "statement": self.statement.members(), "reason": self.reason,
            },
            "evidence": {
                "trust": trust, "engine": f"checker/{self.tier}", "semantics": semantics, **dict.fromkeys(names),
                "assumed": assumed,
            },
            "times": {"seconds": round(self.seconds, 6), "stages": {}, "leaves": self.leaves},
        }

    @property
    def semantics(self) -> str:
        """Which truths the claim was proved for, in words."""
        if not self.any_order:
            return REAL
        return ANY_ORDER if self.assumed is None else f"{ANY_ORDER}, with {assumption(self.assumed)}"


def check(certificate: str | Path, network: str | Path, query: str | Path | None = None, *, tier: str = "exact",
          jobs: int = 1, any_order: bool = True, progress: Callable[[int], object] = lambda leaves: None,
          memory: Memory | None = None, seconds: float | None = None, assumed: Fraction | None = None) -> Report:
    """Check a certificate against a network and, where the claim is about one, a query.

    Tiers: exact (integers), rigorous (floats with charged rounding), python (Fractions, slow). With `any_order` the
    proof is first tried with the rounding of every float32 evaluation charged. `progress` is told how many leaves are
    done. With `memory` leaves that it has seen excluded before are not looked at again. With `assumed` a certificate is
    rejected that does not assume just so many ulps of functions. Raises UnreadableError, and its OutOfTimeError after
    so many `seconds`.
    """
    started = time.monotonic()
    if tier not in TIERS:
        raise UnreadableError(f"there is no tier {tier!r}, expected {', '.join(TIERS)}")
    work = Work((certificate, network, query), tier, jobs, progress, seconds)
    work.memory = memory or work.memory
    if assumed is not None:
        work.expect(assumed)
    work.look()
    refused: list[tuple[int, int, int]] = []
    reason, charged = "", any_order
    while True:
        accepted, work.open_leaves = False, []
        try:
            work.run(charged)
            accepted = not work.open_leaves
            # The exact evaluation is one of those that are charged for: what is closed for all of them is closed.
            work.among = set(work.open_leaves)
        except RejectedError as error:
            reason = str(error)
        refused = refused or work.open_leaves
        if work.open_leaves:
            part, goal, leaf = work.open_leaves[0]
            reason = (f"the proof has a gap: in one of the pieces into which it cuts the input set (part {part}, goal "
                      f"{goal}), its bounds let the claim fail: leaf {leaf} does not exclude the unsafe set")
        if accepted or not charged:
            return Report(accepted, work.statement.summary, work.tier_used, accepted and charged, reason, work.done,
                          time.monotonic() - started, tuple(refused), work.statement,
                          work.statement.ulps if accepted and charged else None)
        charged = False


def open_leaves(certificate: str | Path, network: str | Path, query: str | Path | None = None, *, tier: str = "exact",
                jobs: int = 1, any_order: bool = False, among: Iterable[tuple[int, int, int]] | None = None,
                progress: Callable[[int], object] = lambda leaves: None,
                memory: Memory | None = None) -> list[tuple[int, int, int]]:
    """The leaves (part, goal, number in the goal's preorder) that a check finds open: what a prover has still to split.

    With `among` only these leaves are looked at; `jobs`, `progress` and `memory` as in `check`. Raises UnreadableError,
    and RejectedError where the certificate fails otherwise.
    """
    work = Work((certificate, network, query), tier, jobs, progress)
    work.memory = memory or work.memory
    work.among = None if among is None else set(among)
    work.run(any_order)
    return work.open_leaves
