"""Splitting ReLUs and sharpening the bounds of hidden neurons, in rounds.

The search begins behind the bounds at hand, and where it does not end soon, these are sharpened first, with ever more
effort; both take turns, so that neither can waste more than the other has cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ....answer import credit
from ....base.deadline import Deadline, ProcessorTime
from ....network.graph import Graph
from ....property import Polytope, UnsafeSet
from ...first_box import FirstBox
from ...means import Means
from ...neurons.sharpen import Round, sharpen
from ...observer import Watch
from ...outcome import Outcome
from ...relus.frontier import Frontier
from ...relus.relu_split import ReluSplit
from ...relus.space import Space
from ...rows import Rows

# A round has at least so many seconds of processor time before others have a turn.
LEAST_ROUND = 2.0
# What the first round is said to take, in forms of the whole box: 6 to 48 were seen, and the search has `growth` times
# as long before it.
FIRST_ROUND = 2
# How much the least bound counts in the logarithm of what a search needs, the share the rest: 0.5 to 0.74 were seen.
BY_BOUNDS = 2 / 3


def behind_round(rounds: ReluRounds, needed: float) -> float:
    """What a step takes that needs so many seconds of processor time, and is to begin within better bounds: without end
    where a round of sharpening comes next, and the last one took less."""
    return np.inf if rounds.round_seconds < needed else needed


class ReluRounds:
    """A proof that no input of the `first` box (batch 1) reaches any of the polytopes, by splits of neurons.

    `whole` is the time for all; `watch` has the listeners.
    """

    name = credit.RELUS
    needs = 0.0

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
        self._observer = watch.proof.bounds(graph)
        # With so few ReLUs the search itself is short, and starting it anew is what takes long on a busy machine.
        self._is_short = first.bounds.unstable(graph) <= self.options.short
        self._rows = Rows(UnsafeSet(tuple(polytopes), graph.output_size))
        # What is to be proved of the whole box, which others ask for too, and the seconds of processor time that its
        # form took.
        self._whole_box: Space | None = None
        self.form_seconds = 0.0
        # The splits per neuron in the last round, None before the first one.
        self._rounds: int | None = None
        self._visited, self._is_saturated = 0, False
        # The round that goes on, if one does, the unstable neurons before it, and the seconds of processor time that it
        # has taken; and whether the search is to have its slice behind the last one, whatever the turn.
        self._round: Round | None = None
        self._before, self._sharpening, self._is_owed = 0, 0.0, False
        # What all rounds took, the seconds that the search needs yet at its latest pace, and whether a round would take
        # less.
        self._sharpened, self._rest, self._is_long = 0.0, np.inf, False
        # The search, the bounds behind which it began, its next slice, the share that it has closed, and its seconds.
        self._search: ReluSplit | None = None
        self._begun, self._slice, self._share, self._spent = first.bounds, 0.0, 0.0, 0.0
        # How fast the least bound of the search rises.
        self._frontier = Frontier()
        # Seconds of processor time that searches took, and the domains that they visited.
        self._paced = [0.0, 0.0]
        # What others did in searches that were begun anew: the time is spent, what they had closed is closed again.
        self._earlier: credit.Credits = {}

    def run(self, deadline: Deadline) -> Outcome:
        """Search until all is closed, a counterexample is found, or `deadline` has passed; then it may go on."""
        search = self._search if self._search is not None and not self._is_better else self._begin()
        while True:
            if self._is_long:
                # Its rest takes longer than better bounds: these come first, what a turn cut short of them too.
                search = self._behind_more(search, deadline)
            outcome = self._searched(search, deadline)
            if not outcome.resumable or deadline.passed():
                ways = self._with_earlier(outcome.ways)
                return replace(outcome, domains=self._visited + outcome.domains, ways=ways, ahead=self._ahead)

    @property
    def _ahead(self) -> float | None:
        """The seconds that this way expects to need yet: by how fast the least bound rises and by the share, or, where
        a round comes first, what that may take, for it is less than the rest takes without it. Nobody knows where
        nothing is closed yet."""
        by_bounds = self._frontier.domains * self.pace
        if by_bounds < np.inf:
            # The share says too little, and the least bound too much while few of the domains are as bad as the worst.
            return float(by_bounds**BY_BOUNDS * min(self._rest, by_bounds) ** (1 - BY_BOUNDS))
        return self.options.growth * self._sharpening if self._is_long and self._share else None

    @property
    def round_seconds(self) -> float:
        """The seconds of processor time that the last round took, where one comes next; else without end."""
        return self._sharpening if self._is_long else np.inf

    def whole_box(self) -> tuple[Space, Rows]:
        """What is to be proved of the whole box behind the first bounds, found once, and its rows."""
        if self._whole_box is None:
            bounds, rows = self._first.completed(self.means.workers), self._rows
            if self._observer.known(bounds) is None:
                # Whoever writes a proof has to have bounds that a checker finds too: those of a round of no neurons.
                none = Round(0, set(range(len(self.graph.nodes))))
                bounds = sharpen(self.graph, bounds, none, self.means, self.whole.passed, self._observer)
            stopwatch = ProcessorTime()
            self._whole_box = Space(self.graph, bounds, rows.matrix, rows.limits, means=self.means)
            self.form_seconds = stopwatch.elapsed()
        return self._whole_box, self._rows

    @property
    def pace(self) -> float:
        """Seconds of processor time for a domain; 0 where that is not known."""
        return self._paced[0] / max(1.0, self._paced[1])

    @property
    def _next(self) -> int:
        """The splits per neuron in the next round, or in the one that goes on."""
        if self._rounds is None:
            return 0
        return self._rounds if self._round else max(self.options.rounds, self._rounds * self.options.growth)

    def _room(self, deadline: Deadline) -> Deadline:
        """The clock of a round: this turn, or as long as all that this way has had, for a round that is cut in many
        parts is of no use to anybody."""
        had = max(LEAST_ROUND, self._paced[0] + self._sharpened)
        return ProcessorTime(max(deadline.remaining(), had), self.whole)

    def _behind_more(self, search: ReluSplit, deadline: Deadline) -> ReluSplit:
        """The search behind another round of sharpening: a new one, if that has made bounds better."""
        self._rounds = self._next
        self._sharpen(self._rounds, self._room(deadline))
        if self._is_better:
            return self._begin()
        # Neither wastes more than the other has cost, and none goes on without the other, whatever the turn.
        self._slice = max(self.options.least_search, self.options.share * self._sharpening)
        self._is_owed = not self._goes_on
        return search

    def _begin(self) -> ReluSplit:
        """A search behind the bounds at hand, in place of the one that there is."""
        begin = None
        if self._search is None:
            space, rows = self.whole_box()
            self.bounds, self._slice = space.bounds, self.form_seconds
            self._sharpening = FIRST_ROUND * self.form_seconds
            begin = space, space.root().take(rows.starts)
        else:
            self._visited += self._search.visited
            credit.add(self._earlier, self._search.ways, 0.0)
            self._slice, self._whole_box = max(self.options.least_search, self.options.share * self._sharpening), None
        self._begun, self._share, self._spent, self._is_long = self.bounds, 0.0, 0.0, False
        self._frontier = Frontier()
        self._search = ReluSplit(self.graph, self.bounds, self.polytopes, self.watch, self.means, begin)
        return self._search

    @property
    def _is_better(self) -> bool:
        """Whether the bounds have got so much better that the search is worth beginning anew: by the unstable neurons,
        or at all, if it has closed nothing or had no more time than the round. What a round that goes on has done so
        far is mostly not worth that yet."""
        if self._goes_on:
            return False
        if not self._share or self._spent <= self._sharpening:
            return self.bounds is not self._begun
        return self.bounds.unstable(self.graph) <= self.options.saturated * self._begun.unstable(self.graph)

    @property
    def _goes_on(self) -> bool:
        """Whether a round that was cut goes on before the search does, as it may until it has cost what the search's
        rest would, or several times what that has had."""
        most = max(LEAST_ROUND, min(self._rest, self.options.growth * self._paced[0]))
        return self._round is not None and self._sharpening < most

    def _sharpen(self, splits: int, clock: Deadline) -> None:
        """A round of sharpening with so many splits, or what is left of it, which the clock may cut short."""
        stopwatch = ProcessorTime(None, clock)
        if self._round is None:
            self._round, self._sharpening = Round(splits), 0.0
            self._before = self.bounds.unstable(self.graph)
        stop = clock.passed
        self.bounds = sharpen(self.graph, self.bounds, self._round, self.means, stop, self._observer)
        took = stopwatch.elapsed()
        self._sharpening, self._sharpened = self._sharpening + took, self._sharpened + took
        if not stop():
            most = self.options.saturated * self._before
            self._is_saturated = splits > 0 and self.bounds.unstable(self.graph) > most
            self._round = None

    def _searched(self, search: ReluSplit, deadline: Deadline) -> Outcome:
        """How the search ended, or how far it is when the turn is over, or its rest takes longer than better bounds."""
        while True:
            stopwatch, before = ProcessorTime(), search.visited
            # What a round was for is seen when the search behind it has had its slice.
            is_free, self._is_owed = self._is_owed or not before, False
            outcome = search.run(ProcessorTime(self._slice, self.whole if is_free else deadline))
            took = stopwatch.elapsed()
            self._paced[0] += took
            self._paced[1] += search.visited - before
            self._frontier.saw(search.visited, outcome.lower)
            if outcome.proved:
                search.finish(self.whole)
            if not outcome.resumable or search.visited == before:
                return outcome
            # At the latest pace the rest takes this long; sharpening once more would take `growth` times the last time.
            # The pace slackens, so it is looked at again when the time spent has doubled.
            gained, self._share = outcome.share - self._share, outcome.share
            self._spent += took
            self._rest = rest = took * (1 - self._share) / max(gained, 1e-12)
            # A search that has closed nothing is behind a sharpening that was not enough, not one that gained nothing.
            self._is_long = self._spent + rest > self.options.growth * self._sharpening
            self._is_long &= not self._is_short and not (self._is_saturated and self._share > 0)
            self._slice = max(self.options.least_search, min(rest, self._spent))
            if self._is_long or deadline.passed():
                return outcome

    def _with_earlier(self, ways: credit.Credits) -> credit.Credits:
        done: credit.Credits = {}
        credit.add(done, self._earlier)
        credit.add(done, ways)
        return done
