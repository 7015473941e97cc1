"""`auto` against each engine alone, on every shipped model and, with --bench, on the 2016 Verdict project's network and
the two of the MIPVerify paper.

The goal: `auto` is never slower than 1.15 times the best engine alone and 0.2 s. A group is a model, asked for the
radius, or a model and a radius, asked whether it is robust there; all engines of one input run in turn.
"""

from __future__ import annotations

import contextlib
import functools
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from rich.table import Table

import verdict
from benchmarks.cases.seed import CONV, DENSE, IMAGES
from benchmarks.clock import Clock
from benchmarks.questions import RADIUS_ANSWERS, compare_intervals, network, radius_outcome, shipped_input, warmed
from benchmarks.registry import Case, Instance, Options, Outcome, Row, register

ENGINES = ("auto", "bab", "milp/highs", "smt/z3")
# What `auto` may take of the best engine's time, and the seconds beside it.
RATIO, SECONDS = 1.15, 0.2
# Radii at which robustness is asked, and where not: radii that are asked for. Images of outside networks.
SHIPPED = {"abs": "", "xor": "", "square": "", "cancer-mlp": "0.03", "digits-linear": "0.1", "digits-mlp": "0.1",
           "digits-mlp-robust": "0.18", "digits-conv": "0.08", "digits-resnet": "0.15"}
SOME = (2, 5, 20, 1, 0, 7, 3, 4, 8, 9)
OUTSIDE = {"dnn_784_128_32_10": (DENSE, "0.037", SOME), "WK17a_linf0.1": (CONV, "0.1", SOME),
           "RSL18a_linf0.1": ("mipverify/RSL18a_linf0.1.onnx", "0.1", SOME)}
# Networks of which no engine closes radii: only robustness is asked.
LARGE = ("WK17a_linf0.1", "RSL18a_linf0.1")


@register
class Auto(Case):
    name = "auto"
    idea = "auto against bab, milp and smt alone, radii and robustness (--bench: on real networks too)"
    solved = RADIUS_ANSWERS | {"robust", "violated"}
    resumes = True

    def instances(self, options: Options) -> Iterable[Instance]:
        bench = None if options.bench is None else options.bench.resolve()
        asked: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {}
        for model, eps in SHIPPED.items():
            asked[model] = {"model": model}, tuple(range(options.inputs or 2))
            if eps:
                asked[f"{model} at {eps}"] = {"model": model, "eps": eps}, tuple(range(options.inputs or 2))
        for name, (file, eps, images) in OUTSIDE.items() if bench is not None else ():
            data = {"model": f"{bench}/{file}", "images": f"{bench}/{IMAGES}"}
            asked[f"{name} at {eps}"] = {**data, "eps": eps}, images[: options.inputs or 2]
            if name not in LARGE:
                asked[name] = data, images[: options.inputs or 2]
        for group in options.choose(tuple(asked)):
            data, numbers = asked[group]
            for number in numbers:
                for engine, solver in options.solvers(ENGINES):
                    own = data | {"number": number}
                    yield Instance(group, f"#{number}", engine, solver, options.timeout or 20.0, own)

    def measure(self, instance: Instance) -> Outcome:
        warmed(instance.engine, instance.solver)
        data, number = instance.data, int(instance.data["number"])
        if "images" in data:
            x, valid = np.load(data["images"])[number], (0.0, 1.0)
        else:
            x, valid = shipped_input(data["model"], number)
        loaded, extra = _met(data["model"], instance.engine, instance.solver), {"limit": f"{instance.timeout:g}"}
        how: dict[str, Any] = {
            "range": valid, "engine": instance.engine, "solver": instance.solver or None, "timeout": instance.timeout,
        }
        with Clock() as clock:
            try:
                if "eps" in data:
                    found = verdict.robust(loaded, x, data["eps"], **how)
                else:
                    found = verdict.maxeps(loaded, x, **how)
            except verdict.VerdictError as error:
                found = error
        if isinstance(found, verdict.VerdictError):
            return Outcome("none", clock.seconds, clock.cpu, note=str(found)[:200], extra=extra)
        if "eps" in data:
            return Outcome(found.status, clock.seconds, clock.cpu, note=found.reason[:200], extra=extra)
        return replace(radius_outcome(clock, found), extra=extra)

    def check(self, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
        agreements, contradictions = compare_intervals(rows)
        for (group, name), answers in _questions(rows).items():
            said = {row.status for row in answers} & {"robust", "violated"}
            if len(said) > 1:
                contradictions.append(f"{group} {name}: robust and violated")
        pairs = _beside(rows)
        slow = [f"{row.group} {row.instance}" for row, best in pairs if not _keeps(row, best)]
        agreements.append(f"auto within {RATIO} x best + {SECONDS} s: {len(pairs) - len(slow)}, not: {len(slow)}")
        agreements += [f"slower: {name}" for name in slow]
        return agreements + _speed_ups(rows), contradictions

    def summary(self, rows: Sequence[Row]) -> Table:
        table = Table(title=self.name)
        ways = list(dict.fromkeys(row.way for row in rows))
        for number, head in enumerate(("group", "input", *(f"{way} s" for way in ways), "auto / best", "kept")):
            table.add_column(head, justify="left" if number < 2 else "right")
        beside = {(row.group, row.instance): (row, best) for row, best in _beside(rows)}
        for (group, name), answers in _questions(rows).items():
            by = {row.way: row for row in answers}
            seconds = [_shown(by.get(way)) for way in ways]
            ratio, kept = "", ""
            if (group, name) in beside:
                row, best = beside[group, name]
                ratio = "" if best is None else f"{row.seconds / best.seconds:.2f}"
                kept = "yes" if _keeps(row, best) else "no"
            table.add_row(group, name, *seconds, ratio, kept)
        return table


@functools.cache
def _met(model: str, engine: str, solver: str) -> Any:
    """The network, of which the engine has been asked something easy: whoever goes first would pay for what all use."""
    loaded = network(model)
    with contextlib.suppress(verdict.VerdictError):
        verdict.robust(loaded, np.zeros(loaded.input_size), "1e-6", engine=engine, solver=solver or None, timeout=5)
    return loaded


def _speed_ups(rows: Sequence[Row]) -> list[str]:
    """By how much `auto` is quicker than each engine alone where both have an answer, the geometric mean."""
    ratios: dict[str, list[float]] = {}
    for answers in _questions(rows).values():
        closed = [row for row in answers if row.status in Auto.solved]
        for auto in (row for row in closed if row.engine == "auto"):
            for row in closed:
                if row is not auto:
                    ratios.setdefault(row.way, []).append(row.seconds / auto.seconds)
    return [
        f"{way}: {statistics.geometric_mean(found):.2f} times the seconds of auto on {len(found)} that both answer"
        for way, found in ratios.items()
    ]


def _questions(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row.group, row.instance), []).append(row)
    return found


def _beside(rows: Sequence[Row]) -> list[tuple[Row, Row | None]]:
    """Each row of `auto` with the quickest of the other engines that has an answer."""
    pairs = []
    for answers in _questions(rows).values():
        others = [row for row in answers if row.engine != "auto" and row.status in Auto.solved]
        best = min(others, key=lambda row: row.seconds, default=None)
        pairs += [(row, best) for row in answers if row.engine == "auto"]
    return pairs


def _keeps(row: Row, best: Row | None) -> bool:
    """Whether `auto` keeps to the goal: where no engine has an answer it need not have one."""
    most = math.inf if best is None else RATIO * best.seconds + SECONDS
    return best is None or (row.status in Auto.solved and row.seconds <= most)


def _shown(row: Row | None) -> str:
    """The seconds of an answer; of none what there is instead."""
    if row is None:
        return ""
    return f"{row.seconds:.2f}" if row.status in Auto.solved else row.status
