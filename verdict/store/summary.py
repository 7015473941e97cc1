"""A store in numbers: how many rows of each status, and the certified accuracy, for each batch.

An input counts as proved at a radius where its true class is proved to stay within it, as refuted where it is lost, and
as open otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context
from fractions import Fraction
from typing import Any

from ..answer.decimals import below
from ..answer.table import OPEN, PROVED, REFUTED, Share, state_of
from .entry import FAILED, Entry

# Radii at which the certified accuracy of a batch of radii is said.
STEPS = 5


@dataclass(frozen=True)
class Summary:
    """One batch: its rows counted by status and by trust, seconds in all, and the certified accuracy at some radii."""

    batch: str
    count: int
    statuses: dict[str, int]
    trusts: dict[str, int]
    certificates: int
    seconds: float
    slowest: float
    shares: tuple[Share, ...]

    def to_dict(self) -> dict[str, Any]:
        """The numbers for JSON."""
        return {
            "batch": self.batch, "count": self.count, "statuses": self.statuses, "trusts": self.trusts,
            "certificates": self.certificates, "seconds": round(self.seconds, 6), "slowest": round(self.slowest, 6),
            "accuracy": [{"eps": float(s.eps), "proved": s.proved, "refuted": s.refuted, "open": s.open,
                          "count": s.count} for s in self.shares],
        }

    def lines(self) -> list[str]:
        """The numbers for people."""
        each = ", ".join(f"{count} {status}" for status, count in self.statuses.items())
        found = [f"{self.batch}: {self.count} {'case' if self.count == 1 else 'cases'}: {each}"]
        found.append(f"  {self.seconds:.1f} s of work, the longest {self.slowest:.1f} s")
        if self.trusts:
            found.append("  proofs rest on: " + ", ".join(f"{word} {count}" for word, count in self.trusts.items()))
        if self.certificates:
            found.append(f"  certificates that the checker accepted: {self.certificates}")
        for share in self.shares:
            found.append(f"  at {below(share.eps)}: {share.proved} proved, {share.refuted} refuted, {share.open} open "
                         f"of {share.count}: certified accuracy {share.accuracy:.1%}")
        return found


def summaries(entries: Iterable[Entry]) -> list[Summary]:
    """One for each batch, in their order."""
    batches: dict[str, list[Entry]] = {}
    for entry in entries:
        batches.setdefault(entry.batch, []).append(entry)
    return [_summary(name, rows) for name, rows in batches.items()]


def _summary(batch: str, rows: Sequence[Entry]) -> Summary:
    statuses = Counter(row.status for row in rows)
    trusts = Counter(str(row.columns()["trust"]) for row in rows if is_proved(row))
    return Summary(
        batch, len(rows), dict(sorted(statuses.items())), dict(sorted(trusts.items())),
        sum(bool(row.certificate and row.certificate["accepted"]) for row in rows),
        sum(row.seconds for row in rows), max((row.seconds for row in rows), default=0.0), tuple(_shares(rows)),
    )


def is_proved(row: Entry) -> bool:
    """Whether something is proved of it: a class that stays, a query without a solution, a radius above 0."""
    lower = None if row.record is None else row.record["answer"].get("lower")
    return row.status in ("robust", "safe") or (lower is not None and Fraction(lower) > 0)


def state(row: Entry, eps: Fraction | None = None) -> str:
    """Whether it is proved, refuted or open that a row's input keeps its true class, at a radius."""
    return OPEN if row.status in FAILED else state_of(row.status, row.answer, eps)


def _shares(rows: Sequence[Entry]) -> list[Share]:
    """The certified accuracy at the radii that were asked about, or at some that share out those that were found."""
    asked = [row for row in rows if row.kind == "robust"]
    radii = sorted({row.eps for row in asked if row.eps is not None})
    found = [share([row for row in asked if row.eps == eps], eps) for eps in radii]
    measured = [row for row in rows if row.kind == "maxeps"]
    ends = sorted(end for row in measured if (end := getattr(row.answer, "lower", None)) is not None)
    steps = sorted({_round(ends[(i + 1) * (len(ends) - 1) // STEPS]) for i in range(STEPS)}) if ends else []
    return found + [share(measured, eps) for eps in steps if eps > 0]


def _round(eps: Fraction) -> Fraction:
    """A number of two digits that is at most `eps`."""
    return Fraction(Context(prec=2, rounding=ROUND_FLOOR).create_decimal(repr(float(eps))))


def share(rows: Sequence[Entry], eps: Fraction) -> Share:
    """How many inputs keep their true class at a radius; what was asked about one in several ways counts once."""
    states: dict[str, set[str]] = {}
    for row in rows:
        states.setdefault(row.key, set()).add(state(row, eps))
    found = list(states.values())
    return Share(eps, sum(PROVED in each for each in found), sum(REFUTED in each for each in found), len(found))
