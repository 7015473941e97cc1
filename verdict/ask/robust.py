"""`robust`: does every input of a ball keep its class? And what is known about such a ball: its bounds, its parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from ..answer.results import Certificate, Trust, Verdict
from ..base import arguments
from ..base.blas import one_thread
from ..base.deadline import Deadline, last_words, limited, why
from ..base.device import find_device
from ..base.number import Number, radius_of
from ..network.network import Network
from ..search.engines.registry import find_engine
from .loading import Model, for_classes, loaded
from .question import at_center, box_at, has_claim, robustness_question

if TYPE_CHECKING:
    from ..property import Box, UnsafeSet
    from ..property.fronts import Front
    from ..property.language import Formula
    from ..search.neurons.comparison import Comparison


@one_thread()
@limited
def robust(
    network: Model,
    x: npt.ArrayLike,
    eps: Number,
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
    engine: str = "auto",
    solver: str | None = None,
    bounds: str | None = None,
    timeout: float | None = None,
    threads: int = 2,
    device: str = "cpu",
    certificate: str | Path | None = None,
    on_progress: Callable[[str], object] | None = None,
) -> Verdict:
    """Does every input within `eps` of `x` get the class `label`?

    `network` may also be a file, or a shipped model's name; `output` names the one of several outputs that holds the
    class scores. `x` is flat or has the input's shape up to axes of 1 (or is one array for each input, by name), in the
    network's own input units, and is taken as the floats of the input's type; `eps` is exact (a string is the decimal
    that it says). `range` bounds every coordinate. With a `perturbation` (`verdict.property.fronts`; "brightness",
    "blur:sigma=1.5", ...) `eps` is in its unit, and a witness holds the perturbation's parameters and, in `input`, what
    they make of `x`. `label` defaults to the network's own class of `x`; with `target`, only that class counts as a
    violation. With the engines milp and smt, `bounds` names the method whose bounds their formula holds
    (`verdict.search.neurons.methods`). `timeout` is in seconds. With `device` "cuda" instead of "cpu" the attack and
    the search for better bounds run in PyTorch on a GPU, and what they find is proved on the CPU ("torch": PyTorch on
    the CPU).
    `scales` are one number for each input, by which it moves at the radius one, 0 for those that are fixed. Instead of
    the class, `that`, a formula over the variables of `verdict.variables` or its text, may have to hold; `given`,
    another one, says of which inputs of the ball it is asked: if of none, the answer is robust, and `reason` says so.
    Ties are unsafe. Ctrl-C ends the search and not the call: the answer is then unknown.

    A proof is written to the file `certificate` (`.vcert`) and read back by the independent checker, all within
    `timeout`; the answer's `certificate` says what became of it. Trust is `certified` if the checker accepted it. With
    scales or formulas it is about a query that is kept beside it (FILE.vnnlib).

    Raises InputError, PropertyError or SolverError for arguments that make no sense.
    """
    from ..answer.evidence import Evidence
    from ..answer.gate import judge
    from ..answer.second_look import second_look
    from ..property import Problem
    from ..search.engines.decide import decide
    from ..search.neurons.methods import encoder_bounds

    deadline = Deadline(arguments.seconds(timeout))
    radius, threads = radius_of(eps), arguments.threads(threads)
    certificate = arguments.optional_place(certificate, "certificate")
    network = loaded(network, output) if that is not None else for_classes(network, output)
    question = robustness_question(
        network, x, norm=norm, scales=scales, perturbation=perturbation, range=range, label=label,
        target=target, that=that, given=given,
    )
    name, backend = find_engine(engine, solver)
    tight, place = encoder_bounds(bounds, engine), find_device(device)
    box, empty = box_at(question, radius), question.emptiness(radius)
    if empty:
        made = None if certificate is None else Certificate(None, reason=empty)
        answer = judge(network, Evidence(proof=Trust.EXACT), question.label, name, deadline.elapsed(), made)
        return replace(answer, reason=empty)
    if certificate is not None and not has_claim(question):
        from .stated import stated

        return stated(network, question).decide(
            radius, engine=engine, solver=solver, bounds=bounds, timeout=deadline.limit(), threads=threads,
            device=device, certificate=certificate, on_progress=on_progress,
        )
    report = on_progress or (lambda stage: None)
    problem = Problem(question.network, box, question.unsafe)
    certified = None
    if certificate is not None:
        from ..search.certify import Certified

        certified = Certified(certificate, question.network, question.claim(radius))
    here = at_center(question)
    if here is not None:
        evidence = Evidence(witness=here)
    else:
        proof = None if certified is None else certified.recording(problem, box)
        try:
            second_look(question.network, [box.floats()])
            started = deadline.elapsed()
            evidence = decide(problem, box, deadline, backend, threads, report, engine, tight, place, proof)
            evidence.stages = {"start": started, **evidence.stages}
        except KeyboardInterrupt as end:
            evidence = Evidence(reason=why(end))
    made = None if certified is None else certified.made(evidence, deadline, threads, report)
    with last_words():
        verdict = judge(question.network, evidence, question.label, name, deadline.elapsed(), made)
        return replace(verdict, witness=question.shown(verdict.witness))


def robustness(
    network: Model, x: npt.ArrayLike, eps: Number, *, output: str | None = None, **asked: Any
) -> tuple[Network, Box, UnsafeSet, int | None]:
    """What `robust` decides: a network, its inputs, the unsafe outputs, the class to stay; arguments as there."""
    radius = radius_of(eps)
    question = robustness_question(for_classes(network, output), x, **asked)
    return question.network, box_at(question, radius), question.unsafe, question.label


@one_thread()
@limited
def bounds_of(
    network: Model,
    x: npt.ArrayLike,
    eps: Number,
    *,
    norm: str = "linf",
    perturbation: Front | str | None = None,
    range: tuple[Number, Number] | None = None,
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
    """
    from ..search.neurons.comparison import compare
    from ..search.neurons.methods import choose

    methods, radius, timeout = choose(arguments.word(method, "method")), radius_of(eps), arguments.seconds(timeout)
    question = robustness_question(
        for_classes(network, output), x, norm=norm, perturbation=perturbation, range=range, label=label, target=target
    )
    kept = question.predicted if question.label is None else question.label
    inputs = box_at(question, radius)
    return compare(question.network.graph, kept, question.unsafe, inputs, methods, timeout, on_progress)
