"""Cases are answered and kept: the one loop behind `verdict run`, and `certify` and `radii` with a store or workers.

Who answers is its caller's: this process, a pool of processes, a cluster. An answer is written when it is final, in one
transaction with all that it implies, by this process alone; its certificate lies in its place before that.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from ...base import interrupted
from ...base.errors import InputError
from ...base.writing import made_folder, temporary
from ...store.entry import Entry
from ...store.store import Store
from ..batch import answered
from .agenda import Chains, entry_of, implied_entry
from .case import Case, Reply
from .pool import Agenda
from .work import answer


class Answering(Protocol):
    """Whoever answers the cases of an agenda."""

    def answers(self, agenda: Agenda) -> Iterator[tuple[Case, Reply]]: ...


class Here:
    """This process, case by case; the answer that Ctrl-C cuts short is not final and is left out."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def answers(self, agenda: Agenda) -> Iterator[tuple[Case, Reply]]:
        """Each case with what came of it, until they end or Ctrl-C."""

        def cases() -> Iterator[Case]:
            while (case := agenda.next()) is not None:
                yield case

        before = interrupted.count()
        for case, reply in answered(cases(), lambda c: answer(c.question, c.named, c.truth, self._folder)):
            if interrupted.count() != before:
                return
            agenda.settle(case, reply)
            yield case, reply


def kept(chains: Chains, answering: Answering, store: Store | None, batch: str) -> Iterator[Entry]:
    """The rows of all cases that are not known, as they come, each written to the store first, if there is one."""
    yield from _implied(chains, store)
    for case, reply in answering.answers(chains):
        if store is not None:
            _place(reply, store.certificates)
        own = entry_of(case, reply, batch)
        entries = [own, *(implied_entry(larger, own) for larger in chains.implied_by(case))]
        if store is not None:
            store.add(entries)
        yield from entries
        yield from _implied(chains, store)


def _implied(chains: Chains, store: Store | None) -> Iterator[Entry]:
    """The rows that follow from those that the store held already."""
    while chains.implied and store is not None:
        refuted, case = chains.implied.pop()
        smaller = store.find(refuted.key, refuted.options_key)
        if smaller is not None:
            entry = implied_entry(case, smaller)
            store.add([entry])
            yield entry


def _place(reply: Reply, folder: Path) -> None:
    """Put the files of a proof into the folder of certificates. Raises InputError."""
    if not reply.files:
        return
    made_folder(folder, "certificates")
    for name, file in reply.files.items():
        try:
            if isinstance(file, Path):
                if file.parent != folder:
                    os.replace(file, folder / name)
            else:
                with temporary(folder) as part:
                    part.write_bytes(file)
                    os.replace(part, folder / name)
        except OSError as error:
            raise InputError(f"{folder / name}: cannot be written: {error.strerror or error}") from error
