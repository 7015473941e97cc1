"""The radius of correctly classified inputs of every shipped classifier, per engine and solver.

The first inputs of the held-out data that the network gets right; every interval must overlap with every
other on the same input and hold the exact radius where Z3 finds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.questions import (
    RADIUS_ANSWERS,
    ask_radius,
    compare_intervals,
    correct_inputs,
    shipped_input,
    warmed,
)
from benchmarks.registry import Case, Instance, Options, Outcome, Row, register

MODELS = ("digits-linear", "cancer-mlp", "digits-mlp", "digits-mlp-robust", "digits-conv", "digits-resnet")
ENGINES = ("milp/highs", "milp/scip", "milp/cbc", "smt/z3")
LIMITS = {"smt": 20.0}


@register
class Radius(Case):
    name = "radius"
    idea = "maxeps on ten inputs of each shipped model, by every engine and solver, with their agreement"
    solved = RADIUS_ANSWERS

    def instances(self, options: Options) -> Iterable[Instance]:
        for model in options.choose(MODELS):
            for number in correct_inputs(model, options.inputs or 10):
                for engine, solver in options.solvers(ENGINES):
                    limit = options.timeout or LIMITS.get(engine, 60.0)
                    yield Instance(model, f"#{number}", engine, solver, limit, {"number": number})

    def measure(self, instance: Instance) -> Outcome:
        warmed(instance.engine, instance.solver)
        x, valid = shipped_input(instance.group, int(instance.data["number"]))
        return ask_radius(instance, instance.group, x, valid)

    def check(self, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
        return compare_intervals(rows)
