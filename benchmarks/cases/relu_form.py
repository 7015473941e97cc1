"""How a ReLU is written for Z3: as an if-then-else or as two implications with the linear part outside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.questions import RADIUS_ANSWERS, SMALL, compare_in_smt, compare_intervals, small_questions
from benchmarks.registry import Case, Instance, Options, Outcome, Row, register


@register
class ReluFormCase(Case):
    name = "relu-form"
    idea = "Form.ITE against IMPLICATIONS on networks where Z3 finishes"
    solved = RADIUS_ANSWERS

    def instances(self, options: Options) -> Iterable[Instance]:
        ways = options.solvers(("smt/ite", "smt/implications"))
        for group, number in small_questions(options.choose(SMALL), options.inputs or 6):
            for engine, form in ways:
                limit = options.timeout or 30.0
                yield Instance(group, f"#{number}", engine, form, limit, {"number": number})

    def measure(self, instance: Instance) -> Outcome:
        from verdict.network.functions import Form

        return compare_in_smt(instance, form=Form(instance.solver))

    def check(self, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
        return compare_intervals(rows)
