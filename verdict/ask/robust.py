"""`robust`: does every input of a ball keep its class? And what is known about such a ball: its bounds, its parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy.typing as npt

from ..answer.results import Certificate, Trust, Verdict
from ..base.deadline import last_words, limited, why
from ..base.errors import InputError
from ..base.number import Number
from .answering import ask
from .loading import Model
from .options import Options
from .prepared import WHOLE_PARAMETERS, Prepared, at_center, box_at, has_claim, pinned_to, prepared
from .question import Question
from .run import Run

if TYPE_CHECKING:
    from ..property.fronts import Front
    from ..property.language import Formula
    from ..search.neurons.comparison import Comparison


@limited
def robust(
    network: Model,
    x: npt.ArrayLike,
    eps: Number,
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
    on_progress: Callable[[str], object] | None = None,
) -> Verdict:
    """Does every input within `eps` of `x` get the class `label`?

    `network` may also be a file, or a shipped model's name; `output` names the one of several outputs that holds the
    class scores. `x` is flat or has the input's shape up to axes of 1 (or is one array for each input, by name), in the
    network's own input units, and is taken as the floats of the input's type; `eps` is exact (a string is the decimal
    that it says). `range` is (low, high), each one number for every
    coordinate or an array with one for each. With a `perturbation` (`verdict.property.fronts`; "brightness",
    "blur:sigma=1.5", ...) `eps` is in its unit, and a witness holds the perturbation's parameters and, in `input`, what
    they make of `x`. `label` defaults to the network's own class of `x`; with `target`, only that class counts as a
    violation. With the engines milp and smt, `bounds` names the method whose bounds their formula holds
    (`verdict.search.neurons.methods`). `timeout` is in seconds. With `device` "cuda" instead of "cpu" the attack and
    the search for better bounds run in PyTorch on a GPU, and what they find is proved on the CPU ("torch": PyTorch on
    the CPU).
    `scales` are one number for each input, by which it moves at the radius one, 0 for those that are fixed. Instead of
    the class, `that`, a formula over the variables of `verdict.variables` or its text, may have to hold; `given`,
    another one, says of which inputs of the ball it is asked: if of none, the answer is robust, and `reason` says so.
    `integers` are the numbers of inputs that take whole numbers only.
    Ties are unsafe. Ctrl-C ends the search and not the call: the answer is then unknown.

    A proof is written to the file `certificate` (`.vcert`) and read back by the independent checker, all within
    `timeout`; the answer's `certificate` says what became of it. Trust is `certified` if the checker accepted it. With
    scales or formulas it is about a query that is kept beside it (FILE.vnnlib). With `assume_ulp` it may hold for every
    float32 evaluation of a network with smooth functions too, if each is computed within so many units in the last
    place (docs/semantics.md).

    Raises InputError, PropertyError or SolverError for arguments that make no sense.

    >>> import verdict
    >>> verdict.robust("xor", [0, 1], "0.2", range=(0, 1)).status
    'robust'

    Source: Zhang et al. 1811.00866 (linear bounds), Wang et al. 2103.06624 (branch and bound); docs/search.md.
    """
    question = Question.of(
        "robust", [network], x, eps=eps, norm=norm, scales=scales, perturbation=perturbation, range=range, label=label,
        target=target, that=that, given=given, integers=integers, output=output,
    )
    options = Options(
        engine=engine, solver=solver, bounds=bounds, timeout=timeout, threads=threads, device=device,
        certificate=certificate, assume_ulp=assume_ulp,
    )
    answer: Verdict = ask(question, options, on_progress)
    return answer


def answer(question: Question, run: Run) -> Verdict:
    """The answer to a question of the kind robust."""
    ready, radius = prepared(question), question.domain.eps or Fraction(0)
    run.ready()
    if question.domain.integers:
        return _among_whole(question, ready, run)
    return _decided(ready, radius, run)


def _among_whole(question: Question, ready: Prepared, run: Run) -> Verdict:
    """The same where some inputs take whole numbers only."""
    from .integers import NO_CERTIFICATE, Cuts, decide_whole

    if question.domain.perturbation is not None:
        raise InputError(WHOLE_PARAMETERS)
    cuts, plain = Cuts(ready.asked.input_size, question.domain.integers or ()), pinned_to(question, ready)

    def under(condition: Formula) -> Verdict:
        return answer(plain(condition), Run(run.within(run.whole, certificate=None), run.on_progress))

    found = decide_whole(ready.asked, cuts, under, run.whole)
    return found if run.certificate is None else replace(found, certificate=Certificate(None, reason=NO_CERTIFICATE))


def _decided(ready: Prepared, radius: Fraction, run: Run) -> Verdict:
    from ..answer.evidence import Evidence
    from ..answer.gate import judge
    from ..answer.second_look import second_look
    from ..property import Problem
    from ..search.decide import decide

    box, empty, deadline, title = box_at(ready, radius), ready.emptiness(radius), run.whole, run.engine.title
    if empty:
        made = None if run.certificate is None else Certificate(None, reason=empty)
        answer = judge(ready.asked, Evidence(proof=Trust.EXACT), ready.label, title, deadline.elapsed(), made)
        return replace(answer, reason=empty)
    if run.certificate is not None and not has_claim(ready):
        from .stated import stated

        return stated(ready).decide(radius, run)
    problem = Problem(ready.network, box, ready.unsafe)
    certified = None
    if run.certificate is not None:
        from ..search.certify import Certified

        certified = Certified(run.certificate, ready.network, ready.claim(radius))
    here = at_center(ready)
    if here is not None:
        evidence = Evidence(witness=here)
    else:
        observer = None if certified is None else certified.observer(problem, box)
        try:
            second_look(ready.network, [box.floats()])
            started = deadline.elapsed()
            evidence = decide(problem, box, run.engine, run.effort, observer)
            evidence.stages = {"start": started, **evidence.stages}
        except KeyboardInterrupt as end:
            evidence = Evidence(reason=why(end))
    made = None if certified is None else certified.made(evidence, deadline, run.threads, run.report)
    with last_words():
        verdict = judge(ready.network, evidence, ready.label, title, deadline.elapsed(), made)
        return replace(verdict, witness=ready.shown(verdict.witness))


@limited
def bounds_of(
    network: Model,
    x: npt.ArrayLike,
    eps: Number,
    *,
    norm: str = "linf",
    perturbation: Front | str | None = None,
    range: tuple[Number | npt.ArrayLike, Number | npt.ArrayLike] | None = None,
    label: int | None = None,
    target: int | None = None,
    output: str | None = None,
    method: str = "linear",
    timeout: float | None = None,
    on_progress: Callable[[str], object] | None = None,
) -> list[Comparison]:
    """Bounds of every layer, and of the margins over the rival classes, for all inputs within `eps` of `x`.

    Arguments as in `robust`; `method` is a comma-separated list of `verdict.search.neurons.methods.METHODS`, or "all";
    `timeout` is in seconds for all. One `Comparison` for each method that was through by then, in that order.

    >>> import verdict
    >>> [bounds] = verdict.bounds_of("xor", [0, 0], "0.25", range=(0, 1), method="interval")
    >>> [(layer.name, layer.unstable) for layer in bounds.layers]
    [('relu1', 2), ('outputs', 0)]

    Source: Zhang et al. 1811.00866 (linear), Xu et al. 2011.13824 (alpha); docs/bounds.md has each method.
    """
    question = Question.of(
        "bounds", [network], x, eps=eps, norm=norm, perturbation=perturbation, range=range, label=label, target=target,
        output=output, method=method,
    )
    found: list[Comparison] = ask(question, Options(timeout=timeout), on_progress)
    return found


def answer_bounds(question: Question, run: Run) -> list[Comparison]:
    """The answer to a question of the kind bounds."""
    from ..property import Problem
    from ..search.neurons.comparison import compare
    from ..search.neurons.methods import choose

    methods, ready = choose(question.aim.method or "linear"), prepared(question)
    kept = ready.predicted if ready.label is None else ready.label
    inputs = box_at(ready, question.domain.eps or Fraction(0))
    limit = run.options.timeout
    return compare(Problem(ready.network, inputs, ready.unsafe), kept, methods, limit, run.on_progress)
