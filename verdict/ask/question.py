"""A question: one immutable value that says what is asked, turns into JSON and back, and has a hash.

Its kind is the name of the command or function that asks it; what a question of that kind can say stands in one table,
and what is not there is refused. The hash is of what is asked, not of where it lies: the names of files and inputs do
not change it, their content does.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..base import arguments
from ..base.errors import InputError
from .loading import Model, shipped_path
from .parts import Aim, Domain, ModelFile, NamedFile, Part, Point, hash_of, hash_of_model
from .values import Array, members

# The version of the form in JSON.
VERSION = 1


@dataclass(frozen=True, eq=False, repr=False)
class Kind:
    """What a question of one kind says: how many models (None: any number), and members of its set and its property;
    those with a * have to be said. With `point` it is about an input, if True in any case."""

    models: int | None = 1
    domain: str = ""
    aim: str = ""
    point: bool | None = None
    files: str = ""

    def names(self, part: str) -> dict[str, bool]:
        """The members of one part, and whether each has to be said."""
        words = getattr(self, part).split()
        return {word.rstrip("*"): word.endswith("*") for word in words}


_BALL = "norm scales perturbation range mean std given integers"
_CLASS = "label target that"
KINDS: Mapping[str, Kind] = {
    "robust": Kind(1, f"eps* {_BALL}", _CLASS, True),
    "maxeps": Kind(1, _BALL, _CLASS, True),
    "bounds": Kind(1, "eps* norm perturbation range mean std", "label target method*", True),
    "encode": Kind(None, f"eps {_BALL}", "label target to*", False, "query"),
    "verify": Kind(None, "", "", None, "query*"),
    "prove": Kind(1, "given* integers", "that* label", False),
    "imitates": Kind(2, "lower* upper*", "delta lead"),
    "general": Kind(1, "lower* upper* eps*", "theta lead"),
    "maxgeneral": Kind(1, "lower* upper*", "theta lead"),
    "maxdelta": Kind(2, "lower* upper*"),
    "maxmove": Kind(1, "lower* upper* eps*"),
    "maxfall": Kind(1, "lower* upper*", "feature* output step* label target"),
    "monotone": Kind(1, "lower* upper*", "feature* output step label target decreasing"),
    "maxradius": Kind(None, "norm scales lower upper family", "that*", False),
    "maxweights": Kind(1, "", "layer relative label target", True),
    "maxpruning": Kind(1, "lower* upper*", "layer lead"),
    "residual": Kind(1, "lower* upper*", "equation* unknowns* variables* tolerance"),
    "check": Kind(1, "", "tier any_order", None, "certificate* query"),
}


@dataclass(frozen=True, repr=False)
class Question:
    """What is asked: of which models, about which input, for which set of inputs, and what has to hold or be found.

    `query` is the VNN-LIB file that says so instead, `certificate` the file that is checked. Raises InputError where
    the parts do not make a question of this kind.
    """

    kind: str
    models: tuple[ModelFile, ...]
    point: Point | None = None
    domain: Domain = field(default_factory=Domain)
    aim: Aim = field(default_factory=Aim)
    query: NamedFile | None = None
    certificate: NamedFile | None = None

    def __post_init__(self) -> None:
        if arguments.word(self.kind, "kind") not in KINDS:
            raise InputError(f"kind {self.kind!r} is not known, expected one of {', '.join(KINDS)}")
        kind, what = KINDS[self.kind], f"a question of the kind {self.kind}"
        if kind.models not in (None, len(self.models)):
            raise InputError(f"{what} is about {kind.models} models, found {len(self.models)}")
        if kind.point is None and self.point is not None:
            raise InputError(f"{what} is not about an input")
        if kind.point and self.point is None:
            raise InputError(f"{what} needs an input")
        said = {"domain": self.domain.said(), "aim": self.aim.said()}
        said["files"] = [name for name in ("query", "certificate") if getattr(self, name) is not None]
        for part, names in said.items():
            known = kind.names(part)
            for name in names:
                if name not in known:
                    raise InputError(f"{what} says nothing of {name}, expected {', '.join(known) or 'nothing'}")
            for name, needed in known.items():
                if needed and name not in names:
                    raise InputError(f"{what} needs {name}")

    def __repr__(self) -> str:
        about = " and ".join(os.path.basename(model.path) for model in self.models)
        return f"<Question {self.kind} about {about or 'no model'}>"

    @classmethod
    def of(cls, kind: str, models: Sequence[Model | ModelFile], x: Any = None, **said: Any) -> Question:
        """The question with these members of its parts; `output` and `shapes` are those of the only model."""
        # Of these `output` is a number, and the one of several outputs is chosen when the network is loaded.
        about = {} if kind in ("maxfall", "monotone") else {"output": said.pop("output", None)}
        about["shapes"] = said.pop("shapes", None)
        about["example"] = _one_input(x)
        files = [each if isinstance(each, ModelFile) else ModelFile.of(each, **about) for each in models]
        for name in ("label", "target", "feature"):
            if said.get(name) is not None and files:
                files[0], said[name] = _class(files[0], said[name], name)
        domain = Domain(**{key: said.pop(key) for key in list(said) if key in Domain.KINDS})
        aim = Aim(**{key: said.pop(key) for key in list(said) if key in Aim.KINDS})
        point = x if x is None or isinstance(x, Point) else Point(x)
        return cls(kind, tuple(files), point, domain, aim, **said)

    @property
    def model(self) -> ModelFile:
        """The only model, or the first."""
        if not self.models:
            raise InputError(f"a question of the kind {self.kind} needs a model")
        return self.models[0]

    def pinned(self) -> Question:
        """The same question about the files as they are now: with their hashes. Raises what reading them raises."""
        models = [
            m if m.sha256 is not None else replace(m, sha256=hash_of_model(shipped_path(m.path))) for m in self.models
        ]
        files = {
            name: file if file.sha256 is not None else replace(file, sha256=hash_of(file.path))
            for name in ("query", "certificate")
            if (file := getattr(self, name)) is not None
        }
        return replace(self, models=tuple(models), **files)

    def to_json(self) -> dict[str, Any]:
        """The question as JSON objects, closed: `from_json` reads this and nothing else."""
        parts: dict[str, Part | None] = {
            "point": self.point, "domain": self.domain, "aim": self.aim, "query": self.query,
            "certificate": self.certificate,
        }
        said = {name: data for name, part in parts.items() if part is not None and (data := part.to_json())}
        return {"version": VERSION, "kind": self.kind, "models": [model.to_json() for model in self.models], **said}

    @classmethod
    def from_json(cls, data: Any) -> Question:
        """The question that `to_json` wrote. Raises InputError for what is not known."""
        known = ("version", "kind", "models", "point", "domain", "aim", "query", "certificate")
        found = members(data, dict.fromkeys(known), "question")
        if found.get("version") != VERSION:
            raise InputError(f"question: found version {found.get('version')!r}, expected {VERSION}")
        kinds: dict[str, type[Part]] = {
            "point": Point, "domain": Domain, "aim": Aim, "query": NamedFile, "certificate": NamedFile,
        }
        parts: dict[str, Any] = {
            name: kinds[name].from_json(part, name) for name, part in found.items() if name in kinds
        }
        models = arguments.several(found.get("models"), "models")
        return cls(found.get("kind", ""), tuple(ModelFile.from_json(m, "models") for m in models), **parts)

    @property
    def key(self) -> str:
        """A hash of what is asked, the same on every machine: SHA-256 of the canonical JSON without names of places."""
        data = self.pinned().to_json()
        for part in (*data["models"], *(data[name] for name in ("query", "certificate") if name in data)):
            del part["path"]
        data.get("point", {}).pop("source", None)
        return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _one_input(x: Any) -> Any:
    """An input as the example of a model that is converted: with its batch axis."""
    array = None if x is None or isinstance(x, Point | Mapping) else Array.of(x, "the input")
    if array is None or array.dtype == "exact":
        return None
    values = array.values()
    return values[None] if values.ndim < 2 or values.shape[0] != 1 else values


def _class(file: ModelFile, label: Any, what: str) -> tuple[ModelFile, Any]:
    """A class or feature by its name as its number, and the file, with its network where that had to say the names."""
    if isinstance(label, str) and file.network is None:
        file = replace(file, network=file.load())
    if file.network is None:
        return file, label
    names = file.network.names
    return file, names.feature(label) if what == "feature" else names.number(label, what)
