"""A question whose proof is to be certified: recorded while it is found, then written and checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..answer.evidence import Evidence
from ..answer.results import Certificate
from ..base.deadline import Deadline
from ..certificate.draft import Asked, Draft
from ..certificate.places import is_file, prepare
from ..network.network import Network
from ..property import Box, Problem
from .observer import Observer
from .recorder import Recorder


class Certified:
    """The certificate of one question: `claim` as in `certificate.write`, `query` what it is about, if any.

    Raises InputError if the file cannot be written.
    """

    def __init__(
        self, path: str | Path, network: Network, claim: dict[str, Any], query: Asked | None = None
    ) -> None:
        composed = not is_file(network.path, network.data)
        kept = query is not None and not is_file(query.path, query.data)
        self.draft = Draft(prepare(path, query=kept, network=composed), network, claim, query)

    def observer(self, problem: Problem, box: Box) -> Observer:
        """Who watches the search for one problem of the question: a recorder, or nobody if that is no use."""
        recording = self.draft.recording(box, problem.unsafe)
        return Observer() if recording is None else Recorder(recording)

    def made(
        self, evidence: Evidence, deadline: Deadline, threads: int, report: Callable[[str], object]
    ) -> Certificate:
        """The certificate of what the search has found; the time that it takes is one more stage of the evidence."""
        if evidence.witness is not None:
            return Certificate(None, reason="a violation needs none, its witness is the evidence")
        if evidence.proof is None:
            return Certificate(None, reason="nothing was proved")
        report("certificate")
        started = deadline.elapsed()
        made = self.draft.finish(deadline, threads, evidence.unrecorded)
        evidence.stages["certificate"] = deadline.elapsed() - started
        return made
