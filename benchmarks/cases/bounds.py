"""Domains per second of every kind of bound and split, on the shipped models and the shapes of VNN-COMP.

Boxes of radius 0.05 around held-out inputs; with --bench DIR also sub-boxes of the first query of the networks in
acasxu/ and mnist_fc/. The kinds are in `benchmarks/bound_kinds.py`.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.bound_kinds import BATCHES, KINDS, Boxes
from benchmarks.clock import Clock
from benchmarks.questions import network
from benchmarks.registry import Case, Instance, Options, Outcome, Row, register
from benchmarks.table import grouped
from benchmarks.vnncomp_folder import folders, questions, unpacked

MODELS = (
    "abs",
    "xor",
    "cancer-mlp",
    "digits-linear",
    "digits-mlp",
    "digits-mlp-robust",
    "digits-conv",
    "digits-resnet",
)
EPS = 0.05
# Group, folder, and what the network's name holds.
SHAPES = {
    "acasxu": ("acasxu", ""),
    "mnist_fc x2": ("mnist_fc", "256x2"),
    "mnist_fc x4": ("mnist_fc", "256x4"),
    "mnist_fc x6": ("mnist_fc", "256x6"),
}
# The part of the width of a query's box that a sub-box has in each varying input, where few vary.
PART, FEW = 0.25, 12


@register
class BoundsCase(Case):
    name = "bounds"
    idea = "domains per second of each kind of bound and split, shipped models (--bench: acasxu and mnist_fc too)"

    def instances(self, options: Options) -> Iterable[Instance]:
        shapes: dict[str, dict[str, str]] = {model: {"model": model} for model in MODELS}
        if options.bench is not None:
            shapes |= _shapes(options.bench)
        for group in options.choose(tuple(shapes)):
            for engine, method in options.solvers([f"bounds/{name}" for name in KINDS]):
                for batch in BATCHES.get(method, (1, 64)):
                    data = {**shapes[group], "batch": batch, "repeat": options.repeat}
                    yield Instance(f"{group} x{batch}", "0", engine, method, data=data)

    def measure(self, instance: Instance) -> Outcome:
        boxes = _boxes(instance.data)
        work, domains = KINDS[instance.solver](boxes)
        # A search takes its own second each time.
        repeat = int(instance.data["repeat"] or (20 if domains else 3))
        rates, clocks = [], []
        if domains:
            work()
        for _ in range(repeat):
            with Clock() as clock:
                said = work()
            clocks.append((clock.seconds, clock.cpu))
            rates.append(domains / clock.seconds if domains else float(said))  # type: ignore[arg-type]
        seconds, cpu = np.median(np.array(clocks), axis=0).tolist()
        extra = {"per_second": f"{statistics.median(rates):.4g}"}
        return Outcome("ok", seconds, cpu, note=f"median of {repeat}", extra=extra)

    def summary(self, rows: Sequence[Row]) -> Table:
        table = Table(title=self.name)
        for number, head in enumerate(("group", "kind", "revision", "domains/s", "median ms")):
            table.add_column(head, justify="left" if number < 3 else "right")
        for (group, _, revision), part in grouped(rows).items():
            rates = [float(row.extra["per_second"]) for row in part if row.extra.get("per_second")]
            rate = f"{statistics.median(rates):,.4g}" if rates else "–"
            seconds = statistics.median(row.seconds for row in part)
            table.add_row(group, part[0].solver, revision, rate, f"{1000 * seconds:.3g}")
        return table


def _shapes(bench: Path) -> dict[str, dict[str, str]]:
    """The first row of each network shape in the VNN-COMP folders that are there."""
    found, shapes = folders(bench), {}
    for group, (folder, part) in SHAPES.items():
        rows = [row for row in questions(found[folder]) if part in row.onnx] if folder in found else []
        if rows:
            onnx, vnnlib = (str(rows[0].path(p).resolve()) for p in (rows[0].onnx, rows[0].vnnlib))
            shapes[group] = {"onnx": onnx, "vnnlib": vnnlib}
    return shapes


def _boxes(data: dict[str, Any]) -> Boxes:
    if "onnx" in data:
        return _sub_boxes(data)
    from verdict import models

    entry = models.model(str(data["model"]))
    inputs = models.data(str(entry.data)).load()[0]
    rows = inputs.reshape(len(inputs), -1)[np.arange(int(data["batch"])) % len(inputs)].astype(np.float64)
    low, high = entry.input_range
    graph = network(str(data["model"])).graph
    best = np.argsort(network(str(data["model"])).evaluate(rows[:1])[0])
    row = np.zeros(graph.output_size)
    row[best[-1]], row[best[-2] if len(best) > 1 else 0] = 1.0, -1.0
    if len(best) == 1:
        row[0] = 1.0
    return Boxes(graph, np.clip(rows - EPS, low, high), np.clip(rows + EPS, low, high), row)


def _sub_boxes(data: dict[str, Any]) -> Boxes:
    """Random parts of a query's box, the first of them the whole box; the row is the query's first."""
    import tempfile

    from verdict.property.vnnlib1 import read_vnnlib1

    with tempfile.TemporaryDirectory() as scratch:
        graph = network(str(unpacked(Path(data["onnx"]), Path(scratch)))).graph
    case = read_vnnlib1(data["vnnlib"]).cases[0]
    low, high = case.inputs.floats()
    count, width = int(data["batch"]), high - low
    part = PART if np.count_nonzero(width) <= FEW else 1.0
    start = np.random.default_rng(0).random((count, len(low))) * (1 - part)
    lower, upper = low + start * width, low + (start + part) * width
    lower[0], upper[0] = low, high
    return Boxes(graph, lower, np.minimum(upper, high), case.unsafe.polytopes[0].matrix.values[0])
