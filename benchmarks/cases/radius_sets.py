"""The radius of every held-out input of shipped models: how many a second, and how many stay open.

All inputs of one model share a process, as in a batch; loading is not counted. An input of another class than its label
counts as answered, with the radius 0 (`wrong-label`).
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import replace

from rich.table import Table

import verdict
from benchmarks.clock import Clock
from benchmarks.questions import RADIUS_ANSWERS, compare_intervals, network, radius_outcome, shipped_input, warmed
from benchmarks.registry import Case, Instance, Options, Outcome, Row, register
from benchmarks.table import grouped

MODELS = ("cancer-mlp", "digits-linear", "digits-mlp", "digits-mlp-robust", "digits-conv", "digits-resnet")


@register
class RadiusSets(Case):
    name = "radius-sets"
    idea = "maxeps on the whole held-out set of each shipped model, with the throughput"
    solved = RADIUS_ANSWERS
    resumes = True

    def instances(self, options: Options) -> Iterable[Instance]:
        from verdict import models

        for model in options.choose(MODELS):
            X, labels = models.data(str(models.model(model).data)).load()
            for number in range(len(X))[:: options.every or 1][: options.inputs]:
                for engine, solver in options.solvers(("auto",)):
                    data = {"number": number, "label": int(labels[number])}
                    yield Instance(model, f"#{number}", engine, solver, options.timeout or 20.0, data)

    def measure(self, instance: Instance) -> Outcome:
        warmed(instance.engine, instance.solver)
        x, valid = shipped_input(instance.group, int(instance.data["number"]))
        loaded = network(instance.group)
        with Clock() as clock:
            radius = verdict.maxeps(
                loaded, x, range=valid, label=instance.data["label"], engine=instance.engine,
                solver=instance.solver or None, timeout=instance.timeout,
            )
        return replace(radius_outcome(clock, radius), extra={"limit": f"{instance.timeout:g}"})

    def check(self, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
        return compare_intervals(rows)

    def summary(self, rows: Sequence[Row]) -> Table:
        return throughput(self.name, rows)


def throughput(title: str, rows: Sequence[Row]) -> Table:
    """One line per group, engine and revision: the answers, all seconds together, and how many a second."""
    table = Table(title=title)
    heads = ("group", "engine", "revision", "answered", "all s", "a second", "median s", "max s", "all cpu s")
    for number, head in enumerate(heads):
        table.add_column(head, justify="left" if number < 3 else "right")
    for (group, way, revision), part in grouped(rows).items():
        seconds = [row.seconds for row in part]
        table.add_row(
            group, way, revision,
            f"{sum(row.status in RADIUS_ANSWERS for row in part)}/{len(part)}",
            f"{sum(seconds):.1f}", f"{len(part) / sum(seconds):.2f}",
            f"{statistics.median(seconds):.3g}", f"{max(seconds):.3g}",
            f"{sum(row.cpu for row in part):.1f}",
        )
    return table
