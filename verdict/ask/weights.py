"""Questions about a model that is itself perturbed: how much may its weights change before an input loses its class?

With the input fixed, the weights of one layer enter its pre-activations linearly, and perturbing them is a box in front
of the rest of the network (`verdict.compose.layers`): the radius is exact. For all layers at once
`verdict.search.weights` gives an interval.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import Any

import numpy.typing as npt

from ..answer.gate import judge_radius, judge_weights
from ..answer.replay import scores
from ..answer.results import Radius
from ..answer.second_look import second_look
from ..base.deadline import TIME_LIMIT, last_words, limited
from ..base.errors import InputError
from ..compose.layers import Layer, choose, reweighted, shaken
from ..network.evaluate import classify
from ..network.exact import ExactVector
from ..network.network import Network
from ..property import ScaledBall, UnsafeSet, misclassification
from ..property.language.properties import keeps
from ..search.weights import Change, WeightSearch
from . import intervals
from .answering import ask_with
from .loading import Model
from .prepared import asked_point, center_of
from .prove import variables
from .question import Question
from .run import Run
from .stated import certified_radius


@limited
def maxweights(
    network: Model,
    x: npt.ArrayLike,
    *,
    layer: str | int = "all",
    relative: bool = False,
    label: int | None = None,
    target: int | None = None,
    output: str | None = None,
    **options: Any,
) -> Radius:
    """The largest eps such that `x` keeps its class under every change of the weights by at most eps.

    `layer` is a layer's name or number (see `verdict.compose.layers.layers`) or "all". Each weight w changes by at most
    eps, or `relative` by at most eps * |w|; biases stay. `label`, `target` and `output` as in `verdict.maxeps`, and so
    are the other options. For a single layer the interval closes like any other; a witness's point holds x and what
    is added behind the layer (where every weight feeds one entry: Gemm and MatMul) or x and the changes of the weights,
    and a `certificate` is about the lower end. For all layers, and a Conv that reads what no few floats add up to, the
    lower end is proved and the upper end found by an attack, whose point holds the changes of the weights; they need
    not meet.

    `x` is flat or has the input's shape, `timeout` is in seconds. Raises InputError and UnsupportedError.

    >>> import verdict
    >>> verdict.maxweights("xor", [0, 1], layer="fc1", engine="smt").exact
    Fraction(1, 2)
    """
    question = Question.of(
        "maxweights", [network], x, layer=layer, relative=relative, label=label, target=target, output=output
    )
    answer: Radius = ask_with(question, options)
    return answer


def answer(question: Question, run: Run) -> Radius:
    """The answer to a question of the kind maxweights."""
    intervals.ready(run)
    network, aim = question.model.load(classes=True), question.aim
    relative = bool(aim.relative)
    chosen = choose(network, "all" if aim.layer is None else aim.layer)
    center = center_of(network, asked_point(question).values())
    point = center.floats()
    predicted = classify(scores(network, network.runtime(point), point))
    label = predicted if aim.label is None else aim.label
    unsafe = misclassification(label, network.output_size, aim.target)
    exact = _exact_question(chosen[0], center, relative) if len(chosen) == 1 else None
    if exact is None:
        if run.certificate is not None:
            raise InputError(
                "a certificate is about one layer whose weights enter linearly, see docs/composed.md: found others"
            )
        search = WeightSearch(network, Change(chosen, relative), center, unsafe, run.deadline, run.on_progress)
        second_look(network, [(point, point)])
        reason = run.guarded(search.run)
        with last_words():
            return judge_weights(search, label, "bounds", reason)
    return _closed(run, exact, unsafe, label, aim.target)


def _closed(
    run: Run, question: tuple[Network, ScaledBall], unsafe: UnsafeSet, label: int, target: int | None
) -> Radius:
    composed, family = question
    search = intervals.radius(run, composed, family, unsafe)
    # A class that is wrong already is a witness of radius 0.
    search.offer(family.center)
    search.answer = partial(judge_radius, search, label, run.engine.title, TIME_LIMIT, deploy=False)
    reason = run.guarded(lambda: intervals.seek(run, [search]))
    _, y = variables(composed)
    made = certified_radius(run, search, keeps(y, label, target))
    with last_words():
        return judge_radius(search, label, run.engine.title, reason, (made, None))


def _exact_question(layer: Layer, x: ExactVector, relative: bool) -> tuple[Network, ScaledBall] | None:
    """The network and the family whose radius is the answer for one layer; None where there is none that is exact."""
    h = layer.before.evaluate_exact(x).fractions()
    rows, columns, which = layer.incidence
    weights = [abs(Fraction(float(w))) for w in layer.values.ravel()] if relative else [Fraction(1)] * layer.values.size
    if layer.is_independent:
        scales = [Fraction(0)] * layer.size
        for row, column, w in zip(rows.tolist(), columns.tolist(), which.tolist(), strict=True):
            scales[row] += abs(h[column]) * weights[w]
        composed = shaken(layer.network, [layer])
    else:
        exact = reweighted(layer, h)
        if exact is None:
            return None
        scales, composed = weights, exact
    fixed = [Fraction(0)]
    return composed, ScaledBall(ExactVector.of([*x.fractions(), *fixed * len(scales)]), [*fixed * len(x), *scales])

