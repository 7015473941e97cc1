"""One call of each bound on every shipped model: one box and a batch of boxes around held-out inputs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from benchmarks.questions import network, timed
from benchmarks.registry import Case, Instance, Options, Outcome, register

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
EPS, BATCHES = 0.05, (1, 64)
WAYS = ("bounds/interval", "bounds/zonotope", "bounds/linear")


@register
class BoundsCase(Case):
    name = "bounds"
    idea = "interval, zonotope and linear bounds per shipped model, batches of 1 and 64 boxes of radius 0.05"

    def instances(self, options: Options) -> Iterable[Instance]:
        for model in options.choose(MODELS):
            for batch in BATCHES:
                for engine, method in options.solvers(WAYS):
                    data = {"model": model, "batch": batch, "repeat": options.repeat or 20}
                    yield Instance(f"{model} x{batch}", "0", engine, method, data=data)

    def measure(self, instance: Instance) -> Outcome:
        from verdict import bounds, models
        from verdict.bounds.zonotope import zonotope_bounds

        model = str(instance.data["model"])
        entry = models.model(model)
        data = models.data(str(entry.data)).load()[0]
        rows = data.reshape(len(data), -1)[np.arange(int(instance.data["batch"])) % len(data)].astype(np.float64)
        low, high = entry.input_range
        lower, upper = np.clip(rows - EPS, low, high), np.clip(rows + EPS, low, high)
        method = {
            "interval": bounds.interval_bounds,
            "zonotope": zonotope_bounds,
            "linear": bounds.linear_bounds,
        }[instance.solver]
        graph = network(model).graph
        return timed(lambda: method(graph, lower, upper), int(instance.data["repeat"]))
