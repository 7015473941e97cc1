"""Is each of the 100 images robust at a given fraction of the radius that the attack finds for it?

Near the radius the question is hard and the answer nearly always "robust", so this measures proving. Every image is
asked twice: by `verdict robust` as a whole process, and in one process that has loaded the network before. Needs
--bench DIR with seed-verdict/.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.table import Table

from benchmarks.cases.seed import CONV, DENSE, IMAGES
from benchmarks.cases.vnncomp import GRACE, answer_table
from benchmarks.clock import Clock
from benchmarks.process import measured
from benchmarks.questions import network
from benchmarks.registry import Case, Instance, Options, Outcome, Row, UsageError, register

MODELS = {Path(model).stem: model for model in (DENSE, CONV, "seed-verdict/softmax_784_10.onnx")}
# The attack's radius is rounded to so many digits, so that the question can be asked again on a command line.
DIGITS = 6


@register
class RobustRows(Case):
    name = "robust-rows"
    idea = "100 images at 0.9 of the attack's radius, whole process and in-process (needs --bench; --fraction)"
    solved = frozenset({"robust", "violated"})
    resumes = True

    def instances(self, options: Options) -> Iterable[Instance]:
        if options.bench is None or not (options.bench / IMAGES).is_file():
            raise UsageError(f"case robust-rows needs --bench DIR, a folder with {IMAGES}")
        folder = options.bench.resolve()
        images = np.load(folder / IMAGES)
        try:
            fraction = Fraction(options.fraction)
        except ValueError:
            raise UsageError(f"--fraction {options.fraction}: expected a number such as 0.9") from None
        chosen = range(len(images))[:: options.every or 1][: options.inputs]
        for group in options.choose(tuple(MODELS)) if options.groups else [Path(DENSE).stem]:
            model = str(folder / MODELS[group])
            for number in chosen:
                radius = attack_radius(model, images[number])
                if radius is None:
                    continue
                eps = f"{float(fraction * radius):.{DIGITS}f}"
                data = {"model": model, "images": str(folder / IMAGES), "number": number, "eps": eps}
                for engine, way in options.solvers(("auto/process", "auto/in-process")):
                    yield Instance(group, f"#{number} x{options.fraction}", engine, way, options.timeout or 60.0, data)

    def measure(self, instance: Instance) -> Outcome:
        x = np.load(instance.data["images"])[int(instance.data["number"])]
        ask = _in_process if instance.solver == "in-process" else _as_process
        return ask(instance, x)

    def check(self, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
        return compare_at_eps(rows)

    def summary(self, rows: Sequence[Row]) -> Table:
        return answer_table(self, rows, ("violated", "robust"))


def attack_radius(model: str, x: npt.NDArray[Any]) -> Fraction | None:
    """The distance of the nearest counterexample in [0, 1] that the attack and its polishing find."""
    from verdict.base.deadline import Deadline
    from verdict.network.evaluate import classify
    from verdict.network.exact import ExactVector
    from verdict.property import LinfBall, misclassification
    from verdict.search.points.radius_witness import seek_witness
    from verdict.search.radius import RadiusSearch

    loaded = network(model)
    flat = np.asarray(x, dtype=np.float64).ravel()
    label = classify(loaded.evaluate(flat[None])[0])
    family = LinfBall(ExactVector.of(flat), Fraction(0), Fraction(1))
    search = RadiusSearch(loaded, family, misclassification(label, loaded.output_size), Deadline())
    seek_witness(search)
    return search.upper


def _in_process(instance: Instance, x: npt.NDArray[Any]) -> Outcome:
    import verdict

    loaded = network(instance.data["model"])
    _warmed(instance.data["model"], instance.engine)
    eps, engine, limit = instance.data["eps"], instance.engine, instance.timeout
    with Clock() as clock:
        answer = verdict.robust(loaded, x, eps, range=(0, 1), engine=engine, timeout=limit)
    stages = ", ".join(f"{stage} {seconds:.3f}" for stage, seconds in answer.stages.items())
    extra = {"eps": eps, "limit": f"{limit:g}", "stages": stages}
    return Outcome(answer.status, clock.seconds, clock.cpu, note=answer.reason[:200], extra=extra)


_WARM: set[tuple[str, str]] = set()


def _warmed(model: str, engine: str) -> None:
    """Import and build what the first question would pay for."""
    import verdict

    if (model, engine) not in _WARM:
        loaded = network(model)
        verdict.robust(loaded, np.full(loaded.input_size, 0.5), "1e-6", range=(0, 1), engine=engine, timeout=10)
        _WARM.add((model, engine))


def _as_process(instance: Instance, x: npt.NDArray[Any]) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.npy")
        np.save(path, x)
        eps, limit = instance.data["eps"], f"{instance.timeout:g}"
        command = [sys.executable, "-m", "verdict", "robust", instance.data["model"], "--input", str(path)]
        command += ["--eps", eps, "--range", "0", "1", "--timeout", limit, "--json"]
        done = measured([*command, "--engine", instance.engine], instance.timeout + GRACE)
    extra = {"eps": eps, "limit": limit, "peak_mb": f"{done.memory:.0f}"}
    if done.killed or done.code not in (0, 1, 3):
        last = (done.stderr.strip().splitlines() or [""])[-1]
        status = "killed" if done.killed else f"exit {done.code}"
        return Outcome(status, done.seconds, done.cpu, note=last[:200], extra=extra)
    said = json.loads(done.stdout)
    extra["stages"] = ", ".join(f"{stage} {seconds:.3f}" for stage, seconds in said["stages"].items())
    return Outcome(said["status"], done.seconds, done.cpu, note=said["reason"][:200], extra=extra)


def compare_at_eps(rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    """No image may be robust at one radius and violated at the same or a smaller one."""
    contradictions = []
    questions: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row.extra.get("eps"):
            questions.setdefault((row.group, row.instance.split()[0]), []).append(row)
    for (group, image), answers in questions.items():
        proved = [(Fraction(row.extra["eps"]), row) for row in answers if row.status == "robust"]
        refuted = [(Fraction(row.extra["eps"]), row) for row in answers if row.status == "violated"]
        for safe, one in proved:
            for unsafe, other in refuted:
                if unsafe <= safe:
                    ways = f"{one.way} ({one.revision}) and {other.way} ({other.revision})"
                    contradictions.append(f"{group} {image}: robust at {safe}, violated at {unsafe}: {ways}")
    return [f"agreement: {len(questions)} images, {len(contradictions)} contradictions"], contradictions
