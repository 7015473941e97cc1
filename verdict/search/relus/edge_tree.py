"""Branch and bound over ReLUs by planes over edges: few domains, each bounded well (`bounds.edges`).

Where many neurons of one layer read the same inputs, as those of a convolution do, chords lose most of what a bound
needs, and no number of splits wins it back: planes for groups of them do, at some thousand times the price of a domain.
Each domain keeps its own and goes on from its parent's (`edge_domain`). Its steps are too short for threads, which wait
for Python's lock: two domains at once take two processes.
"""

from __future__ import annotations

import heapq
import itertools
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ...base.copies import Copies
from ...base.deadline import Deadline, ProcessorTime
from ...bounds.edges import Edges, edges
from ...network.exact import FloatArray
from ..means import Means
from ..observer import EdgeObserver
from .edge_domain import EdgeWork, Node, worked
from .edge_gains import Gains
from .grouping import grouped
from .last_domain import LastDomain
from .radii import Radii
from .space import Domains, Space
from .tree_size import TreeSize

# The most bytes that the planes of open domains may take.
MOST_KEPT = 2**29
# Programs have a domain for as long as the tree has taken, and at least so many seconds.
LEAST_SECONDS = 1.0
# So many of the latest minimisers are kept for whoever looks for witnesses.
REMEMBERED = 32


class EdgeTree:
    """The search over the domains `roots` of a space in reduced form on a box, to prove its rows below the radius of
    its box; `radii` say how far a bound reaches, None that it is about the whole box. `offer` gets points (k,
    input_size) that look unsafe, and returns True to end the search. With `apart` nobody writes the proof down: each
    row has groups of its own, and domains have ends of neurons of their own, and may be closed by programs."""

    def __init__(
        self,
        space: Space,
        roots: Domains,
        radii: Radii | None,
        means: Means,
        offer: Callable[[FloatArray], bool],
        apart: bool = False,
    ) -> None:
        if space.reduced is None:
            raise ValueError("planes over edges need the reduced form")
        self.space, self._workers, self._offer = space, means.workers, offer
        form, rows = edges(space.reduced), set(roots.row.tolist())
        # The ReLUs that lose most are others for each row, but a proof has one choice of groups.
        together = None if apart else grouped(form, rows, space.floors)
        self._forms = {row: together or grouped(form, {row}, space.floors) for row in rows}
        self._apart, self._tick = apart, itertools.count()
        # How far a radius is proved all roots have to say; before a yes or no the first split says how large the tree
        # will get.
        self._is_ordered = radii is not None
        self._work, self.gains = EdgeWork(space, self._forms, radii, apart), Gains(space.size)
        # Who watches, and whether a point has ended the search; the share of the space that is closed, and how many
        # domains were bounded.
        self.observer, self.is_refuted, self.share, self.visited = EdgeObserver(), False, 0.0, 0
        self._heap: list[tuple[float, float, int, Node]] = []
        self.begin, self._waiting = roots, list(zip(roots.row.tolist(), roots.signs, strict=True))
        self._stuck = dict.fromkeys(range(len(space.rows)), self._work.goal)
        self._start_copies()
        # The seconds so far, and what ends the present turn.
        self._spent, self._turn, self._stop = 0.0, Deadline(None), lambda: False
        self._size = TreeSize()
        # The bounds of the roots, by their rows; the rows and mean minimisers of the latest domains.
        self.roots: dict[int, float] = {}
        self._minimisers: deque[tuple[int, Any]] = deque(maxlen=REMEMBERED)

    def _start_copies(self) -> None:
        self._copies: Copies[tuple[str, tuple[Any, ...]], Any] = Copies(partial(worked, self._work))
        # They end with the tree, however that ends.
        weakref.finalize(self, self._copies.end)

    @property
    def form(self) -> Edges:
        """The form that all rows share, where they do."""
        return next(iter(self._forms.values()))

    def reached(self, row: int) -> float:
        """The radius below which a row is proved, 0 where nothing is known."""
        if any(number == row for number, _ in self._waiting):
            return 0.0
        return min([self._stuck[row], *(node.reach for *_, node in self._heap if node.row == row)])

    def glance(self, times: int = 1) -> float:
        """The bound of the first of the roots after a few steps, or so many times as many."""
        return self._work.glance(*self._waiting[0], times)

    def glance_seconds(self) -> float:
        """The seconds of processor time that a glance takes."""
        return self._work.glance_seconds(*self._waiting[0])

    def aim(self, radii: Radii) -> None:
        """Prove the rows below the last of these radii, which is no larger than before, on the same box."""
        work = self._work.aimed(radii)
        # Copies of the process know the old radii.
        self._copies.end()
        self._work = work
        self._start_copies()
        self._stuck = {row: min(radius, work.goal) for row, radius in self._stuck.items()}
        waiting, self._heap = [node for *_, node in self._heap], []
        for node in waiting:
            self._put(work.measured(node))

    def rest(self) -> None:
        """Take no more than memory until it goes on."""
        self._copies.end()

    @property
    def is_begun(self) -> bool:
        """Whether all roots are bounded."""
        return not self._waiting

    def explore(self, clock: Deadline, stop: Callable[[], bool]) -> bool:
        """Search until nothing is left that can be split, `stop` says so, or the clock has passed; whether nothing is
        left."""
        self._turn, self._stop = ProcessorTime(None, clock), stop
        try:
            return self._explore(clock, stop)
        finally:
            self._spent += self._turn.elapsed()

    def _explore(self, clock: Deadline, stop: Callable[[], bool]) -> bool:
        while not (clock.passed() or stop() or self.is_refuted):
            if self._waiting and (self._is_ordered or self.is_split or not self._heap):
                some, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                for node in self._map("root", some):
                    self.roots[node.row] = node.lower
                    self._keep(node)
                continue
            if not self._heap or self._is_full:
                return True
            taken = [heapq.heappop(self._heap)[-1] for _ in range(min(self._most, len(self._heap)))]
            given = [node for node in taken if self._work.is_for_programs(node)]
            for node in given:
                self._put(self._by_programs(node))
            self._advance([node for node in taken if not any(node is other for other in given)])
        return False

    @property
    def _most(self) -> int:
        """How many domains are worked on at once."""
        return self._workers.busy if self._copies.are_to_be_had else 1

    def _map(self, name: str, given: Sequence[tuple[Any, ...]]) -> list[Any]:
        """What the work of this name makes of each of the arguments, in processes beside each other where these are to
        be had."""
        items = [(name, each) for each in given]
        if len(items) > 1 and self._most > 1:
            return self._copies.map(items, partial(worked, self._work))
        return [worked(self._work, item) for item in items]

    def _advance(self, nodes: list[Node]) -> None:
        """Split domains, and keep what is open of them."""
        if len(nodes) == 1:
            # One domain alone has trials and halves beside each other.
            done = [self._work.advanced(nodes[0], self.gains, self._map if self._most > 1 else None)]
        else:
            done = self._map("advanced", [(node, self.gains) for node in nodes])
        for node, halves in done:
            if halves is None:
                self._put(node)
                continue
            self._try(node)
            if not halves:
                self._stuck[node.row] = min(self._stuck[node.row], node.reach)
                continue
            self._size.learn(node.lower, [half.lower for half in halves])
            numbers = self.observer.split(node.row, node.node, halves[0].neuron)
            for half, number in zip(halves, numbers, strict=True):
                self.gains.learn(half.learnt)
                self.gains.rounds.learn(half.rounds)
                self._keep(replace(half, node=number))

    @property
    def is_split(self) -> bool:
        """Whether a domain was split."""
        return self._size.is_known

    @property
    def is_proved(self) -> bool:
        """Whether everything is closed."""
        done, goal = not (self._waiting or self._heap), self._work.goal
        return done and min(self._stuck.values(), default=goal) >= goal

    @property
    def least(self) -> float:
        """The least bound of the open domains."""
        return min((node.lower for *_, node in self._heap), default=0.0)

    @property
    def ahead(self) -> float:
        """The seconds of processor time that the open domains will take, if splits go on to gain what they do. A root
        that waits is as the worst one is. Without end where nothing was split yet, and beyond what splits can tell."""
        missing = [-node.lower for *_, node in self._heap]
        missing += [-min(self.roots.values(), default=0.0)] * len(self._waiting)
        return self._size.seconds(missing, self.visited, self._spent)

    def minimisers(self) -> list[tuple[int, FloatArray]]:
        """The rows and mean minimisers, (input_size,), of the latest domains that are open, since this was asked."""
        found = [(row, self.space.point(scaled)[0]) for row, scaled in self._minimisers]
        self._minimisers.clear()
        return found

    @property
    def _is_full(self) -> bool:
        return bool(self._heap) and len(self._heap) * 2 * _edges_of(self._heap[0][-1]) > MOST_KEPT

    def _keep(self, node: Node) -> None:
        self.visited += 1
        if node.lower <= 0:
            self._minimisers.append((node.row, node.seen.inputs.astype(np.float64)))
        self._put(node)

    def _put(self, node: Node) -> None:
        if self._work.is_closed(node):
            self.share += 0.5**node.depth / len(self.begin)
            self.observer.close(node.row, node.node, node.lines)
        else:
            heapq.heappush(self._heap, (node.reach, node.lower, next(self._tick), node))

    def _by_programs(self, node: Node) -> Node:
        """The domain after what programs could do for it in this turn."""
        programs = node.programs
        if programs is None:
            domain, seconds = (node.row, self._work.ends(node.part), node.lines.signs), max(LEAST_SECONDS, self._spent)
            programs = LastDomain(self.space, domain, self._offer, seconds)
        is_over = programs.work(self._turn, self._stop)
        if programs.is_closed:
            return replace(node, lower=np.inf, programs=None)
        return replace(node, tried=node.free, programs=None if is_over else programs)

    def _try(self, node: Node) -> None:
        """Offer the mean minimiser where the planes lose no more there than the bound misses."""
        is_near = float(node.seen.losses(node.lines.signs).sum()) <= -node.lower
        if is_near and self._offer(self.space.point(node.seen.inputs.astype(np.float64))):
            self.is_refuted = True


def _edges_of(node: Node) -> int:
    return sum(shares.size for shares in node.lines.shares)
