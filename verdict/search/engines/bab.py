"""Branch and bound: split inputs or ReLUs until bounds exclude every piece. Every proof is rigorous and recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .engine import Engine, Features, register

if TYPE_CHECKING:
    from ..decision import Decision
    from ..radius import RadiusSearch


@register
class Bab(Engine):
    name = "bab"
    idea = "branch and bound, nothing else"
    features = Features(exactness="rigorous")

    def decide(self, run: Decision) -> None:
        run.bab()

    def close(self, search: RadiusSearch, threads: int) -> None:
        from .parts.radius_bab import search_bab

        if self.can_tell(search):
            search_bab(search, search.deadline, threads)
