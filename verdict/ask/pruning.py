"""How many weights can be left out? The largest threshold at which the pruned network still agrees on a whole set.

A threshold removes every weight of at most that magnitude, so only the magnitudes that occur matter. Agreement need not
be monotone in the threshold: a bisection finds where it first seems to end, and every larger magnitude is then refuted
by an input or proved like any other imitation.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from ..answer.gate import judge_pruning
from ..answer.results import Certificate, Pruning, Trust, certificate_of, weakest
from ..base.deadline import last_words, limited, why
from ..base.number import Number, nonnegative
from ..compose.layers import choose, with_weights
from ..network.evaluate import classify
from ..network.exact import ExactVector
from ..network.network import Network
from ..property import Box
from ..property.language import outputs
from . import intervals
from .answering import ask_with
from .loading import Model
from .pairs import box_of, ends, imitated, same_class
from .question import Question
from .run import Run


@limited
def maxpruning(
    network: Model,
    inputs: Box,
    *,
    layer: str | int = "all",
    lead: Number = 0,
    output: str | None = None,
    **options: Any,
) -> Pruning:
    """The largest threshold at which the network without its weights up to it gives the same class on a whole set.

    That is asked on all of `inputs`, a box as `region` gives it, wherever the network's class leads by at least `lead`,
    in units of the scores. Raises InputError. `layer` and `output` as in
    `verdict.maxweights`; `timeout` is in seconds for all; the other options are those of `verdict.prove`. A
    `certificate` that the pair agrees at the threshold found gets half of the time.

    >>> import verdict
    >>> box = verdict.region("xor", [0, 1], "0.1", range=(0, 1))
    >>> verdict.maxpruning("xor", box).removed
    0
    """
    least = nonnegative(lead, "lead")
    question = Question.of("maxpruning", [network], **ends(inputs), layer=layer, lead=least, output=output)
    answer: Pruning = ask_with(question, options)
    return answer


def answer(question: Question, run: Run) -> Pruning:
    """The answer to a question of the kind maxpruning."""
    intervals.ready(run)
    network, inputs = question.model.load(classes=True), box_of(question)
    layer = "all" if question.aim.layer is None else question.aim.layer
    search = _Search(network, inputs, layer, question.aim.lead or Fraction(0), run)
    reason = ""
    try:
        with run.deadline.running():
            search.run()
    except KeyboardInterrupt as end:
        reason = why(end)
    with last_words():
        found = search.result(reason)
    if run.certificate is None:
        return found
    if not found.lower:
        nothing = "no weight is left out at 0, so there is nothing to prove"
        return replace(found, certificate=Certificate(None, reason=nothing))
    last = imitated(network, found.network, inputs, search.lead, Run(run.within(run.whole)))
    made = certificate_of(last)
    return replace(found, certificate=made, trust=Trust.CERTIFIED if made.accepted else found.trust)


class _Search:
    def __init__(self, network: Network, inputs: Box, layer: str | int, lead: Fraction, run: Run) -> None:
        self.network, self.inputs, self.lead, self.deadline = network, inputs, lead, run.deadline
        self._whole = run
        self.original = {chosen.weight: chosen.values for chosen in choose(network, layer)}
        magnitudes = np.unique(np.abs(np.concatenate([w.ravel() for w in self.original.values()])))
        self.magnitudes = magnitudes[magnitudes > 0]
        # What is known of each magnitude: it agrees, it does not, or nothing.
        self.agrees: dict[int, bool] = {}
        self.trust = Trust.EXACT
        self.points: list[ExactVector] = []
        # Why magnitudes are left open.
        self.causes: list[str] = []

    def run(self) -> None:
        low, high = -1, len(self.magnitudes)
        while high - low > 1 and not self.deadline.passed():
            middle = (low + high) // 2
            low, high = (middle, high) if self._ask(middle) else (low, middle)
        for i in range(len(self.magnitudes) - 1, low, -1):
            if self.deadline.passed() or (i not in self.agrees and self._ask(i)):
                break

    def _ask(self, number: int) -> bool:
        """Whether the network pruned at this magnitude is proved to agree."""
        pruned = self._pruned(number)
        if any(self._differs(pruned, point) for point in self.points):
            self.agrees[number] = False
            return False
        part = Run(self._whole.within(self.deadline, certificate=None))
        answer = imitated(self.network, pruned, self.inputs, self.lead, part)
        if answer.status == "robust" and answer.trust is not None:
            self.agrees[number] = True
            self.trust = weakest(self.trust, answer.trust)
        elif answer.witness is not None:
            self.agrees[number] = False
            self.points.append(answer.witness.point)
        elif not self.deadline.passed():
            self.causes.append(answer.reason)
        return self.agrees.get(number, False)

    def _pruned(self, number: int) -> Network:
        if number < 0:
            return self.network
        threshold = self.magnitudes[number]
        kept = {name: np.where(np.abs(w) <= threshold, 0, w) for name, w in self.original.items()}
        return with_weights(self.network, kept)

    def _differs(self, pruned: Network, point: ExactVector) -> bool:
        """Whether the classes differ at a point where they have to agree, exactly."""
        x = point.floats()[None]
        if classify(self.network.evaluate(x)[0]) == classify(pruned.evaluate(x)[0]):
            return False
        old, new = (n.evaluate_exact(point).fractions() for n in (self.network, pruned))
        y = outputs(2 * len(old))
        return not same_class(y[: len(old)], y[len(old) :], self.lead).holds(point.fractions(), [*old, *new])

    def result(self, ended: str) -> Pruning:
        """What was found; `ended` says what ended the search early, if anything did."""
        proved = max((i for i, agrees in self.agrees.items() if agrees), default=-1)
        open_ = [i for i in range(proved + 1, len(self.magnitudes)) if i not in self.agrees]
        last = max(open_, default=proved)
        pruned = self._pruned(proved)
        values = np.concatenate([w.ravel() for w in self.original.values()])
        lower = Fraction(float(self.magnitudes[proved])) if proved >= 0 else Fraction(0)
        removed = int((np.abs(values) <= float(lower)).sum())
        upper = Fraction(float(self.magnitudes[last])) if last >= 0 else Fraction(0)
        left = f"{len(open_)} of {len(self.magnitudes)} magnitudes are neither proved nor refuted"
        causes = "; ".join(dict.fromkeys(filter(None, [ended, left, *self.causes])))
        counts, seconds = (removed, values.size), self.deadline.elapsed()
        return judge_pruning(pruned, (lower, upper), self.trust, counts, seconds, causes)
