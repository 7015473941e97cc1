"""`verify`: does a VNN-LIB query have a solution? And `check`: does the independent checker accept a certificate?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..answer.results import Certificate, Verdict
from ..base import arguments
from ..base.blas import one_thread
from ..base.deadline import TIME_LIMIT, Deadline, OutOfTime, last_words, limited
from ..base.device import find_device
from ..base.errors import InputError, TimeLimitError
from ..network.network import Network
from ..search.engines.registry import find_engine
from .loading import Model, loaded, shipped_path

if TYPE_CHECKING:
    from ..checker import Report
    from ..property.vnnlib1 import VnnLib1
    from ..property.vnnlib2 import VnnLib2


@one_thread()
@limited
def verify(
    query: str | Path | VnnLib1 | VnnLib2,
    network: Model | Mapping[str, Model],
    *,
    engine: str = "auto",
    solver: str | None = None,
    bounds: str | None = None,
    timeout: float | None = None,
    threads: int = 2,
    device: str = "cpu",
    certificate: str | Path | None = None,
    on_progress: Callable[[str], object] | None = None,
) -> Verdict:
    """Does a VNN-LIB query, of version 1 or 2, have no solution? Status robust means unsat, violated means sat.

    A query of version 2 that declares several networks takes `network` as a mapping from their names, but for those
    that are `equal-to` another. A network may also be a file, or a shipped model's name. Other arguments as in
    `robust`; queries about several networks, hidden values or equal inputs get no
    certificate. A witness satisfies the query exactly, strict inequalities
    included, over the reals and with the outputs of ONNX Runtime. Where no input fulfils the query's constraints on
    inputs, the status is robust and the reason says that the input set is empty.
    Raises PropertyError for a query that is malformed, InputError for one that does not fit its networks.
    """
    from ..answer.evidence import Evidence
    from ..answer.gate import judge
    from ..answer.second_look import second_look
    from ..certificate.write import unsat_claim
    from ..property import Problem
    from ..property.cases import Case
    from ..property.vnnlib import VnnLib1, VnnLib2, read_query
    from ..property.vnnlib_bind import bound, check_ends
    from ..search.engines.decide import decide
    from ..search.neurons.methods import encoder_bounds
    from ..search.query import decide_query

    deadline, threads = Deadline(arguments.seconds(timeout)), arguments.threads(threads)
    certificate = arguments.optional_place(certificate, "certificate")
    name, backend = find_engine(engine, solver)
    tight, place = encoder_bounds(bounds, engine), find_device(device)
    asked = query if isinstance(query, VnnLib1 | VnnLib2) else read_query(arguments.place(query, "the query"))
    if isinstance(network, Mapping):
        subject = bound(asked, {name: loaded(each) for name, each in network.items()})
    else:
        subject = bound(asked, loaded(network))
    check_ends(asked, subject)
    made = None if certificate is None else Certificate(
        None, reason="the checker reads queries of version 2 only about one network, as it is in its file"
    )
    certified = None
    if certificate is not None and (isinstance(asked, VnnLib1) or asked.is_plain):
        from ..certificate.draft import Asked
        from ..search.certify import Certified

        certified = Certified(certificate, subject, unsat_claim(), Asked(asked.path, asked.data))
    report = on_progress or (lambda stage: None)
    started = deadline.elapsed()

    def search(problem: Problem, case: Case) -> Evidence:
        proof = None if certified is None else certified.recording(problem, case.inputs)
        return decide(problem, case.inputs, deadline, backend, threads, report, engine, tight, place, proof)

    try:
        second_look(subject, [case.inputs.floats() for case in asked.cases])
        evidence = decide_query(asked, subject, search, deadline, engine == "auto")
    except OutOfTime:
        evidence = Evidence(reason=TIME_LIMIT)
    evidence.stages = {"start": started, **evidence.stages}
    if certified is not None:
        made = certified.made(evidence, deadline, threads, report)
    with last_words():
        answer = judge(subject, evidence, None, name, deadline.elapsed(), made)
        if answer.status == "robust" and not answer.reason:
            answer = replace(answer, reason=_emptiness(asked))
    return answer


def _emptiness(asked: VnnLib1 | VnnLib2) -> str:
    """Why no input fulfils what the query says of the inputs; "" where one may."""
    from ..search.vacuous import NO_POINT, no_input

    if not asked.cases:
        return asked.empty
    return NO_POINT if no_input(asked.cases) else ""


def check(
    certificate: str | Path,
    network: Model,
    query: str | Path | None = None,
    *,
    tier: str = "exact",
    jobs: int = 1,
    any_order: bool = True,
    timeout: float | None = None,
    on_progress: Callable[[int], object] | None = None,
) -> Report:
    """Does the independent checker accept this certificate for this ONNX file and, if it is about one, this query?

    The network may also be a shipped model's name. `tier`: exact (integers), rigorous (floats, rounding charged) or
    python (Fractions). With `any_order` the report also says whether the claim holds for every float32 evaluation.
    Raises InputError for what cannot be read, and TimeLimitError where it is not done after `timeout` seconds.
    """
    from .. import checker

    path = network.path if isinstance(network, Network) else shipped_path(network)
    certificate, query = arguments.place(certificate, "certificate"), arguments.optional_place(query, "the query")
    tier, jobs = arguments.word(tier, "tier"), arguments.threads(jobs, "jobs")
    any_order = arguments.flag(any_order, "any_order")
    try:
        return checker.check(
            certificate,
            path,
            query,
            tier=tier,
            jobs=jobs,
            any_order=any_order,
            progress=on_progress or (lambda leaves: None),
            seconds=arguments.seconds(timeout),
        )
    except checker.OutOfTimeError as error:
        raise TimeLimitError(f"{certificate}: the time ran out before it was checked") from error
    except checker.UnreadableError as error:
        raise InputError(str(error)) from error
