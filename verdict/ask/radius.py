"""`maxeps`: how far can an input be perturbed before its class changes? An interval, valid whenever it is stopped."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from ..answer.results import Certificate, Radius, Trust
from ..base import arguments
from ..base.blas import one_thread
from ..base.deadline import TIME_LIMIT, Deadline, OutOfTime, last_words, limited, why
from ..base.device import find_device
from ..base.errors import InputError
from ..base.number import Number
from ..search.engines.registry import close, find_engine
from .loading import Model, for_classes, loaded
from .question import Question, at_center, has_claim, robustness_question

if TYPE_CHECKING:
    from ..property.fronts import Front
    from ..property.language import Formula

# The share of the time for an exact look at the input itself.
FIRST_LOOK = 0.3


@one_thread()
@limited
def maxeps(
    network: Model,
    x: npt.ArrayLike,
    *,
    norm: str = "linf",
    scales: Sequence[Number] | None = None,
    perturbation: Front | str | None = None,
    range: tuple[Number, Number] | None = None,
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
    on_progress: Callable[[Any], object] | None = None,
) -> Radius:
    """The largest radius at which every input around `x` keeps the class `label`, or at which `that` holds.

    Arguments as in `robust`, and the numbers `integers` of inputs that take whole numbers only. The result is an
    interval that is valid whenever the search stops, by itself, by `timeout` (seconds) or by Ctrl-C, which ends the
    search and not the call; `on_progress` receives `verdict.search.radius.Progress` reports. With a `certificate` the
    search gets half of the time, and the other half proves what it has found into that file, and for every float32
    evaluation order, perhaps at a smaller radius, into that file or one beside it. With scales or formulas it is about
    a query at the lower end, kept beside it (FILE.vnnlib).
    """
    from ..answer.gate import judge_radius
    from ..answer.replay import replay_exactly, too_dear
    from ..answer.second_look import second_look_along
    from ..network.exact import float_above
    from ..search.neurons.methods import encoder_bounds
    from ..search.points.radius_witness import seek_witness
    from ..search.radius import RadiusSearch
    from ..search.reach import tighten

    whole = Deadline(arguments.seconds(timeout))
    threads, integers = arguments.threads(threads), arguments.wholes(integers, "integers")
    certificate = arguments.optional_place(certificate, "certificate")
    deadline = whole.for_search(certificate is not None)
    network = loaded(network, output) if that is not None else for_classes(network, output)
    question = robustness_question(
        network, x, norm=norm, scales=scales, perturbation=perturbation, range=range, label=label,
        target=target, that=that, given=given,
    )
    name, backend = find_engine(engine, solver)
    if question.always:
        return _always(question, name, deadline, certificate)
    statement = None
    if certificate is not None and not has_claim(question):
        from .stated import stated

        statement = stated(network, question)
    if integers:
        if certificate is not None:
            raise InputError("certificates do not branch on whole numbers")
        if perturbation is not None:
            raise InputError("integers are numbers of inputs, and with a perturbation its parameters move")
        whole_radius = partial(
            maxeps, network, x, norm=norm, scales=scales, range=range, label=question.label, target=question.target,
            that=question.that, engine=engine, solver=solver, bounds=bounds, threads=threads, device=device,
            on_progress=on_progress,
        )
        from .integers import WholeRadius

        def ask(condition: Formula) -> Radius:
            among = condition if question.given is None else question.given & condition
            return whole_radius(given=among, timeout=deadline.limit())

        return WholeRadius(question, integers, ask, deadline).run()
    tight, place = encoder_bounds(bounds, engine), find_device(device)
    path = None
    if certificate is not None:
        from ..certificate.places import is_file, prepare

        composed = not is_file(question.network.path, question.network.data)
        path = prepare(certificate, query=statement is not None, network=composed, float32=statement is None)
    search = RadiusSearch(question.network, question.family, question.unsafe, deadline, on_progress, tight, place)
    # Where an exact look at the input itself takes too long, bounds say as much: what they prove begins there.
    with contextlib.suppress(OutOfTime), deadline.share(FIRST_LOOK, math.inf).running():
        subject, here = question.network, question.family.center
        if not too_dear(subject) and replay_exactly(subject, question.unsafe, here) is not None:
            return _wrong_already(question, name, deadline, path)
    search.answer = partial(judge_radius, search, question.label, name, TIME_LIMIT, deploy=False)
    reason, made = "", None if path is None else Certificate(None, reason="interrupted")
    float32 = None
    try:
        with contextlib.suppress(OutOfTime), deadline.running():
            second_look_along(search.network, search.family, float_above(search.cap))
            seek_witness(search)
            search.prove_by_bounds()
            tighten(search, lambda search: close(search, engine, backend, threads))
        if deadline.passed():
            reason = TIME_LIMIT
        if path is not None:
            search.enter("certificate")
            if statement is not None:
                from .stated import certify_lower

                made = certify_lower(
                    search, statement.network, statement.that, statement.at,
                    certificate=certificate, timeout=whole.limit(), threads=threads,
                )
                float32 = made if made.any_order else None
            else:
                from ..search.radius_certificate import certify_radius

                made, float32 = certify_radius(search, path, question.claim, whole, threads)
    except KeyboardInterrupt as end:
        reason = why(end)
    with contextlib.suppress(KeyboardInterrupt):
        search.enter("end")
    with last_words():
        radius = judge_radius(search, question.label, name, reason, made, float32)
        if radius.status == "safe" and not radius.reason and question.family.limit is not None:
            with contextlib.suppress(OutOfTime):
                radius = replace(radius, reason=question.emptiness(question.family.limit))
        return replace(radius, witness=question.shown(radius.witness))


def _always(question: Question, engine: str, deadline: Deadline, certificate: Any) -> Radius:
    """The answer where the property holds everywhere: of all numbers, or of no input at all."""
    # Without a valid range every radius is safe; this is the largest float.
    limit = question.family.limit
    return Radius(
        lower=Fraction(sys.float_info.max) if limit is None else limit,
        upper=None,
        exact=None,
        status="safe",
        label=question.label,
        engine=engine,
        seconds=deadline.elapsed(),
        lower_trust=Trust.EXACT,
        reason=question.always,
        is_unlimited=limit is None,
        certificate=None if certificate is None else Certificate(None, reason=question.always),
    )


def _wrong_already(question: Question, engine: str, deadline: Deadline, path: Path | None) -> Radius:
    from ..answer.replay import replay_exactly

    zero = Fraction(0)
    here = replay_exactly(question.network, question.unsafe, question.family.center, zero)
    deployed = at_center(question)
    return Radius(
        lower=zero,
        upper=zero,
        exact=zero,
        status="wrong-label",
        label=question.label,
        engine=engine,
        seconds=deadline.elapsed(),
        lower_trust=Trust.EXACT,
        upper_trust=Trust.REPLAYED if deployed else Trust.EXACT,
        target=question.rival(here),
        closest=here,
        witness=question.shown(deployed),
        reason=_at_the_input(question),
        certificate=None if path is None else Certificate(None, reason="no radius is safe, the input is the witness"),
    )


def _at_the_input(question: Question) -> str:
    if question.label is None:
        return "the property does not hold at the input itself"
    if question.predicted != question.label:
        return f"the network gives class {question.predicted} to the input itself"
    return f"class {question.label} and another score the same at the input itself, and a tie is unsafe"
