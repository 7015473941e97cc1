"""Satisfiability modulo arithmetic: the whole question as one formula to Z3, in exact rationals.

What is no polynomial is enclosed in lines, more and more of them where Z3's points lie off it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...base.arguments import optional_word
from ...base.errors import InputError
from .engine import Engine, Features, register

if TYPE_CHECKING:
    from ..decision import Decision
    from ..radius import RadiusSearch


@register
class Smt(Engine):
    name = "smt"
    idea = "Z3's exact arithmetic, for small networks"
    features = Features(exactness="rigorous", solvers=("z3",), encodes="linear")

    def choose_solver(self, solver: str | None) -> None:
        if optional_word(solver, "solver") not in (None, *self.features.solvers):
            raise InputError(f"the smt engine has the solver z3, not {solver!r}")
        self.title = f"{self.name}/{self.features.solvers[0]}"

    def decide(self, run: Decision) -> None:
        from .parts.smt import decide_by_smt

        if not run.tighten(self.bounds):
            decide_by_smt(run)

    def close(self, search: RadiusSearch, threads: int) -> None:
        from .parts.radius_smt import search_smt

        search_smt(search)
