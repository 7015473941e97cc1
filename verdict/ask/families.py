"""How far a family of sets may grow before a formula over the outputs breaks: the question behind many others."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ..answer.gate import judge_radius
from ..answer.results import Radius
from ..base.deadline import TIME_LIMIT, last_words, limited
from ..base.errors import InputError, PropertyError
from ..network.exact import ExactVector
from ..network.network import Network
from ..property import LinfBall, NormBall, Perturbation, ScaledBall, UnsafeSet
from ..property.expand import expanded
from ..property.language import Formula
from ..property.language.sets import box as between
from ..property.norms import norm_of
from . import intervals
from .answering import ask_with
from .arguments import formula
from .loading import Model
from .parts import Point
from .prepared import asked_point
from .prove import variables
from .queries import UNNAMED
from .question import Question
from .run import Run
from .stated import certified_radius
from .wording import names


@limited
def maxradius(
    network: Model, family: Perturbation, that: Formula | str, *, same: Sequence[Network] = (), **options: Any
) -> Radius:
    """The largest radius at which `that`, a formula over the outputs, holds on all of the family's set.

    The interval is valid whenever the search stops. `same` are other compositions of the network, with the same outputs
    over the reals: that goes on with which bounds reach farthest. Options as in `maxdelta`. Raises InputError.
    docs/composed.md has an example.

    Source: the search of a radius as in `verdict.maxeps`; docs/search.md.
    """
    question = Question.of("maxradius", [network, *same], **_said_of(family), that=that)
    found: Radius = ask_with(question, options)
    return found


def _said_of(family: Perturbation) -> dict[str, Any]:
    """The members of a question that say which family of sets it is about."""
    if not isinstance(family, ScaledBall) or type(family) not in (ScaledBall, LinfBall, NormBall):
        return {"family": family}
    norm = family.norm.name if isinstance(family, NormBall) else "linf"
    scales = family.scales if type(family) is ScaledBall else None
    point = Point(np.array([*family.center.fractions(), None], dtype=object)[:-1])
    return {"x": point, "norm": norm, "scales": scales, "lower": family.low, "upper": family.high}


def _family_of(question: Question) -> Perturbation:
    domain = question.domain
    if domain.family is not None:
        return domain.family
    center = ExactVector.of(asked_point(question).values().ravel().tolist())
    if domain.scales is not None:
        return ScaledBall(center, domain.scales, domain.lower, domain.upper)
    if domain.norm is None:
        return LinfBall(center, domain.lower, domain.upper)
    return NormBall(norm_of(domain.norm), center, domain.lower, domain.upper)


def answer_maxradius(question: Question, run: Run) -> Radius:
    """The answer to a question of the kind maxradius; models behind the first are other compositions of it."""
    intervals.ready(run)
    networks, family = [model.load() for model in question.models], _family_of(question)
    if family.size != networks[0].input_size:
        raise InputError(f"the family has {family.size} inputs, the network {networks[0].input_size}")
    return radius_within(networks, family, formula(question.aim.that, names(networks[0]), "that"), run)


def radius_within(networks: Sequence[Network], family: Perturbation, that: Formula, run: Run) -> Radius:
    """The largest radius at which `that` holds; networks behind the first are other compositions of it."""
    unsafe = unsafe_set(networks[0], that)
    searches = [intervals.radius(run, each, family, unsafe) for each in networks]
    for search in searches:
        search.answer = partial(judge_radius, search, None, run.engine.title, TIME_LIMIT, deploy=False)
    reason = run.guarded(lambda: intervals.seek(run, searches))
    made = certified_radius(run, searches[0], that)
    with last_words():
        return judge_radius(searches[0], None, run.engine.title, reason, (made, None))


def unsafe_set(network: Network, that: Formula) -> UnsafeSet:
    """Where a formula over the outputs does not hold, closed."""
    x, _ = variables(network)
    cases, _ = expanded(between(x, 0, 0) & ~that, network.input_size, network.output_size, UNNAMED)
    if len(cases) != 1 or cases[0].outputs_with_inputs:
        raise PropertyError("a radius needs a formula over the outputs alone, one that can fail")
    return cases[0].unsafe
