"""What a report compares: rows in groups, by store, else model, else engine, else batch, whichever is the first to tell
them apart, and the pairs of rows of two groups that ask the same."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..answer.table import OPEN, PROVED, REFUTED
from ..base.visible import visible
from ..store.entry import FAILED, Entry
from ..store.summary import state

# More groups than this are told apart by less.
MOST = 8
FAILED_STATE = "failed"
STATES = (PROVED, REFUTED, OPEN, FAILED_STATE)


@dataclass(frozen=True, eq=False)
class Group:
    """Rows that belong together, and what they are called."""

    name: str
    rows: Sequence[Entry]

    def counts(self) -> dict[str, int]:
        """How many are proved, refuted, open and failed."""
        found = Counter(state_of(row) for row in self.rows)
        return {each: found[each] for each in STATES}


def state_of(row: Entry) -> str:
    """Whether a row is decided: a radius that is known counts as proved, at 0 as refuted."""
    if row.status in FAILED:
        return FAILED_STATE if row.status in ("crashed", "refused") else OPEN
    if row.status == "interval":
        return OPEN
    return state(row)


def groups(stores: Mapping[str, Sequence[Entry]]) -> list[Group]:
    """The rows of all stores in their groups."""
    rows = [(row, (name, row.model, _engine(row), row.batch)) for name, entries in stores.items() for row in entries]
    # Instances are about many models, each asked something else.
    about_inputs = all("point" in row.question for row, _ in rows)
    for fact in (0, 1, 2, 3) if about_inputs else (0, 2, 3):
        found: dict[str, list[Entry]] = {}
        for row, known in rows:
            found.setdefault(known[fact], []).append(row)
        if 1 < len(found) <= MOST:
            return [Group(visible(name), entries) for name, entries in found.items()]
    return [Group("all", [row for row, _ in rows])]


def _engine(row: Entry) -> str:
    return f"engine {row.options.get('engine', 'auto')}"


def subject(row: Entry) -> str:
    """A hash of what a row asks, whatever model it asks about and whatever its files are called."""
    question = {name: part for name, part in row.question.items() if name != "models"}
    point, query = question.get("point"), question.get("query")
    if point is not None:
        question["point"] = point["x"]
    if query is not None:
        question["query"] = query.get("sha256")
    return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()


def pairs(first: Group, second: Group) -> list[tuple[Entry, Entry]]:
    """The rows of two groups that ask the same of the same model or, where there are none, of their own."""
    for key in (lambda row: (row.models, subject(row)), lambda row: ((), subject(row))):
        known = {key(row): row for row in first.rows}
        found = [(known[key(row)], row) for row in second.rows if key(row) in known]
        if found:
            return found
    return []


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two groups: how often each pair of states occurs, and the cases that differ, the contradictions first."""

    first: Group
    second: Group
    pairs: Sequence[tuple[Entry, Entry]]

    @property
    def table(self) -> list[tuple[str, list[int]]]:
        """A line for each state of the first, with a number for each of the second."""
        found = Counter((state_of(a), state_of(b)) for a, b in self.pairs)
        return [(one, [found[one, other] for other in STATES]) for one in STATES]

    def different(self) -> list[tuple[Entry, Entry]]:
        """The pairs whose states differ."""
        return [(a, b) for a, b in self.pairs if state_of(a) != state_of(b)]

    @property
    def summary(self) -> str:
        """How they compare, in a sentence."""
        said = f"{len(self.pairs)} cases were asked of both; {len(self.different())} came out differently"
        both: list[tuple[Any, Any]] = [(a.answer, b.answer) for a, b in self.pairs
                                       if hasattr(a.answer, "lower") and hasattr(b.answer, "lower")]
        if both:
            less, more = (sum(x < y for x, y in ((float(a.lower), float(b.lower)) for a, b in both)),
                          sum(x > y for x, y in ((float(a.lower), float(b.lower)) for a, b in both)))
            said += f"; the proved radius is larger in {more} of {len(both)} for {self.first.name}, "
            said += f"in {less} for {self.second.name}"
        seconds = [sum(row.seconds for row in side) for side in zip(*self.pairs, strict=True)]
        return f"{said}. Work: {seconds[0]:.1f} s and {seconds[1]:.1f} s."


def compared(found: Sequence[Group]) -> Comparison | None:
    """The comparison of two groups, where there are two and they have something in common."""
    if len(found) != 2:
        return None
    both = pairs(found[0], found[1])
    return Comparison(found[0], found[1], both) if both else None
