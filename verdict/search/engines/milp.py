"""Mixed-integer programming: the whole question as one model for each polytope, to a solver within its tolerances.

What is neither off nor on is enclosed in planes, on ever smaller pieces where solutions lie off it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...base.arguments import optional_word
from ...base.errors import InputError
from .engine import Engine, Features, register

if TYPE_CHECKING:
    from verdict.solvers import Solver

    from ..decision import Decision
    from ..radius import RadiusSearch


@register
class Milp(Engine):
    name = "milp"
    idea = "mixed-integer programming with a solver of your choice"
    features = Features(exactness="solver", solvers=("highs", "scip", "cbc", "..."), encodes="alpha")
    solver: Solver

    def choose_solver(self, solver: str | None) -> None:
        from verdict.solvers import solver as find

        solver = optional_word(solver, "solver")
        self.solver = find(solver or self.features.solvers[0])
        self.title = f"{self.name}/{self.solver.name}"
        missing = self.solver.available()
        if missing:
            raise InputError(f"solver {solver} is not available: {missing}")
        if not self.solver.features.integer or not self.solver.features.continuous:
            raise InputError(f"solver {solver} does not solve mixed-integer models; try highs, scip or cbc")

    def decide(self, run: Decision) -> None:
        from .parts.milp import Backend, decide_by_milp

        if not run.tighten(self.bounds):
            with self.solver.kept() as solver:
                decide_by_milp(run, Backend(solver))

    def close(self, search: RadiusSearch, threads: int) -> None:
        from .parts.radius_milp import search_milp

        if self.can_tell(search):
            with self.solver.kept() as solver:
                search_milp(search, solver, threads)
