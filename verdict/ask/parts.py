"""The parts of a question: a model, a file, an input, a set of inputs, a property. Immutable, written as JSON and read.

A part says only what is asked: a member that is None is not said. Every member is read by the rule of its kind
(`verdict.ask.values`), whether a caller gives it or JSON does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from ..base import arguments
from ..base.errors import InputError, ModelError
from ..network.network import Network
from ..property import Perturbation
from . import values
from .convert import KINDS, is_known, is_shaped_by_example
from .loading import Model, as_written, for_classes, load, loaded, shipped_path, with_names
from .values import Array, Value, members

if TYPE_CHECKING:
    from ..property.fronts import Front
    from ..property.language import Formula
    from .arguments import End

Made = TypeVar("Made", bound="Part")


@dataclass(frozen=True)
class Part:
    """What all parts share: their members' kinds, and JSON."""

    KINDS: ClassVar[Mapping[str, Value]] = {}

    def __post_init__(self) -> None:
        for name, kind in self.KINDS.items():
            value = getattr(self, name)
            if value is not None:
                read = kind.read(value, name)
                is_default = kind.default is not None and read == kind.default
                object.__setattr__(self, name, None if is_default else read)

    def said(self) -> list[str]:
        """The members that are said."""
        return [f.name for f in fields(self) if f.name in self.KINDS and getattr(self, f.name) is not None]

    def to_json(self) -> dict[str, Any]:
        return {name: self.KINDS[name].write(getattr(self, name)) for name in self.said()}

    @classmethod
    def from_json(cls: type[Made], data: Any, what: str) -> Made:
        """The part that `to_json` wrote. Raises InputError for members that are not known."""
        return cls(**members(data, cls.KINDS, what))


def _shapes(value: Any, what: str) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Shapes of inputs by name; "" is the only input."""
    named = value if isinstance(value, Mapping) else dict(value) if _is_pairs(value) else {"": value}
    return tuple(sorted((arguments.word(k, what), tuple(arguments.wholes(v, what))) for k, v in named.items()))


def _is_pairs(value: Any) -> bool:
    return isinstance(value, tuple) and all(
        isinstance(each, tuple) and len(each) == 2 and isinstance(each[0], str) for each in value
    )


@dataclass(frozen=True)
class ModelFile(Part):
    """A network's file, or a shipped model's name, with the hash of its bytes, where they have been looked at.

    `output` names the one of several outputs that is asked about, `shapes` those of inputs with open axes, and `name`
    what a query calls it; `features` and `classes` are names that a user gave beside the file. `network` is the loaded
    network, where one is at hand, and no part of the value.
    """

    path: str
    sha256: str | None = None
    output: str | None = None
    shapes: Any = None
    name: str | None = None
    features: tuple[str, ...] | None = None
    classes: tuple[str, ...] | None = None
    network: Network | None = field(default=None, compare=False, repr=False)

    KINDS: ClassVar[Mapping[str, Value]] = {
        "path": values.PLACE, "sha256": values.WORD, "output": values.WORD, "name": values.WORD,
        "features": values.WORDS, "classes": values.WORDS,
        "shapes": Value(_shapes, lambda shapes: {name: list(shape) for name, shape in shapes}),
    }

    @classmethod
    def of(
        cls, model: Model, output: str | None = None, shapes: Any = None, name: str | None = None, example: Any = None
    ) -> ModelFile:
        """What a caller gives in a network's place; one in memory is converted, and then `example` is an input."""
        if is_known(model):
            shaped = example if is_shaped_by_example(model) else None
            model, output, shapes = load(model, output, shapes, example=shaped), None, None
        if isinstance(model, Network):
            chosen = output or model.chosen or None
            if model.is_shaped:
                shapes = {port.name: port.shape for port in model.inputs}
            known = model.names
            given = (known.features or None, known.classes or None) if known.given else (None, None)
            return cls(str(model.path), model.sha256, chosen, shapes, name, *given, model)
        if not isinstance(model, str | os.PathLike):
            raise InputError(f"the network is a {type(model).__name__}, expected {KINDS}")
        place = arguments.place(model, "the network")
        # A path is never a shipped model's name.
        is_bare = not isinstance(model, str) and len(place.parts) == 1 and not place.suffix
        return cls(os.path.join(os.curdir, place) if is_bare else os.fspath(place), None, output, shapes, name)

    def load(self, *, classes: bool = False) -> Network:
        """The network, with the one output that holds `classes` if so wanted. Raises ModelError where the file is
        another one than was asked about, and what loading raises."""
        shapes = None if self.shapes is None else dict(self.shapes)
        if shapes is not None and set(shapes) == {""}:
            shapes = shapes[""]
        model: Model = self.path if self.network is None else as_written(self.network)
        output = None if self.network is not None and self.network.chosen == self.output else self.output
        network = (for_classes if classes else loaded)(model, output, shapes)
        network = with_names(network, self.features, self.classes)
        if self.network is not None or self.sha256 in (None, network.sha256):
            return network
        # The hash may be that of the file as it is, or of the network with these shapes and all its outputs.
        now = hash_of_model(shipped_path(self.path))
        if self.sha256 != now and self.sha256 != loaded(self.path, None, shapes).sha256:
            raise ModelError(f"{self.path}: the file has changed: its hash is {network.sha256}, expected {self.sha256}")
        return network


@dataclass(frozen=True)
class NamedFile(Part):
    """Another file that a question is about: a query, or a certificate. `content` is what was read of it, if it was."""

    path: str
    sha256: str | None = None
    content: Any = field(default=None, compare=False, repr=False)

    KINDS: ClassVar[Mapping[str, Value]] = {"path": values.PLACE, "sha256": values.WORD}


def _arrays(value: Any, what: str) -> tuple[tuple[str, Array], ...]:
    """One array for each named input, or "" for all; the input itself, its JSON, or what was read already."""
    if _is_pairs(value) and value and all(isinstance(array, Array) for _, array in value):
        return tuple(value)
    if isinstance(value, Mapping):
        return tuple((arguments.word(k, what), Array.of(v, f"the input {k}" if k else what)) for k, v in value.items())
    return (("", Array.of(value, what)),)


@dataclass(frozen=True)
class Point(Part):
    """The input that is asked about: its arrays, one flat or shaped, or one for each input of the network by name.

    `source` is what it is called, such as digits#3, and `image` its shape, where it is one and the network does not
    tell.
    """

    x: Any
    source: str | None = None
    image: Any = None

    KINDS: ClassVar[Mapping[str, Value]] = {
        "x": Value(lambda value, what: _arrays(value, "the input"), lambda a: {name: v.to_json() for name, v in a}),
        "source": values.WORD,
        "image": Value(lambda value, what: tuple(arguments.wholes(value, what)), list),
    }

    def values(self) -> Any:
        """One array, or arrays by name."""
        found = {name: array.values() for name, array in self.x}
        return found[""] if set(found) == {""} else found


def _norm(value: Any, what: str) -> str:
    from ..property.norms import norm_of

    return norm_of(value).name


@dataclass(frozen=True)
class Domain(Part):
    """The inputs for which something is asked: a ball of radius `eps` around a point, or `lower` to `upper`.

    Of a ball without `eps` the radius is asked. `scales` may hold None for an input that is free in its valid range.
    The other members are as in `verdict.robust`; `mean` and `std` as in `--mean` and `--std`. `family` is one of a
    class of somebody else, and has no JSON.
    """

    eps: Fraction | None = None
    norm: str | None = None
    scales: tuple[Fraction | None, ...] | None = None
    perturbation: Front | str | None = None
    range: tuple[End, End] | None = None
    mean: tuple[Fraction, ...] | None = None
    std: tuple[Fraction, ...] | None = None
    lower: tuple[Fraction | None, ...] | None = None
    upper: tuple[Fraction | None, ...] | None = None
    given: Formula | str | None = None
    integers: tuple[int, ...] | None = None
    family: Perturbation | None = None

    KINDS: ClassVar[Mapping[str, Value]] = {
        "eps": values.DISTANCE, "norm": Value(_norm, default="linf"), "scales": values.SCALES,
        "perturbation": values.FRONT, "range": values.RANGE, "mean": values.NUMBERS, "std": values.NUMBERS,
        "lower": values.ENDS, "upper": values.ENDS, "given": values.FORMULA, "integers": values.WHOLES,
        "family": Value(lambda value, what: _family(value), lambda value: _no_json(value)),
    }


def _family(value: Any) -> Perturbation:
    if not isinstance(value, Perturbation):
        raise InputError(f"the family is {value!r}, expected a perturbation (verdict.property)")
    return value


def _no_json(value: Perturbation) -> Any:
    raise InputError(f"a family of the class {type(value).__name__} has no form in JSON")


@dataclass(frozen=True)
class Aim(Part):
    """What is to hold, or to be found: a class that stays, a formula, how far outputs may be apart, what is varied.

    `output` is the number of an output that falls while `feature` grows by at most `step`, or is not to (`decreasing`:
    not to rise); `to` the form that `encode`
    writes, `method` the methods that `bounds` compares, `tier` and `any_order` how a certificate is checked; `equation`
    the text of one whose residual is asked for, `unknowns` and `variables` its names of outputs and inputs, `tolerance`
    how close the ends of an interval have to get.
    """

    label: int | None = None
    target: int | None = None
    that: Formula | str | None = None
    delta: Fraction | None = None
    theta: Fraction | None = None
    lead: Fraction | None = None
    feature: int | None = None
    output: int | None = None
    step: Fraction | None = None
    layer: str | int | None = None
    relative: bool | None = None
    decreasing: bool | None = None
    method: str | None = None
    to: str | None = None
    tier: str | None = None
    any_order: bool | None = None
    equation: str | None = None
    unknowns: tuple[str, ...] | None = None
    variables: tuple[str, ...] | None = None
    tolerance: Fraction | None = None

    KINDS: ClassVar[Mapping[str, Value]] = {
        "label": values.WHOLE, "target": values.WHOLE, "that": values.FORMULA, "delta": values.DISTANCE,
        "theta": values.DISTANCE, "lead": values.DISTANCE, "feature": values.WHOLE, "output": values.WHOLE,
        "step": values.DISTANCE,
        "layer": Value(values.LAYER.read, default="all"),
        "relative": Value(values.FLAG.read, default=False), "decreasing": Value(values.FLAG.read, default=False),
        "method": values.WORD,
        "to": values.WORD, "tier": Value(values.WORD.read, default="exact"),
        "any_order": Value(values.FLAG.read, default=True),
        "equation": values.WORD, "unknowns": values.WORDS, "variables": values.WORDS, "tolerance": values.DISTANCE,
    }


def hash_of(path: str | Path) -> str:
    """SHA-256 of a file's bytes. Raises InputError."""
    return _sha256(_bytes(path))


def hash_of_model(path: str | Path) -> str:
    """The same of a model's file; where weights of it lie in other files, that of the model with them inside."""
    return _sha256(bytes_of_model(path))


def bytes_of_model(path: str | Path) -> bytes:
    """A model's file as it may lie anywhere: its own bytes, or with the weights inside that lie in other files. Raises
    InputError."""
    from ..ops.importer.model_file import has_weights_outside, read_file, whole

    own = _bytes(path)
    try:
        data = read_file(Path(path))
        return whole(data, Path(path)) if has_weights_outside(data) else own
    except ModelError:
        return own  # what is wrong with it is said where it is loaded


def _bytes(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def _sha256(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()
