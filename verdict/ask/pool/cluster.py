"""The same cases on a Dask cluster: a question travels as JSON, its files as bytes, and proofs travel back.

A Dask worker answers each case in a process of its own, as a run on one machine does, so that limits hold there too and
a case that crashes takes no worker with it. What a worker that is lost was at is asked again of another one.
"""

from __future__ import annotations

import asyncio
import base64
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from ...base.errors import InputError
from ...base.memory import GIB, MOST, free
from ..loading import shipped_path
from ..options import Options
from ..parts import ModelFile, bytes_of_model
from ..question import Question
from .case import Case, Reply
from .pool import Agenda, Pool
from .work import as_json

NEEDS = "--cluster needs Dask: pip install 'verdict-nn[cluster]'"
# Seconds to wait for a scheduler, and between two looks at how many workers there are; cases that wait on each thread.
PATIENCE, LOOK, WAITING = 20, 1.0, 2


class Cluster:
    """The cluster whose scheduler has this address; `memory` is in GiB for each case. A context manager.

    Raises InputError where Dask is not installed, or no scheduler answers.
    """

    def __init__(self, address: str, memory: float | None = None) -> None:
        try:
            import distributed
        except ImportError:
            raise InputError(NEEDS) from None
        try:
            # A client that has met somebody else complains once more when it is forgotten.
            asyncio.run(_greet(address))
            self._client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
        except Exception as error:
            # Another service that answers there can look like anything.
            is_plain = isinstance(error, OSError | ValueError | TimeoutError)
            why = (str(error).splitlines() or [type(error).__name__])[0] if is_plain else "but another service"
            raise InputError(f"--cluster {address}: no Dask scheduler answers there: {why}") from error
        self._memory, self._looked, self._room = memory, 0.0, 1
        self._files: dict[str, Any] = {}

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def answers(self, agenda: Agenda) -> Iterator[tuple[Case, Reply]]:
        """Each case with what came of it, as it comes."""
        from distributed import as_completed

        running: dict[Any, Case] = {}
        done = as_completed([], loop=self._client.loop)
        while True:
            while len(running) < self._most() and (case := agenda.next()) is not None:
                future = self._submitted(case)
                running[future] = case
                done.add(future)
            if not running:
                return
            future = next(done)
            case = running.pop(future)
            reply = _reply(case, future)
            agenda.settle(case, reply)
            yield case, reply

    def _most(self) -> int:
        """How many cases may be on their way: some for each thread of the workers that there are now."""
        now = time.monotonic()
        if now - self._looked > LOOK:
            self._looked, self._room = now, max(1, WAITING * sum(self._client.nthreads().values()))
        return self._room

    def _submitted(self, case: Case) -> Any:
        from verdict.models import models

        parcel = case.parcel()
        names, shipped = {}, {}
        own: tuple[ModelFile | None, ...] = (*case.question.models, None)
        for part, model in zip(_files(parcel["question"]), own, strict=False):
            path, digest = shipped_path(part["path"]), part["sha256"]
            called = next((known.name for known in models().values() if known.path == path), None)
            if called is not None:
                # Every worker has it, with the names of its classes, and knows it by its name.
                shipped[digest] = called
            elif digest not in parcel["data"]:
                if digest not in self._files:
                    content, name = _content(path, model)
                    # Not scattered: what only a lost worker held could not be made again.
                    self._files[digest] = self._client.submit(bytes, content, key=f"verdict-file-{digest}"), name
                names[digest] = self._files[digest][1]
        parcel["question"] = _moved(parcel["question"], shipped)
        contents = [self._files[digest][0] for digest in names]
        return self._client.submit(answered, parcel, names, self._memory, _version(), *contents, pure=False)


async def _greet(address: str) -> None:
    """Meet a scheduler. Raises whatever comes where there is none."""
    from distributed.comm.core import connect
    from distributed.security import Security

    met = await connect(address, timeout=PATIENCE, **Security().get_connection_args("client"))
    met.abort()


def _content(path: Path, model: ModelFile | None) -> tuple[bytes, str]:
    """What travels of the file of a model, or of another file, and its name; "" of a model that was no file by itself,
    with weights in others."""
    own = path.read_bytes()
    whole = own if model is None else bytes_of_model(path)
    if model is None or whole == own:
        return own, path.name
    return (whole if model.network is None else model.network.data), ""


def _files(question: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parts of a question that name files."""
    return [*question["models"], *([question["query"]] if "query" in question else [])]


def _version() -> str:
    from importlib import metadata

    return metadata.version("verdict-nn")


def _reply(case: Case, future: Any) -> Reply:
    """What came of a case, with the paths of this machine."""
    error = future.exception()
    if error is not None:
        # Also a case whose workers are lost again and again.
        return Reply("crashed", f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"[:300])
    found = future.result()
    reply: dict[str, Any] = found["reply"]
    if reply.get("record") is not None:
        reply["record"] = {**reply["record"], "question": case.asked["question"]}
        for name in ("certificate", "float32"):
            made = reply["record"]["evidence"][name]
            if made is not None and made["network"] is not None and "/" in made["network"]:
                made["network"] = str(shipped_path(case.question.models[0].path))
    return Reply.of(reply, files=found["files"])


# --- on a worker ---


@dataclass(frozen=True, eq=False, repr=False)
class _Sent(Case):
    """A case as it has come here: the models that are in no file travel on."""

    data: Mapping[str, str] = field(default_factory=dict)

    def parcel(self) -> dict[str, Any]:
        """What travels to a process on this machine."""
        return {**self.asked, "truth": self.truth, "data": dict(self.data)}


class _One:
    """An agenda of one case."""

    def __init__(self, case: Case) -> None:
        self._case: Case | None = case

    def next(self) -> Case | None:
        """The case, once."""
        case, self._case = self._case, None
        return case

    def settle(self, case: Case, reply: Reply) -> None:
        """Nothing comes next."""


_lock = threading.Lock()
_idle: list[Pool] = []


def answered(
    parcel: Mapping[str, Any], names: Mapping[str, str], memory: float | None, version: str, *contents: bytes
) -> dict[str, Any]:
    """What comes of a case, as JSON, with the bytes of its certificate: what a Dask worker does.

    `contents` are those of the files that the question names by these hashes. A model that is called nothing is no file
    by itself (its weights lay in others), and is asked about like one in memory.
    """
    if version != _version():
        reply = Reply("refused", f"this worker has Verdict {_version()}, expected {version}")
        return {"reply": as_json(reply), "files": {}}
    pool = _taken(memory)
    try:
        carried = dict(zip(names, contents, strict=True))
        data = {digest: base64.b64encode(carried[digest]).decode() for digest, name in names.items() if not name}
        named = {digest: name for digest, name in names.items() if name}
        question = _here(parcel["question"], named, carried, pool.folder)
        options = Options.from_json(parcel["options"])
        case = _Sent(Question.from_json(question), options, truth=parcel["truth"], data={**parcel["data"], **data})
        [(_, reply)] = pool.answers(_One(case))
        files = {name: file.read_bytes() for name, file in reply.files.items() if isinstance(file, Path)}
        for file in reply.files.values():
            if isinstance(file, Path):
                file.unlink()
        return {"reply": as_json(reply), "files": files}
    finally:
        with _lock:
            _idle.append(pool)


def _taken(memory: float | None) -> Pool:
    """A pool of one process that nobody uses, one for each thread of the worker."""
    with _lock:
        if _idle:
            return _idle.pop()
    from distributed import get_worker

    return Pool(1, MOST * free() / GIB / max(1, get_worker().state.nthreads) if memory is None else memory)


def _here(
    question: Mapping[str, Any], names: Mapping[str, str], contents: Mapping[str, bytes], folder: Path
) -> dict[str, Any]:
    """The question about the files that have come with it, put into a folder."""
    paths = {}
    for digest, name in names.items():
        path = folder / digest / name
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(contents[digest])
        paths[digest] = str(path)
    return _moved(question, paths)


def _moved(question: Mapping[str, Any], paths: Mapping[str, str]) -> dict[str, Any]:
    """The question about the same files in other places, by their hashes."""
    moved = [{**part, "path": paths.get(part["sha256"], part["path"])} for part in _files(question)]
    count = len(question["models"])
    return {**question, "models": moved[:count], **({"query": moved[count]} if "query" in question else {})}
