"""One domain of few ReLUs, finished by programs: behind ends of its own its triangles are small.

Gradient steps balance multipliers to some 1e-4 of a row, and near a witness the last domains have less to spare. A
program is exact but for its solver's tolerances, and knows chords alone; where ends of neurons were found anew for the
domain (`cut_ends`) these are enough. The space is the tree's, with those ends; what is split keeps the ends that it
had, so that programs know the split.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ...base.deadline import Deadline, ProcessorTime
from ...base.errors import SolverError
from ...network.exact import FloatArray
from ..means import Means
from .carry import carry
from .cut_ends import Ends
from .program_tree import ProgramTree
from .space import Space


class LastDomain:
    """The tree of programs of one domain about row number `row` of a space, whose neurons have such `ends` and `signs`
    (unstable ReLUs,). It gets so many seconds, which it has `left`; `offer` gets points that look unsafe."""

    def __init__(
        self, space: Space, domain: tuple[int, Ends, Any], offer: Callable[[FloatArray], object], seconds: float
    ) -> None:
        row, ends, signs = domain
        self._tree: ProgramTree | None = None
        self.left = seconds
        root = space.root().take(np.array([row]))
        root.signs = signs[None].copy()
        inner = _narrowed(space, ends, signs)
        inside, alive = carry(space, inner, root)
        self.is_closed = not alive.all()
        if not self.is_closed:
            with contextlib.suppress(SolverError):
                self._tree = ProgramTree(inner, inside, offer)

    def work(self, clock: Deadline, stop: Callable[[], bool]) -> bool:
        """Go on until the clock has passed or `stop` says so; whether the domain's time is over, or all is done."""
        if self._tree is None:
            return True
        stopwatch = ProcessorTime(None, clock)
        try:
            done = self._tree.explore(ProcessorTime(self.left, clock), stop)
        except SolverError:
            return True
        self.is_closed = done and not any(self._tree.left.values())
        self.left -= stopwatch.elapsed()
        return done or self.left <= 0


def can_finish(space: Space) -> bool:
    """Whether ends in the reduced form are ends of pre-activations in the space."""
    return space.reduced is not None and space.reduced.ball is None and not space.thresholds.any()


def _narrowed(space: Space, ends: Ends, signs: Any) -> Space:
    """The space with these ends of the unstable ReLUs that are not split."""
    lower, upper = list(space.bounds.lower), list(space.bounds.upper)
    for number, columns in space.columns.items():
        source, here = space.graph.nodes[number].sources[0], space.slices[number]
        free = signs[here] == 0
        some = columns[free]
        lower[source], upper[source] = lower[source].copy(), upper[source].copy()
        lower[source][0, some] = np.maximum(lower[source][0, some], ends[0][here][free])
        upper[source][0, some] = np.minimum(upper[source][0, some], ends[1][here][free])
    bounds = space.bounds.with_ends(lower, upper)
    # Threads that share out domains share out nothing within one.
    return Space(space.graph, bounds, space.rows, space.offsets, space.number, Means(device=space.device))
