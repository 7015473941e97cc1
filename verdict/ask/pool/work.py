"""A case is answered: in whatever process, the same work. What comes of it is a `Reply`, never an exception.

Networks are kept from one case to the next, since most cases of a batch are about the same.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...answer.record import record
from ...base.errors import MemoryLimitError, TimeLimitError, VerdictError
from ..answering import ask
from ..batch import own_class, status_of
from ..options import Options
from ..parts import ModelFile
from ..question import Question
from .case import Hold, Reply

# Seconds between two answers that are told before the end, and networks that are kept.
HOLD, KEPT = 1.0, 16
_networks: dict[str, ModelFile] = {}


def answered(parcel: Mapping[str, Any], folder: Path, hold: Hold | None = None) -> Reply:
    """What comes of a case as it has travelled; certificates are written to a folder, and `hold` is told of a radius
    that grows."""
    started = time.monotonic()
    try:
        question = with_networks(Question.from_json(parcel["question"]), parcel.get("data", {}))
        options = Options.from_json(parcel["options"])
        return answer(question, options, parcel.get("truth"), folder, hold)
    except VerdictError as error:
        return Reply("refused", str(error), seconds=time.monotonic() - started)
    except Exception as error:  # noqa: BLE001 - the next case must not pay for a defect that this one has met
        return Reply("crashed", f"{type(error).__name__}: {_first(error)}", seconds=time.monotonic() - started)


def answer(
    question: Question, options: Options, truth: int | None, folder: Path | None, hold: Hold | None = None
) -> Reply:
    """What comes of a question, in this process."""
    started = time.monotonic()
    placed = options
    if options.certificate is not None and folder is not None:
        placed = options.but(certificate=str(folder / options.certificate))
    try:
        found = ask(question, placed, _holding(question, options, hold))
    except TimeLimitError as error:
        return Reply("timed-out", str(error), seconds=time.monotonic() - started)
    except (MemoryLimitError, MemoryError) as error:
        return Reply("out-of-memory", _first(error), seconds=time.monotonic() - started)
    except VerdictError as error:
        return Reply("refused", str(error), seconds=time.monotonic() - started)
    own = None
    if truth is not None and question.point is not None and not isinstance(question.point.values(), dict):
        own = own_class(question.model.load(classes=True), question.point.values())
    return _reply(question, options, found, time.monotonic() - started, own, truth)


def _reply(question: Question, options: Options, found: Any, seconds: float, own: int | None,
           truth: int | None) -> Reply:
    from ...answer.recalled import about_json

    made = record(question.pinned().to_json(), options.to_json(), found.to_dict())
    for name in ("certificate", "float32"):
        _without_folders(made["evidence"][name])
    about = None if found.about is None else found.about()
    return Reply(
        status_of(found.status, truth, own), found.reason, made, None if about is None else about_json(about), own,
        seconds, answer=found,
    )


def _without_folders(certificate: dict[str, Any] | None) -> None:
    """The files of a certificate by their names: they lie beside each other, wherever a store is."""
    if certificate is None or certificate["file"] is None:
        return
    folder = Path(certificate["file"]).parent
    for name in ("file", "property", "network"):
        if certificate[name] is not None and Path(certificate[name]).parent == folder:
            certificate[name] = Path(certificate[name]).name


def _holding(question: Question, options: Options, hold: Hold | None) -> Callable[[Any], object] | None:
    """What tells of a radius that grows, no more than once a second, where somebody listens."""
    if hold is None or question.kind != "maxeps":
        return None
    last: list[Any] = [time.monotonic(), None]

    def told(progress: Any) -> None:
        ends, now = (progress.lower, progress.upper), time.monotonic()
        if progress.answer is None or ends == last[1] or now - last[0] < HOLD:
            return
        last[:] = now, ends
        reply = _reply(question, options, progress.answer(), progress.seconds, None, None)
        hold(as_json(reply))

    return told


def as_json(reply: Reply) -> dict[str, Any]:
    """A reply as it travels back."""
    names = ("status", "reason", "record", "about", "predicted", "seconds")
    return {name: value for name in names if (value := getattr(reply, name)) is not None}


def with_networks(question: Question, data: Mapping[str, str]) -> Question:
    """The question with its networks, those that have been asked about before as they were loaded then."""
    return replace(question, models=tuple(_known(model, data) for model in question.models))


def _known(model: ModelFile, data: Mapping[str, str]) -> ModelFile:
    key = repr(replace(model, network=None))
    if model.sha256 is None:
        return model
    if key not in _networks:
        while len(_networks) >= KEPT:
            del _networks[next(iter(_networks))]
        _networks[key] = _loaded(model, data.get(model.sha256))
    return _networks[key]


def _loaded(model: ModelFile, data: str | None) -> ModelFile:
    if data is None:
        return replace(model, network=model.load())
    from ...ops.importer.onnx_import import load_data
    from ..loading import with_names

    network = load_data(base64.b64decode(data), Path(model.path)).kept_in_memory()
    return replace(model, network=with_names(network, model.features, model.classes))


def _first(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
