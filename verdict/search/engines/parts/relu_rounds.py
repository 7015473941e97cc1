"""Splitting ReLUs and sharpening the bounds of hidden neurons, in rounds.

Where a search over splits does not end soon, the bounds that it starts from are sharpened first, with ever more effort;
both take turns, so that neither can waste more than the other has cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ....answer import credit
from ....base.deadline import Deadline, ProcessorTime
from ....bounds.bounds import Bounds
from ....network.graph import Graph
from ....property import Polytope
from ...first_box import FirstBox
from ...means import Means
from ...neurons.sharpen import sharpen
from ...observer import Watch
from ...outcome import Outcome
from ...relus.relu_split import ReluSplit


class ReluRounds:
    """A proof that no input of the `first` box (batch 1) reaches any of the polytopes, by splits of neurons.

    `whole` is the time for all; `watch` has the listeners.
    """

    name = credit.RELUS

    def __init__(
        self,
        graph: Graph,
        first: FirstBox,
        polytopes: Sequence[Polytope],
        whole: Deadline,
        watch: Watch,
        means: Means,
    ) -> None:
        self.graph, self.polytopes, self.whole, self.watch, self.means = graph, list(polytopes), whole, watch, means
        self.options, self._first, self.bounds = means.options, first, first.bounds
        self._clock = ProcessorTime()
        self._observer = watch.proof.bounds(graph)
        # With so few ReLUs the search itself is short, and starting it anew is what takes long on a busy machine.
        self._is_short = first.bounds.unstable(graph) <= self.options.short
        self._visited, self._rounds, self._sharpening, self._is_saturated = 0, 0, 0.0, False
        self._search: ReluSplit | None = None
        # Seconds of processor time that searches took, and the domains that they visited.
        self._paced = [0.0, 0.0]
        # What others did in searches that were begun anew: the time is spent, what they had closed is closed again.
        self._earlier: credit.Credits = {}

    def run(self, deadline: Deadline) -> Outcome:
        """Search until all is closed, a counterexample is found, or `deadline` has passed; then it may go on."""
        while True:
            search = self._search or self._sharpened(deadline)
            outcome = self._searched(search, deadline)
            if outcome is not None:
                return replace(outcome, domains=self._visited + outcome.domains, ways=self._with_earlier(outcome.ways))
            self._rounds = self._next
            self._search = None

    @property
    def spent(self) -> float:
        """Seconds of processor time since the beginning, of whoever had them."""
        return self._clock.elapsed()

    @property
    def pace(self) -> float:
        """Seconds of processor time for a domain; 0 where that is not known."""
        return self._paced[0] / max(1.0, self._paced[1])

    @property
    def _next(self) -> int:
        """The splits per neuron in the next round."""
        return max(self.options.rounds, self._rounds * self.options.growth)

    def sharpened(self) -> Bounds:
        """The bounds of hidden neurons, sharpened as long as the next round can be expected to take no more than all
        that was done so far, and the last one made some ReLU stable."""
        growth, clock = self.options.growth, self._clock
        while not (self._is_saturated or self.whole.passed() or growth * self._sharpening > clock.elapsed()):
            self._rounds = self._next
            self._sharpen(self.whole)
        return self.bounds

    def _sharpened(self, deadline: Deadline) -> ReluSplit:
        """A search behind bounds that are sharpened first, for as long as this turn is."""
        if self._rounds == 0:
            self.bounds = self._first.completed(self.means.workers)
        self._last = self._sharpen(deadline)
        self._slice = max(self.options.least_search, self.options.share * self._sharpening)
        self._share, self._spent = 0.0, 0.0
        self._search = ReluSplit(self.graph, self.bounds, self.polytopes, self.watch, self.means)
        return self._search

    def _sharpen(self, clock: Deadline) -> bool:
        """One round of sharpening, which the clock may cut short; whether it left nearly all as it was."""
        stopwatch, before = ProcessorTime(None, clock), self.bounds.unstable(self.graph)
        self.bounds = sharpen(self.graph, self.bounds, self._rounds, self.means, clock.passed, self._observer)
        self._sharpening = stopwatch.elapsed()
        is_as_before = self._rounds > 0 and self.bounds.unstable(self.graph) > self.options.saturated * before
        self._is_saturated = is_as_before and not clock.passed()
        return is_as_before

    def _searched(self, search: ReluSplit, deadline: Deadline) -> Outcome | None:
        """How the search ended, or how far it is after this time; None where it is to begin anew with better bounds."""
        while True:
            stopwatch, before = ProcessorTime(), search.visited
            outcome = search.run(ProcessorTime(self._slice, deadline))
            self._paced[0] += stopwatch.elapsed()
            self._paced[1] += search.visited - before
            if outcome.proved:
                search.finish(self.whole)
            if not outcome.resumable or deadline.passed():
                return outcome
            # At the latest pace the rest takes this long; sharpening once more would take `growth` times the last time.
            # The pace slackens, so it is looked at again when the time spent has doubled.
            gained, self._share = outcome.share - self._share, outcome.share
            self._spent += self._slice
            self._slice *= (1 - self._share) / max(gained, 1e-12)
            # A search that closes nothing is behind a sharpening that was not enough, not one that gained nothing.
            is_long = self._spent + self._slice > self.options.growth * self._sharpening
            if is_long and not self._is_short and not (self._last and gained > 0):
                self._visited += outcome.domains
                credit.add(self._earlier, outcome.ways, 0.0)
                return None
            self._slice = max(self.options.least_search, min(self._slice, self._spent))

    def _with_earlier(self, ways: credit.Credits) -> credit.Credits:
        done: credit.Credits = {}
        credit.add(done, self._earlier)
        credit.add(done, ways)
        return done
