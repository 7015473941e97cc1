"""What is measured and what comes of it: an instance, its outcome, and the row of both in a file."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


class UsageError(Exception):
    """A command line that makes no sense; its text is all that the user needs."""


@dataclass(frozen=True)
class Instance:
    """One thing to measure; `data` is what `Case.measure` needs besides and goes through JSON."""

    group: str
    name: str
    engine: str = ""
    solver: str = ""
    timeout: float = 60.0
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What came out: `status` in the case's words, `seconds` and `cpu` (children included) of the part that
    counts, the interval where there is one, `exact` as "p/q"; `extra` are columns of the case's own."""

    status: str
    seconds: float
    cpu: float
    lower: float | None = None
    upper: float | None = None
    exact: str = ""
    note: str = ""
    extra: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One line of the CSV file; `extra` are columns that only some cases have."""

    case: str
    revision: str
    group: str
    instance: str
    engine: str
    solver: str
    status: str
    lower: float | None
    upper: float | None
    exact: str
    seconds: float
    cpu: float
    note: str
    extra: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def of(case: str, revision: str, instance: Instance, outcome: Outcome) -> Row:
        where = (case, revision, instance.group, instance.name, instance.engine, instance.solver)
        values = asdict(outcome)
        for what in ("seconds", "cpu"):
            values[what] = round(values[what], 6)
        return Row(*where, **values)

    @property
    def way(self) -> str:
        """engine/solver, or whichever of them there is."""
        return "/".join(filter(None, (self.engine, self.solver)))
