"""`certify` and `radii`: the same question about many inputs with labels, and the table of the answers."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..answer.table import Certified, Radii, Row
from ..base import arguments, interrupted
from ..base.deadline import TIME_LIMIT, Deadline, may_end
from ..base.errors import InputError, TimeLimitError
from ..base.number import Number, radius_of
from ..base.writing import made_folder
from .answering import ask
from .batch import answered, own_class, status_of
from .loading import Model, for_classes
from .options import Options
from .parts import Domain, ModelFile
from .question import Question

if TYPE_CHECKING:
    from ..network.network import Network
    from .pool.case import Case

Asker = Callable[[Question, Options], Any]
# An input's number, and the radius that is asked about.
Asked = tuple[int, Fraction | None]
# What may be said of every question besides its input, its label and its radius.
SAID = frozenset((*Domain.KINDS, "target")) - {"eps", "lower", "upper", "family"}
LIMITS = frozenset(Options.__dataclass_fields__) - {"query"}


def certify(
    network: Model,
    X: npt.ArrayLike,
    y: npt.ArrayLike | None = None,
    *,
    eps: Number | Sequence[Number],
    timeout: float | None = None,
    timeout_all: float | None = None,
    progress: bool | None = None,
    store: str | Path | None = None,
    workers: int | None = None,
    **options: Any,
) -> Certified:
    """Which inputs keep their true class within each radius of `eps`? The certified accuracy at each.

    `X` has the shape (count, ...) with inputs as `verdict.robust` takes them, in the network's own units; `y` (count,)
    are their classes, numbers from 0 or names; without it each input is to keep the class that it gets. `eps` is a
    radius, or several. `timeout` is in seconds for each question, `timeout_all` for all together. A bar shows the
    progress on a terminal, unless `progress` is False. The other options are those of `verdict.robust`: norm, range,
    given, target, engine, ...; `certificate` is a folder in which every proof gets a file.

    With a `store`, a file (`verdict.Store`), every answer is kept there as soon as it is known and never asked again,
    whatever ends the call; `certificate=True` puts proofs into the folder beside it. `workers` answer in processes of
    their own, each case in one that is ended where it does not keep its limits (docs/batches.md).

    An input that is refuted at one radius is at all larger ones, and is not asked again. Ctrl-C ends the loop and keeps
    what is answered; the rest counts as open. Raises InputError and what `verdict.robust` raises.

    >>> import verdict
    >>> table = verdict.certify("xor", [[0, 0], [0, 1], [1, 1]], [0, 1, 1], eps=["0.1", "0.3"], range=(0, 1))
    >>> [share.proved for share in table.accuracy]
    [2, 1]

    Source: certified accuracy as in Wong & Kolter 1711.00851.
    """
    several = [eps] if _is_one(eps) else arguments.several(eps, "eps")
    reach = sorted({radius_of(each) for each in several})
    batch = Batch("robust", network, X, y, {"timeout": timeout, "timeout_all": timeout_all, **options})
    # The least radius first: what is refuted there is at the others.
    chains = [[(i, each) for each in reach] for i in range(len(batch.X))]
    return Certified(batch.table(chains, progress, store, workers), len(batch.X), batch.reason)


def radii(
    network: Model,
    X: npt.ArrayLike,
    y: npt.ArrayLike | None = None,
    *,
    timeout: float | None = None,
    timeout_all: float | None = None,
    progress: bool | None = None,
    store: str | Path | None = None,
    workers: int | None = None,
    **options: Any,
) -> Radii:
    """How far can each input be perturbed before it loses its true class? A table of `verdict.maxeps`.

    Arguments as in `verdict.certify`, `store` and `workers` among them, options as in `verdict.maxeps`, `timeout` and
    `timeout_all` in seconds. An input that does not get its true class has the radius 0 and the status wrong-label.
    Raises InputError.

    >>> import verdict
    >>> table = verdict.radii("xor", [[0, 0], [0, 1]], [0, 1], range=(0, 1), engine="smt")
    >>> [str(row.answer.exact) for row in table], table.at("0.2").accuracy
    (['1/2', '1/4'], 1.0)
    """
    batch = Batch("maxeps", network, X, y, {"timeout": timeout, "timeout_all": timeout_all, **options})
    chains = [[(i, None)] for i in range(len(batch.X))]
    return Radii(batch.table(chains, progress, store, workers), len(batch.X), batch.reason)


def _is_one(eps: Any) -> bool:
    return isinstance(eps, str | int | float | Fraction) or np.ndim(eps) == 0


class Batch:
    """The same question about many inputs: what is asked of each, within which limits, and its row."""

    def __init__(self, kind: str, network: Model, X: Any, y: Any, options: Mapping[str, Any]) -> None:
        unknown = [name for name in options if name not in SAID | LIMITS | {"output", "timeout_all"}]
        if unknown:
            known = ", ".join(sorted(SAID | LIMITS | {"output"}))
            raise InputError(f"the option {unknown[0]!r} is not known, expected one of {known}")
        self.kind, self.reason = kind, ""
        limits = {name: value for name, value in options.items() if name in LIMITS}
        if limits.get("certificate") is True:
            limits["certificate"] = "proof"
        self.options = Options(**limits)
        self.clock = Deadline(arguments.seconds(options.get("timeout_all"), "timeout_all"))
        self.X = _inputs(X)
        example = self.X[:1] if len(self.X) else None
        file = ModelFile.of(network, options.get("output"), example=example)
        self.network: Network = for_classes(file.load())
        self.file = ModelFile.of(self.network)
        self.labels = None if y is None else _labels(y, len(self.X), self.network)
        self.said = {name: value for name, value in options.items() if name in SAID}
        self._own: dict[int, int] = {}
        self._refuted: tuple[int, Row] | None = None
        self._folder = None
        if options.get("certificate") not in (None, True):
            self._folder = made_folder(limits["certificate"], "certificate")

    def table(
        self, chains: Sequence[Sequence[Asked]], progress: bool | None, store: str | Path | None, workers: int | None
    ) -> tuple[Row, ...]:
        """The rows of all cases, each chain from its least radius on; those of a store are not asked again."""
        cases = [case for chain in chains for case in chain]
        with _bar(len(cases), progress) as step:
            if store is not None or workers is not None:
                return self._kept(chains, step, store, workers)
            if self.options.certificate is not None and self._folder is None:
                raise InputError("certificate is True, which goes with a store, beside which proofs lie")
            rows = []
            for case, row in self.answers(cases, ask):
                rows.append(row)
                step(case)
        return tuple(rows)

    def _kept(
        self, chains: Sequence[Sequence[Asked]], step: Callable[[Any], object], path: str | Path | None,
        workers: int | None,
    ) -> tuple[Row, ...]:
        from ..store.store import Store
        from .pool.agenda import Chains, key_of
        from .pool.keep import Here, kept
        from .pool.pool import Pool

        if self._folder is not None or (path is None and self.options.certificate is not None):
            raise InputError("with a store proofs lie in the folder beside it: expected certificate=True and a store")
        count = None if workers is None else arguments.whole(workers, "workers")
        if count is not None and count < 1:
            raise InputError(f"workers is {workers}, expected at least 1")
        places = {asked: number for number, asked in enumerate(asked for chain in chains for asked in chain)}
        cases = {asked: self._case(*asked, number) for asked, number in places.items()}
        with contextlib.ExitStack() as stack:
            store = None if path is None else stack.enter_context(Store(path, create=True))
            folder = None if store is None or self.options.certificate is None else store.certificates
            if folder is not None:
                made_folder(folder, "certificates")
            agenda = Chains(
                [[cases[asked] for asked in chain] for chain in chains], {} if store is None else store.statuses(),
                self.clock.passed,
            )
            answering = Here(folder) if count is None else stack.enter_context(
                Pool(count, self.options.memory, folder))
            found = {}
            with may_end():
                for entry in kept(agenda, answering, store, f"{self.kind} {self.network.name}"):
                    found[entry.key, entry.options_key] = entry
                    step(entry)
            if agenda.done < agenda.total:
                self.reason = TIME_LIMIT if self.clock.passed() else "interrupted"
            rows = []
            for (number, eps), case in cases.items():
                row = found.get(key_of(case)) or (None if store is None else store.find(*key_of(case)))
                if row is not None:
                    label, own = self._label(number), self.own(number)
                    rows.append(Row(number, label, own, row.status, row.answer, eps, self._name(label)))
        return tuple(rows)

    def _case(self, number: int, eps: Fraction | None, place: int) -> Case:
        from .pool.case import Case

        truth = None if self.labels is None else self.labels[number]
        return Case(self.question(number, eps), self.options, f"{number}", place, truth)

    def answers(
        self, cases: Iterable[tuple[int, Fraction | None]], asker: Asker
    ) -> Iterator[tuple[tuple[int, Fraction | None], Row]]:
        """Each case, an input's number and its radius, with its row, until they end, or the time, or Ctrl-C."""
        before, ended = interrupted.count(), False
        for case, row in answered(self._in_time(cases), lambda case: self._row(*case, asker)):
            yield case, row
            ended = interrupted.count() != before
        if ended:
            self.reason = "interrupted"

    def _in_time(self, cases: Iterable[tuple[int, Fraction | None]]) -> Iterator[tuple[int, Fraction | None]]:
        for case in cases:
            if self.clock.passed():
                self.reason = TIME_LIMIT
                return
            yield case

    def question(self, number: int, eps: Fraction | None) -> Question:
        """What is asked about one input."""
        said = self.said | ({} if eps is None else {"eps": eps})
        label = self.network.names.said(self._label(number))
        return Question.of(self.kind, [self.file], self.X[number], label=label, **said)

    def _label(self, number: int) -> int:
        return self.own(number) if self.labels is None else self.labels[number]

    def own(self, number: int) -> int:
        """The network's own class of an input."""
        if number not in self._own:
            self._own[number] = own_class(self.network, self.X[number])
        return self._own[number]

    def _name(self, label: int) -> str:
        return self.network.classes[label] if label < len(self.network.classes) else ""

    def _row(self, number: int, eps: Fraction | None, asker: Asker) -> Row:
        label, own = self._label(number), self.own(number)
        if self._refuted is not None and self._refuted[0] == number:
            found = self._refuted[1]
            return Row(number, label, own, found.status, found.answer, eps, found.name)
        try:
            answer = asker(self.question(number, eps), self._options(number, eps))
        except TimeLimitError:
            answer = None
        truth = None if self.labels is None else label
        status = "unknown" if answer is None else status_of(answer.status, truth, own)
        row = Row(number, label, own, status, answer, eps, self._name(label))
        if status in ("violated", "wrong-label"):
            self._refuted = number, row
        return row

    def _options(self, number: int, eps: Fraction | None) -> Options:
        left = [seconds for seconds in (self.options.timeout, self.clock.limit()) if seconds is not None]
        found = self.options.but(timeout=min(left) if left else None)
        if found.certificate is None:
            return found
        at = "" if eps is None else f"-{str(eps).replace('/', '_')}"
        return found.but(certificate=str(Path(found.certificate) / f"{number}{at}.vcert"))


def _inputs(X: Any) -> npt.NDArray[Any]:
    """The inputs, one a row. Raises InputError."""
    try:
        found = np.asarray(X)
    except ValueError as error:
        raise InputError(f"X is no array: {error}") from error
    if found.ndim < 2:
        raise InputError(f"X has shape {found.shape}, expected several inputs, (count, ...)")
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        bad = int(np.flatnonzero(~np.isfinite(found).reshape(len(found), -1).all(axis=1))[0])
        raise InputError(f"X: the input {bad} is not finite, expected finite numbers")
    return found


def _labels(y: Any, count: int, network: Network) -> list[int]:
    """The class of each input as its number: by its name, where it is text or the classes are called by numbers."""
    values = np.asarray(y).reshape(-1).tolist()
    if len(values) != count:
        raise InputError(f"y has {len(values)} classes, expected one for each of {count} inputs")
    names, size = network.names, network.output_size
    by_name = names.are_numbers and bool(names.classes)
    found = []
    for i, value in enumerate(values):
        if by_name and isinstance(value, int | float) and float(value).is_integer():
            value = str(int(value))
        label = arguments.whole(names.number(str(value) if isinstance(value, bool) else value, f"y[{i}]"), f"y[{i}]")
        if not 0 <= label < size:
            raise InputError(f"y[{i}] is {label}, expected a class from 0 to {size - 1}")
        found.append(label)
    return found


@contextlib.contextmanager
def _bar(count: int, progress: bool | None) -> Iterator[Callable[[Any], object]]:
    """A bar on a terminal's stderr; what it is called with after each case moves it on."""
    if progress is False or sys.stderr is None or not sys.stderr.isatty():
        yield lambda case: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("asking", total=count)
        yield lambda case: bar.advance(task)
