"""A batch on the command line: its cases, its bar, and what is said at its end."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verdict.base.deadline import why
from verdict.base.errors import InputError
from verdict.base.number import radius_of
from verdict.cli.exitcodes import INTERRUPTED, OK, UNKNOWN
from verdict.cli.interrupts import Interrupts
from verdict.cli.printing import note, print_json, put

if TYPE_CHECKING:
    from verdict.ask.options import Options
    from verdict.ask.pool.agenda import Chains
    from verdict.ask.pool.case import Case
    from verdict.ask.pool.cluster import Cluster
    from verdict.ask.pool.keep import Answering
    from verdict.cli.asked import Asking
    from verdict.store.entry import Entry
    from verdict.store.store import Store

# Statuses that decide a case.
DECIDED = ("robust", "violated", "exact", "closed", "safe", "wrong-label")
# How files of pickled objects are called.
PICKLED = (".joblib", ".pkl", ".pickle")
# Seconds between two notes where stderr is no terminal.
NOTED = 60.0


def cases_of_asking(asking: Asking, search: Options, maxeps: bool, radii: Sequence[str]) -> list[list[Case]]:
    """What is asked about every input: its radius, and whether the class stays within each of these, the least first.

    Raises InputError.
    """
    from verdict.ask.pool.case import Case

    reach = sorted({radius_of(word) for word in radii})
    by_truth, chains, place = "that" not in asking.said, [], 0
    for point in asking.inputs.points:
        truth = point.truth if by_truth else None
        question = asking.question(point, None if truth is None else asking.network.names.said(truth))
        asked = [[question]] if maxeps else []
        if reach:
            asked.append([replace(question, kind="robust", domain=replace(question.domain, eps=e)) for e in reach])
        for chain in asked:
            chains.append([Case(each, search, point.name, place + i, truth) for i, each in enumerate(chain)])
            place += len(chain)
    return chains


def cases_of_file(path: str, search: Options, dataset: str | None) -> list[list[Case]]:
    """The instances of a file, each a case. Raises InputError."""
    from verdict.ask.pool.instances import instances

    if Path(path).suffix.lower() != ".csv":
        raise InputError(f"{path}: what is asked? Expected --maxeps or --eps E, or a .csv file of instances")
    if dataset is not None:
        raise InputError("--dataset goes with --maxeps or --eps, and instances name their own inputs")
    return [[case] for case in instances(Path(path), search)]


def unpickled(model: str, wanted: bool, store: Path) -> str:
    """The ONNX file of a scikit-learn model that was pickled, written beside the store once: two conversions differ in
    the names that they make up. Raises InputError."""
    if not wanted:
        if Path(model).suffix.lower() in PICKLED:
            raise InputError(f"{model}: reading a pickled model runs whatever is in it: say --unpickle if you trust it")
        return model
    from verdict.ask.parts import hash_of
    from verdict.base.writing import made_folder

    folder = store.with_name(f"{store.name}-models")
    path = folder / f"{Path(model).stem}-{hash_of(model)[:12]}.onnx"
    if path.is_file():
        return str(path)
    try:
        import joblib

        estimator = joblib.load(model)
    except ImportError as error:
        raise InputError(f"{model}: reading it needs {error.name}: pip install 'verdict-nn[sklearn]'") from error
    except Exception as error:
        why = (str(error).splitlines() or [""])[0]
        raise InputError(f"{model}: cannot be read as a pickled model: {why}") from error
    from verdict.ask.loading import load

    made_folder(folder, "models")
    load(estimator).save(path)
    return str(path)


@dataclass(frozen=True, eq=False, repr=False)
class Batch:
    """The cases of a run, called `name`; `again` asks once more what has failed, `json` says the end as JSON."""

    name: str
    chains: Sequence[Sequence[Case]]
    path: Path
    again: bool
    json: bool

    def run(self, workers: int | None, cluster: str | None, memory: float | None) -> int:
        """Answer what the store does not hold, and say what it holds then; the exit code. Raises InputError."""
        from verdict.ask.pool.agenda import Chains
        from verdict.ask.pool.keep import kept
        from verdict.store.entry import AGAIN
        from verdict.store.store import Store

        with contextlib.ExitStack() as stack:
            # First, so that nothing is left behind where nobody answers.
            far = None if cluster is None else stack.enter_context(_far(cluster, memory))
            store, interrupts = stack.enter_context(Store(self.path, create=True)), stack.enter_context(Interrupts())
            left_out = AGAIN if self.again else ()
            known = {key: status for key, status in store.statuses().items() if status not in left_out}
            chains = Chains(self.chains, known)
            try:
                with _answering(workers, far, memory, store) as answering, _bar(chains) as step:
                    for entry in kept(chains, answering, store, self.name):
                        step(entry)
            except KeyboardInterrupt as end:
                why(end)
                note(f"note: stopped; {chains.done} of {chains.total} cases are answered, the same command goes on")
            statuses = self._say(store)
        if interrupts.seen or chains.done < chains.total:
            return INTERRUPTED
        return OK if set(statuses) <= set(DECIDED) else UNKNOWN

    def _say(self, store: Store) -> dict[str, int]:
        """Say what is known of the cases of this run, whichever run has asked them; how many have each status."""
        from verdict.ask.pool.agenda import key_of
        from verdict.store.summary import summaries

        wanted = {key_of(case) for chain in self.chains for case in chain}
        rows = (row.copied(batch=self.name) for row in store if (row.key, row.options_key) in wanted)
        found = summaries(rows)
        statuses = found[0].statuses if found else {}
        if self.json:
            print_json({"store": str(store.path), "batches": [each.to_dict() for each in found]})
            return statuses
        for each in found:
            put("\n".join(each.lines()))
        put(f"kept in {store.path}; verdict report {store.path} shows it")
        return statuses


def _far(address: str, memory: float | None) -> Cluster:
    from verdict.ask.pool.cluster import Cluster

    return Cluster(address, memory)


@contextlib.contextmanager
def _answering(
    workers: int | None, far: Cluster | None, memory: float | None, store: Store
) -> Iterator[Answering]:
    if far is not None:
        yield far
        return
    from verdict.ask.pool.pool import Pool
    from verdict.base.writing import made_folder

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # Below the store, so that a finished proof is only renamed into its place.
    folder = made_folder(store.certificates, "certificates")
    try:
        with Pool(workers or cores, memory, folder) as pool:
            yield pool
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()  # where it is empty


@contextlib.contextmanager
def _bar(chains: Chains) -> Iterator[Callable[[Entry], object]]:
    """A bar with an estimate on a terminal, else a note now and then; what it is called with moves it on."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield _notes(chains)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    counts: Counter[str] = Counter()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=chains.total, completed=chains.done)

        def step(entry: Entry) -> None:
            counts[entry.status] += 1
            said = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
            bar.update(task, completed=chains.done, description=said)

        yield step


def _notes(chains: Chains) -> Callable[[Any], object]:
    began, before = time.monotonic(), chains.done
    noted = [began]

    def step(entry: Any) -> None:
        now = time.monotonic()
        if now - noted[0] < NOTED or chains.done == before:
            return
        noted[0] = now
        left = (now - began) / (chains.done - before) * (chains.total - chains.done)
        note(f"note: {chains.done} of {chains.total} cases, about {left:.0f} s left")

    return step
