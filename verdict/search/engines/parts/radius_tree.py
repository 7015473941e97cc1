"""One tree for a radius: branch and bound over ReLUs with the radius as its objective.

Every domain knows the radius below which it is safe (`relus.radii`); the least of the open ones is the lower end at any
time, and the tree is searched there first. A witness found on the way lowers the upper end: what is closed stays
closed, and what is open is carried over to the smaller ball, on which all bounds are tighter (`relus.carry`).
"""

from __future__ import annotations

import time
from fractions import Fraction
from typing import Any

import numpy as np

from ....answer import credit
from ....answer.results import Trust
from ....base.deadline import Deadline
from ....bounds import Bounds
from ....network.exact import FloatArray, float_below
from ....property import Polytope, UnsafeSet
from ...means import Means
from ...observer import Watch
from ...outcome import Outcome
from ...points.radius_witness import polish
from ...radius import RadiusSearch
from ...relus.carry import carry
from ...relus.leaf import Multipliers
from ...relus.leaf_rows import close_by_rows
from ...relus.queue import DomainQueue
from ...relus.radii import Radii
from ...relus.relu_split import ReluSplit
from ...relus.sides import Sides
from ...relus.space import Domains, Relaxed, Space
from ...relus.tuned import Tuned

# A batch has as many domains as take about so many seconds, programs included, and not fewer than this.
TURN, LEAST_BATCH = 0.25, 16
# Minimisers that are tried as witnesses in one batch.
TRIED = 4
# The open domains move to a smaller ball once the upper end has fallen by this share.
FALLEN = Fraction(1, 200)


class RadiusTree(ReluSplit):
    """The search on the ball of a radius, which `bounds` (batch 1) are about, for the polytopes with these numbers.

    `bounds` are those of the search's network; the tree's has neurons for further rows of polytopes (`sides`). `goal`
    is the radius to prove; it falls with the upper end.
    """

    is_fixed = False

    def __init__(
        self, search: RadiusSearch, numbers: list[int], radius: float, bounds: Bounds, means: Means
    ) -> None:
        polytopes = [search.unsafe.polytopes[i] for i in numbers]
        self.sides = Sides(search.graph, polytopes)
        first, around = self.sides.first, self.sides.around(bounds)
        super().__init__(self.sides.graph, around, first, Watch(try_points=self.offer), means)
        # What points have to fulfil to be worth a look.
        self.unsafe = UnsafeSet(tuple(polytopes), search.graph.output_size)
        self._tuned = Tuned(self.space)
        self.search, self.numbers, self.radius, self.goal = search, numbers, radius, radius
        self._queue = DomainQueue(self.options.most_open, by_radius=True)
        # Domains with every ReLU split that could not be closed on this ball.
        self._stuck: list[Domains] = []
        self._radii = self._ladder()
        self._most = self._batch

    def _ladder(self) -> Radii:
        return Radii(self.space, self.search.family, min(float_below(self.search.lower), self.goal), self.goal)

    @property
    def reached(self) -> float:
        """The radius below which all domains are safe."""
        return min([self._queue.least, self.goal, *(float(domain.reach[0]) for domain in self._stuck)])

    @property
    def share(self) -> float:
        """The share of the space that is closed."""
        return self._share

    @property
    def is_stale(self) -> bool:
        """Whether a smaller ball would be better: the upper end has fallen far, or the rest waits for it."""
        if self.goal >= self.radius:
            return False
        return not len(self._queue) or bool(self._stuck) or self.goal < self.radius * float(1 - FALLEN)

    def move(self, radius: float, bounds: Bounds) -> None:
        """Go on within the ball of a radius, at most the present one, or with better bounds of it."""
        old, self.bounds, self.radius = self.space, bounds, radius
        self.space = Space(self.graph, bounds, self.rows.matrix, self.rows.limits, means=self.means)
        self._tuned.on(self.space)
        self._radii = self._ladder()
        waiting = [*self._stuck, *([self._queue.pop(len(self._queue))] if len(self._queue) else [])]
        self._stuck.clear()
        if waiting:
            domains, alive = carry(old, self.space, Domains.join(waiting))
            alive &= domains.reach < self.goal
            self._close(domains.take(~alive))
            self._queue.push(domains.take(alive))

    def bounds_at(self, radius: float) -> Bounds:
        """Bounds on the ball of a radius, on one that is no larger than the present one at least as tight as there."""
        found = self.sides.around(self.search.bounds_at(radius))
        return found if radius > self.radius else found.met(self.bounds)

    def space_on(self, bounds: Bounds, rows: list[int] | None = None) -> tuple[Space, Domains]:
        """A space of its own for all or some of the rows, and their roots in it that may hold a point."""
        rows = list(range(len(self.numbers))) if rows is None else rows
        matrix, limits = self.rows.matrix[rows], self.rows.limits[rows]
        space = Space(self.graph, bounds, matrix, limits, means=self.means)
        roots, alive = self.sides.root(space, rows)
        return space, roots.take(alive)

    def explore(self, clock: Deadline) -> bool:
        """Search until all is closed that can be on this ball, the ball is stale, or the clock has passed; then go on.
        True if nothing is left to do here."""
        self._stop = clock.passed
        self.aim()
        if not self._visited:
            roots, alive = self.sides.root(self.space, range(len(self.numbers)))
            self._close(roots.take(~alive))
            self._advance([roots.take(alive)], self.options.root_steps)
        while len(self._queue) and not self.is_stale:
            self._tell()
            if clock.passed():
                return False
            began, batch = time.monotonic(), self._queue.pop(self._most)
            if self._visited >= self._next_attack:
                self._next_attack = 4 * self._visited
                self._attack_from(batch.take(slice(0, 4 * self.options.looked_at)), clock)
            self._advance([batch.take(share) for share in self.means.workers.shares(len(batch))], self.options.steps)
            pace = len(batch) / max(time.monotonic() - began, 1e-6)
            self._most = int(min(max(LEAST_BATCH, TURN * pace), self._batch))
        self._tell()
        return True

    def _tell(self) -> None:
        """Raise the lower ends; where that makes the ladder coarse, make a new one."""
        reached, shares = self.reached, credit.shares(self.ways)
        for number in self.numbers:
            self.search.prove(number, Fraction(reached), Trust.RIGOROUS, shares)
        if reached > self._radii.radii[len(self._radii.radii) // 2]:
            self._radii = self._ladder()

    def offer(self, points: FloatArray) -> bool:
        """Try points as witnesses; never a reason to end, as the tree goes on below them."""
        cap = self.search.cap
        for point in points[:TRIED]:
            if self.search.offer(self.search.family.inside(point)):
                polish(self.search, point)
                break
        if self.search.cap < cap:
            self.aim()
        return False

    def aim(self) -> None:
        """Lower the goal to the upper end, if that has fallen."""
        if last_radius(self.search) < self.goal:
            self.goal = last_radius(self.search)
            self._radii = self._ladder()

    def _touch(self, domain: Domains, polytope: Polytope) -> Outcome | None:
        self._stuck.append(domain)
        return None

    def _close_full(self, domain: Domains, polytope: Polytope) -> tuple[Multipliers | None, FloatArray]:
        if self.bounds.ball is not None:
            return super()._close_full(domain, polytope)
        # Nobody writes the proof down.
        done = Multipliers(np.ones(1), {}), np.zeros((0, self.graph.input_size))
        closed, point = close_by_rows(self.space, domain)
        if closed:
            return done
        if point is None:
            # A region that is empty has a proof of another kind.
            return super()._close_full(domain, polytope)
        # What floats find lies a hair outside an unsafe set with several rows; the region's exact vertex does not.
        polish(self.search, point, self.unsafe.polytopes[int(domain.row[0])])
        self.aim()
        return None, point[None]

    def _by_programs(self, domains: Domains) -> dict[int, Multipliers]:
        return self._tuned.close(domains, self.search.deadline.passed)

    def _is_closed(self, domains: Domains) -> Any:
        return (domains.lower > 0) | (domains.reach >= self.goal)

    def _measured(self, domains: Domains) -> Relaxed | None:
        best = self.space.relax(domains, domains.slopes, domains.betas)
        domains.reach = self._radii.reach(domains, best)
        return best


# The last proof is tried this far below the witness, relatively.
LAST = Fraction(5, 10**7)


def last_radius(search: RadiusSearch) -> float:
    """The largest radius worth a proof: a hair below the witness, or all that the sets can grow."""
    return float_below(search.cap * (1 - LAST / 2) if search.upper is not None else search.cap)
