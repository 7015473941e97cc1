"""Rows as CSV, as a summary with medians, and as a comparison of two revisions."""

from __future__ import annotations

import csv
import math
import statistics
from collections.abc import Collection, Sequence
from dataclasses import asdict, fields
from pathlib import Path

from rich.table import Table

from benchmarks.rows import Row, UsageError

COLUMNS = [f.name for f in fields(Row) if f.name != "extra"]


def write(rows: Sequence[Row], path: Path) -> None:
    """The rows as a CSV file, replaced at once so that whatever ends the run leaves a whole file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    extra = list(dict.fromkeys(name for row in rows for name in row.extra))
    scratch = path.with_name(path.name + ".part")
    with scratch.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*COLUMNS, *extra], lineterminator="\n", restval="")
        writer.writeheader()
        for row in rows:
            values = asdict(row)
            writer.writerow({**values.pop("extra"), **values})
    scratch.replace(path)


def read(path: Path) -> list[Row]:
    """The rows of a file that `write` made. Raises UsageError."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return [_row(line) for line in csv.DictReader(file)]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path}: not a file of rows: {error}") from error


def _row(line: dict[str, str]) -> Row:
    numbers = {k: float(line[k]) if line[k] else None for k in ("lower", "upper")}
    times = {k: float(line[k]) for k in ("seconds", "cpu")}
    extra = {k: v for k, v in line.items() if k not in COLUMNS and v}
    return Row(**{**{k: line[k] for k in COLUMNS}, **numbers, **times}, extra=extra)  # type: ignore[arg-type]


def grouped(rows: Sequence[Row]) -> dict[tuple[str, str, str], list[Row]]:
    """The rows by (group, engine/solver, revision), in order of appearance."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.group, row.way, row.revision), []).append(row)
    return groups


def median_radius(rows: Sequence[Row]) -> str:
    """The median upper end, or "" where there is none."""
    ends = [row.upper for row in rows if row.upper is not None]
    return f"{statistics.median(ends):.4g}" if ends else ""


def summary(title: str, solved: Collection[str], rows: Sequence[Row]) -> Table:
    """One line per group, engine and revision; the statuses that are `solved` count as answers."""
    table = Table(title=title)
    heads = ("group", "engine", "revision", "answered", "median radius", "median s", "max s", "median cpu s")
    for number, head in enumerate(heads):
        table.add_column(head, justify="left" if number < 3 else "right")
    for (group, way, revision), part in grouped(rows).items():
        seconds = [row.seconds for row in part]
        answered = sum(row.status in solved for row in part)
        table.add_row(
            group,
            way,
            revision,
            f"{answered}/{len(part)}",
            median_radius(part),
            f"{statistics.median(seconds):.3g}",
            f"{max(seconds):.3g}",
            f"{statistics.median(row.cpu for row in part):.3g}",
        )
    return table


def comparison(rows: Sequence[Row], now: str, then: str) -> Table:
    """Medians of both revisions and their ratio (below 1: the present code is faster); the last column is the
    geometric mean of the ratios of each instance."""
    table = Table(title=f"{now} against {then}")
    for number, head in enumerate(("group", "engine", f"{now} s", f"{then} s", "ratio", "cpu ratio", "mean ratio")):
        table.add_column(head, justify="left" if number < 2 else "right")
    groups = grouped(rows)
    for (group, way, revision), part in groups.items():
        other = groups.get((group, way, then))
        if revision != now or other is None:
            continue
        new, old = (statistics.median(row.seconds for row in p) for p in (part, other))
        new_cpu, old_cpu = (statistics.median(row.cpu for row in p) for p in (part, other))
        before = {row.instance: row.seconds for row in other}
        logs = [math.log(row.seconds / before[row.instance]) for row in part if before.get(row.instance)]
        mean = math.exp(statistics.fmean(logs)) if logs else math.nan
        table.add_row(group, way, f"{new:.3g}", f"{old:.3g}", _ratio(new, old), _ratio(new_cpu, old_cpu), f"{mean:.2f}")
    return table


def _ratio(new: float, old: float) -> str:
    return f"{new / old:.2f}" if old else "–"
