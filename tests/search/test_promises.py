"""When another way begins beside a proof, and when a promise of its end is believed."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any, cast

from verdict.base.workers import Workers
from verdict.search.engines.parts import tree_search


def test_no_other_way_begins_beside_a_proof_that_is_about_to_end() -> None:
    """It would take a core, and what it finds would come too late."""
    started: list[float] = []

    class Other:
        started = is_quick = False

        def look(self, spent: float) -> bool:
            started.append(spent)
            return True

    with Workers(2) as workers:
        for promised, expected, rest, begins in (
            (math.inf, 3.0, math.inf, 0),
            (2.0, math.inf, 3.0, 0),
            (math.inf, 9.0, 9.0, 1),
            (math.inf, math.inf, math.inf, 2),
            # What was to have ended long ago is not believed.
            (1.9, 3.0, 3.0, 3),
        ):
            last = SimpleNamespace(spent=4.0, expected=expected, rest=rest, most=math.inf, _promised=promised)
            last.search = SimpleNamespace(is_open=lambda: True)
            last.is_near = tree_search.Attempt.is_near.fget(last)
            tree_search._look_beside(cast(Any, last), cast(Any, Other()), workers)
            assert len(started) == begins
            assert (workers.spare == 1) == (last.most < math.inf) == (begins > 0)
