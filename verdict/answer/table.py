"""Answers about many inputs as one value: a table to go through, to keep and to look at.

A `Table` has a row for each question, in order. `Certified` is one of yes and no at several radii, and sums up to the
certified accuracy; `Radii` is one of radii. What was not asked any more, after Ctrl-C or at the end of the time, has no
row and counts as open.
"""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..base.arguments import place
from ..base.errors import InputError
from ..base.number import Number, radius_of
from ..base.visible import visible
from ..base.writing import Place
from .decimals import above, below
from .results import Radius, Verdict

# Rows that a notebook shows.
ROWS = 20
PROVED, REFUTED, OPEN = "proved", "refuted", "open"
_MARK = "status"


@dataclass(frozen=True)
class Row:
    """One question and its answer: `number` is that of the input, from 0, `label` the class that has to stay and
    `predicted` the network's own; `eps` is the radius where one was asked for. `answer` is None where the time ran out
    before there was any, and of a larger radius the same as of a smaller one that is refuted."""

    number: int
    label: int
    predicted: int
    status: str
    answer: Verdict | Radius | None
    eps: Fraction | None = None
    name: str = ""

    def state(self, eps: Fraction | None = None) -> str:
        """Whether it is proved, refuted or open that the input keeps its true class at its radius, or at `eps`."""
        return state_of(self.status, self.answer, eps)


def state_of(status: str, answer: Any, eps: Fraction | None = None) -> str:
    """Whether an answer with this status proves, refutes or leaves open that a true class stays, at `eps`."""
    if status == "wrong-label":
        return REFUTED
    if isinstance(answer, Radius):
        at = Fraction(0) if eps is None else eps
        if at < answer.lower or answer.is_unlimited or answer.status == "safe":
            return PROVED
        return REFUTED if answer.upper is not None and at >= answer.upper else OPEN
    return {"robust": PROVED, "violated": REFUTED}.get(status, OPEN)


@dataclass(frozen=True)
class Share:
    """How many of `count` inputs keep their true class at the radius `eps`: proved, refuted, and open."""

    eps: Fraction
    proved: int
    refuted: int
    count: int

    @property
    def open(self) -> int:
        """How many are neither: unknown, or not asked."""
        return self.count - self.proved - self.refuted

    @property
    def accuracy(self) -> float:
        """The certified accuracy: the share that is proved, between 0 and 1."""
        return self.proved / self.count if self.count else 0.0

    def __repr__(self) -> str:
        found = f"{self.proved} proved, {self.refuted} refuted, {self.open} open"
        return f"<eps {below(self.eps)}: {found} of {self.count}>"


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """Rows of answers about `count` inputs; `reason` says why some were not asked, "" where all were."""

    rows: tuple[Row, ...]
    count: int
    reason: str = ""

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __getitem__(self, index: Any) -> Any:
        """A row, or a list of some."""
        return list(self.rows[index]) if isinstance(index, slice) else self.rows[index]

    def records(self) -> list[dict[str, Any]]:
        """The rows as dictionaries with the same keys: numbers as floats, rounded to the safe side."""
        return [_record(row) for row in self.rows]

    def to_pandas(self) -> Any:
        """The table as a `pandas.DataFrame`. Raises InputError where pandas is not installed."""
        try:
            import pandas
        except ImportError:
            raise InputError("to_pandas() needs pandas: pip install pandas") from None
        return pandas.DataFrame(self.records())

    def to_csv(self, path: str | Path) -> None:
        """Write the table as a CSV file with a header. Raises InputError where it cannot be written there."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, _columns(self))
        writer.writeheader()
        writer.writerows(self.records())
        header = ",".join(_columns(self)).encode()
        target = place(path, "the file")
        Place(target, "to_csv", lambda there: there.read_bytes().startswith(header), "such a table").write(
            text.getvalue().encode()
        )

    def summary(self) -> str:
        """The table in one line."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.summary()}>"

    def _repr_html_(self) -> str:
        columns, records = _columns(self), self.records()[:ROWS]
        head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{_cell(record[name])}</td>" for name in columns) + "</tr>" for record in records
        )
        rest = len(self) - len(records)
        more = f"<p>and {rest} more rows</p>" if rest else ""
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return f"<p>{html.escape(self.summary())}</p>{table}{more}"


class Certified(Table):
    """What `verdict.certify` returns: for each input and radius whether its class is proved to stay."""

    @property
    def accuracy(self) -> list[Share]:
        """How many inputs are proved, refuted and open at each radius, the least first."""
        radii = sorted({row.eps for row in self.rows if row.eps is not None})
        return [_share([row for row in self.rows if row.eps == eps], eps, self.count) for eps in radii]

    def summary(self) -> str:
        """The certified accuracy at each radius, in one line."""
        each = ", ".join(f"{share.accuracy:.1%} at {below(share.eps)}" for share in self.accuracy)
        return f"{self.count} inputs, certified accuracy: {each or 'none'}" + _why(self)


class Radii(Table):
    """What `verdict.radii` returns: for each input the interval of its radius."""

    def at(self, eps: Number) -> Share:
        """How many inputs are proved, refuted and open at a radius, in input units. Raises InputError."""
        return _share(self.rows, radius_of(eps), self.count)

    @property
    def mean(self) -> float:
        """The mean proved radius, in input units: 0 where the label is wrong or nothing was asked. Unlimited radii are
        left out."""
        ends = [0.0 if row.state(Fraction(0)) == REFUTED else _lower(row.answer) for row in self.rows
                if not (isinstance(row.answer, Radius) and row.answer.is_unlimited)]
        count = self.count - (len(self.rows) - len(ends))
        return sum(ends) / count if count else 0.0

    def summary(self) -> str:
        """The number of inputs and their mean proved radius, in one line."""
        return f"{self.count} inputs, mean proved radius {self.mean:.6g}" + _why(self)


def _why(table: Table) -> str:
    return f"; {table.reason}" if table.reason else ""


def _lower(answer: Any) -> float:
    return float(below(answer.lower)) if isinstance(answer, Radius) else 0.0


def _share(rows: Sequence[Row], eps: Fraction, count: int) -> Share:
    states = [row.state(eps) for row in rows]
    return Share(eps, states.count(PROVED), states.count(REFUTED), count)


def _columns(table: Table) -> list[str]:
    """The names of the columns, also of a table without rows."""
    common = ["input", "label", "predicted", _MARK]
    return [*common, *(_VERDICT if isinstance(table, Certified) else _RADIUS), "trust", "target", "seconds"]


_VERDICT, _RADIUS = ("eps",), ("lower", "upper")


def _record(row: Row) -> dict[str, Any]:
    answer = row.answer
    said: dict[str, Any] = {"input": row.number, "label": row.name or row.label, "predicted": row.predicted}
    said[_MARK] = row.status
    if row.eps is not None:
        said["eps"] = float(row.eps)
        trust = "" if answer is None else str(getattr(answer, "trust", None) or "")
    else:
        upper = getattr(answer, "upper", None)
        said |= {"lower": _lower(answer), "upper": None if upper is None else float(above(upper))}
        trust = "" if answer is None else str(getattr(answer, "lower_trust", ""))
    seconds = 0.0 if answer is None else round(answer.seconds, 6)
    return {**said, "trust": trust, "target": None if answer is None else answer.target, "seconds": seconds}


def _cell(value: Any) -> str:
    text = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return html.escape(visible(text))
