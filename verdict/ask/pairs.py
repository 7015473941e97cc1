"""Questions about two networks, or two copies of one: how far apart, the same class, moved by how much.

Each is composed into one ONNX network over a box (`verdict.compose.pairs`) and then goes the way of every question.
What is answered by yes or no is a formula (`verdict.ask.prove`); what is answered by a number is the largest value of
an output, or a radius.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from ..answer.gate import judge_largest
from ..answer.results import Largest, Radius, Verdict
from ..answer.second_look import second_look
from ..base.deadline import TIME_LIMIT, Deadline, OutOfTime, last_words, limited
from ..base.errors import InputError, PropertyError
from ..base.number import Number, radius_of
from ..compose.pairs import alike, both, copies, difference, movement
from ..network.exact import ExactVector, FloatArray
from ..network.network import Network
from ..property import Box, LinfBall, ScaledBall
from ..property.language import Formula, Vector, all_of, outputs
from ..property.language.properties import moves, stays
from ..property.language.sets import box as between
from ..property.language.sets import within
from ..search.largest import LargestSearch
from ..search.tighter import tighter
from . import intervals
from .answering import ask_with
from .arguments import box, each_end, range_of
from .families import radius_within
from .loading import Model, loaded
from .prepared import center_of, check_range
from .prove import proved, variables
from .question import Question
from .run import Run
from .stated import certified_end

# The share of the time in which two compositions are compared.
COMPARING = 0.1


def region(
    network: Model,
    x: npt.ArrayLike | None = None,
    eps: Number = 0,
    range: tuple[Number | npt.ArrayLike, Number | npt.ArrayLike] | None = None,
) -> Box:
    """The inputs within `eps` of `x`, in the valid range, (low, high), each a number or an array with one for each
    input; without `x` the whole range. All are in the network's own input units, and `x` is flat or has the input's
    shape. Raises InputError.

    >>> import verdict
    >>> verdict.region("xor", [0, 1], "0.1", range=(0, 1))
    <Box of 2 inputs, widths 0.1 to 0.1>
    """
    network, reach = loaded(network), radius_of(eps)
    ends = range_of(range)
    low, high = (None, None) if ends is None else each_end(*ends, network.input_size)
    check_range(network, *(low or ()), *(high or ()))
    if x is not None:
        box = LinfBall(center_of(network, x), low, high).at(reach)
        check_range(network, min(box.lower), max(box.upper))
        return box
    if low is None or high is None:
        raise InputError("the set of inputs is unlimited: expected an input and its eps, or a range")
    if reach:
        raise InputError(f"eps is {eps}, and no input is given that it is around")
    return Box(low, high)


@limited
def maxdelta(first: Model, second: Model, inputs: Box, **options: Any) -> Largest:
    """The largest |first(x)_i - second(x)_i| over all outputs i and all x of `inputs`, a box as `region` gives it.

    The options are those of `verdict.maxeps`: engine, solver, bounds, timeout, threads, device, on_progress. With a
    `certificate` the search gets half of the time, and the other half proves its upper end once more into that file;
    the question that it is about is kept beside it (FILE.vnnlib), and so is the network (FILE.onnx). Raises InputError
    where the networks do not fit each other.

    >>> import verdict
    >>> box = verdict.region("xor", [0, 1], "0.1", range=(0, 1))
    >>> float(verdict.maxdelta("xor", "xor", box).upper)
    0.0

    Source: Paulsen et al. 2001.03662 (differential verification); docs/composed.md.
    """
    found: Largest = ask_with(Question.of("maxdelta", [first, second], **ends(inputs)), options)
    return found


def answer_maxdelta(question: Question, run: Run) -> Largest:
    """The answer to a question of the kind maxdelta."""
    (one, two), inputs = (model.load() for model in question.models), box_of(question)
    composed = closer(lambda twin: difference(one, two, twin), alike(one, two), inputs)
    return _apart(composed, inputs, run)


@limited
def maxmove(network: Model, inputs: Box, eps: Number, **options: Any) -> Largest:
    """The largest |f(x')_i - f(x)_i| over all outputs i, all x of `inputs` and all x' within `eps` of x, in each entry.

    `inputs` and `eps` are in input units, and x' may leave the set. `witness.point` holds x and then x' - x. Options as
    in `maxdelta`.

    >>> import verdict
    >>> box = verdict.region("xor", [0, 1], "0.1", range=(0, 1))
    >>> round(float(verdict.maxmove("xor", box, "0.1").upper), 6)
    0.2
    """
    found: Largest = ask_with(Question.of("maxmove", [network], eps=eps, **ends(inputs)), options)
    return found


def answer_maxmove(question: Question, run: Run) -> Largest:
    """The answer to a question of the kind maxmove."""
    subject = question.model.load()
    domain = _moved(question, subject.input_size)
    composed = closer(lambda twin: movement(subject, twin=twin), alike(subject, subject), domain)
    return _apart(composed, domain, run)


@limited
def imitates(
    teacher: Model,
    student: Model,
    inputs: Box,
    *,
    delta: Number | None = None,
    lead: Number | None = None,
    **options: Any,
) -> Verdict:
    """Is every output of the student within `delta` of the teacher's, or the class the same, or both, on all `inputs`?

    `inputs` is a box as `region` gives it, `delta` in units of the outputs.
    With `lead` the student has to give the teacher's class wherever the teacher's class leads every other one by at
    least that much; 0 asks it everywhere, and then a tie of the teacher's is a violation. Scores are compared in front
    of a Softmax. The other options are those of `verdict.prove`; with a `certificate` the question is kept beside it
    (FILE.vnnlib), and so is the network (FILE.onnx). Raises InputError and PropertyError.

    >>> import verdict
    >>> box = verdict.region("xor", [0, 1], "0.1", range=(0, 1))
    >>> verdict.imitates("xor", "xor", box, delta=0).status
    'robust'

    Source: Paulsen et al. 2001.03662 (differential verification); docs/composed.md.
    """
    question = Question.of("imitates", [teacher, student], **ends(inputs), delta=delta, lead=lead)
    found: Verdict = ask_with(question, options)
    return found


def answer_imitates(question: Question, run: Run) -> Verdict:
    """The answer to a question of the kind imitates."""
    aim, inputs = question.aim, box_of(question)
    if aim.delta is None and aim.lead is None:
        raise PropertyError("nothing is asked: expected delta, lead, or both")
    # Classes are those of one output, numbers those of all.
    old, new = (model.load(classes=aim.lead is not None) for model in question.models)
    return imitated(old, new, inputs, aim.lead, run, aim.delta)


def imitated(
    old_one: Network, new_one: Network, inputs: Box, lead: Fraction | None, run: Run, delta: Fraction | None = None
) -> Verdict:
    """Whether the second network imitates the first."""
    composed = closer(lambda twin: both(old_one, new_one, twin), alike(old_one, new_one), inputs, halves=True)
    x, y = variables(composed)
    old, new = y[: len(y) // 2], y[len(y) // 2 :]
    that = [] if delta is None else [moves(new, old, delta)]
    that += [] if lead is None else [same_class(old, new, lead)]
    return proved(composed, all_of(that), between(x, inputs.lower, inputs.upper), run)


@limited
def general(
    network: Model,
    inputs: Box,
    eps: Number,
    *,
    theta: Number | None = None,
    lead: Number | None = None,
    **options: Any,
) -> Verdict:
    """For all x of `inputs` and all x' within `eps` of x: do the outputs move by at most `theta`, does the class stay?

    `inputs` is a box as `region` gives it, `eps` in input units and `theta` in those of the outputs. With `lead` the
    class has to stay for every x that leads by at least that much. x' may leave the set. A witness's point holds x and
    then x' - x. The other options are as in `imitates`.

    >>> import verdict
    >>> box = verdict.region("xor", [0, 1], "0.1", range=(0, 1))
    >>> verdict.general("xor", box, "0.1", theta="0.3").status
    'robust'

    Source: Katz et al. 1709.02802 (global robustness); docs/composed.md.
    """
    question = Question.of("general", [network], **ends(inputs), eps=eps, theta=theta, lead=lead)
    found: Verdict = ask_with(question, options)
    return found


def answer_general(question: Question, run: Run) -> Verdict:
    """The answer to a question of the kind general."""
    subject, aim = question.model.load(classes=question.aim.lead is not None), question.aim
    make, that = _general(subject, aim.theta, aim.lead)
    domain = _moved(question, subject.input_size)
    composed = closer(make, alike(subject, subject), domain, halves=aim.lead is not None)
    x, _ = variables(composed)
    return proved(composed, that, between(x, domain.lower, domain.upper), run)


@limited
def maxgeneral(
    network: Model, inputs: Box, *, theta: Number | None = None, lead: Number | None = None, **options: Any
) -> Radius:
    """The largest eps for which `general` holds, with `inputs` and the rest as in `general`, options as in `maxdelta`.

    >>> import verdict
    >>> box = verdict.region("xor", [0, 1], "0.1", range=(0, 1))
    >>> verdict.maxgeneral("xor", box, theta="0.2", engine="smt").exact
    Fraction(1, 10)
    """
    question = Question.of("maxgeneral", [network], **ends(inputs), theta=theta, lead=lead)
    found: Radius = ask_with(question, options)
    return found


def answer_maxgeneral(question: Question, run: Run) -> Radius:
    """The answer to a question of the kind maxgeneral."""
    intervals.ready(run)
    subject, inputs = question.model.load(classes=question.aim.lead is not None), box_of(question)
    make, that = _general(subject, question.aim.theta, question.aim.lead)
    size = subject.input_size
    check_size(inputs, size)
    middle = [(low + high) / 2 for low, high in zip(inputs.lower, inputs.upper, strict=True)]
    family = ScaledBall(
        ExactVector.of([*middle, *[Fraction(0)] * size]),
        [*[None] * size, *[Fraction(1)] * size],
        [*inputs.lower, *[None] * size],
        [*inputs.upper, *[None] * size],
    )
    twins = [make(True)] if alike(subject, subject) else []
    return radius_within([make(False), *twins], family, that, run)


def _general(
    network: Network, theta: Fraction | None, lead: Fraction | None
) -> tuple[Callable[[bool], Network], Formula]:
    """How two copies are composed, plain or twin, and what is to hold of their outputs."""
    if theta is not None and lead is None:
        y = outputs(network.output_size)
        return lambda twin: movement(network, twin=twin), within(y, theta)
    if lead is not None and theta is None:
        y = outputs(2 * network.output_size)
        that = same_class(y[: network.output_size], y[network.output_size :], lead)
        return lambda twin: copies(network, twin=twin), that
    raise PropertyError("expected either theta or lead")


def closer(make: Callable[[bool], Network], like: bool, inputs: Box, halves: bool = False) -> Network:
    """The composition, plain or twin where the networks are alike, whose outputs, or halves' difference, are nearer."""
    plain = make(False)
    if not like or inputs.size != plain.input_size:
        return plain
    rows = np.eye(plain.output_size)
    count = plain.output_size // 2
    whole = Deadline()
    try:
        with whole.share(COMPARING, math.inf).running():
            return tighter(plain, make(True), inputs, rows[:count] - rows[count:] if halves else rows)
    except OutOfTime:
        if whole.passed():
            raise
        return plain


def same_class(old: Vector, new: Vector, lead: Fraction) -> Formula:
    """Where a class of `old` leads all others by at least `lead`, it is also the class of `new`."""
    return all_of(
        all_of(old[c] - old[k] >= lead for k in range(len(old)) if k != c) >> stays(new, c) for c in range(len(old))
    )


def ends(inputs: Box) -> dict[str, Any]:
    """The members of a question that say which box it is about."""
    checked = box(inputs)
    return {"lower": checked.lower, "upper": checked.upper}


def box_of(question: Question) -> Box:
    """The box that a question is about."""
    lower, upper = question.domain.lower or (), question.domain.upper or ()
    found = [end for end in (*lower, *upper) if end is not None]
    if len(found) != len(lower) + len(upper):
        raise InputError("lower and upper have to limit every input")
    return Box(found[: len(lower)], found[len(lower) :])


def _moved(question: Question, size: int) -> Box:
    """The box of (x, x' - x)."""
    reach, inputs = question.domain.eps or Fraction(0), box_of(question)
    check_size(inputs, size)
    return Box([*inputs.lower, *[-reach] * size], [*inputs.upper, *[reach] * size])


def _apart(composed: Network, inputs: Box, run: Run) -> Largest:
    """The largest |output| of a network of differences."""
    unit = np.eye(composed.output_size)
    names = [f"output {i} {word}" for word in ("up", "down") for i in range(composed.output_size)]
    return largest_of(composed, inputs, (np.vstack([unit, -unit]), names), run)


def largest_of(network: Network, inputs: Box, rows_and_names: tuple[FloatArray, Sequence[str]], run: Run) -> Largest:
    check_size(inputs, network.input_size)
    intervals.ready(run)
    rows, names = rows_and_names
    search = LargestSearch(network, inputs, rows, names, run.deadline, partial(intervals.radius, run))
    search.answer = partial(judge_largest, search, network, run.engine.title, TIME_LIMIT, deploy=False)

    def work() -> None:
        second_look(network, [inputs.floats()])
        search.run(lambda radius: intervals.close(run, [radius]))

    reason = run.guarded(work)
    _, y = variables(network)

    def below(end: Fraction) -> Formula:
        """No row of the outputs reaches the end."""
        values = [sum((y[i] * row[i] for i in np.flatnonzero(row)), 0 * y[0]) for row in rows]
        return all_of(value < end for value in values)

    made = certified_end(run, network, below, inputs, search.ends())
    with last_words():
        return judge_largest(search, network, run.engine.title, reason, made)


def check_size(inputs: Box, size: int) -> None:
    if inputs.size != size:
        raise InputError(f"the set has {inputs.size} inputs, the network {size}")
