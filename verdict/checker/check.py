"""Checking a certificate: the claim is read from the files themselves, and every leaf of every tree is excluded anew.

Here are files, hashes, threads and the report; what a proof is stands in `kernel/`. The format and the rule are in
docs/certificate.md.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .arithmetic import TIERS, arithmetics
from .errors import RejectedError, UnreadableError
from .kernel.proof import prove
from .kernel.tree import Leaves
from .network import Network
from .readers.certificate import Certificate
from .readers.claim import Claim, read_claim
from .readers.onnx_reader import read_network

MOST_FILE = 2**30
REAL, ANY_ORDER = "the reals", "the reals and every float32 evaluation order"


@dataclass(frozen=True)
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

    @property
    def semantics(self) -> str:
        """Which truths the claim was proved for, in words."""
        return ANY_ORDER if self.any_order else REAL


def check(certificate: str | Path, network: str | Path, query: str | Path | None = None, *, tier: str = "exact",
          jobs: int = 1, any_order: bool = True, progress: Callable[[int], object] = lambda leaves: None) -> Report:
    """Check a certificate against a network and, where the claim is about one, a query.

    Tiers: exact (integers), rigorous (floats with charged rounding), python (Fractions, slow). With `any_order` the
    proof is first tried with the rounding of every float32 evaluation charged. `progress` is told how many leaves are
    done. Raises UnreadableError.
    """
    started = time.monotonic()
    if tier not in TIERS:
        raise UnreadableError(f"there is no tier {tier!r}, expected {', '.join(TIERS)}")
    work = _Work(certificate, network, query, tier, jobs, progress)
    reason = ""
    for charged in (True, False) if any_order else (False,):
        try:
            work.run(charged)
            return Report(True, work.claim.text, tier, charged, reason, work.done, time.monotonic() - started)
        except RejectedError as error:
            reason = str(error)
    return Report(False, work.claim.text, tier, False, reason, work.done, time.monotonic() - started)


def open_leaves(certificate: str | Path, network: str | Path, query: str | Path | None = None, *, tier: str = "exact",
                jobs: int = 1, any_order: bool = False, among: Iterable[tuple[int, int, int]] | None = None,
                progress: Callable[[int], object] = lambda leaves: None) -> list[tuple[int, int, int]]:
    """The leaves (part, goal, number in the goal's preorder) that a check finds open: what a prover has still to split.

    With `among` only these leaves are looked at; `jobs` and `progress` as in `check`. Raises UnreadableError, and
    RejectedError where the certificate fails otherwise.
    """
    work = _Work(certificate, network, query, tier, jobs, progress)
    work.open_leaves, work.among = [], None if among is None else set(among)
    work.run(any_order)
    return work.open_leaves


class _Work:
    """One certificate being checked."""

    def __init__(self, certificate: Any, network: Any, query: Any, tier: str, jobs: int, progress: Any) -> None:
        self.tier, self.jobs, self.progress, self.done = tier, max(1, jobs), progress, 0
        # A list collects open leaves; None, as in every check, ends at the first.
        self.open_leaves: list[tuple[int, int, int]] | None = None
        # The leaves to look at, None for all.
        self.among: set[tuple[int, int, int]] | None = None
        self.certificate = Certificate(certificate)
        model, asked = _read(network), None if query is None else _read(query)
        wanted = self.certificate.asked
        # Hashes first: a wrong file must not be blamed for its contents.
        self.wrong, self.claim = "", Claim("", [])
        if hashlib.sha256(model).hexdigest() != self.certificate.model:
            self.wrong = "the certificate is about another network (SHA-256 differs)"
        elif wanted is not None and (asked is None or hashlib.sha256(asked).hexdigest() != wanted):
            self.wrong = "the certificate is about another property (SHA-256 differs, or none was given)"
        else:
            self.network = read_network(model)
            self.claim = read_claim(self.certificate.claim, self.network, asked)
            self.parts = self.certificate.parts(len(self.network.relus), len(self.claim.disjuncts))
            self.nodes = self.certificate.nodes()

    def run(self, any_order: bool) -> None:
        """Raises RejectedError unless everything holds."""
        if self.wrong:
            raise RejectedError(self.wrong)
        self.done = 0
        prove(self, any_order)

    def arithmetics(self, network: Network, any_order: bool, box: Any) -> tuple[list[Any], Any]:
        return arithmetics(self.tier, network, any_order, box, self.claim.ball if self.claim.is_open else None)

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """function over items, in order, on several threads, never many items ahead."""
        if self.jobs == 1:
            yield from map(function, items)
            return
        with ThreadPoolExecutor(self.jobs) as pool:
            waiting: deque[Any] = deque()
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > 2 * self.jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def count(self, leaves: int) -> None:
        self.done += leaves
        self.progress(self.done)

    def wanted(self, part: int, goal: int, leaves: Leaves) -> Any:
        at = np.arange(len(leaves))
        if self.among is None:
            return at
        return at[np.isin(leaves.first + at, [n for p, g, n in self.among if (p, g) == (part, goal)])]

    def left_open(self, part: int, goal: int, leaves: list[int]) -> None:
        if self.open_leaves is None:
            raise RejectedError(f"p{part}.g{goal}: leaf {leaves[0]} does not exclude the unsafe set")
        self.open_leaves += [(part, goal, leaf) for leaf in leaves]


def _read(path: Any) -> bytes:
    try:
        with Path(path).open("rb") as stream:
            data = stream.read(MOST_FILE + 1)
    except OSError as error:
        raise UnreadableError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(data) > MOST_FILE:
        raise UnreadableError(f"{path}: larger than {MOST_FILE} bytes")
    return data
