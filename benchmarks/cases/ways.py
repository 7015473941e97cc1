"""`auto` against each of its ways alone, on families of networks that nothing was tuned on, a whole process a row.

The goal: on no family does `auto` take more than 15 % longer than the best way. Ways are the searches of branch and
bound (boxes, zoom, relus, planes: `benchmarks/one_way.py`) and the engine `milp`; a row that falls to the attack or to
linear bounds, which come before all of them, is no question for this table.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace

from rich.table import Table

from benchmarks.cases.unseen import Unseen
from benchmarks.registry import Instance, Options, Row, register

WAYS = ("auto", "boxes", "zoom", "relus", "anew", "planes", "milp/highs")
# What `auto` may take of the best way's time.
RATIO = 1.15


@register
class Ways(Unseen):
    name = "ways"
    idea = "auto against each of its ways alone on the rows of `unseen` (needs --bench; --engines auto,relus,...)"

    def instances(self, options: Options) -> Iterable[Instance]:
        return super().instances(options if options.engines else replace(options, engines=WAYS))

    def command(self, instance: Instance) -> list[str]:
        if instance.engine in ("auto", "milp"):
            return super().command(instance)
        return [sys.executable, "-m", "benchmarks.one_way", instance.engine, "verify", "--engine", "bab"]

    def summary(self, rows: Sequence[Row]) -> Table:
        table = Table(title=self.name)
        table.add_column("family")
        for head in ("rows", "searched", *WAYS, "auto / best"):
            table.add_column(head, justify="right")
        for family in dict.fromkeys(row.group for row in rows):
            own = [row for row in rows if row.group == family]
            searched = _searched(own)
            cells = [str(len({row.instance for row in own})), str(len(searched))]
            table.add_row(family, *cells, *(_cell(searched, way) for way in WAYS), _ratio(searched))
        return table


def _searched(rows: Sequence[Row]) -> list[dict[str, Row]]:
    """By instance the rows of each way, where `auto` came to a search."""
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row.instance, {})[row.way] = row
    early = ("attack", "bounds")
    return [ways for ways in found.values() if "auto" in ways and ways["auto"].extra.get("closed_by") not in early]


def _cell(searched: Sequence[dict[str, Row]], way: str) -> str:
    """How many rows a way decided, and the seconds of all, each at most its limit."""
    own = [ways[way] for ways in searched if way in ways]
    return f"{sum(row.status in Unseen.solved for row in own)}: {sum(row.seconds for row in own):.3g}" if own else ""


def _ratio(searched: Sequence[dict[str, Row]]) -> str:
    """The median over rows of `auto`'s seconds over those of the best way, of rows that one of the others decides."""
    ratios = []
    for ways in searched:
        others = [row.seconds for way, row in ways.items() if way != "auto" and row.status in Unseen.solved]
        if others:
            ratios.append(ways["auto"].seconds / min(others))
    worst = f" (at most {max(ratios):.2f})" if ratios else ""
    return f"{statistics.median(ratios):.2f}{worst}" if ratios else ""
