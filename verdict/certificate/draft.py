"""The certificate of one question in the making: where a search records its proof, and what becomes of it in the end.

The proof is written beside the file that was asked for, under a name that no other run has, and read back by the
independent checker, which has the last word; only then does it take that file's name, together with what is kept beside
it. What cannot be certified says why, and never changes an answer.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..answer.results import Certificate
from ..base.deadline import Deadline, may_end, why
from ..base.errors import InputError, UnsupportedError
from ..base.writing import Place, publish, temporary
from ..bounds.moving import moving
from ..checker import Memory, OutOfTimeError, Report, UnreadableError, check
from ..network.exact import float_above, float_below
from ..network.network import Network
from ..property import Box, UnsafeSet
from .complete import About, Checking, complete
from .contradiction import contradictions
from .neurons import Disjuncts
from .places import certificate_place, is_file, network_place, prepare, query_place
from .proof import Part, leaves_of
from .recording import Recording
from .subject import subject_of
from .write import write_certificate

__all__ = ["Asked", "Draft", "prepare"]

# A check that will not end in the time left is given up after so many seconds.
TRIAL = 1.0
# The shares of the time left that a check may take in each tier; the rest is for the next one, and to tell what came.
SHARES = {"exact": 0.6, "rigorous": 0.9}
# Seconds that making a proof hold for float32 may take, and its share of what everything before it took.
LEAST_MENDING, MENDING_SHARE = 1.0, 0.15
# Why a check in exact arithmetic that has ended was none.
IN_FLOATS = "the network is large, and its pieces were checked in floats, with every rounding charged"
# Halving a box helps where at most so many inputs can vary.
FEW_INPUTS = 12


class _LateError(Exception):
    """The check was cut short."""


@dataclass(frozen=True, eq=False)
class Asked:
    """A query that a claim is about: its text as it was read, from `path` if that is a file."""

    path: Path
    data: bytes


class Draft:
    """A certificate of `claim` (see `write`) about a network and, where the claim is about one, a query.

    `witness` is the exact point that proves the upper end of a radius. A network and a query that are no files as they
    are (unpacked, composed of several, or never written) become some beside the certificate.
    """

    def __init__(
        self,
        path: Path,
        network: Network,
        claim: dict[str, Any],
        query: Asked | None = None,
        witness: Sequence[Fraction] | None = None,
    ) -> None:
        self.path, self.claim, self.query, self.witness = path, claim, query, witness
        # What has to stand beside the certificate: its place, and the bytes.
        self.beside: dict[str, tuple[Place, bytes]] = {}
        if query is not None and not is_file(query.path, query.data):
            self.beside["query"] = query_place(path, query.data), query.data
        self.is_headless = network.head is None
        self.parts: list[Part] = []
        self._memory, self._checking = Memory(), 0.0
        # Why there can be no certificate at all.
        self.reason = ""
        try:
            self.subject, self._neurons = subject_of(network)
            if not self.subject.is_there:
                self.beside["network"] = network_place(path, self.subject.data), self.subject.data
            self._disjuncts = Disjuncts(claim, self._neurons, None if query is None else query.data)
        except UnsupportedError as error:
            self.reason = str(error)

    def recording(self, box: Box, unsafe: UnsafeSet) -> Recording | None:
        """What a search over this box, for these polytopes, is given to record its proof; None if that is no use."""
        if self.reason:
            return None
        return Recording.of_claim(
            self._neurons, self._disjuncts, box, unsafe.polytopes, self.parts, self.is_headless
        )

    def finish(
        self,
        deadline: Deadline,
        threads: int,
        unrecorded: str = "",
        radius: Fraction | None = None,
        only_float32: bool = False,
    ) -> Certificate:
        """Write the file, complete it and check it, in the time left; a Ctrl-C only ends the checking.

        `unrecorded` says why a proof found was not recorded, if so; `radius` is passed on. With `only_float32` a proof
        that holds over the reals alone is not kept.
        """
        if not self.reason:
            self._drop_empty()
            self.parts += contradictions(self._disjuncts)
            covered = {d for part in self.parts for goal in part.goals for d in goal.disjuncts}
            if len(covered) < len(self._disjuncts.all):
                self.reason = unrecorded or "the search has recorded no proof"
        if self.reason:
            return Certificate(None, reason=self.reason)
        try:
            with contextlib.ExitStack() as files:
                return self._finished(files, deadline, threads, radius, only_float32)
        except InputError as error:
            return Certificate(None, reason=str(error))
        except KeyboardInterrupt as end:
            return Certificate(None, reason=f"{why(end)} before it was written")
        except OSError as error:
            return Certificate(None, reason=f"{self.path}: cannot be written: {error.strerror or error}")

    def _finished(
        self, files: contextlib.ExitStack, deadline: Deadline, threads: int, radius: Fraction | None, only_float32: bool
    ) -> Certificate:
        """What `finish` gives where nothing goes wrong; `files` holds the files that have no name yet."""
        parts = {}
        for what, (place, data) in self.beside.items():
            parts[what] = files.enter_context(temporary(place.target.parent))
            parts[what].write_bytes(data)
        # From here on they are read where they are now.
        own, place = self.subject.path, certificate_place(self.path)
        self.subject = replace(self.subject, path=parts.get("network", own))
        if self.query is not None:
            self.query = replace(self.query, path=parts.get("query", self.query.path))
        unchecked = files.enter_context(temporary(place.target.parent))
        report, reason = self._checked(unchecked, deadline, threads)
        if report is not None and not report.accepted:
            return Certificate(None, report=report, reason=reason)
        if only_float32 and not (report is not None and report.any_order):
            return Certificate(None, reason="it does not hold for every float32 evaluation order")
        size = unchecked.stat().st_size
        beside = {what: self.beside[what][0] for what in parts}
        # The very files that the checker has read, all of them or none.
        publish([*((beside[what], part) for what, part in parts.items()), (place, unchecked)])
        network = beside["network"].path if "network" in beside else own
        query = beside["query"].path if "query" in beside else None
        return Certificate(self.path, network, size, report, reason or self.subject.note, radius, query)

    def _drop_empty(self) -> None:
        """Forget goals about no disjunct: polytopes that others of the query imply."""
        for part in self.parts:
            part.goals = [goal for goal in part.goals if goal.disjuncts]
        self.parts = [part for part in self.parts if part.goals]

    def _checked(self, path: Path, deadline: Deadline, threads: int) -> tuple[Report | None, str]:
        """Write the file; the checker's report (None: not checked to the end), and why it is not exact and good."""
        asked = None if self.query is None else self.query.data
        write_certificate(path, self.claim, self.subject, self.parts, query=asked, witness=self.witness)
        report: Report | None = None
        late = "the time ran out before it was checked"
        try:
            report = self._check(path, deadline, threads)
            late = IN_FLOATS
            if not report.any_order and not self.claim.get("open"):
                mended = self._mended(path, report.open, deadline, threads)
                report = report if mended is None else mended
            if not report.accepted:
                mended = self._mended(path, None, deadline, threads, any_order=False)
                report = report if mended is None else mended
        except KeyboardInterrupt as end:
            late = f"{why(end)} before it was checked"
        except _LateError:
            if report is None and not deadline.passed():
                report, late = self._quickly(path, deadline, threads)
        except UnreadableError as error:
            raise InputError(f"no certificate: {error}") from error
        if report is not None and not report.accepted:
            late = ", and the time ran out before it was mended" if deadline.passed() else ""
            return report, f"the checker rejects it{late}: {report.reason}"
        return report, late if report is None or report.tier != "exact" else ""

    def _quickly(self, path: Path, deadline: Deadline, threads: int) -> tuple[Report | None, str]:
        """The rigorous tier, where the exact one takes too long."""
        why = "checking it in exact arithmetic would have taken longer than the time left"
        with contextlib.suppress(_LateError), may_end():
            report = self._check(path, deadline, threads, "rigorous")
            # Floats may fail where integers would not.
            if report.accepted:
                return report, why
        return None, why

    def _check(self, path: Path, deadline: Deadline, threads: int, tier: str = "exact") -> Report:
        watch = _Watch(deadline, leaves_of(self.parts) if tier == "exact" else 0)
        any_order, left = not self.claim.get("open", False), deadline.remaining()
        try:
            report = check(
                path,
                self.subject.path,
                None if self.query is None else self.query.path,
                tier=tier,
                jobs=threads,
                any_order=any_order,
                progress=watch,
                memory=self._memory if tier == "exact" else None,
                # One leaf of a large network may take longer than there is, and tells nothing of its progress.
                seconds=None if math.isinf(left) else SHARES[tier] * left,
            )
        except OutOfTimeError as end:
            raise _LateError from end
        # A mended file is checked in what is new; what was accepted before has taken its time too.
        self._checking += report.seconds
        return replace(report, seconds=self._checking)

    def _mended(
        self,
        path: Path,
        found: Sequence[tuple[int, int, int]] | None,
        deadline: Deadline,
        threads: int,
        any_order: bool = True,
    ) -> Report | None:
        """Halve the leaves `found` open, or all that are, where that can help: the report on the file that then takes
        the place of `path`, for every float32 evaluation order if asked, or None."""
        boxes = [self._box(part) for part in self.parts]
        if found == () or any(np.count_nonzero(moving(low, high)) > FEW_INPUTS for low, high in boxes):
            return None
        clock = deadline.share(1.0, max(LEAST_MENDING, MENDING_SHARE * deadline.elapsed())) if any_order else deadline
        try:
            # What is written anew takes time of its own, too.
            with clock.running(), temporary(path.parent) as trial:
                query = None if self.query is None else self.query.path
                about = About(self.claim, self.subject, query, self.witness)
                how = Checking(any_order, jobs=threads, progress=_Watch(clock, 0), memory=self._memory)
                left = complete(trial, about, self.parts, boxes, how, found)
                report = None if left else self._check(trial, deadline, threads)
                if report is not None and (report.any_order if any_order else report.accepted):
                    os.replace(trial, path)
                    return report
        except InputError:
            # Too many leaves are open.
            return None
        except (_LateError, KeyboardInterrupt) as end:
            # What there is over the reals stands.
            if not any_order:
                raise
            if isinstance(end, KeyboardInterrupt):
                why(end)
        return None

    def _box(self, part: Part) -> tuple[Any, Any]:
        """The float ends (inputs,) of the smallest box around the boxes of the part's disjuncts."""
        chosen = [self._disjuncts.all[d] for goal in part.goals for d in goal.disjuncts]
        low = [min(ends) for ends in zip(*(d.lower for d in chosen), strict=True)]
        high = [max(ends) for ends in zip(*(d.upper for d in chosen), strict=True)]
        return np.array([float_below(v) for v in low]), np.array([float_above(v) for v in high])


class _Watch:
    """A progress function that ends a check once the time is up, or will be long before so many leaves are done."""

    def __init__(self, deadline: Deadline, leaves: int) -> None:
        self.deadline, self.leaves, self.done, self.started = deadline, leaves, 0, time.monotonic()

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if done < self.done:
            # A second pass over all leaves, for the reals alone.
            self.started = now
        self.done, spent = done, now - self.started
        late = spent > TRIAL and spent * (self.leaves - done) > self.deadline.remaining() * done
        if late or self.deadline.passed():
            raise _LateError
