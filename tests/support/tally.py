"""What questions asked in several ways came to, and whether the evidence of every answer stands.

An answer is wrong if another way or brute force says the opposite, or if its certificate or witness does not stand
before the checker's own reading of the files.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import verdict
from support.asked import Asked
from support.evidence import fault
from verdict.answer.results import Trust


@dataclass
class Tally:
    """What a block of questions came to: counts and seconds by way, and questions that need a human."""

    counts: Counter = field(default_factory=Counter)
    seconds: Counter = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def add(self, asked: Asked, verdicts: dict[str, verdict.Verdict], folder: Path) -> None:
        said = {way: answer.status for way, answer in verdicts.items()}
        definite = set(said.values()) - {"unknown"}
        if asked.sampled and asked.truth == "robust" and definite == {"violated"}:
            # Samples do not see every point; a witness is examined by itself.
            self.counts["check missed by samples"] += 1
        elif len(definite | {asked.truth} - {None}) > 1:
            self.wrong.append(f"question {asked.name}: brute force says {asked.truth}; {said}; files in {folder}")
        tie = asked.truth is None
        self.counts[f"truth {asked.truth or 'tie'}"] += 1
        for way, answer in verdicts.items():
            # At a tie nobody has to know.
            self.counts[f"{way} {answer.status}{' at a tie' if tie else ''}"] += 1
            if answer.status == "unknown":
                if not tie:
                    self.unknown.append(f"question {asked.name}: {way}: {answer.reason}")
            elif answer.status == "robust" and answer.trust is not Trust.CERTIFIED:
                self.counts[f"check uncertified{' at a tie' if tie else f' {way}'}"] += 1
                if not tie:
                    self.unknown.append(f"question {asked.name}: {way}: {answer.certificate.reason}")
            else:
                self._examine(asked, way, answer, folder)

    def _examine(self, asked: Asked, way: str, answer: verdict.Verdict, folder: Path) -> None:
        started = time.perf_counter()
        found = fault(answer, asked.network, asked.query)
        self.seconds["check"] += time.perf_counter() - started
        self.counts[f"check {'fault' if found else 'accepted'}"] += 1
        if found:
            self.wrong.append(f"question {asked.name}: {way}: {found}; files in {folder}")
