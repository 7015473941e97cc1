"""How Z3 is asked for the radius: below the witness at once, by bisection first, or with its own optimiser."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.questions import RADIUS_ANSWERS, SMALL, compare_in_smt, compare_intervals, small_questions
from benchmarks.registry import Case, Instance, Options, Outcome, Row, register


@register
class SmtStrategy(Case):
    name = "smt-strategy"
    idea = "Strategy.DESCEND, BISECT and OPTIMISE on networks where Z3 finishes"
    solved = RADIUS_ANSWERS

    def instances(self, options: Options) -> Iterable[Instance]:
        ways = options.solvers(("smt/descend", "smt/bisect", "smt/optimise"))
        for group, number in small_questions(options.choose(SMALL), options.inputs or 4):
            for engine, strategy in ways:
                limit = options.timeout or 30.0
                yield Instance(group, f"#{number}", engine, strategy, limit, {"number": number})

    def measure(self, instance: Instance) -> Outcome:
        from verdict.search.engines.parts.radius_smt import Strategy

        return compare_in_smt(instance, strategy=Strategy(instance.solver))

    def check(self, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
        return compare_intervals(rows)
