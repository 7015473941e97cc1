"""Every solver of `--engine milp` and `smt` with the bounds of four methods in its formula, on all shipped models and,
with --bench, on five larger networks: one question of robustness each, where a proof exists.

The time is that of the whole question, bounds included; loading is not counted, nor what a solver's first use takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from rich.table import Table

import verdict
from benchmarks.cases.auto import OUTSIDE, SHIPPED
from benchmarks.cases.seed import IMAGES
from benchmarks.clock import Clock
from benchmarks.questions import network, shipped_input, warmed
from benchmarks.registry import Case, Instance, Options, Outcome, Row, register

SOLVERS = ("milp/highs", "milp/scip", "milp/cbc", "smt/z3")
METHODS = ("interval", "forward", "linear", "alpha")
# Radii of models that `auto` asks for radii alone, below these.
SMALL = {"abs": "0.2", "xor": "0.1", "square": "0.2"}
# More networks of 784 inputs, with radii at which linear bounds do not end it.
MORE = {"mnist_fc 256x2": ("mnist_fc/onnx/mnist-net_256x2.onnx", "0.03", 0),
        "mnist_fc 256x4": ("mnist_fc/onnx/mnist-net_256x4.onnx", "0.02", 0)}


@register
class EngineTable(Case):
    name = "engine-table"
    idea = "milp and smt by every solver, with four methods' bounds, one question a network (--bench: larger ones too)"
    solved = frozenset({"robust", "violated"})
    resumes = True

    def instances(self, options: Options) -> Iterable[Instance]:
        asked = {name: {"model": name, "eps": SMALL.get(name, eps)} for name, eps in SHIPPED.items()}
        if options.bench is not None:
            bench = options.bench.resolve()
            large = {name: (file, eps, images[0]) for name, (file, eps, images) in OUTSIDE.items()} | MORE
            for name, (file, eps, image) in large.items():
                if (bench / file).is_file():
                    asked[name] = {"model": f"{bench}/{file}", "eps": eps, "images": f"{bench}/{IMAGES}",
                                   "number": str(image)}
        for group in options.choose(tuple(asked)):
            for engine, solver in options.solvers(SOLVERS):
                for method in METHODS:
                    yield Instance(group, method, engine, solver, options.timeout or 20.0, dict(asked[group]))

    def measure(self, instance: Instance) -> Outcome:
        warmed(instance.engine, instance.solver)
        data, number = instance.data, int(instance.data.get("number", 0))
        if "images" in data:
            x, valid = np.load(data["images"])[number], (0.0, 1.0)
        else:
            x, valid = shipped_input(data["model"], number)
        loaded, extra = network(data["model"]), {"limit": f"{instance.timeout:g}"}
        with Clock() as clock:
            try:
                found = verdict.robust(
                    loaded, x, data["eps"], range=valid, engine=instance.engine, solver=instance.solver or None,
                    bounds=instance.name, timeout=instance.timeout,
                )
                status, note = found.status, found.reason
            except verdict.VerdictError as error:
                status, note = "none", str(error)
        return Outcome(status, clock.seconds, clock.cpu, note=note[:200], extra=extra)

    def check(self, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
        said: dict[str, set[str]] = {}
        for row in rows:
            said.setdefault(row.group, set()).update({row.status} & self.solved)
        answered = sum(row.status in self.solved for row in rows)
        contradictions = [f"{group}: robust and violated" for group, found in said.items() if len(found) > 1]
        return [f"{answered} of {len(rows)} answered, none different"] * (not contradictions), contradictions

    def summary(self, rows: Sequence[Row]) -> Table:
        table = Table(title=self.name)
        for number, head in enumerate(("network", "by", *METHODS)):
            table.add_column(head, justify="left" if number < 2 else "right")
        by = {(row.group, row.way, row.instance): row for row in rows}
        for group, way in dict.fromkeys((row.group, row.way) for row in rows):
            table.add_row(group, way, *(_shown(by.get((group, way, method))) for method in METHODS))
        return table


def _shown(row: Row | None) -> str:
    """Seconds of wall and processor time of an answer, and what there is where there is none."""
    if row is None:
        return ""
    return f"{row.seconds:.2f} ({row.cpu:.2f})" if row.status in EngineTable.solved else row.status
