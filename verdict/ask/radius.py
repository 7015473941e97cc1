"""`maxeps`: how far can an input be perturbed before its class changes? An interval, valid whenever it is stopped."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from ..answer.results import Certificate, Radius, Witness
from ..base.deadline import TIME_LIMIT, OutOfTime, last_words, limited, may_end, why
from ..base.errors import InputError
from ..base.number import Number
from . import intervals
from .answering import ask
from .loading import Model
from .options import Options
from .prepared import WHOLE_PARAMETERS, Prepared, at_center, has_claim, pinned_to, prepared
from .question import Question
from .run import Run

if TYPE_CHECKING:
    from ..property.fronts import Front
    from ..property.language import Formula
    from ..search.radius import RadiusSearch
    from .stated import Stated

# Why there is no certificate of the radius 0.
NO_RADIUS = "no radius is safe, the input is the witness"
# The share of the time for an exact look at the input itself.
FIRST_LOOK = 0.3


@limited
def maxeps(
    network: Model,
    x: npt.ArrayLike,
    *,
    norm: str = "linf",
    scales: Sequence[Number] | None = None,
    perturbation: Front | str | None = None,
    range: tuple[Number | npt.ArrayLike, Number | npt.ArrayLike] | None = None,
    label: int | None = None,
    target: int | None = None,
    that: Formula | str | None = None,
    given: Formula | str | None = None,
    output: str | None = None,
    integers: Sequence[int] = (),
    engine: str = "auto",
    solver: str | None = None,
    bounds: str | None = None,
    timeout: float | None = None,
    threads: int = 2,
    device: str = "cpu",
    certificate: str | Path | None = None,
    assume_ulp: Number | None = None,
    on_progress: Callable[[Any], object] | None = None,
) -> Radius:
    """The largest radius at which every input around `x` keeps the class `label`, or at which `that` holds.

    Arguments as in `robust`, and the numbers `integers` of inputs that take whole numbers only. The result is an
    interval that is valid whenever the search stops, by itself, by `timeout` (seconds) or by Ctrl-C, which ends the
    search and not the call; `on_progress` receives `verdict.search.radius.Progress` reports. With a `certificate` the
    search gets half of the time, and the other half proves what it has found into that file, and for every float32
    evaluation order, perhaps at a smaller radius, into that file or one beside it. With scales or formulas it is about
    a query at the lower end, kept beside it (FILE.vnnlib).

    >>> import verdict
    >>> verdict.maxeps("xor", [0, 1], range=(0, 1), engine="smt").exact
    Fraction(1, 4)

    Source: Tjeng et al. 1711.07356 (minimum distortion); docs/search.md says how it is found.
    """
    question = Question.of(
        "maxeps", [network], x, norm=norm, scales=scales, perturbation=perturbation, range=range, label=label,
        target=target, that=that, given=given, integers=integers, output=output,
    )
    options = Options(
        engine=engine, solver=solver, bounds=bounds, timeout=timeout, threads=threads, device=device,
        certificate=certificate, assume_ulp=assume_ulp,
    )
    answer: Radius = ask(question, options, on_progress)
    return answer


def answer(question: Question, run: Run) -> Radius:
    """The answer to a question of the kind maxeps."""
    ready = prepared(question)
    run.ready()
    if ready.always:
        return _always(ready, run)
    statement = None
    if run.certificate is not None and not has_claim(ready):
        from .stated import stated

        statement = stated(ready)
    if question.domain.integers:
        return _among_whole(question, ready, run)
    path = None
    if run.certificate is not None:
        from ..certificate.places import is_file, prepare

        composed = not is_file(ready.network.path, ready.network.data)
        path = prepare(run.certificate, query=statement is not None, network=composed, float32=statement is None)
    return _searched(ready, run, path, statement)


def _among_whole(question: Question, ready: Prepared, run: Run) -> Radius:
    """The same where some inputs take whole numbers only."""
    from .integers import NO_CERTIFICATE, Cuts, Ends, WholeRadius, smaller_range

    if run.certificate is not None:
        raise InputError(NO_CERTIFICATE)
    if question.domain.perturbation is not None:
        raise InputError(WHOLE_PARAMETERS)
    cuts, plain = Cuts(ready.asked.input_size, question.domain.integers or ()), pinned_to(question, ready)

    def under(piece: Ends) -> Radius:
        inner = smaller_range(ready.family, piece)
        asked = plain(cuts.within(piece) if piece and inner is None else None, inner)
        return answer(asked, Run(run.within(run.deadline), run.on_progress))

    return WholeRadius(ready, cuts, under, run.deadline).run()


def _searched(ready: Prepared, run: Run, path: Path | None, statement: Stated | None) -> Radius:
    """The interval that a search reaches, and its certificate in `path` if one is asked for."""
    from ..answer.gate import judge_radius
    from ..answer.replay import replay_exactly, too_dear
    from ..answer.second_look import second_look_along
    from ..network.exact import float_above
    from ..search.points.radius_witness import seek_witness
    from ..search.reach import tighten

    deadline, name = run.deadline, run.engine.title
    search = intervals.radius(run, ready.network, ready.family, ready.unsafe)
    # Where an exact look at the input itself takes too long, bounds say as much: what they prove begins there.
    with contextlib.suppress(OutOfTime), deadline.share(FIRST_LOOK, math.inf).running():
        here = ready.family.center
        wrong = None if too_dear(ready.network) else replay_exactly(ready.network, ready.unsafe, here, Fraction(0))
        if wrong is not None:
            return _wrong_already(ready, run, wrong)
    search.answer = partial(judge_radius, search, ready.label, name, TIME_LIMIT, deploy=False)
    reason, made = "", None if path is None else Certificate(None, reason="interrupted")
    float32 = None
    try:
        with contextlib.suppress(OutOfTime), deadline.running():
            second_look_along(search.network, search.family, float_above(search.cap))
            seek_witness(search)
            search.prove_by_bounds()
            tighten(search, lambda search: run.engine.close(search, run.threads), run.search)
        if deadline.passed():
            reason = TIME_LIMIT
        if path is not None:
            search.enter("certificate")
            made, float32 = _certified(search, ready, run, path, statement)
    except KeyboardInterrupt as end:
        reason = why(end)
    with may_end():
        search.enter("end")
    with last_words():
        radius = judge_radius(search, ready.label, name, reason, (made, float32))
        if radius.status == "safe" and not radius.reason and ready.family.limit is not None:
            with contextlib.suppress(OutOfTime):
                radius = replace(radius, reason=ready.emptiness(ready.family.limit))
        return replace(radius, witness=ready.shown(radius.witness))


def _certified(
    search: RadiusSearch, ready: Prepared, run: Run, path: Path, statement: Stated | None
) -> tuple[Certificate, Certificate | None]:
    """The certificate of the interval, and the one for every float32 evaluation order."""
    if statement is not None:
        from .stated import certify_lower

        made = certify_lower(search, statement.network, statement.that, statement.at, run.within(run.whole))
        return made, made if made.any_order else None
    from ..search.radius_certificate import certify_radius

    return certify_radius(search, path, ready.claim, run.whole, run.threads)


def _always(question: Prepared, run: Run) -> Radius:
    """The answer where the property holds everywhere: of all numbers, or of no input at all."""
    from ..answer.gate import judge_always

    radius = judge_always(question.family.limit, question.label, run.engine.title, run.whole.elapsed())
    made = None if run.certificate is None else Certificate(None, reason=question.always)
    return replace(radius, reason=question.always, certificate=made)


def _wrong_already(question: Prepared, run: Run, here: Witness) -> Radius:
    """The answer where the input itself, exactly replayed, is a witness."""
    from ..answer.gate import judge_at_center

    ends, deployed = (question.label, run.engine.title, run.whole.elapsed()), at_center(question)
    radius = judge_at_center(question.network, here, deployed, *ends)
    made = None if run.certificate is None else Certificate(None, reason=NO_RADIUS)
    return replace(
        radius, witness=question.shown(radius.witness), reason=_at_the_input(question), certificate=made
    )


def _at_the_input(question: Prepared) -> str:
    if question.label is None:
        return "the property does not hold at the input itself"
    if question.predicted != question.label:
        return f"the network gives class {question.predicted} to the input itself"
    return f"class {question.label} and another score the same at the input itself, and a tie is unsafe"
