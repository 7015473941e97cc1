"""The radius in every norm and along every perturbation that has one, on tables, images and a real network.

A row is one kind on one input. `--against REV` runs the code of another revision in turn: nothing that it closes may
stay open, or take longer. With --bench DIR the network of the 2016 Verdict project comes along (seed-verdict/).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import verdict
from benchmarks.cases.seed import DENSE, IMAGES
from benchmarks.clock import Clock
from benchmarks.questions import RADIUS_ANSWERS, compare_intervals, network, radius_outcome, shipped_input, warmed
from benchmarks.registry import Case, Instance, Options, Outcome, Row, register

MODELS = ("cancer-mlp", "digits-linear", "digits-mlp", "digits-mlp-robust", "digits-conv", "digits-resnet")
SEED = Path(DENSE).stem
# What is asked beside the input; blur needs an image.
KINDS: dict[str, dict[str, Any]] = {
    "linf": {}, "l1": {"norm": "l1"}, "l2": {"norm": "l2"},
    "brightness": {"perturbation": "brightness"}, "blur": {"perturbation": "blur"},
    "scales": {}, "condition": {}, "whole": {},
}
# So many of the first entries take whole numbers.
WHOLE = 2


@register
class RadiusKinds(Case):
    name = "radius-kinds"
    idea = "maxeps in each norm and along each perturbation that has a radius (--bench: on a real network too)"
    solved = RADIUS_ANSWERS
    resumes = True

    def instances(self, options: Options) -> Iterable[Instance]:
        images = None if options.bench is None else options.bench.resolve() / IMAGES
        names = MODELS if images is None else (*MODELS, SEED)
        known = [f"{model}/{kind}" for model in names for kind in KINDS if (model, kind) != ("cancer-mlp", "blur")]
        for group in options.choose(known):
            data: dict[str, Any] = {}
            if group.startswith(f"{SEED}/") and options.bench is not None:
                data = {"model": str(options.bench.resolve() / DENSE), "images": str(images)}
            for number in range(options.inputs or 3):
                for engine, solver in options.solvers(("auto",)):
                    limit = options.timeout or 20.0
                    yield Instance(group, f"#{number}", engine, solver, limit, {**data, "number": number})

    def measure(self, instance: Instance) -> Outcome:
        warmed(instance.engine, instance.solver)
        model, kind = instance.group.split("/")
        number, data = int(instance.data["number"]), instance.data
        if "model" in data:
            model, x = data["model"], np.load(data["images"])[number]
            valid = (0.0, 1.0)
        else:
            x, valid = shipped_input(model, number)
        loaded = network(model)
        x, said = _asked(kind, np.array(x).ravel())
        extra = {"limit": f"{instance.timeout:g}"}
        with Clock() as clock:
            try:
                radius = verdict.maxeps(
                    loaded, x, range=valid, engine=instance.engine, solver=instance.solver or None,
                    timeout=instance.timeout, **said,
                )
            except verdict.VerdictError as error:
                radius = error
        if isinstance(radius, verdict.VerdictError):
            return Outcome("none", clock.seconds, clock.cpu, note=str(radius)[:200], extra=extra)
        return replace(radius_outcome(clock, radius), extra=extra)

    def check(self, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
        return compare_intervals(rows)


def _asked(kind: str, x: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], dict[str, Any]]:
    """The input, and what is said of the question beside it."""
    said = dict(KINDS[kind])
    if kind == "scales":
        said["scales"] = ["1" if i % 2 else "1/2" for i in range(x.size)]
    if kind == "condition":
        # A half-space a little way off the input, across many of its entries.
        total = " + ".join(f"x[{i}]" for i in range(0, x.size, max(1, x.size // 16)))
        bound = float(x[:: max(1, x.size // 16)].sum()) + 0.05
        said["given"] = f"{total} <= {bound:.3f}"
    if kind == "whole":
        x = x.copy()
        x[:WHOLE] = np.round(x[:WHOLE])
        said["integers"] = list(range(WHOLE))
    return x, said
