"""What is asked next: cases in chains, and what is known already.

A chain is the same question at growing radii. What is refuted at one radius is at every larger one, by the same
witness, so that these are not asked; what a store holds is not asked either. The rows that a run ends with are the
same, however often it was stopped in between.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ...store.entry import REFUTED, Entry
from .case import Case, Reply

Key = tuple[str, str]


class Chains:
    """The cases of a batch; `known` are the statuses of those that are answered, and nothing is asked any more once it
    is `stopped`. `total` counts the cases, `done` those that are settled."""

    def __init__(
        self, chains: Iterable[Sequence[Case]], known: Mapping[Key, str], stopped: Callable[[], bool] = lambda: False
    ) -> None:
        self._stopped, self._known = stopped, known
        self._waiting: deque[tuple[Case, ...]] = deque()
        # The larger radii of cases that are asked, and of those that turned out to be refuted.
        self._begun: dict[Key, tuple[Case, ...]] = {}
        self._refuted: dict[Key, tuple[Case, ...]] = {}
        # Refuted by a case that is known, and not written yet: the two cases; whoever writes takes them away.
        self.implied: list[tuple[Case, Case]] = []
        self.total = self.done = 0
        asked: set[Key] = set()
        for chain in chains:
            # Two cases of a batch may ask the very same.
            fresh = tuple(case for case in chain if key_of(case) not in asked)
            asked.update(map(key_of, fresh))
            self.total += len(fresh)
            self._waiting.extend(self._begins(fresh))

    def _begins(self, chain: tuple[Case, ...]) -> Iterator[tuple[Case, ...]]:
        """Wait for the first case that is not known, unless a smaller radius says it all."""
        refuted: Case | None = None
        for number, case in enumerate(chain):
            status = self._known.get(key_of(case))
            if status is not None:
                self.done += 1
                refuted = case if status in REFUTED and refuted is None else refuted
            elif refuted is not None:
                self.implied.append((refuted, case))
                self.done += 1
            else:
                yield chain[number:]
                return

    def next(self) -> Case | None:
        """The next case to be asked."""
        if not self._waiting or self._stopped():
            return None
        chain = self._waiting.popleft()
        self._begun[key_of(chain[0])] = chain[1:]
        return chain[0]

    def settle(self, case: Case, reply: Reply) -> None:
        """What came of a case: the next of its chain is to be asked, and soon, or all of them are refuted."""
        rest = self._begun.pop(key_of(case))
        self.done += 1
        if reply.status in REFUTED:
            self.done += len(rest)
            self._refuted[key_of(case)] = tuple(larger for larger in rest if key_of(larger) not in self._known)
        else:
            self._waiting.extendleft(self._begins(rest))

    def implied_by(self, case: Case) -> tuple[Case, ...]:
        """The larger radii that a settled case refutes."""
        return self._refuted.pop(key_of(case), ())


def key_of(case: Case) -> Key:
    """What a case is known by."""
    return case.key, case.options_key


def entry_of(case: Case, reply: Reply, batch: str) -> Entry:
    """The row of a case."""
    return Entry(
        case.key, case.options_key, case.asked, batch, case.place, case.name, reply.status, reply.reason, case.truth,
        reply.predicted, reply.record, reply.about, reply.seconds,
    )


def implied_entry(case: Case, smaller: Entry) -> Entry:
    """The row of a case that is refuted at a smaller radius."""
    why = f"refuted at the smaller radius {smaller.eps}"
    about = smaller.about
    if about is not None and about.get("claim") is not None:
        about = {**about, "claim": {**about["claim"], "threshold": str(case.question.domain.eps)}}
    record = None if smaller.record is None else {
        **smaller.record, **case.asked, "answer": {**smaller.record["answer"], "reason": why},
        "times": {"seconds": 0.0, "stages": {}}, "ways": {},
    }
    return replace(
        smaller, key=case.key, options_key=case.options_key, asked=case.asked, place=case.place, name=case.name,
        reason=why, record=record, about=about,
        seconds=0.0, at="",
    )
