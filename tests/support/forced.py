"""Questions of the API that are answered in one way, by other numbers for the searches than the usual ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from verdict.answer.results import Verdict
from verdict.ask.answering import ask
from verdict.ask.options import Options
from verdict.ask.question import ModelFile, NamedFile, Question
from verdict.network.network import Network
from verdict.search.options import SearchOptions


def verify(query: Path, network: Network, search: SearchOptions, **options: Any) -> Verdict:
    """`verdict.verify` with these numbers."""
    question = Question("verify", (ModelFile.of(network),), query=NamedFile(str(query)))
    answer: Verdict = ask(question, Options(**options), search=search)
    return answer
