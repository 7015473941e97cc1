"""From the words of a command to the question that they ask: the model, its inputs, the set and the property.

The values of `verdict.Question` read numbers themselves; what stands here is how lists, files and defaults are written
on the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from verdict.ask.parts import ModelFile
from verdict.ask.prepared import network_of
from verdict.ask.question import Question
from verdict.ask.wording import refuse_unused
from verdict.base.errors import InputError
from verdict.base.number import exact
from verdict.cli.inputs import Point, Points, Reading, read_inputs
from verdict.cli.vocabulary import as_options, ends, names_file, numbers, scales, shape_of
from verdict.network.network import Network


@dataclass(frozen=True, eq=False, repr=False)
class Source:
    """The words that name a model and its inputs."""

    model: str
    input: str
    output: str | None = None
    shape: Sequence[str] | None = None
    reading: Reading = field(default_factory=Reading)

    @property
    def file(self) -> ModelFile:
        from verdict.ops.importer.shapes import read_shapes

        return ModelFile.of(self.model, self.output, read_shapes(self.shape))

    def one(self, network: Network) -> tuple[Point, tuple[str, str] | None]:
        """The one input that is named, and its valid range where its file says one."""
        found = read_inputs(self.input, network, self.reading)
        if len(found.points) != 1:
            raise InputError(f"--input {self.input}: {len(found.points)} inputs, expected one")
        return found.points[0], found.valid_range


class Asking:
    """What is asked about every input that is named: the members of the question as they were typed."""

    def __init__(self, kind: str, source: Source, **said: Any) -> None:
        self.kind, self.source = kind, source
        self.said = {name: word for name, word in said.items() if word not in (None, "")}
        self.typed = dict(self.said)
        for end in self.said.get("range", ()):
            if not names_file(end):
                exact(end, "--range")
        refuse_unused(*(self.said.get(name) for name in ("that", "given", "label", "target")))
        for name in ("mean", "std"):
            if name in self.said:
                self.said[name] = [exact(word, f"--{name}") for word in self.said[name].split(",")]
        if "integers" in self.said:
            self.said["integers"] = numbers(self.said["integers"])

    @cached_property
    def network(self) -> Network:
        """The network that is asked about, behind the normalisation of its input if one is given."""
        members = {name: word for name, word in self.said.items() if name in ("mean", "std", "that")}
        return network_of(Question.of("maxeps", [self._file], [0], **members))

    @cached_property
    def _file(self) -> ModelFile:
        file = self.source.file
        is_scaled = "mean" in self.said or "std" in self.said
        network = file.load(classes="that" not in self.said or is_scaled)
        return replace(file, sha256=network.sha256, output=network.chosen or None, network=network)

    @cached_property
    def inputs(self) -> Points:
        found, names = read_inputs(self.source.input, self.network, self.source.reading), self.network.names
        if not (names.classes and names.are_numbers):
            return found
        # Classes that are called by numbers of their own are called so in data, too.
        truths = [None if p.truth is None else names.number(str(p.truth), f"{p.name}: the class") for p in found.points]
        return replace(found, points=[replace(p, truth=t) for p, t in zip(found.points, truths, strict=True)])

    @cached_property
    def range(self) -> tuple[str, str] | None:
        """The valid range: as it was typed, or that of the shipped model, or of the file of inputs."""
        shipped = None if "mean" in self.said or "std" in self.said else shipped_range(self.source.model)
        return self.said.get("range") or shipped or self.inputs.valid_range

    @cached_property
    def _members(self) -> dict[str, Any]:
        found: dict[str, Any] = {**self.said, "range": self.range}
        readers: dict[str, Callable[[Any, Network], Any]] = {
            "perturbation": read_perturbation, "scales": scales, "range": ends,
        }
        said = {name: read for name, read in readers.items() if found.get(name) is not None}
        return found | {name: read(found[name], self.network) for name, read in said.items()}

    def question(self, point: Point, label: int | str | None) -> Question:
        """What is asked about one input, with the class that has to stay, if one is known."""
        with as_options():
            return Question.of(self.kind, [self._file], shape_of(point), **self._members | {"label": label})

    def about(self, point: Point, kind: str, **said: Any) -> Question:
        """Another question about the same input."""
        return Question.of(kind, [self._file], shape_of(point), **said)


def only(asking: Asking) -> Point:
    """The one input that is asked about. Raises InputError where there are several."""
    if len(asking.inputs.points) != 1:
        raise InputError(f"--input {asking.source.input}: names {len(asking.inputs.points)} inputs, expected one")
    return asking.inputs.points[0]


def read_perturbation(text: str, network: Network) -> Any:
    """The perturbation that was asked for; what it needs of other inputs is read as --input is."""
    from verdict.property.fronts import from_text

    def read(spec: str) -> Any:
        found = read_inputs(spec, network).points
        if len(found) > 1:
            raise InputError(f"{spec}: names {len(found)} inputs, expected one")
        return found[0].values

    return from_text(text, read)


def shipped_range(model: str) -> tuple[str, str] | None:
    """The input range of a shipped model that is called by its name."""
    from verdict.models import models

    shipped = models().get(model)
    if shipped is None or Path(model).exists():
        return None
    low, high = shipped.input_range
    return f"{low:g}", f"{high:g}"
