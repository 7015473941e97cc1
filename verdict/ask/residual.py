"""How far a network is from solving an equation: the largest residual on a whole domain, of a physics-informed network.

The equation's left side, with the network for the unknown, is composed into one network of the variables
(`verdict.compose.equation`), and its largest size is searched for by Taylor models (`verdict.search.boxes.peak`). A
boundary or initial condition is an equation too, with some of the variables fixed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

from ..answer.evidence import Evidence
from ..answer.gate import judge_largest
from ..answer.results import Certificate, Largest
from ..answer.second_look import second_look
from ..base.deadline import TIME_LIMIT, last_words, limited
from ..base.errors import InputError, PropertyError
from ..base.number import Number, exact
from ..base.workers import Workers
from ..base.writing import sealed
from ..certificate.draft import Asked
from ..certificate.proof import Goal, Part
from ..certificate.write import unsat_claim
from ..compose.derivative import has_rules
from ..compose.equation import Names, residual_of
from ..network.exact import float_above
from ..network.network import Network
from ..property.language import all_of
from ..property.language.equation import Term, domain_of, names_of, place_of, read
from ..property.language.sets import box as between
from ..property.vnnlib1 import parse_vnnlib1
from ..search.boxes.peak import SMALLEST, PeakSearch
from ..search.certify import Certified
from . import intervals
from .answering import ask_with
from .loading import Model, read_literally
from .options import Options
from .pairs import box_of, check_size
from .prove import variables as variables_of
from .queries import UNNAMED, asked_as_query
from .question import Question
from .run import Run

# How close the ends are by default, relative to the lower one.
TOLERANCE = Fraction(1, 10**4)
# A certificate is about an end so much above the one that the search has proved: the checker rounds otherwise.
ROOM = Fraction(1, 10**9)
TITLE = "taylor"
CLOSE = f"the ends are as close as the tolerance asks, or the upper one is below {SMALLEST:g}"


@limited
def residual(
    network: Model,
    equation: Term | str,
    *,
    unknown: str | Sequence[str] = "u",
    variables: str | Sequence[str] = ("t", "x"),
    domain: str | Mapping[str, tuple[Number, Number]],
    at: str | Mapping[str, Number] | None = None,
    tolerance: Number = TOLERANCE,
    **options: Any,
) -> Largest:
    """The largest |equation| over a domain, where the network's outputs are the unknowns and its inputs the variables.

    `equation` is the left side, the right being 0: `"u_t + u*u_x - 0.01/pi*u_xx"`, or a term of `symbols` and `d`
    (`verdict.property.language.equation`). `unknown` and `variables` name the outputs and the inputs, in their order;
    `domain` has the ends of each variable, in the network's own input units, and `at` fixes some. The search ends where
    the ends of the interval are within `tolerance`, relative to the lower one, or the upper one is below 1e-12. The
    options are `timeout`, in seconds, `threads`, `certificate`, which keeps the question beside it (FILE.vnnlib) and
    the composed network (FILE.onnx), and `on_progress`. Raises InputError and PropertyError for what makes no sense,
    UnsupportedError for a network with functions that have no derivatives here.

    >>> import verdict
    >>> found = verdict.residual("square", "u_x - 2*x", unknown="u,v", variables="x", domain={"x": (-1, 1)})
    >>> float(found.upper) < 1e-9
    True

    Source: Eiras et al. 2305.10157 (what is bounded), Berz and Makino 1998 (Taylor models); docs/residual.md.
    """
    question = asked(network, equation, (unknown, variables), (domain, at), tolerance)
    found: Largest = ask_with(question, options)
    return found


def asked(
    network: Model,
    equation: Term | str,
    names: tuple[str | Sequence[str], str | Sequence[str]],
    place: tuple[str | Mapping[str, Any] | None, str | Mapping[str, Number] | None],
    tolerance: Number,
) -> Question:
    """The question, of the names of unknowns and variables and of the domain and what is fixed in it."""
    unknowns, variables = (_names(given, what) for given, what in zip(names, ("unknown", "variables"), strict=True))
    domain, at = place[0] or {}, place[1] or {}
    ends = domain_of(domain, variables) if isinstance(domain, str) else _ends(domain, variables)
    fixed = place_of(at, variables) if isinstance(at, str) else _fixed(at, variables)
    ends |= {name: (value, value) for name, value in fixed.items()}
    missing = [name for name in variables if name not in ends]
    if missing:
        raise PropertyError(f"the domain says nothing of {', '.join(missing)}, expected the ends of every variable")
    lower, upper = ([ends[name][side] for name in variables] for side in (0, 1))
    # What is wrong with the equation is said before anything is loaded.
    text = str(equation)
    read(text)
    return Question.of(
        "residual", [network], equation=text, unknowns=unknowns, variables=variables, lower=lower, upper=upper,
        tolerance=tolerance,
    )


def _names(given: str | Sequence[str], what: str) -> tuple[str, ...]:
    return names_of(given if isinstance(given, str) else ",".join(given), what)


def _ends(domain: Mapping[str, tuple[Number, Number]], names: Sequence[str]) -> dict[str, tuple[Fraction, Fraction]]:
    found = {}
    for name, ends in domain.items():
        _known(name, names)
        low, high = (exact(end, f"an end of {name}") for end in ends)
        if low > high:
            raise PropertyError(f"the domain of {name} is from {ends[0]} to {ends[1]}, expected low <= high")
        found[name] = low, high
    return found


def _fixed(at: Mapping[str, Number], names: Sequence[str]) -> dict[str, Fraction]:
    for name in at:
        _known(name, names)
    return {name: exact(value, name) for name, value in at.items()}


def _known(name: str, names: Sequence[str]) -> None:
    if name not in names:
        raise PropertyError(f"the domain names {name!r}, expected one of the variables {', '.join(names)}")


def composed_of(question: Question) -> Network:
    """The network of the residual that a question is about."""
    aim = question.aim
    names = Names(aim.unknowns or (), aim.variables or ())
    network = question.model.load()
    # What a product was read as may have no rule where its factors have.
    network = network if has_rules(network.graph) else read_literally(network)
    return residual_of(network, read(aim.equation or ""), names)


def answer(question: Question, run: Run) -> Largest:
    """The answer to a question of the kind residual."""
    chosen, usual = run.options, Options()
    for name in ("engine", "solver", "bounds", "device"):
        if getattr(chosen, name) != getattr(usual, name):
            raise InputError(f"a residual is searched for in one way: {name} is {getattr(chosen, name)}, expected none")
    intervals.ready(run)
    network, inputs = composed_of(question), box_of(question)
    check_size(inputs, network.input_size)
    tolerance = TOLERANCE if question.aim.tolerance is None else question.aim.tolerance
    with Workers(run.threads) as workers:
        search = PeakSearch(network, inputs, run.deadline, tolerance, workers)
        search.on_progress = run.on_progress
        search.answer = partial(judge_largest, search, network, TITLE, TIME_LIMIT, deploy=False)
        second_look(network, [inputs.floats()])
        reason = run.guarded(search.run)
    if not reason and search.upper <= max(search.lower * (1 + tolerance), Fraction(SMALLEST)):
        reason = CLOSE
    made = None if run.certificate is None else _certified(search, run)
    with last_words():
        return judge_largest(search, network, TITLE, reason, made)


def _certified(search: PeakSearch, run: Run) -> Certificate:
    """The certificate that |residual| is below an end a hair above the one that the search has proved."""
    if run.certificate is None or not search.is_bounded:
        return Certificate(None, reason="nothing was proved")
    network, end = search.network, Fraction(float_above(search.upper * (1 + ROOM) + ROOM * ROOM))
    x, y = variables_of(network)
    below = all_of([y[0] < end, y[0] > -end])
    text = sealed(asked_as_query(network, below, between(x, search.box.lower, search.box.upper)))
    asked = parse_vnnlib1(text, UNNAMED)
    certified = Certified(run.certificate, network, unsat_claim(), Asked(asked.path, asked.data))
    for case in asked.cases:
        recording = certified.draft.recording(case.inputs, case.unsafe)
        if recording is not None:
            disjuncts = sorted(d for each in recording.disjuncts for d in each)
            recording.parts.append(Part(True, [Goal(disjuncts, search.tree)]))
    evidence = Evidence(proof=search.trust, stages=search.stages)
    made = replace(certified.made(evidence, run.whole, run.threads, lambda stage: None), end=end)
    if made.accepted:
        search.raise_to(end)
    return made
