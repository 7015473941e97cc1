"""The certificate of one question in the making: where a search records its proof, and what becomes of it in the end.

The proof is written beside the file that was asked for and read back by the independent checker, which has the last
word; only then does it take that file's name. What cannot be certified says why, and never changes an answer.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..checker import Memory, Report, UnreadableError, check
from ..deadline import Deadline, why
from ..errors import InputError, UnsupportedError
from ..network.exact import float_above, float_below
from ..network.network import Network
from ..property import Box, UnsafeSet
from ..results import Certificate
from .complete import complete
from .contradiction import contradictions
from .neurons import Disjuncts, NeuronMap
from .proof import Part, leaves_of
from .recording import Recording
from .write import write_certificate

# A check that will not end in the time left is given up after so many seconds.
TRIAL = 1.0
# Seconds that making a proof hold for float32 may take, and its share of what everything before it took.
LEAST_MENDING, MENDING_SHARE = 1.0, 0.15
# Halving a box helps where at most so many inputs can vary.
FEW_INPUTS = 12


class _LateError(Exception):
    """The check was cut short."""


def prepare(path: str | Path) -> Path:
    """The path, if a file can be written there. Raises InputError, so that an impossible one does not cost a search."""
    path = Path(path)
    probe = path.with_name(path.name + ".part")
    try:
        if path.is_dir():
            raise InputError(f"certificate {path}: is a directory, expected a file")
        probe.touch()
        probe.unlink()
    except (OSError, ValueError) as error:
        raise InputError(f"certificate {path}: cannot be written: {getattr(error, 'strerror', '') or error}") from error
    return path


def _remove(path: Path) -> None:
    """Remove a file that has not been kept, and what is left of one that was never complete."""
    for left in (path, path.with_name(path.name + ".part")):
        with contextlib.suppress(OSError):
            left.unlink(missing_ok=True)


def _is_file(network: Network) -> bool:
    """Whether the network's path holds the very bytes that it was read from."""
    return network.path.is_file() and network.path.read_bytes() == network.data


class Draft:
    """A certificate of `claim` (see `write`) about a network and, where the claim is about one, a query's file.

    `witness` is the exact point that proves the upper end of a radius.
    """

    def __init__(
        self,
        path: Path,
        network: Network,
        claim: dict[str, Any],
        query: Path | None = None,
        witness: Sequence[Fraction] | None = None,
    ) -> None:
        self.path, self.claim, self.query, self.witness = path, claim, query, witness
        # A network that is no file as it is (unpacked, or composed of several) becomes one beside the certificate.
        self.network = network if _is_file(network) else replace(network, path=path.with_name(path.name + ".onnx"))
        self.parts: list[Part] = []
        self._memory, self._checking = Memory(), 0.0
        # Why there can be no certificate at all.
        self.reason = ""
        try:
            self._neurons = NeuronMap(network)
            self._disjuncts = Disjuncts(claim, self._neurons, None if query is None else query.read_bytes())
        except UnsupportedError as error:
            self.reason = str(error)
        except OSError as error:
            self.reason = f"{query}: cannot be read again: {error.strerror or error}"

    def recording(self, box: Box, unsafe: UnsafeSet) -> Recording | None:
        """What a search over this box, for these polytopes, is given to record its proof; None if that is no use."""
        if self.reason:
            return None
        return Recording.of_claim(
            self._neurons, self._disjuncts, box, unsafe.polytopes, self.parts, self.network.head is None
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
        unchecked = self.path.with_name(self.path.name + ".unchecked")
        try:
            if not _is_file(self.network):
                self.network.path.write_bytes(self.network.data)
            report, reason = self._checked(unchecked, deadline, threads)
            if report is not None and not report.accepted:
                return Certificate(None, report=report, reason=reason)
            if only_float32 and not (report is not None and report.any_order):
                return Certificate(None, reason="it does not hold for every float32 evaluation order")
            os.replace(unchecked, self.path)
            return Certificate(self.path, self.network.path, self.path.stat().st_size, report, reason, radius)
        except InputError as error:
            return Certificate(None, reason=str(error))
        except KeyboardInterrupt as end:
            return Certificate(None, reason=f"{why(end)} before it was written")
        except OSError as error:
            return Certificate(None, reason=f"{self.path}: cannot be written: {error.strerror or error}")
        finally:
            _remove(unchecked)

    def _drop_empty(self) -> None:
        """Forget goals about no disjunct: polytopes that others of the query imply."""
        for part in self.parts:
            part.goals = [goal for goal in part.goals if goal.disjuncts]
        self.parts = [part for part in self.parts if part.goals]

    def _checked(self, path: Path, deadline: Deadline, threads: int) -> tuple[Report | None, str]:
        """Write the file; the checker's report (None: not checked to the end), and why it is not exact and good."""
        asked = None if self.query is None else self.query.read_bytes()
        write_certificate(path, self.claim, self.network.data, self.parts, query=asked, witness=self.witness)
        report: Report | None = None
        late = "the time ran out before it was checked"
        try:
            report = self._check(path, deadline, threads)
            if not report.any_order and not self.claim.get("open"):
                report = self._mended(path, report.open, deadline, threads) or report
            if not report.accepted:
                report = self._mended(path, None, deadline, threads, any_order=False) or report
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
        with contextlib.suppress(_LateError, KeyboardInterrupt):
            report = self._check(path, deadline, threads, "rigorous")
            # Floats may fail where integers would not.
            if report.accepted:
                return report, why
        return None, why

    def _check(self, path: Path, deadline: Deadline, threads: int, tier: str = "exact") -> Report:
        watch = _Watch(deadline, leaves_of(self.parts) if tier == "exact" else 0)
        any_order = not self.claim.get("open", False)
        report = check(
            path,
            self.network.path,
            self.query,
            tier=tier,
            jobs=threads,
            any_order=any_order,
            progress=watch,
            memory=self._memory if tier == "exact" else None,
        )
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
        if found == () or any(np.count_nonzero(high > low) > FEW_INPUTS for low, high in boxes):
            return None
        clock = deadline.share(1.0, max(LEAST_MENDING, MENDING_SHARE * deadline.elapsed())) if any_order else deadline
        trial = path.with_name(path.name + ".trial")
        try:
            left = complete(
                trial,
                self.claim,
                self.network,
                self.parts,
                boxes,
                query=self.query,
                witness=self.witness,
                found=found,
                any_order=any_order,
                jobs=threads,
                progress=_Watch(clock, 0),
                memory=self._memory,
            )
            report = None if left else self._check(trial, deadline, threads)
            if report is not None and (report.any_order if any_order else report.accepted):
                os.replace(trial, path)
                return report
        except InputError:
            # Too many leaves are open.
            return None
        except (_LateError, KeyboardInterrupt):
            # What there is over the reals stands.
            if not any_order:
                raise
        finally:
            _remove(trial)
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
