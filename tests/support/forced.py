"""Questions of the API that are answered in one way, by other numbers for the searches than the usual ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from verdict.answer.results import Radius, Verdict
from verdict.ask.answering import ask
from verdict.ask.options import Options
from verdict.ask.question import ModelFile, NamedFile, Question
from verdict.network.network import Network
from verdict.property.vnnlib1 import VnnLib1
from verdict.property.vnnlib2 import VnnLib2
from verdict.search.options import SearchOptions


def verify(query: Path | VnnLib1 | VnnLib2, network: Network, search: SearchOptions, **options: Any) -> Verdict:
    """`verdict.verify` with these numbers."""
    file = NamedFile(str(query)) if isinstance(query, Path) else NamedFile(str(query.path), content=query)
    question = Question("verify", (ModelFile.of(network),), query=file)
    answer: Verdict = ask(question, Options(**options), search=search)
    return answer


def maxeps(network: Any, x: Sequence[float], search: SearchOptions, **options: Any) -> Radius:
    """`verdict.maxeps` with these numbers."""
    answer: Radius = ask(Question.of("maxeps", [network], x), Options(**options), search=search)
    return answer
