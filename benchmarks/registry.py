"""What a case is, and where it is found: every module of `benchmarks.cases` that uses `@register`."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.rows import Instance, Outcome, Row, UsageError

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Case", "Instance", "Options", "Outcome", "Row", "UsageError", "cases", "find", "register"]


@dataclass(frozen=True)
class Options:
    """What the command line sets; None or empty is the case's own default."""

    groups: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()
    inputs: int | None = None
    timeout: float | None = None
    repeat: int | None = None
    bench: Path | None = None
    every: int | None = None
    sample: int | None = None
    fraction: str = "0.9"

    def choose(self, known: Sequence[str]) -> list[str]:
        """The groups (models, mostly) to run: those asked for, or all."""
        unknown = [name for name in self.groups if name not in known]
        if unknown:
            raise UsageError(f"no group {', '.join(unknown)}; this case has {', '.join(known)}")
        return list(self.groups or known)

    def solvers(self, default: Sequence[str]) -> list[tuple[str, str]]:
        """(engine, solver) of each "engine/solver" asked for, or of the default ones; "bab" has no solver."""
        return [(engine, solver) for engine, _, solver in (way.partition("/") for way in self.engines or default)]


class Case(ABC):
    """One benchmark. `idea` is one line for the list; `solved` are the statuses that count as an answer;
    with `fresh`, each instance has a process of its own, else all of one revision share one; with `resumes`, rows
    that the output file has already are not measured again."""

    name: str
    idea: str
    solved: frozenset[str] = frozenset({"ok"})
    fresh: bool = False
    resumes: bool = False

    @abstractmethod
    def instances(self, options: Options) -> Iterable[Instance]:
        """What to measure, in order."""

    @abstractmethod
    def measure(self, instance: Instance) -> Outcome:
        """Measure one instance, in a worker process."""

    def check(self, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
        """What the rows agree on and where they contradict each other, a line each."""
        return [], []

    def summary(self, rows: Sequence[Row]) -> Table:
        """One line per group, engine and revision; by default medians."""
        from benchmarks.table import summary

        return summary(self.name, self.solved, rows)

    def series(self, row: Row) -> str:
        """Which curve of the plot the row belongs to."""
        return row.way or row.group


_CASES: dict[str, Case] = {}


def register(case: type[Case]) -> type[Case]:
    """Class decorator: add the case under its name."""
    _CASES[case.name] = case()
    return case


def cases() -> dict[str, Case]:
    """Every case by name."""
    from benchmarks import cases as package

    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return dict(sorted(_CASES.items()))


def find(name: str) -> Case:
    """The case of that name; raises UsageError."""
    known = cases()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise UsageError(f"no case {name!r}.{hint} Known: {', '.join(known)}")
    return known[name]
