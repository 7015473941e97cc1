"""The steps that every decision takes, and what passes from one to the next.

Attack, linear bounds and better ones, branch and bound: each works on the polytopes that are still open. For a
certificate, what linear bounds exclude is one leaf, branch and bound records its trees, and what anything else has
proved it proves once more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ..answer import credit, replay
from ..answer.evidence import Evidence
from ..answer.results import Trust, weakest
from ..base.deadline import Deadline, why
from ..base.errors import SolverError
from ..base.workers import Workers
from ..bounds import Bounds, linear_bounds, output_lower
from ..bounds.combined import combined_bounds
from ..bounds.forward import Forward, forward_first
from ..network.cone import about
from ..network.exact import ExactVector, FloatArray
from ..network.graph import Graph
from ..ops.importer.selfcheck import products
from ..property import Box, Polytope, Problem
from .effort import Effort
from .observer import Observer, Watch
from .outcome import Outcome
from .points.attack import STEP_PRODUCTS, Starts, Within, attack

# The shares of the time that the attack may take, and then the bounds of hidden neurons before those of the outputs;
# and of these where nothing that comes after could do without them.
ATTACK_SHARE, HIDDEN_SHARE, ALL_SHARE = 0.4, 0.5, 0.85
# An attack of more products than that (half a second) begins with a few starts; the others wait until bounds, which may
# need no attack, have been tried.
DEAR, FIRST_STARTS = 2**32, 4
# Where forward bounds came first, backward ones take at most so many seconds, and so many times what those took.
LEAST, BACKWARD = 0.5, 4.0
# Without a time limit, a solver's proof is proved again for at most so many seconds, or so many times the seconds that
# it has taken.
AGAIN_SECONDS, AGAIN_SHARE = 60.0, 2.0


class Decision:
    """The state of one decision: what is still open, the bounds at hand, and the `evidence`, which its steps fill.

    The `observer` is told what is excluded and how; without `looking` no candidates are replayed.
    """

    def __init__(self, problem: Problem, box: Box, effort: Effort, observer: Observer) -> None:
        self.problem, self.box, self.evidence = problem, box, Evidence()
        self.network, self.unsafe = problem.network, problem.unsafe
        rows = [polytope.matrix.values for polytope in problem.unsafe.polytopes]
        # A certificate is about the neurons that the file has.
        whole = problem.network.graph if observer.wants_splits else problem.network.merged
        self.graph = about(whole, np.concatenate(rows)) if rows else whole
        self.effort, self.deadline, self.threads, self.device = effort, effort.deadline, effort.threads, effort.device
        self.report, self.stage, self.trusts = effort.report, "", [Trust.EXACT]
        self.since = self.deadline.elapsed()
        # Numbers of the polytopes that are not excluded yet, and of those whose proof no listener has been told.
        self.open = list(range(len(problem.unsafe.polytopes)))
        self.observer, self.untold = observer, set(self.open)
        self.looking, self.is_attacked = True, True
        self.node_bounds: Bounds | None = None
        # Whether there was too little time for the bounds of some neurons.
        self.is_rough = False

    def polytopes(self, numbers: Iterable[int]) -> list[Polytope]:
        """The polytopes with these numbers."""
        return [self.unsafe.polytopes[i] for i in numbers]

    def enter(self, stage: str) -> None:
        """Name the stage that starts now; the time since the last one goes to that."""
        stages, now = self.evidence.stages, self.deadline.elapsed()
        if self.stage:
            stages[self.stage] = stages.get(self.stage, 0.0) + now - self.since
            if self._way in credit.STAGES:
                credit.of(self.evidence.ways, self._way).seconds += now - self.since
        self.stage, self.since = stage, now
        self.report(stage)

    @property
    def _way(self) -> str:
        """The first word of the stage."""
        return self.stage.partition("/")[0]

    def confirm(self, candidates: Iterable[ExactVector | FloatArray]) -> bool:
        """Whether one of the candidates is a witness, replayed exactly and by ONNX Runtime; if not, why is said."""
        if not self.looking:
            return False
        witness, reason = replay.confirm(self.network, self.unsafe, self.box, candidates)
        if witness is None:
            self.evidence.reason = reason
            return False
        self.evidence.witness, self.evidence.reason = witness, ""
        if self._way in credit.STAGES:
            credit.of(self.evidence.ways, self._way).found = True
        return True

    def is_undecided(self) -> bool:
        """Whether there is neither a witness nor a proof, and time to look for one."""
        return self.evidence.witness is None and self.evidence.proof is None and not self.deadline.passed()

    def attack(self) -> bool:
        """Whether gradient descent finds a witness, from a few starts where all of them would take long."""
        starts = Starts(np.random.default_rng(0))
        steps = starts.restarts * starts.steps * STEP_PRODUCTS * products(self.graph)
        self.is_attacked = steps <= DEAR
        return self._attacked(starts if self.is_attacked else replace(starts, restarts=FIRST_STARTS))

    def attack_again(self) -> bool:
        """Whether it finds one from the starts that were left for later, if any."""
        if self.is_attacked:
            return False
        self.is_attacked = True
        starts = Starts(np.random.default_rng(1))
        return self._attacked(replace(starts, restarts=starts.restarts - FIRST_STARTS))

    def _attacked(self, begin: Starts) -> bool:
        self.enter("attack")
        within, clock = Within(*self.box.floats(), self.box.ball), self.deadline.share(ATTACK_SHARE, math.inf)
        with Workers(self.threads):
            points = attack(self.graph, self.unsafe, within, begin, clock, self.device)
        return len(points) > 0 and self.confirm(list(points[:8]))

    def bounds(self) -> bool:
        """Drop the polytopes that linear bounds exclude; True if none is left."""
        self.enter("bounds")
        lower, upper = self.box.floats()
        forward = self.deadline.share(HIDDEN_SHARE, math.inf)
        ends, ball, started = (lower[None], upper[None]), self.box.ball, self.deadline.elapsed()
        with Workers(self.threads) as workers:
            known = forward_first(self.graph, *ends, forward.passed, ball)
            if known is None:
                hidden = self.deadline.share(ALL_SHARE, math.inf)
                self.node_bounds = linear_bounds(self.graph, *ends, hidden.passed, ball, workers=workers)
            else:
                # Many times as dear bounds can wait until it is known what is split.
                hidden = self.deadline.share(HIDDEN_SHARE, LEAST + BACKWARD * (self.deadline.elapsed() - started))
                how = Forward(known=known)
                found = combined_bounds(self.graph, known, how, hidden.passed, workers)
                self.node_bounds, self.is_rough = found.bounds, hidden.passed()
        done = self._exclude(self.node_bounds, Trust.RIGOROUS)
        if not done:
            self.evidence.reason = undefined(self.graph, self.node_bounds)
        excluded = self.untold.difference(self.open)
        if excluded:
            self.observer.excluded(sorted(excluded))
            self.untold -= excluded
        return done

    def tighten(self, name: str) -> bool:
        """Bounds by another method, for the encoders; True if they leave no polytope."""
        if name == "linear":
            return False
        from .neurons.methods import METHODS, TIGHTEN_SECONDS, TIGHTEN_SHARE

        self.enter(f"bounds/{name}")
        method = METHODS[name]
        clock = self.deadline.share(TIGHTEN_SHARE, TIGHTEN_SECONDS)
        try:
            self.node_bounds = method.run(self.graph, self.box, clock).bounds
        except SolverError as error:
            # The linear bounds are at hand; tighter ones are only a help.
            self.evidence.reason = f"bounds by {name}: {error}"
            return False
        return self._exclude(self.node_bounds, method.trust)

    def _exclude(self, bounds: Bounds, trust: Trust) -> bool:
        """Drop the polytopes that bounds exclude; True if none is left."""
        still, start = [], 0
        rows = np.concatenate([p.matrix.values for p in self.polytopes(self.open)])
        found = output_lower(self.graph, bounds, rows, self.deadline.passed)[0]
        for number in self.open:
            polytope = self.unsafe.polytopes[number]
            lowest = found[start : start + len(polytope.offset.values)]
            start += len(lowest)
            if not polytope.excluded_by(lowest):
                still.append(number)
        if len(still) < len(self.open):
            self.trusts.append(trust)
            self.closed(len(self.open) - len(still))
        self.open = still
        if not still:
            self.evidence.proof = weakest(*self.trusts)
            self.evidence.reason = ""
        return not still

    def excluded_by(self, trust: Trust) -> None:
        """Note that all open polytopes are excluded by a proof of this trust."""
        self.closed(len(self.open))
        self.trusts.append(trust)
        self.evidence.proof, self.evidence.reason = weakest(*self.trusts), ""

    def closed(self, count: int) -> None:
        """Note who has excluded so many polytopes, where its stage has a name of its own."""
        if self._way in credit.STAGES:
            credit.of(self.evidence.ways, self._way).closed += count / len(self.unsafe.polytopes)

    def bab(self, clock: Deadline | None = None) -> None:
        """Exclude the open polytopes by branch and bound, until the clock ends, or the run's own."""
        self.enter("bab")
        if self.node_bounds is None:
            return
        outcome = self._branch_and_bound(self.node_bounds, self.open, clock or self.deadline)
        credit.add(self.evidence.ways, outcome.ways, len(self.open) / len(self.unsafe.polytopes))
        if outcome.proved:
            self.excluded_by(Trust.RIGOROUS)
        elif self.evidence.witness is None:
            self.evidence.reason = "; ".join(filter(None, [outcome.reason, self.evidence.reason]))

    def _branch_and_bound(self, bounds: Bounds, numbers: list[int], clock: Deadline) -> Outcome:
        """Exclude these polytopes, and tell the listener how."""
        # The searches take longer to import than most questions that need none take to answer.
        from .engines.parts.bab import branch_and_bound
        from .pulled import pulled

        watch = Watch(
            # The attack looks for witnesses of all polytopes; so does every minimiser of a bound.
            lambda points: self.confirm(list(points[:4])),
            lambda lower, waiting, visited: self.report(f"{self.stage}: {visited} domains, {waiting} open"),
            self.observer.about(numbers),
        )
        effort, polytopes, graph = replace(self.effort, deadline=clock), self.polytopes(numbers), self.graph
        if not self.observer.wants_splits:
            few = effort.options.few_relus
            graph, bounds, polytopes = pulled(graph, bounds, polytopes, few) or (graph, bounds, polytopes)
        outcome = branch_and_bound(graph, bounds, polytopes, effort, watch, self.is_rough)
        if outcome.proved:
            self.untold.difference_update(numbers)
        return outcome

    def split_rest(self) -> None:
        """Prove by branch and bound what was proved otherwise, for a listener that wants that."""
        if not self.observer.wants_splits or self.node_bounds is None or not self.untold:
            return
        self.enter("certificate/bab")
        most = max(AGAIN_SECONDS, AGAIN_SHARE * self.deadline.elapsed())
        try:
            outcome = self._branch_and_bound(
                self.node_bounds, sorted(self.untold), self.deadline.share(1.0, most)
            )
            reason = outcome.reason
        except KeyboardInterrupt as end:
            reason = why(end)
        if self.evidence.witness is not None:
            # Exact replays outweigh a solver's word.
            self.evidence.proof = None
        elif not self.untold:
            # Nothing rests on a solver any more.
            self.evidence.proof = Trust.RIGOROUS
        else:
            self.evidence.unrecorded = f"the proof ({self.evidence.proof}) was not found again by splitting: {reason}"


def undefined(graph: Graph, bounds: Bounds) -> str:
    """Which function may be asked outside its domain, where nothing can be proved, or the empty string."""
    for number, function in graph.functions.items():
        low, high = bounds.in_front(graph, number)
        if not function.inside(low, high).all():
            reach = f"between {low.min():.4g} and {high.max():.4g}"
            return f"{graph.names[number]}: {function.name} may be asked outside its domain, {reach}"
    return ""
