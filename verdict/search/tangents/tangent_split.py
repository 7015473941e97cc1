"""Branch and bound on neurons of smooth networks: lines climb, and neurons are cut at thresholds.

First hidden neurons are bounded by lines of their own. Then the domains with the worst bounds are split: of the neurons
that the bound loses most at a few are tried, at the place where the bound has them, and the one is taken whose halves
have the best bounds (Shi et al. 2405.21063).
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np

from ...answer.credit import RELUS, Credit
from ...base.abreast import Abreast
from ...base.deadline import Deadline
from ...bounds.backward import output_bounds
from ...bounds.bounds import Bounds
from ...network.functions import Feature
from ...network.graph import Graph
from ...property import Polytope, UnsafeSet
from ..means import Means
from ..observer import Watch
from ..outcome import Outcome
from ..points.suspects import suspects
from ..rows import Rows
from .domains import Bounding, Cut, Domain
from .hidden import Hidden

# Steps of the first domains, and of the others, which inherit lines; domains at a time, and candidates of each.
FIRST_STEPS, STEPS, BATCH, CANDIDATES = 20, 6, 16, 3
# How often domains that are not split any more climb as the first ones do, each time with long steps again.
LAST_ROUNDS = 6
# The share of the first bound that is to be left of a margin where a checker has to find it too.
SLACK = 0.001
# A cut leaves at least this share of an interval on each side.
EDGE = 0.1
# The share of the time that bounds of hidden neurons may take, and of slices of time how many.
HIDDEN_SHARE, SLICES = 0.5, 8


def can_split(graph: Graph, bounds: Bounds) -> bool:
    """Whether all functions can lean, or are off or on, and are defined on the box, with finite bounds."""
    for number, function in graph.functions.items():
        if not (function.leans or function.has(Feature.ON_OFF)):
            return False
        low, high = bounds.in_front(graph, number)
        if not (np.isfinite(low) & np.isfinite(high) & function.inside(low, high)).all():
            return False
    return True


class TangentSplit:
    """The search for a proof that no input of the box of `bounds` (batch 1) reaches any of the polytopes; `watch` has
    the listeners."""

    name = RELUS
    needs = 0.0

    def __init__(
        self, graph: Graph, bounds: Bounds, polytopes: list[Polytope], watch: Watch, means: Means | None = None
    ) -> None:
        self.graph, self.polytopes, self.watch, self.means = graph, polytopes, watch, means or Means()
        self._unsafe = UnsafeSet(tuple(polytopes), graph.output_size)
        self.rows = Rows(self._unsafe)
        self._observer = watch.proof.tangents(polytopes, self.rows)
        self._hidden = Hidden(graph, bounds, self._observer.neurons)
        self._bounding: Bounding | None = None
        self._abreast: Abreast[tuple[list[Domain], int], list[Domain]] = Abreast(self.means.workers)
        # How much more than nothing is to be left of a margin, by row.
        self._room: dict[int, float] = {}
        # How often hidden neurons have been worked on.
        self._slices = 0
        self._open: list[Domain] = []
        self._visited, self._closed, self._found = 0, 0.0, False

    def run(self, deadline: Deadline) -> Outcome:
        """Search until no domain is left, a counterexample is found, or `deadline` has passed; then it may go on."""
        if self._bounding is None:
            self._slices += 1
            done = self._hidden.climb(deadline.share(HIDDEN_SHARE, math.inf).passed)
            if not done and self._slices < SLICES:
                return self._outcome("the time limit was reached", resumable=True)
            self._begin()
        while self._open and not self._found:
            self.watch.on_progress(min(d.lower for d in self._open), len(self._open), self._visited)
            if deadline.passed():
                return self._outcome("the time limit was reached", resumable=True)
            self._open.sort(key=lambda d: d.lower)
            batch, self._open = self._open[:BATCH], self._open[BATCH:]
            whole = [d for d in batch if not self._candidates(d)]
            halves = self._split([d for d in batch if d not in whole])
            # Where nothing is left to split, as where all neurons jump, slopes and betas may not be there yet.
            for _ in range(LAST_ROUNDS):
                whole = self._bound(whole, FIRST_STEPS)
                if not whole or deadline.passed():
                    break
            if whole:
                self._open += whole + halves
                return self._outcome("a domain of which no neuron can be split")
            self._open += self._bound(halves, STEPS)
        if self._found:
            return replace(self._outcome("a counterexample was found"), refuted=True)
        self._observer.proved(self._hidden.lemmas)
        ways = {RELUS: Credit(0.0, 1.0)}
        return Outcome(True, 0.0, self._visited, share=1.0, ways=ways)

    def _begin(self) -> None:
        """Bound each polytope by its best row."""
        bounds = self._hidden.bounds
        neurons = self._observer.neurons
        self._bounding = Bounding(self.graph, bounds, self.rows.matrix, neurons is None or neurons.has_products)
        margins = output_bounds(self.graph, bounds, self.rows.matrix).lower[0] - self.rows.limits
        best = [int(self.rows.starts[i] + margins[self.rows.of(i)].argmax()) for i in range(len(self.polytopes))]
        if self._observer.neurons is not None:
            # A checker finds bounds of hidden neurons that are hardly the same.
            self._room = {row: SLACK * abs(float(margins[row])) for row in best}
        self._open = self._bound([Domain(row) for row in best], FIRST_STEPS)

    def _bound(self, domains: list[Domain], steps: int) -> list[Domain]:
        """Bound domains, and close those that are excluded; the others, whose bounds are relative to their limits."""
        left, bounded = [], self._climbed(domains, steps, BATCH)
        for domain in bounded:
            if domain.lower > self.rows.limits[domain.row] + self._room.get(domain.row, 0.0):
                self._close(domain)
            else:
                domain.lower -= self.rows.limits[domain.row]
                left.append(domain)
        self._visited += len(domains)
        if bounded and not self._found:
            near = suspects(self.graph, self._unsafe, np.stack([domain.point for domain in bounded]))
            self._found = len(near) > 0 and self.watch.try_points(near)
        return left

    def _climbed(self, domains: list[Domain], steps: int, size: int) -> list[Domain]:
        """The domains with their bounds after so many steps, in order, bounded so many at a time on each core."""
        found, workers, here = list[Domain](), self.means.workers, partial(_bounded_by, self._bounded)
        for start in range(0, len(domains), size * workers.count):
            some = domains[start : start + size * workers.count]
            items = [(some[share], steps) for share in workers.shares(len(some))]
            found += [domain for part in self._abreast.map(items, here) for domain in part]
        return found

    @property
    def _bounded(self) -> Bounding:
        if self._bounding is None:
            raise RuntimeError("not begun")
        return self._bounding

    def _close(self, domain: Domain) -> None:
        owner = int(self.rows.owner[domain.row])
        self._observer.close(owner, int(domain.row - self.rows.starts[owner]), domain)
        self._closed += 2.0 ** -len(domain.cuts) / len(self.polytopes)

    def _split(self, domains: list[Domain]) -> list[Domain]:
        """The halves of each domain by its best cut."""
        trials: list[tuple[int, Cut]] = []
        halves: list[Domain] = []
        for k, domain in enumerate(domains):
            for cut in self._candidates(domain):
                trials.append((k, cut))
                halves += [self._half(domain, replace(cut, sign=sign)) for sign in (-1, 1)]
        tried = self._climbed(halves, 1, 2 * BATCH)
        best: dict[int, tuple[float, Cut, list[Domain]]] = {}
        for at, (k, cut) in enumerate(trials):
            halves = tried[2 * at : 2 * at + 2]
            gained = [min(h.lower - self.rows.limits[h.row], 0.0) for h in halves]
            score = min(gained) + sum(gained)
            if k not in best or score > best[k][0]:
                best[k] = score, cut, halves
        found = []
        for k, (_, cut, halves) in sorted(best.items()):
            domain = domains[k]
            nodes = self._observer.split(int(self.rows.owner[domain.row]), domain.node, cut)
            for half, node in zip(halves, nodes, strict=True):
                half.node = node
            found += halves
        return found

    def _half(self, domain: Domain, cut: Cut) -> Domain:
        return Domain(domain.row, (*domain.cuts, cut), states=domain.states)

    def _candidates(self, domain: Domain) -> list[Cut]:
        """Cuts of the neurons at which the bound loses most, where it has them."""
        found = []
        for i in self._bounded.nodes:
            if i in domain.loss:
                for neuron in np.argsort(-domain.loss[i])[:CANDIDATES].tolist():
                    found.append((float(domain.loss[i][neuron]), i, neuron))
        cuts = []
        for _, i, neuron in sorted(found, reverse=True):
            low, high = (float(e[0, neuron]) for e in self._bounded.ends(i, [domain])[:2])
            at = float(np.clip(domain.pre[i][neuron], low + EDGE * (high - low), high - EDGE * (high - low)))
            at = self.graph.functions[i].cut(low, high, at)
            if low < at <= high:
                cuts.append(Cut(i, neuron, 1, at))
            if len(cuts) == CANDIDATES:
                break
        return cuts

    def _outcome(self, reason: str, resumable: bool = False) -> Outcome:
        least = min((d.lower for d in self._open), default=0.0)
        return Outcome(False, least, self._visited, reason, self._closed, resumable,
                       ways={RELUS: Credit(0.0, self._closed)})  # fmt: skip


def _bounded_by(bounding: Bounding, given: tuple[list[Domain], int]) -> list[Domain]:
    """Domains with their bounds after so many steps."""
    domains, steps = given
    bounding.bound(domains, steps)
    return domains
