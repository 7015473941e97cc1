"""The best multipliers of a domain by a linear program over the reduced network.

Near a tie gradient steps no longer find multipliers that balance. Written in the input and the unstable ReLUs alone
the program over their triangles (Ehlers 1705.01320) is small, its matrix is the same for all domains, and its duals are
the slopes and the multipliers of splits that bound the domain best (Salman et al. 1902.08722); the bound that these
make, in float64, decides. Programs that close nothing may take a share of the search's time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ...base.errors import SolverError
from .leaf import Multipliers
from .program import Program, can_say, matrix_numbers
from .space import Domains, Space

# What programs that closed nothing may take of the search's time, and what they may take before there is any.
MOST_SHARE, LEAST_SECONDS = 0.15, 0.02
# Programs that take longer than so many domains take on the average are left to domains with few ReLUs left.
DEAR = 40
# What a program takes until one has been timed: so many seconds, and more for each number in its matrix.
START, EACH = 2e-3, 3.9e-6
# Of the open domains of a batch those are tried whose bound misses zero by no more than this share of the worst miss:
# at first; by so much more after a program that closed its domain, less after one that did not; and at the least.
NEAR, WIDER, CLOSER, NEAREST = 0.25, 1.2, 0.8, 0.02
# Domains with at most so many ReLUs left get one in any case, more after each success and fewer after each failure.
LEFT = 8


class Tuned:
    """The programs of one search, which keep no proofs."""

    def __init__(self, space: Space) -> None:
        self._began, self._seen, self._spent, self._wasted = time.monotonic(), 0, 0.0, 0.0
        self._tried, self._near, self._left = 0, NEAR, LEFT
        self.on(space)

    def on(self, space: Space) -> None:
        """Go on in another space of the same search."""
        self._space, self._programs = space, threading.local()
        self._numbers = matrix_numbers(space)

    def close(self, domains: Domains, stop: Callable[[], bool]) -> dict[int, Multipliers]:
        """The numbers of open domains that a program has closed, each with an empty proof; others whose bound it has
        made better get its multipliers."""
        closed: dict[int, Multipliers] = {}
        if not can_say(self._space):
            return closed
        worst, self._seen = float(domains.lower.min(initial=0)), self._seen + len(domains)
        opened = np.flatnonzero(~(domains.lower > 0))
        left = np.count_nonzero(domains.signs == 0, axis=1)
        for at in opened[np.argsort(-domains.lower[opened])].tolist():
            began = time.monotonic()
            if stop():
                break
            # Behind a domain with few ReLUs left there are not many more, and each of them would cost as much.
            is_deep = 0 < left[at] <= self._left
            if not is_deep and (domains.lower[at] < self._near * worst or not self._pays(began - self._began)):
                continue
            done = self.tune(domains, at)
            self._learn(done, is_deep, time.monotonic() - began)
            if done:
                closed[at] = Multipliers(np.ones(1), {})
        return closed

    def _pays(self, elapsed: float) -> bool:
        """Whether another program is worth its time, after so many seconds of the search."""
        cost = self._spent / (self._tried - 1) if self._tried > 1 else START + EACH * self._numbers
        usual = (elapsed - self._spent) / self._seen
        return cost <= DEAR * usual and self._wasted <= max(LEAST_SECONDS, MOST_SHARE * elapsed)

    def _learn(self, done: bool, is_deep: bool, seconds: float) -> None:
        """Take note of what a program has achieved and taken; the first one loads the solver."""
        if self._tried:
            self._spent += seconds
            self._wasted += 0.0 if done else seconds
        self._tried += 1
        self._near = min(1.0, WIDER * self._near) if done else max(NEAREST, CLOSER * self._near)
        self._left += (1 if done else -2) if is_deep else 0

    def tune(self, domains: Domains, at: int) -> bool:
        """Give domain `at` the multipliers of its program, if they are better; whether they close it."""
        here, program = slice(at, at + 1), getattr(self._programs, "own", None)
        if program is None:
            try:
                program = self._programs.own = Program(self._space)
            except SolverError:
                return False
        found = program.solve(int(domains.row[at]), domains.signs[at])
        if found is None:
            return False
        if found.least > domains.lower[at]:
            domains.slopes[at], domains.betas[at] = found.slopes, found.betas
        if found.least <= 0:
            return False
        tuned = replace(domains.take(here), slopes=found.slopes[None], betas=found.betas[None])
        return bool(self._space.verify(tuned)[0] > 0)
