"""Branch and bound on the phases of ReLUs (Bunel et al. 1909.06588; bounds as in Wang et al. 2103.06624).

A domain fixes some ReLUs on or off; where its bound does not exclude the unsafe polytope that it is about, one more
ReLU is split and both halves are bounded. All polytopes are searched at once, in batches, one per core; children
inherit their parent's slopes and multipliers, and only rigorous bounds close a domain. A domain with every ReLU
split is a linear program. Minimisers of bounds are candidate counterexamples.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from ...answer.credit import PROGRAMS, RELUS, Credit, Credits
from ...base.abreast import Abreast
from ...base.deadline import TIME_LIMIT, Deadline, OutOfTime, ProcessorTime
from ...bounds.bounds import Bounds
from ...network.exact import FloatArray
from ...network.graph import Graph
from ...property import Polytope, UnsafeSet
from ..means import Means
from ..observer import Watch
from ..outcome import Outcome
from ..points.attack import Starts, Within, attack
from ..points.suspects import suspects
from ..rows import Rows
from .ascent import optimise
from .branch import branch, losses
from .estimate import estimate, is_shallow
from .imply import Implied, imply, nothing_implied
from .leaf import Multipliers, close_leaf
from .programs import Programs
from .queue import DomainQueue
from .round_leaf import close_round_leaf
from .space import Domains, Relaxed, Space

# Why a search ends that can neither exclude nor enter a region.
TOUCHED = "a linear region touches the unsafe set"


@dataclass(frozen=True, eq=False)
class _Step:
    """What one batch gave: domains closed by bounds; domains closed by linear programs, and their proofs; the sides
    that follow on the open ones, which of these were split, and their halves (see `branch`); points to look at; and
    the seconds that programs took."""

    closed: Domains
    solved: Domains
    proofs: list[Multipliers]
    implied: Implied
    split: Any
    children: Domains
    points: FloatArray
    seconds: float


class ReluSplit:
    """The search over all `polytopes` on the box of `bounds` (batch 1, float64).

    Multipliers are looked for on the device of `means`; `watch` has the listeners. It may begin from other domains than
    whole boxes, one for each polytope, about its first row, in the `space` of the polytopes' rows that these are from.
    """

    # Whether all that a step depends on, its domains apart, is as it was in the beginning.
    is_fixed = True

    def __init__(
        self,
        graph: Graph,
        bounds: Bounds,
        polytopes: list[Polytope],
        watch: Watch | None = None,
        means: Means | None = None,
        begin: tuple[Space, Domains] | None = None,
    ) -> None:
        self.watch, self.means = watch or Watch(), means or Means()
        self.options = options = self.means.options.relus
        self.graph, self.bounds, self.polytopes = graph, bounds, polytopes
        self.unsafe = UnsafeSet(tuple(polytopes), graph.output_size)
        self.rows = Rows(self.unsafe)
        if begin is None:
            space = Space(graph, bounds, self.rows.matrix, self.rows.limits, means=self.means)
            begin = space, space.root().take(self.rows.starts)
        self.space, self._begin = begin
        size = options.batch if self.means.device.is_rigorous else options.device_batch
        self._batch, self._clock = size * self.means.workers.count, ProcessorTime()
        self._observer = self.watch.proof.relus(self.space, polytopes, self.rows)
        self._stop: Callable[[], bool] = lambda: False
        # The least bound and the reason, where a linear region can be neither excluded nor entered.
        self._touched: tuple[float, str] | None = None
        self._final: Outcome | None = None
        self._queue, self._visited, self._share = DomainQueue(options.most_open), 0, 0.0
        self._next_attack = options.attack_after
        self._abreast: Abreast[tuple[Domains, int], _Step] = Abreast(self.means.workers)
        # What linear programs have closed, and the seconds that they took of the search.
        self._by_program, self.in_programs = 0.0, 0.0

    def run(self, deadline: Deadline) -> Outcome:
        """Search until everything is closed, a counterexample is found, or `deadline` has passed; then run on.

        Once it has ended otherwise than by this clock, the outcome stays.
        """
        if self._final is not None:
            return self._final
        self._stop = deadline.passed
        try:
            return self._run(deadline)
        except OutOfTime:
            # The whole question's time is up, and what the batch in hand has left open is lost: there is no going on.
            return self._outcome(False, -np.inf, TIME_LIMIT)

    def _run(self, deadline: Deadline) -> Outcome:
        if not self._visited:
            # One domain per polytope, about its first row.
            ended = self._advance([self._begin], self.options.root_steps)
        else:
            ended = None
        while ended is None:
            if not len(self._queue):
                return self._outcome(True, 0.0) if self._touched is None else self._outcome(False, *self._touched)
            self.watch.on_progress(self._queue.least, len(self._queue), self._visited)
            if deadline.passed():
                least = self._queue.least
                return Outcome(False, least, self._visited, TIME_LIMIT, self._share, resumable=True, ways=self.ways)
            batch = self._queue.pop(self._batch)
            if self._visited >= self._next_attack:
                self._next_attack = 4 * self._visited
                if self._attack_from(batch.take(slice(0, 4 * self.options.looked_at)), deadline):
                    return self._refuted()
            shares = self.means.workers.shares(len(batch))
            ended = self._advance([batch.take(share) for share in shares], self.options.steps)
        return ended

    @property
    def visited(self) -> int:
        """How many domains were bounded."""
        return self._visited

    def finish(self, deadline: Deadline, least: float | None = None) -> None:
        """Tell the listener that a search has proved all.

        What it has left to do may take a share of the time that the search took, or `least` seconds.
        """
        seconds = max(self.options.least_widening if least is None else least,
                      self.options.widening_share * self._clock.elapsed())
        self._observer.proved(self.means, self._batch, ProcessorTime(seconds, deadline))

    def _advance(self, batches: list[Domains], steps: int) -> Outcome | None:
        """Bound the batches, one per worker, and queue what they leave open; an outcome if that ends the search."""
        self._visited += sum(len(batch) for batch in batches)
        for result in self._results(batches, steps):
            # Batches are worked on side by side.
            self.in_programs += result.seconds / len(batches)
            self._close(result.closed)
            self._close_raw(result.solved, result.proofs)
            if len(result.points) and self.watch.try_points(result.points):
                return self._refuted()
            self._observer.implied(result.implied)
            parents, full = (result.implied.after.take(which) for which in (result.split, ~result.split))
            for at in range(len(full)):
                if self._stop():
                    self._queue.push(full.take(slice(at, None)))
                    break
                domain = full.take(slice(at, at + 1))
                polytope = self._polytope(domain.row[0])
                began = time.monotonic()
                found, points = self._close_full(domain, polytope)
                self.in_programs += time.monotonic() - began
                if found is None and not self._observer.close_tie(domain):
                    if len(points) and self.watch.try_points(points):
                        return self._refuted()
                    ended = self._touch(domain, polytope)
                    if ended is not None:
                        return ended
                    continue
                self._close_raw(domain, [] if found is None else [found])
            if len(parents):
                self._observer.split(parents, result.children)
            done = self._is_closed(result.children)
            self._close(result.children.take(done))
            self._queue.push(result.children.take(~done))
        return None

    def _results(self, batches: list[Domains], steps: int) -> list[_Step]:
        """What the batches give, each on a core."""
        items, here = [(batch, steps) for batch in batches], partial(_stepped, self)
        if self.is_fixed and self.means.device.is_rigorous:
            return self._abreast.map(items, here, self._copied)
        return self.means.workers.map(here, items)

    def _copied(self) -> Callable[[tuple[Domains, int]], _Step]:
        """What copies apply: what they have of the search is neither the clock of this turn nor copies."""
        other = copy(self)
        other._stop, other._abreast = lambda: False, Abreast(self.means.workers)
        return partial(_stepped, other)

    def _touch(self, domain: Domains, polytope: Polytope) -> Outcome | None:
        """Note a linear region that can be neither excluded nor entered; an outcome if that ends the search."""
        reason = f"{polytope.name}: {TOUCHED}".lstrip(": ")
        self._touched = float(domain.lower[0]), reason
        return self._outcome(False, *self._touched) if self.space.size > self.options.few else None

    def _is_closed(self, domains: Domains) -> Any:
        """Which of the domains are safe, (batch,)."""
        return domains.lower > 0

    def _measured(self, domains: Domains) -> Relaxed | None:
        """What bounds of open domains by their own multipliers see, if anybody asks."""
        # What `optimise` has seen is of the last multipliers, not of the best.
        if self.space.reduced is None:
            return None
        return self.space.relax(domains, domains.slopes, domains.betas)

    def _close_full(self, domain: Domains, polytope: Polytope) -> tuple[Multipliers | None, FloatArray]:
        """A proof that a domain with every ReLU split is safe, or points (k, inputs) to look at."""
        ball = self.bounds.ball
        if ball is not None:
            return close_round_leaf(self.space, domain.signs[0], polytope, ball)
        found, point = close_leaf(self.space, domain.signs[0], polytope)
        return found, np.zeros((0, self.graph.input_size)) if point is None else point[None]

    def _close(self, domains: Domains) -> None:
        self._share += float(self._weight(domains).sum())
        self._observer.close(domains)

    def _close_raw(self, domains: Domains, proofs: list[Multipliers]) -> None:
        weight = float(self._weight(domains).sum())
        self._share, self._by_program = self._share + weight, self._by_program + weight
        for at, proof in enumerate(proofs):
            self._observer.close_raw(domains.take(slice(at, at + 1)), proof)

    def _polytope(self, row: Any) -> Polytope:
        return self.polytopes[int(self.rows.owner[row])]

    def _refuted(self) -> Outcome:
        self._final = replace(self._outcome(False, -np.inf, "a counterexample was found"), refuted=True)
        return self._final

    def _outcome(self, proved: bool, lower: float, reason: str = "") -> Outcome:
        self._final = Outcome(proved, lower, self._visited, reason, 1.0 if proved else self._share, ways=self.ways)
        return self._final

    @property
    def ways(self) -> Credits:
        """What bounds of domains have closed, and what linear programs."""
        programs = Credit(self.in_programs, self._by_program)
        ways = {RELUS: Credit(0.0, self._share - self._by_program)}
        return {**ways, PROGRAMS: programs} if programs.seconds else ways

    def _weight(self, domains: Domains) -> Any:
        """The share of the whole that each domain is, counting every split as a half."""
        return 0.5**domains.depth / len(self.polytopes)

    def _step(self, domains: Domains, steps: int) -> _Step:
        """Bound a batch, close what can be closed, split the rest."""
        # No more than a split costs: bounds of trials, and the steps of both halves.
        patience = 2 * (self.options.trials + self.options.steps)
        domains, seen = optimise(self.space, self._best_rows(domains), steps, patience=patience)
        self._recheck(domains, seen.rounding)
        began = time.monotonic()
        proofs = self._by_programs(domains)
        seconds = time.monotonic() - began
        solved = np.isin(np.arange(len(domains)), list(proofs))
        worst = domains.lower.argsort()[: self.options.looked_at]
        points = suspects(self.graph, self.unsafe, self.space.points(seen.x[worst]))
        left = ~(domains.lower > 0) & ~solved
        loss = losses(self.space, domains, seen)[left]
        opened = domains.take(left)
        best = self._measured(opened)
        closed = [domains.take((domains.lower > 0) & ~solved)]
        late = self._is_closed(opened)
        if late.any():
            closed.append(opened.take(late))
            opened, loss, best = opened.take(~late), loss[~late], None if best is None else best.take(~late)
        implied, worth = self._look_ahead(opened, best, loss)
        split = (worth >= 0).any(axis=1)
        parents = implied.after.take(split)
        children = branch(self.space, parents, worth[split], self.options.trials) if len(parents) else parents
        done = Domains.join(closed), domains.take(solved), list(proofs.values())
        return _Step(*done, implied, split, children, points, seconds)

    @cached_property
    def _programs(self) -> Programs:
        return Programs(self.space)

    def _by_programs(self, domains: Domains) -> dict[int, Multipliers]:
        """Proofs by linear programs of some of the domains, by their numbers."""
        if not self.options.programs:
            return {}
        return self._programs.close(domains, [self._polytope(row) for row in domains.row], self._stop)

    def _look_ahead(self, opened: Domains, best: Relaxed | None, loss: Any) -> tuple[Implied, Any]:
        """The sides that follow on open domains, and how good a split each of their ReLUs is, -1 if it is one."""
        if best is None or self.space.reduced is None:
            return nothing_implied(opened), loss
        estimates = estimate(self.space, opened, best)
        implied = imply(self.space, opened, best, estimates)
        if is_shallow(self.space):
            loss = estimates.worth(opened)
        return implied, np.where(implied.after.signs == 0, loss, np.float32(-1))

    def _best_rows(self, domains: Domains) -> Domains:
        """Each domain with the row of its polytope that its multipliers bound best."""
        most = int(self.rows.counts.max())
        if most == 1 or most > self.options.few_rows:
            return domains
        best = domains.take(slice(None))
        owner = self.rows.owner[domains.row]
        count, first = self.rows.counts[owner], self.rows.starts[owner]
        lower = np.full(len(domains), -np.inf, np.float32)
        for turn in range(most):
            trial = replace(domains, row=first + turn % count)
            found = self.space.relax(trial, domains.slopes, domains.betas, follow=False).lower
            better = found > lower
            lower = np.where(better, found, lower)
            best.row = np.where(better, trial.row, best.row)
        best.lower = np.maximum(domains.lower, lower)
        return best

    def _recheck(self, domains: Domains, rounding: Any) -> None:
        """Where only float32's rounding stands between a bound and a proof, look again in float64."""
        close = np.flatnonzero((domains.lower <= 0) & (domains.lower + rounding > 0))
        if len(close):
            again = self.space.verify(domains.take(close))
            domains.lower[close] = np.where(again > 0, np.float32(1e-30), domains.lower[close])

    def _attack_from(self, domains: Domains, deadline: Deadline) -> bool:
        """The attack once more, from the minimisers of the least promising domains."""
        seen = self.space.relax(domains, domains.slopes, domains.betas)
        within = Within(self.bounds.lower[0][0], self.bounds.upper[0][0], self.bounds.ball)
        begin = Starts(np.random.default_rng(len(domains)), self.space.points(seen.x))
        found = attack(self.graph, self.unsafe, within, begin, deadline)
        return len(found) > 0 and self.watch.try_points(found)


def _stepped(search: ReluSplit, given: tuple[Domains, int]) -> _Step:
    return search._step(*given)
