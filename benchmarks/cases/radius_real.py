"""The radius on real networks: `verdict maxeps` as a whole process on the images of the 2016 Verdict project.

Its own network, and the two of the MIPVerify paper. Beside each radius stands what the project's approach says, which
fixes the phase of every ReLU as it is at the image: the radius at which that one affine function changes its class.
Needs --bench DIR with seed-verdict/ and mipverify/.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.cases.seed import CONV, DENSE, IMAGES
from benchmarks.cases.vnncomp import GRACE
from benchmarks.process import measured
from benchmarks.questions import RADIUS_ANSWERS, compare_intervals, network
from benchmarks.registry import Case, Instance, Options, Outcome, Row, UsageError, register

# Models, and how many of the first images are asked about.
SMALL = "mipverify/RSL18a_linf0.1.onnx"
MODELS = {Path(model).stem: (model, count) for model, count in ((DENSE, 100), (CONV, 20), (SMALL, 20))}


@register
class RadiusReal(Case):
    name = "radius-real"
    idea = "maxeps on real networks, a whole process each, beside the answer of fixed ReLU phases (needs --bench)"
    solved = RADIUS_ANSWERS
    resumes = True

    def instances(self, options: Options) -> Iterable[Instance]:
        if options.bench is None or not (options.bench / IMAGES).is_file():
            raise UsageError(f"case radius-real needs --bench DIR, a folder with {IMAGES}")
        folder = options.bench.resolve()
        for group in options.choose(tuple(MODELS)):
            model, count = MODELS[group]
            for image in range(count)[:: options.every or 1][: options.inputs]:
                for engine, solver in options.solvers(("auto",)):
                    data = {"model": str(folder / model), "images": str(folder / IMAGES), "image": image}
                    yield Instance(group, f"#{image}", engine, solver, options.timeout or 60.0, data)

    def measure(self, instance: Instance) -> Outcome:
        data, limit = instance.data, f"{instance.timeout:g}"
        command = [sys.executable, "-m", "verdict", "maxeps", data["model"]]
        command += ["--input", f"{data['images']}#{data['image']}", "--range", "0", "1", "--timeout", limit]
        command += ["--engine", instance.engine, "--json"]
        if instance.solver:
            command += ["--solver", instance.solver]
        done = measured(command, instance.timeout + GRACE)
        extra = {"limit": limit, "peak_mb": f"{done.memory:.0f}"}
        if done.killed or done.code not in (0, 3):
            last = (done.stderr.strip().splitlines() or [""])[-1]
            status = "killed" if done.killed else f"exit {done.code}"
            return Outcome(status, done.seconds, done.cpu, note=last[:200], extra=extra)
        said = json.loads(done.stdout)
        extra["stages"] = ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in said["stages"].items())
        lower, upper = float(said["lower"]), said["upper"]
        fixed = with_fixed_phases(data["model"], np.load(data["images"])[data["image"]])
        extra["fixed_phases"] = "" if fixed is None else f"{fixed:.6f}"
        return Outcome(
            said["status"], done.seconds, done.cpu, lower, None if upper is None else float(upper), note="", extra=extra
        )

    def check(self, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
        agreements, contradictions = compare_intervals(rows)
        off = [
            abs(float(row.extra["fixed_phases"]) / row.upper - 1)
            for row in rows
            if row.upper and row.extra.get("fixed_phases")
        ]
        if off:
            middle = f"{np.median(off):.1%} in the median, {max(off):.0%} at the most"
            agreements.append(f"fixed phases: {len(off)} answers, off by {middle}")
        return agreements, contradictions


def with_fixed_phases(model: str, x: npt.NDArray[Any]) -> float | None:
    """The radius in [0, 1] at which the affine function that the network is at x gives another class at least the same
    score; None where it does nowhere."""
    from verdict.network.evaluate import evaluate_all, vjp

    graph = network(model).graph
    point = np.asarray(x, dtype=np.float64).reshape(1, -1)
    values = evaluate_all(graph, point)
    scores = values[graph.output][0]
    label = int(scores.argmax())
    rivals = [i for i in range(len(scores)) if i != label]
    rows = np.zeros((len(rivals), len(scores)))
    rows[:, label] = 1
    rows[np.arange(len(rivals)), rivals] = -1
    slopes = vjp(graph, [np.repeat(value, len(rivals), axis=0) for value in values], rows)
    margins = scores[label] - scores[rivals]
    # How far each input can go on the side that lowers the margin.
    room = np.where(slopes > 0, point, 1 - point)
    found = [_crossing(margin, np.abs(slope), far) for margin, slope, far in zip(margins, slopes, room, strict=True)]
    return min((radius for radius in found if radius is not None), default=None)


def _crossing(margin: float, slope: npt.NDArray[Any], room: npt.NDArray[Any]) -> float | None:
    """The least radius r with sum slope * min(r, room) >= margin, piecewise linear in r."""
    order = np.argsort(room)
    lost, rate, before = 0.0, float(slope.sum()), 0.0
    for at in order.tolist():
        if rate > 0 and lost + rate * (room[at] - before) >= margin:
            return before + (margin - lost) / rate
        lost, before = lost + rate * (room[at] - before), float(room[at])
        rate -= float(slope[at])
    return None
