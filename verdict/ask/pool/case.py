"""A case: a question with its options and its place in a batch, as it travels to a process that answers it.

It travels as JSON. A model that is not in a file travels as its bytes, and so does every file to another machine.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ...answer.results import Radius, Verdict
from ..loading import shipped_path
from ..options import Options
from ..question import Question


@dataclass(frozen=True, eq=False, repr=False)
class Case:
    """A question and its options; `certificate` says whether a proof is to be written down, under a name of its own.

    `name` is what the case is called, `place` its number in the batch, and `truth` the class that a data set gives.
    """

    question: Question
    options: Options
    name: str = ""
    place: int = 0
    truth: int | None = None

    @cached_property
    def key(self) -> str:
        """The hash of the question."""
        return self.question.key

    @cached_property
    def named(self) -> Options:
        """The options as a store keeps them: a certificate by its name alone, which is the same on every machine."""
        return self.options if self.options.certificate is None else self.options.but(certificate=self.file)

    @property
    def file(self) -> str:
        """What the case's certificate is called: another one for other options, whose answer may be another."""
        how = self.options.but(certificate=None).key
        return f"{hashlib.sha256((self.key + how).encode()).hexdigest()[:24]}.vcert"

    @cached_property
    def options_key(self) -> str:
        """The hash of the options."""
        return self.named.key

    @cached_property
    def asked(self) -> dict[str, Any]:
        """Question and options as JSON, with the hashes of the files."""
        return {"question": self.question.pinned().to_json(), "options": self.named.to_json()}

    def parcel(self) -> dict[str, Any]:
        """What travels to a process on this machine."""
        data = {}
        for model in self.question.models:
            network = model.network
            if network is not None and model.sha256 and not Path(shipped_path(model.path)).is_file():
                data[model.sha256] = network.data
        return {**self.asked, "truth": self.truth, "data": {k: base64.b64encode(v).decode() for k, v in data.items()}}


@dataclass(frozen=True, eq=False, repr=False)
class Reply:
    """What came of a case: `status` and `reason`, and, where there is an answer, its record and what it is about.

    `files` are those that a proof has left, by name: where they lie, or their bytes. `answer` is the object itself,
    where the case was answered in this process.
    """

    status: str
    reason: str = ""
    record: Mapping[str, Any] | None = None
    about: Mapping[str, Any] | None = None
    predicted: int | None = None
    seconds: float = 0.0
    files: Mapping[str, Path | bytes] = field(default_factory=dict)
    answer: Verdict | Radius | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any], **more: Any) -> Reply:
        """The reply that a process has sent as JSON."""
        names = ("status", "reason", "record", "about", "predicted", "seconds")
        return cls(**{name: data[name] for name in names if name in data}, **more)


# What is told of an answer that is not the last one: its JSON.
Hold = Callable[[Mapping[str, Any]], object]
