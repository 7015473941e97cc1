"""Families of networks that nothing was tuned on, a few rows each: how many fall within a minute, and to which way.

Rows are those of `vnncomp`, of the folder `unseen` in --bench DIR, or of DIR itself, with 60 s each. What matters here
is whether one engine serves all: so the table says for every family how often each way closed a row.
"""

from __future__ import annotations

import math
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from rich.table import Table

from benchmarks.cases.vnncomp import VnnComp
from benchmarks.process import Finished
from benchmarks.registry import Instance, Options, Row, UsageError, register
from benchmarks.table import grouped

# Seconds for a row, where it has more of its own.
LIMIT = 60.0


@register
class Unseen(VnnComp):
    name = "unseen"
    idea = "rows of families that nothing was tuned on, and the ways that close them (needs --bench)"

    def instances(self, options: Options) -> Iterable[Instance]:
        if options.bench is None:
            raise UsageError("case unseen needs --bench DIR, a folder of VNN-COMP folders or one with them in `unseen`")
        inside = options.bench / "unseen"
        bench = inside if inside.is_dir() else options.bench
        timeout = LIMIT if options.timeout is None else options.timeout
        return super().instances(replace(options, bench=bench, timeout=timeout))

    def extra(self, done: Finished) -> dict[str, str]:
        return {"closed_by": closed_by(done.stderr)}

    def summary(self, rows: Sequence[Row]) -> Table:
        table = Table(title=self.name)
        for head in ("family", "engine", "revision"):
            table.add_column(head)
        for head in ("rows", "decided", "median s", "max of decided", "total s", "cores at work"):
            table.add_column(head, justify="right")
        table.add_column("closed by")
        for (group, way, revision), part in grouped(rows).items():
            seconds = [row.seconds for row in part]
            decided = [row for row in part if row.status in self.solved]
            ways = Counter(row.extra.get("closed_by") or "?" for row in decided)
            longest = f"{max(row.seconds for row in decided):.3g}" if decided else ""
            times = [f"{statistics.median(seconds):.3g}", longest, f"{sum(seconds):.3g}"]
            cores = f"{sum(row.cpu for row in part) / sum(seconds):.2f}"
            by = ", ".join(f"{name} {count}" for name, count in ways.most_common())
            table.add_row(group, way, revision, str(len(part)), str(len(decided)), *times, cores, by)
        return table


def closed_by(stderr: str) -> str:
    """The way that found the witness, or closed most, from the line of `--verbose`; empty where none is named."""
    line = re.search(r"^closed by: (.*)$", stderr, re.MULTILINE)
    said, best, name = line[1] if line else "", 0.0, ""
    for way, share, witness in re.findall(r"(\S+) (?:([\d.e+-]+) %)?(?: and )?(the witness)? in", said):
        closed = math.inf if witness else float(share or 0)
        if closed > best:
            best, name = closed, way
    return name
