"""The claim of every kind of question, in words, for certification statements (`verdict.answer.statement`)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from ..answer.claim import Claim, Submitted
from ..base.visible import visible
from .loading import shipped_path
from .parts import hash_of, hash_of_model

if TYPE_CHECKING:
    from ..property.language import Formula
    from .parts import Aim, Domain, ModelFile
    from .question import Question

MOVES = "of the difference of an output"


def claim_of(question: Question) -> Claim | None:
    """What the question claims; None for questions that claim nothing, such as bounds."""
    make = _CLAIMS.get(question.kind)
    return None if make is None else make(question)


def _submitted(question: Question) -> tuple[Submitted, ...]:
    return tuple(_model(file) for file in question.models)


def _model(file: ModelFile) -> Submitted:
    digest = _own_hash(file) or file.sha256 or f"{hash_of_model(shipped_path(file.path))}, the file as it is now"
    origin = "" if file.network is None else file.network.names.origin
    return Submitted(shipped_path(file.path).name, digest, file.output or "", origin)


def _own_hash(file: ModelFile) -> str | None:
    """The hash of the submitted file, where what is asked about is one output of it, or has its inputs' sizes from
    outside: the network then has another hash, of the model that is that alone."""
    from ..ops.importer.own_file import own_file

    own = None if file.network is None else own_file(file.network)
    return None if own is None else hashlib.sha256(own).hexdigest()


def _place(question: Question) -> str:
    """The input that is asked about, by its name and its numbers' hash."""
    if question.point is None:
        return ""
    values = question.point.values()
    arrays = list(values.values()) if isinstance(values, dict) else [values]
    network = question.models[0].network
    # The numbers that the network gets, as `verdict check` has them.
    kind = "float64" if network is None or len(network.inputs) != 1 else network.inputs[0].dtype
    numbers = np.concatenate([np.asarray(array, kind).reshape(-1) for array in arrays])
    digest = _digest_of([Fraction(float(number)) for number in numbers])
    return f"{visible(question.point.source or 'the input')} (SHA-256 of its numbers: {digest})"


def _digest_of(numbers: Sequence[Fraction | None]) -> str:
    """The hash of rationals, one a line, "free" for those that are none."""
    return hashlib.sha256("".join(f"{'free' if s is None else s}\n" for s in numbers).encode()).hexdigest()


def _formula(formula: Formula | str | None) -> str:
    return visible(formula) if isinstance(formula, str) else "that was given as a formula"


def _measure(domain: Domain) -> str:
    """What the threshold is measured in."""
    from ..property.norms import norm_of

    if domain.perturbation is not None:
        named = domain.perturbation
        return f"of the perturbation {named if isinstance(named, str) else type(named).__name__.lower()}"
    scaled = "" if domain.scales is None else f", scales with the SHA-256 {_digest_of(domain.scales)}"
    before = ", before normalisation" if domain.mean is not None or domain.std is not None else ""
    return norm_of(domain.norm or "linf").title + scaled + before + _whole(domain)


def _limits(domain: Domain) -> str:
    """The valid range in words; per entry where it differs from entry to entry."""
    if domain.range is None:
        return "all real inputs"
    low, high = domain.range
    if isinstance(low, Sequence) or isinstance(high, Sequence):
        ends = [*(low if isinstance(low, Sequence) else [low]), *(high if isinstance(high, Sequence) else [high])]
        return f"an input range of its own for each entry (SHA-256 of its ends: {_digest_of(ends)})"
    return f"the input range [{low}, {high}]"


def _box(domain: Domain) -> str:
    """The set between `lower` and `upper`."""
    lower, upper = domain.lower or (), domain.upper or ()
    if lower and len({*lower}) == 1 and len({*upper}) == 1:
        return f"the input range [{lower[0]}, {upper[0]}]"
    return f"a box of {len(lower)} inputs (SHA-256 of its lower and upper ends: {_digest_of([*lower, *upper])})"


def _ball(question: Question) -> Claim:
    domain, aim = question.domain, question.aim
    return Claim(
        _submitted(question), "" if aim.that is None else f"the property {_formula(aim.that)}", _limits(domain),
        _measure(domain), domain.eps, keeps=True, place=_place(question),
        given="" if domain.given is None else _formula(domain.given), target=aim.target,
    )


def _prove(question: Question) -> Claim:
    at = f", at {_place(question)}" if question.point is not None else ""
    return Claim(
        _submitted(question), f"{_formula(question.aim.that)}{at}",
        f"all inputs with {_formula(question.domain.given)}" + _whole(question.domain),
    )


def _whole(domain: Domain) -> str:
    return f", entries {', '.join(map(str, domain.integers))} whole numbers" if domain.integers else ""


def _verify(question: Question) -> Claim:
    query = question.query
    name = "a query" if query is None else f"{visible(os.path.basename(query.path))}{_hash_of_query(query)}"
    return Claim(_submitted(question), f"no assignment satisfying the query {name}", "the inputs that the query names")


def _hash_of_query(query: Any) -> str:
    digest = query.sha256 or (hash_of(query.path) if os.path.isfile(query.path) else "")
    return f" (SHA-256 {digest})" if digest else ""


def _conditions(close: str, same: str, lead: Fraction | None) -> str:
    """What general and imitates ask: outputs close, the class the same wherever it leads by that much, or both."""
    leads = "" if lead is None else f"{same} leads" + (f" by at least {lead}" if lead else "")
    return " and ".join(filter(None, [close, leads]))


def _imitates(question: Question) -> Claim:
    delta = question.aim.delta
    close = "" if delta is None else "no output differs by more than the threshold"
    same = _conditions(close, "the second gives the class of the first wherever that", question.aim.lead)
    return Claim(_submitted(question), f"agreement, that {same}", _box(question.domain),
                 "" if delta is None else MOVES, delta)


def _general(question: Question) -> Claim:
    theta = question.aim.theta
    close = "" if theta is None else f"no output moves by more than {theta}"
    same = _conditions(close, "the class of x stays wherever it", question.aim.lead)
    return Claim(_submitted(question), f"global robustness, that {_NEAR.format('the threshold')} {same}",
                 _box(question.domain), "L-infinity distance of x and x'", question.domain.eps)


# Only x is confined to the set.
_NEAR = "for every x of the set and every x' within {} of it, in the set or not,"


def _maxdelta(question: Question) -> Claim:
    return Claim(_submitted(question), "agreement, that no output differs by more than the threshold",
                 _box(question.domain), MOVES)


def _maxmove(question: Question) -> Claim:
    near = _NEAR.format(question.domain.eps)
    return Claim(_submitted(question), f"global robustness, that {near} no output moves by more than the threshold",
                 _box(question.domain), MOVES)


def _maxfall(question: Question) -> Claim:
    aim = question.aim
    return Claim(_submitted(question), f"{_what_falls(aim)} falling by no more than the threshold while feature "
                 f"{aim.feature} grows by at most {aim.step}", _box(question.domain), "of the output's fall")


def _what_falls(aim: Aim) -> str:
    if aim.label is None:
        return f"output {aim.output}"
    return f"the margin of class {aim.label} over {'every other' if aim.target is None else f'class {aim.target}'}"


def _monotone(question: Question) -> Claim:
    aim = question.aim
    way = "rising" if aim.decreasing else "falling"
    within = "" if aim.step is None else f" by at most {aim.step}"
    return Claim(_submitted(question), f"{_what_falls(aim)} never {way} while feature {aim.feature} grows{within}",
                 _box(question.domain))


def _maxradius(question: Question) -> Claim:
    at = f" at {_place(question)}" if question.point is not None else ""
    measure = "of the family" if question.domain.family is not None else _measure(question.domain)
    return Claim(_submitted(question), f"robustness{at}, that {_formula(question.aim.that)}",
                 "the family of sets that was asked about", measure)


def _layers(question: Question) -> str:
    layer = question.aim.layer
    return "all layers" if layer in (None, "all") else f"layer {visible(str(layer))}"


def _maxweights(question: Question) -> Claim:
    unit = "change of each weight" + (", as a part of it" if question.aim.relative else "")
    return Claim(
        _submitted(question), "", f"all changes of the weights of {_layers(question)}", unit, keeps=True,
        place=_place(question), target=question.aim.target, what="the input",
    )


def _maxpruning(question: Question) -> Claim:
    lead = question.aim.lead
    same = _conditions("", "the class stays wherever it", Fraction(0) if lead is None else lead)
    what = f"when every weight of {_layers(question)} of a magnitude of at most the threshold is left out"
    return Claim(_submitted(question), f"pruning, that {same} {what}", _box(question.domain), "magnitude of a weight")


def _residual(question: Question) -> Claim:
    aim = question.aim
    names = f"{', '.join(aim.unknowns or ())} for its outputs and {', '.join(aim.variables or ())} for its inputs"
    left = f"the residual {visible(aim.equation or '')} is nowhere larger than the threshold in size"
    return Claim(_submitted(question), f"that, with {names}, {left}", _box(question.domain), "of the residual")


_CLAIMS: Mapping[str, Callable[[Any], Claim]] = {
    "robust": _ball, "maxeps": _ball, "prove": _prove, "verify": _verify, "imitates": _imitates, "general": _general,
    "maxgeneral": _general, "maxdelta": _maxdelta, "maxmove": _maxmove, "maxfall": _maxfall,
    "monotone": _monotone, "maxradius": _maxradius,
    "maxweights": _maxweights, "maxpruning": _maxpruning, "residual": _residual,
}
