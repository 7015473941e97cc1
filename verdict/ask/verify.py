"""`verify`: does a VNN-LIB query have a solution? And `check`: does the independent checker accept a certificate?"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..answer.results import Certificate, Trust, Verdict
from ..base import arguments
from ..base.assumed import assumed
from ..base.deadline import TIME_LIMIT, OutOfTime, last_words, limited
from ..base.errors import HeadError, InputError, ModelError, TimeLimitError
from ..base.number import Number
from ..search.engines.registry import DEFAULT
from .answering import ask
from .loading import Model, shipped_path
from .options import Options
from .parts import Aim, ModelFile, NamedFile, hash_of
from .question import Question
from .run import Run

if TYPE_CHECKING:
    from ..answer.evidence import Evidence
    from ..checker import Report
    from ..network.network import Network
    from ..property import Problem
    from ..property.cases import Case
    from ..property.vnnlib1 import VnnLib1
    from ..property.vnnlib2 import VnnLib2
    from ..search.certify import Certified


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
    assume_ulp: Number | None = None,
    on_progress: Callable[[str], object] | None = None,
) -> Verdict:
    """Does a VNN-LIB query, of version 1 or 2, have no solution? Status robust means unsat, violated means sat.

    A query of version 2 that declares several networks takes `network` as a mapping from their names, but for those
    that are `equal-to` another. A network may also be a file, or a shipped model's name. Other arguments as in
    `robust`; queries about several networks, hidden values or equal inputs get no
    certificate. A witness satisfies the query exactly, strict inequalities
    included, over the reals and with the outputs of ONNX Runtime. Where no input fulfils the query's constraints on
    inputs, the status is robust and the reason says that the input set is empty.
    `timeout` is in seconds. Raises PropertyError for a query that is malformed, InputError for one that does not fit
    its networks. docs/vnnlib.md has examples.

    Source: the VNN-LIB standard, as docs/vnnlib.md reads it.
    """
    from ..property.vnnlib1 import VnnLib1
    from ..property.vnnlib2 import VnnLib2

    if isinstance(query, VnnLib1 | VnnLib2):
        file = NamedFile(str(query.path), content=query)
    else:
        file = NamedFile(str(arguments.place(query, "the query")))
    named = network.items() if isinstance(network, Mapping) else [(None, network)]
    question = Question(
        "verify", tuple(ModelFile.of(each, name=name) for name, each in named),
        query=file,
    )
    options = Options(
        engine=engine, solver=solver, bounds=bounds, timeout=timeout, threads=threads, device=device,
        certificate=certificate, assume_ulp=assume_ulp,
    )
    answer: Verdict = ask(question, options, on_progress)
    return answer


def answer(question: Question, run: Run) -> Verdict:
    """The answer to a question of the kind verify."""
    from ..property.vnnlib import read_query

    run.ready()
    file = question.query
    if file is None:
        raise InputError("a question of the kind verify needs a query")
    asked = read_query(Path(file.path)) if file.content is None else file.content
    if file.sha256 is not None and file.sha256 != hash_of(file.path):
        raise InputError(f"{file.path}: the file has changed: expected one with the hash {file.sha256}")
    models = {each.name: each.load() for each in question.models}
    try:
        return decided(asked, _subject(asked, models), run)
    except HeadError as refusal:
        from ..ops.importer.numbers import with_numbers

        try:
            # More is asked than which of two outputs is larger.
            models = {name: with_numbers(network) for name, network in models.items()}
        except ModelError:
            # What the head keeps is all that is known of it.
            raise refusal from None
    return decided(asked, _subject(asked, models), run)


def _subject(asked: VnnLib1 | VnnLib2, models: Mapping[str | None, Network]) -> Network:
    """The network that a query is about."""
    from ..property.vnnlib_bind import bound

    if list(models) == [None]:
        return bound(asked, *models.values())
    return bound(asked, {name or "": network for name, network in models.items()})


def decided(asked: VnnLib1 | VnnLib2, subject: Network, run: Run) -> Verdict:
    """Whether a query has no solution, about the network that it is bound to."""
    from ..answer.credit import Credit
    from ..answer.evidence import Evidence
    from ..answer.gate import judge
    from ..answer.second_look import second_look
    from ..property.vnnlib_bind import check_ends
    from ..search.decide import decide
    from ..search.query import decide_query

    check_ends(asked, subject)
    run.ready()
    deadline = run.whole
    certified, made = _certified(asked, subject, run.certificate)
    started = deadline.elapsed()

    def search(problem: Problem, case: Case, is_excluded: bool) -> Evidence:
        observer = None if certified is None else certified.observer(problem, case.inputs)
        if is_excluded:
            if observer is not None:
                observer.excluded(range(len(case.unsafe.polytopes)))
            return Evidence(proof=Trust.RIGOROUS, ways={"bounds": Credit(closed=1.0)})
        return decide(problem, case.inputs, run.engine, run.effort, observer)

    try:
        second_look(subject, [case.inputs.floats() for case in asked.cases])
        evidence = decide_query(asked, subject, search, deadline, run.options.engine == DEFAULT, run.search)
    except OutOfTime:
        evidence = Evidence(reason=TIME_LIMIT)
    evidence.stages = {"start": started, **evidence.stages}
    if certified is not None:
        made = certified.made(evidence, deadline, run.threads, run.report)
    with last_words():
        answer = judge(subject, evidence, None, run.engine.title, deadline.elapsed(), made)
        if answer.status == "robust" and not answer.reason:
            answer = replace(answer, reason=_emptiness(asked))
    return answer


def _emptiness(asked: VnnLib1 | VnnLib2) -> str:
    """Why no input fulfils what the query says of the inputs; "" where one may."""
    from ..search.vacuous import NO_POINT, no_input

    if not asked.cases:
        return asked.empty
    return NO_POINT if no_input(asked.cases) else ""


def _certified(
    asked: VnnLib1 | VnnLib2, subject: Network, place: Path | None
) -> tuple[Certified | None, Certificate | None]:
    """Where a proof is recorded, if one is asked for, or why none can be."""
    from ..property.vnnlib1 import VnnLib1

    if place is None:
        return None, None
    if not (isinstance(asked, VnnLib1) or asked.is_plain):
        why = "the checker reads queries of version 2 only about one network, as it is in its file"
        return None, Certificate(None, reason=why)
    from ..certificate.draft import Asked
    from ..certificate.write import unsat_claim
    from ..search.certify import Certified

    return Certified(place, subject, unsat_claim(), Asked(asked.path, asked.data)), None


def check(
    certificate: str | Path,
    network: Model,
    query: str | Path | None = None,
    *,
    tier: str = "exact",
    jobs: int = 1,
    any_order: bool = True,
    assume_ulp: Number | None = None,
    timeout: float | None = None,
    on_progress: Callable[[int], object] | None = None,
) -> Report:
    """Does the independent checker accept this certificate for this ONNX file and, if it is about one, this query?

    The network may also be a shipped model's name. `tier`: exact (integers), rigorous (floats, rounding charged) or
    python (Fractions). With `any_order` the report also says whether the claim holds for every float32 evaluation; with
    `assume_ulp` a certificate is rejected that does not assume just this of functions.
    Raises InputError for what cannot be read, and TimeLimitError where it is not done after `timeout` seconds.
    docs/certificate.md has an example.

    Source: docs/certificate.md (the rule); Isac et al. 2206.00512 (proofs of networks).
    """
    model = ModelFile.of(network)
    place, about = arguments.place(certificate, "certificate"), arguments.optional_place(query, "the query")
    question = Question(
        "check", (model,), aim=Aim(tier=arguments.word(tier, "tier"), any_order=arguments.flag(any_order, "any_order")),
        certificate=NamedFile(str(place)), query=None if about is None else NamedFile(str(about)),
    )
    options = Options(timeout=timeout, threads=arguments.threads(jobs, "jobs"), assume_ulp=assume_ulp)
    report: Report = ask(question, options, on_progress)
    return report


def answer_check(question: Question, run: Run) -> Report:
    """The answer to a question of the kind check."""
    from .. import checker

    aim = question.aim
    if question.certificate is None:
        raise InputError("a question of the kind check needs a certificate")
    certificate, query = Path(question.certificate.path), question.query
    try:
        with _model_file(question.model) as path:
            return checker.check(
                certificate,
                path,
                None if query is None else Path(query.path),
                tier=aim.tier or "exact",
                jobs=run.threads,
                any_order=aim.any_order is not False,
                progress=run.report,
                seconds=run.options.timeout,
                assumed=assumed(),
            )
    except checker.OutOfTimeError as error:
        raise TimeLimitError(f"{certificate}: the time ran out before it was checked") from error
    except checker.UnreadableError as error:
        raise InputError(str(error)) from error


@contextlib.contextmanager
def _model_file(model: ModelFile) -> Iterator[Path]:
    """The file that the checker reads: the model's own, or one with its bytes where it was converted in memory."""
    network = model.network
    if network is None:
        yield shipped_path(model.path)
    elif not network.in_memory:
        yield network.path
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / network.path.name
            path.write_bytes(network.data)
            yield path
