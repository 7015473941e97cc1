"""Checking a certificate: the claim is read from the files themselves, and every leaf of every tree is excluded anew.

A certificate is a list of parts. A part fixes a box, proves bounds of hidden neurons on it (its lemmas, layer after
layer), and closes trees whose leaves exclude the unsafe polytopes that the part names. Bounds belong to their part and
cannot be used outside it. The format and the rule are in docs/certificate.md.
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

from .archive import NODE, Archive, each, member_of, only
from .claim import Claim, rational, read_claim, replay
from .errors import RejectedError, UnreadableError
from .onnx_reader import read_network
from .part import Part

VERSION = 1
MOST_FILE = 2**30
TIERS = ("exact", "rigorous", "python")
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
        self.archive = Archive(certificate)
        manifest = self.archive.json("manifest.json")
        if member_of(manifest, "format", str) != "vcert" or member_of(manifest, "version", int) != VERSION:
            raise UnreadableError(f"not a certificate of version {VERSION}")
        only(manifest, "format", "version", "producer", "model", "property", "claim", "parts")
        member_of(manifest, "producer", str, "")
        model, asked = _read(network), None if query is None else _read(query)
        wanted = member_of(manifest, "property", str, None)
        # Hashes first: a wrong file must not be blamed for its contents.
        self.wrong = ""
        if hashlib.sha256(model).hexdigest() != member_of(manifest, "model", str):
            self.wrong = "the certificate is about another network (SHA-256 differs)"
        elif wanted is not None and (asked is None or hashlib.sha256(asked).hexdigest() != wanted):
            self.wrong = "the certificate is about another property (SHA-256 differs, or none was given)"
        if self.wrong:
            self.claim = Claim("", [])
            return
        self.network = read_network(model)
        claim = member_of(manifest, "claim", dict)
        if (claim.get("kind") == "unsat") != (wanted is not None):
            raise UnreadableError("the manifest's claim and property do not fit together")
        self.claim = read_claim(claim, self.network, asked)
        self.parts = member_of(manifest, "parts", list)
        self.nodes = self.archive.array("tree.npy", (NODE,), 1)
        self.witness = None
        if self.claim.upper is not None:
            record = self.archive.json("witness.json")
            if not isinstance(record, dict) or set(record) != {"point"}:
                raise UnreadableError("witness.json is malformed")
            self.witness = each(record["point"], rational)

    def run(self, any_order: bool) -> None:
        """Raises RejectedError unless everything holds."""
        if self.wrong:
            raise RejectedError(self.wrong)
        if any_order and self.network.head:
            # Nearly equal scores may become equal probabilities; nothing bounds how a library computes exp.
            raise RejectedError(f"the rounding of a {self.network.head} is not bounded")
        self.done = 0
        if self.witness is not None:
            replay(self.claim, self.network, self.witness)
        position, covered = 0, set()
        for number, record in enumerate(self.parts):
            part = Part(self, number, record, any_order)
            position = part.check(position)
            covered.update(part.disjuncts)
        if position != len(self.nodes):
            raise RejectedError("nodes behind the last tree")
        self.archive.finish()
        missing = set(range(len(self.claim.disjuncts))) - covered
        if missing:
            raise RejectedError(f"nothing is said about {len(missing)} disjuncts, the first is {min(missing)}")

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


def _read(path: Any) -> bytes:
    try:
        with Path(path).open("rb") as stream:
            data = stream.read(MOST_FILE + 1)
    except OSError as error:
        raise UnreadableError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(data) > MOST_FILE:
        raise UnreadableError(f"{path}: larger than {MOST_FILE} bytes")
    return data
