"""The radius on the networks of the 2016 Verdict project and of the MIPVerify paper: large for MILP, so what
counts is the interval after the time limit. Needs --bench DIR with seed-verdict/ and mipverify/."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.questions import RADIUS_ANSWERS, ask_radius, compare_intervals, warmed
from benchmarks.registry import Case, Instance, Options, Outcome, Row, UsageError, register

DENSE, CONV = "seed-verdict/dnn_784_128_32_10.onnx", "mipverify/WK17a_linf0.1.onnx"
IMAGES = "seed-verdict/mnist_images_100.npy"
QUESTIONS = {"dnn_784_128_32_10": (DENSE, (0, 2, 5)), "WK17a_linf0.1": (CONV, (0,))}


@register
class Seed(Case):
    name = "seed"
    idea = "maxeps on 784-input networks, the interval after 120 s (needs --bench)"
    solved = RADIUS_ANSWERS

    def instances(self, options: Options) -> Iterable[Instance]:
        if options.bench is None or not (options.bench / IMAGES).is_file():
            raise UsageError(f"case seed needs --bench DIR, a folder with {IMAGES}")
        for group in options.choose(tuple(QUESTIONS)):
            model, images = QUESTIONS[group]
            for image in images[: options.inputs]:
                for engine, solver in options.solvers(("milp/highs", "milp/cbc")):
                    folder = str(options.bench.resolve())
                    data = {"bench": folder, "model": model, "image": image}
                    yield Instance(group, f"#{image}", engine, solver, options.timeout or 120.0, data)

    def measure(self, instance: Instance) -> Outcome:
        warmed(instance.engine, instance.solver)
        folder = Path(instance.data["bench"])
        x = np.load(folder / IMAGES)[int(instance.data["image"])]
        return ask_radius(instance, str(folder / instance.data["model"]), x, (0.0, 1.0))

    def check(self, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
        return compare_intervals(rows)
