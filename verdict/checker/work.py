"""The work around the kernel: files and their hashes, threads, progress, and which leaves to look at."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from itertools import chain, islice
from typing import Any

import numpy as np

from .arithmetic import arithmetics
from .arithmetic.floats import Floats
from .arithmetic.outward import beside
from .clock import limit
from .errors import RejectedError, UnreadableError
from .kernel.proof import prove
from .kernel.tree import Leaves
from .memory import Memory, NoMemory
from .network import Network
from .readers.archive import MOST_BYTES, regular
from .readers.certificate import Certificate
from .readers.claim import Claim, read_claim
from .readers.onnx import read
from .second_look import look
from .statement import Statement, assumption

# Open leaves after which the rest is not looked at.
MOST_OPEN = 1_000


class Work:
    """One certificate being checked."""

    def __init__(self, files: tuple[Any, Any, Any], tier: str, jobs: int, progress: Any,
                 seconds: float | None = None) -> None:
        """Raises UnreadableError; `files` are the certificate, the network and, or None, the query."""
        certificate, network, query = files
        self.ask = limit(seconds)
        self.tier, self.jobs, self.progress, self.done = tier, max(1, jobs), progress, 0
        # Those found open so far.
        self.open_leaves: list[tuple[int, int, int]] = []
        self.memory: Memory = NoMemory()
        # The tier of what was really done.
        self.tier_used = tier
        # The leaves to look at, None for all.
        self.among: set[tuple[int, int, int]] | None = None
        self.certificate = Certificate(certificate)
        model, asked = _read(network), None if query is None else _read(query)
        wanted = self.certificate.asked
        digest, self.statement = hashlib.sha256(model).hexdigest(), Statement()
        # Hashes first: a wrong file must not be blamed for its contents.
        self.wrong, self.claim = "", Claim("", [])
        if digest != self.certificate.model:
            self.wrong = "the certificate is about another network (SHA-256 differs)"
        elif wanted is not None and (asked is None or hashlib.sha256(asked).hexdigest() != wanted):
            self.wrong = "the certificate is about another property (SHA-256 differs, or none was given)"
        else:
            ulps = self.certificate.ulps
            self._reading = read(model, self.ask, self.certificate.view, literal=ulps is not None)
            self.network = replace(self._reading.network, ulps=None if ulps is None else beside(ulps, 1))
            self.claim = read_claim(self.certificate.claim, self.network, asked, self.ask)
            self.parts = self.certificate.parts(len(self.network.pointwise), len(self.claim.disjuncts))
            # A claim in numbers is about no query, even if one was given.
            about = None if wanted is None else (str(query), wanted)
            stated = Statement.of(self.claim, self.certificate.claim, (str(network), digest), about, self.network,
                                  self.certificate.view)
            self.statement = replace(stated, ulps=self.assumed)

    @property
    def assumed(self) -> Fraction | None:
        """What the claim for every float32 evaluation assumes of functions, where there are any."""
        return self.certificate.ulps if self.network.irrational else None

    def expect(self, ulps: Fraction) -> None:
        """Refuse a certificate that does not assume this of functions."""
        if not self.wrong and self.certificate.ulps != ulps:
            self.wrong = f"the certificate assumes {assumption(self.certificate.ulps)}, asked was {assumption(ulps)}"

    def look(self) -> None:
        """Compare the network that was read with another evaluator. Raises UnreadableError."""
        if not self.wrong and not self.memory.looked:
            look(self._reading, self.claim.disjuncts, self.ask)
            self.memory.looked = True

    def run(self, any_order: bool) -> None:
        """Raises RejectedError unless everything holds."""
        if self.wrong:
            raise RejectedError(self.wrong)
        self.done, self.nodes = 0, self.certificate.nodes()
        prove(self, any_order)

    def arithmetics(self, network: Network, any_order: bool, box: Any) -> tuple[list[Any], Any]:
        found, exact = arithmetics(self.tier, network, any_order, box, self.claim.ball if self.claim.is_open else None)
        for numbers in (*found, exact):
            numbers.ask = self.ask
        return found, exact

    def floats(self, network: Network, any_order: bool) -> Floats:
        self.tier_used = "rigorous"
        found = Floats(network, np.float64, any_order)
        found.ask = self.ask
        return found

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """function over items, in order, on several threads, never many items ahead."""
        rest = iter(items)
        items = list(islice(rest, 2))
        if self.jobs == 1 or len(items) < 2:
            # Many parts have one leaf, and threads take longer to begin.
            yield from map(function, chain(items, rest))
            return
        with ThreadPoolExecutor(self.jobs) as pool:
            waiting: deque[Any] = deque()
            for item in chain(items, rest):
                waiting.append(pool.submit(function, item))
                if len(waiting) > 2 * self.jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def count(self, leaves: int) -> None:
        self.ask()
        self.done += leaves
        self.progress(self.done)

    def wanted(self, part: int, goal: int, leaves: Leaves) -> Any:
        at = np.arange(len(leaves))
        if self.among is None:
            return at
        return at[np.isin(leaves.number, [n for p, g, n in self.among if (p, g) == (part, goal)])]

    def left_open(self, part: int, goal: int, leaves: list[int]) -> None:
        self.open_leaves += [(part, goal, leaf) for leaf in leaves]
        if len(self.open_leaves) > MOST_OPEN:
            raise RejectedError(f"more than {MOST_OPEN} leaves do not exclude the unsafe set")


def _read(path: Any) -> bytes:
    try:
        with regular(path).open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise UnreadableError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(data) > MOST_BYTES:
        raise UnreadableError(f"{path}: larger than {MOST_BYTES} bytes")
    return data
