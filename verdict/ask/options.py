"""How a question is to be answered: the engine, its limits, and where a certificate goes. A value like the question.

What an option says is checked here; whether an engine has such a solver, and a machine such a device, when it is asked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from ..base import arguments, assumed
from ..base.errors import InputError
from ..base.number import exact


def _memory(value: Any, what: str) -> float:
    size = float(exact(value, what))
    if size <= 0:
        raise InputError(f"{what} is {value}, expected a positive number of GiB")
    return size


_READERS: Mapping[str, Callable[[Any, str], Any]] = {
    "engine": arguments.word, "solver": arguments.optional_word, "bounds": arguments.optional_word,
    "timeout": arguments.seconds, "threads": arguments.threads, "device": arguments.word,
    "certificate": arguments.optional_place, "query": arguments.optional_place,
    "memory": lambda value, what: None if value is None else _memory(value, what), "assume_ulp": assumed.read,
}


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options as of `verdict.robust`; `timeout` is in seconds, `memory` in GiB (None: no limit of its own), `query` the
    file in which `verdict.prove` keeps its question, `assume_ulp` within how many units in the last place functions are
    assumed to be computed in float32."""

    engine: str = "auto"
    solver: str | None = None
    bounds: str | None = None
    timeout: float | None = None
    memory: float | None = None
    threads: int = 2
    device: str = "cpu"
    certificate: str | Path | None = None
    query: str | Path | None = None
    assume_ulp: Any = None

    def __post_init__(self) -> None:
        for name, read in _READERS.items():
            value = read(getattr(self, name), name)
            object.__setattr__(self, name, str(value) if isinstance(value, Path) else value)

    def but(self, **changed: Any) -> Options:
        """The same with other values of some."""
        return replace(self, **changed)

    def to_json(self) -> dict[str, Any]:
        """What differs from the defaults, as JSON."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) != f.default}

    @classmethod
    def from_json(cls, data: Any) -> Options:
        """The options that `to_json` wrote. Raises InputError for members that are not known."""
        if not isinstance(data, Mapping):
            raise InputError(f"options: found {type(data).__name__}, expected an object")
        known = [f.name for f in fields(cls)]
        unknown = [name for name in data if name not in known]
        if unknown:
            raise InputError(f"options: {unknown[0]!r} is not known, expected {', '.join(known)}")
        return cls(**data)

    @property
    def key(self) -> str:
        """A hash of the options, the same for equal ones on every machine."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()
