"""Does an output only grow with a feature, and if not, by how much does it fall? One number, or a margin of a class.

Two copies of the network stand side by side, at x and at x with the feature grown by p, as one network of (x, p) whose
outputs are the differences (`verdict.compose.pairs.movement`).
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ..answer.results import Largest, Verdict
from ..base.arguments import whole
from ..base.deadline import limited
from ..base.errors import InputError, PropertyError
from ..base.number import Number
from ..compose.pairs import alike, movement
from ..network.exact import FloatArray
from ..network.network import Network
from ..property import Box
from ..property.language import all_of
from ..property.language.sets import box as between
from .answering import ask_with
from .loading import Model
from .pairs import box_of, check_size, closer, ends, largest_of
from .parts import Aim
from .prove import proved, variables
from .question import Question
from .run import Run


@limited
def monotone(
    network: Model,
    inputs: Box,
    feature: int | str,
    output: int | None = None,
    *,
    label: int | str | None = None,
    target: int | str | None = None,
    decreasing: bool = False,
    step: Number | None = None,
    **options: object,
) -> Verdict:
    """Does an output never fall, over all of `inputs`, while one feature grows? Robust: yes; violated: no.

    `inputs` is a box as `region` gives it, and the feature grows within it, by at most `step` where that is given (in
    its own units); what grows is its number or its name. `output` is the number of an output; with a class `label`
    instead the margins of its score over every other class, in front of a Softmax or Sigmoid, or over `target` alone,
    must not fall. With `decreasing` they must not rise. Staying the same is allowed. The point of a `witness` holds x
    and then the growth. Options are those of `verdict.prove`; with a `certificate` the question is kept beside it
    (FILE.vnnlib), and so is the network (FILE.onnx). Raises InputError and PropertyError.

    >>> import verdict
    >>> box = verdict.region("abs", range=(0, 1))
    >>> verdict.monotone("abs", box, feature=0, output=0).status
    'robust'

    Source: Liu et al. 2011.10219 (certified monotonic networks).
    """
    question = Question.of(
        "monotone", [network], **ends(inputs), feature=feature, output=output, label=label, target=target,
        decreasing=decreasing, step=step,
    )
    found: Verdict = ask_with(question, options)
    return found


def answer_monotone(question: Question, run: Run) -> Verdict:
    """The answer to a question of the kind monotone."""
    subject, inputs, aim = question.model.load(classes=question.aim.label is not None), box_of(question), question.aim
    grows, rows, _ = _asked(subject, aim)
    check_size(inputs, subject.input_size)
    reach = inputs.upper[grows] - inputs.lower[grows]
    domain = Box([*inputs.lower, Fraction(0)], [*inputs.upper, reach if aim.step is None else min(reach, aim.step)])
    grown = _grown(subject, grows, aim, domain)
    x, y = variables(grown)
    falls = (sum((y[i] * row[i] for i in np.flatnonzero(row)), 0 * y[0]) for row in rows)
    inside = between(x, domain.lower, domain.upper) & (x[grows] + x[len(x) - 1] <= inputs.upper[grows])
    return proved(grown, all_of(fall >= 0 if aim.decreasing else fall <= 0 for fall in falls), inside, run)


@limited
def maxfall(
    network: Model,
    inputs: Box,
    feature: int | str,
    output: int | None = None,
    step: Number | None = None,
    *,
    label: int | str | None = None,
    target: int | str | None = None,
    **options: object,
) -> Largest:
    """The most that an output falls while one feature grows by at most `step`, from any x of `inputs`.

    The output is monotone in the feature, there, if it is 0; of several outputs `verdict.load` chooses one. With a
    class `label` instead of an `output` it is the most that the margin of its score over another class falls, in front
    of a Softmax or Sigmoid; with `target` over that class alone. A point of `witness` holds x and then the growth,
    which may leave the box; `step` is in the feature's own units. Options as in `verdict.maxdelta`. Raises InputError
    and PropertyError.

    >>> import verdict
    >>> box = verdict.region("xor", [0, 1], "0.1", range=(0, 1))
    >>> round(float(verdict.maxfall("xor", box, feature=0, output=1, step="0.1").upper), 6)
    0.1
    """
    question = Question.of(
        "maxfall", [network], **ends(inputs), feature=feature, output=output, step=step, label=label, target=target
    )
    found: Largest = ask_with(question, options)
    return found


def answer_maxfall(question: Question, run: Run) -> Largest:
    """The answer to a question of the kind maxfall."""
    subject, inputs, aim = question.model.load(classes=question.aim.label is not None), box_of(question), question.aim
    grows, rows, names = _asked(subject, aim)
    domain = Box([*inputs.lower, Fraction(0)], [*inputs.upper, aim.step or Fraction(0)])
    return largest_of(_grown(subject, grows, aim, domain), domain, (rows, names), run)


def _grown(subject: Network, grows: int, aim: Aim, domain: Box) -> Network:
    """The network of (x, growth) that gives how far each output, or score, has moved."""
    step_of, scores = np.eye(subject.input_size)[[grows]], aim.label is not None
    return closer(lambda twin: movement(subject, step_of, twin, scores), alike(subject, subject), domain)


def _asked(subject: Network, aim: Aim) -> tuple[int, FloatArray, list[str]]:
    """The number of the feature, and what falls: rows over the outputs' movements, each with its name."""
    grows, size = whole(aim.feature, "feature", subject.input_size), subject.output_size
    if (aim.output is None) == (aim.label is None):
        raise PropertyError("what is to grow with the feature is not said: expected either an output or a label")
    if aim.label is None:
        if aim.target is not None:
            raise PropertyError("a target goes with a label, expected no output beside it")
        falls = whole(aim.output, "output", size)
        return grows, -np.eye(size)[[falls]], [f"output {falls} falls"]
    label = whole(aim.label, "label", size)
    rivals = [k for k in range(size) if k != label] if aim.target is None else [whole(aim.target, "target", size)]
    if label in rivals or not rivals:
        raise InputError(f"target {aim.target} is the label itself, expected another class")
    unit = np.eye(size)
    return grows, unit[rivals] - unit[label], [f"the margin of class {label} over {k} falls" for k in rivals]
