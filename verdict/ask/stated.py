"""What is asked about a ball, stated as two formulas: for certificates whose claim is a query kept beside them.

A claim in numbers says that a class stays in a ball. Scales, conditions and formulas are said by a VNN-LIB query
instead, at one radius; `prove` answers it, writes it down, and has its certificate checked against it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from ..answer.gate import witness_class
from ..answer.results import Certificate, Verdict
from ..base.deadline import TIME_LIMIT, Deadline, OutOfTime
from ..base.errors import InputError
from ..network.network import Network
from ..property import Box, NormBall
from ..property.language import Formula
from ..property.language.properties import keeps
from ..property.language.sets import box
from ..property.norms import names as norm_names
from ..property.norms import norm_of
from ..search.decision import AGAIN_SECONDS
from ..search.radius import RadiusSearch
from ..search.radius_certificate import BELOW, less
from .options import Options
from .prepared import Prepared
from .prove import proved, variables
from .run import Run

# What is left of the time is shared among the tries at a certificate, of which each gets at least this part.
LEAST_SHARE = 0.25


@dataclass(frozen=True, eq=False)
class Stated:
    """A question about balls of any radius; `that` is to hold on those of their inputs that are as `given`."""

    network: Network
    question: Prepared
    that: Formula
    given: Formula | None

    def at(self, radius: Fraction) -> Formula:
        """The inputs at one radius."""
        x, _ = variables(self.network)
        ball = self.question.family.at(radius)
        inputs = box(x, ball.lower, ball.upper)
        return inputs if self.given is None else inputs & self.given

    def decide(self, radius: Fraction, run: Run) -> Verdict:
        """The answer at one radius, in the words of `verdict.robust`."""
        answer, asked = proved(self.network, self.that, self.at(radius), run), self.question
        if answer.witness is None:
            return replace(answer, label=asked.label)
        witness = replace(answer.witness, radius=asked.family.radius_of(answer.witness.point))
        target = None if asked.label is None else witness_class(self.network, witness, asked.label)
        return replace(answer, label=asked.label, target=target, witness=asked.shown(witness))


def stated(question: Prepared) -> Stated:
    """The question about the network that it names, without a perturbation in front of it.

    Raises InputError for balls that no linear constraints describe.
    """
    if isinstance(question.family, NormBall) and not question.family.norm.is_certified:
        known = ", ".join(name for name in norm_names() if norm_of(name).is_certified)
        norm = question.family.norm.name
        raise InputError(f"the checker knows no balls of the norm {norm}: a certificate is about one of {known}")
    if not question.family.is_box:
        raise InputError("a certificate about a ball of the norm l1 or l2 says that a class stays, nothing else")
    subject = question.asked if question.front is None else question.network
    that = question.that
    if that is None:
        _, y = variables(subject)
        label = question.predicted if question.label is None else question.label
        that = keeps(y, label, question.target)
    return Stated(subject, question, that, question.given)


def certify_lower(
    search: RadiusSearch,
    network: Network,
    that: Formula,
    given: Callable[[Fraction], Formula],
    options: Options,
) -> Certificate:
    """The certificate that `that` holds at the lower end that a search has proved, within the options' time.

    An exact radius is a tie, at which it does not hold: the certificate is about one a little below, and so it is where
    the proof at the lower end itself is not found.
    """
    radius = search.proved
    if radius <= 0:
        return Certificate(None, reason="no radius is proved")

    def at(radius: Fraction, clock: Deadline) -> Certificate:
        made = certified(network, that, given(radius), options.but(timeout=clock.limit()))
        return replace(made, radius=radius)

    tried = [less(radius, BELOW * 16**k) for k in range(4)]
    return first_certified(at, tried if radius == search.upper else [radius, *tried], options.timeout)


def first_certified(
    at: Callable[[Fraction, Deadline], Certificate], ends: Sequence[Fraction], timeout: float | None
) -> Certificate:
    """The certificate `at` the first of some ends where one is made within its share of the time; else the last try."""
    whole, made = Deadline(timeout), Certificate(None, reason=TIME_LIMIT)
    for left, end in zip(range(len(ends), 0, -1), ends, strict=True):
        if whole.passed():
            break
        # One that takes too long is not the end of the others.
        with contextlib.suppress(OutOfTime):
            made = at(end, whole.share(max(1 / left, LEAST_SHARE), AGAIN_SECONDS))
        if made.path is not None:
            break
    return made


def certified(network: Network, that: Formula, given: Formula, options: Options) -> Certificate:
    """The certificate that `that` holds as `given`, by branch and bound, the one engine that records what it proves."""
    run = Run(options.but(engine="bab", solver=None, bounds=None, device="cpu"))
    answer = proved(network, that, given, run)
    if answer.status == "robust" and answer.certificate is not None:
        return answer.certificate
    return Certificate(None, reason=f"branch and bound did not prove it once more: {answer.reason or answer.status}")


def certified_end(
    run: Run, network: Network, below: Callable[[Fraction], Formula], inputs: Box, ends: Sequence[Fraction]
) -> Certificate | None:
    """The certificate that `below(end)` holds on a box for the first of some ends where it is proved once more by
    branch and bound, in the rest of the time; None if none is asked for."""
    if run.certificate is None:
        return None
    x, _ = variables(network)
    given = box(x, inputs.lower, inputs.upper)

    def at(end: Fraction, clock: Deadline) -> Certificate:
        made = certified(network, below(end), given, run.within(clock))
        return replace(made, end=end)

    return first_certified(at, ends, run.whole.limit())


def certified_radius(run: Run, search: RadiusSearch, that: Formula) -> Certificate | None:
    """The certificate that `that` holds at the lower end that a search has proved; None if none is asked for."""
    if run.certificate is None:
        return None
    x, _ = variables(search.network)

    def given(radius: Fraction) -> Formula:
        ball = search.family.at(radius)
        return box(x, ball.lower, ball.upper)

    return certify_lower(search, search.network, that, given, run.within(run.whole))
