"""Sizes for the axes of inputs that a model leaves open, given from outside: the model with those written into it.

A network has inputs of one shape. Of the axes without a size only the first may be left open, as the batch, and counts
as 1; all others have to be said. The sizes go into the ONNX file itself, so that bounds, ONNX Runtime and the checker
all see one network with that shape, and a certificate, which holds the file's hash, is about no other.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import onnx

from ...base.arguments import several, whole
from ...base.errors import InputError, UnsupportedError
from .model_file import read_model
from .onnx_file import model_of

# A shape for each input that is named, or one alone for the only input.
Shapes: TypeAlias = Mapping[str, Sequence[int]] | Sequence[int]


def fixed(data: bytes, shapes: Shapes, path: Path) -> bytes:
    """The model in these bytes with these shapes of its inputs, the bytes themselves where it has them.

    An axis that has a name in the model has one size wherever the inputs name it. Raises InputError for an input that
    is not there, and for a shape that contradicts the model or another one, and ModelError.
    """
    model = model_of(data, path)
    inputs = {info.name: info for info in free_inputs(model)}
    before = [shown(info) for info in inputs.values()]
    named: dict[str, int] = {}
    for name, shape in _by_name(shapes, list(inputs), path).items():
        dims = inputs[name].type.tensor_type.shape.dim
        where = f"{path}: input {name!r} of shape {shown(inputs[name])}"
        if len(dims) != len(shape):
            raise InputError(f"{where} has {len(dims)} axes, and the shape that is given, {_text(shape)}, {len(shape)}")
        for axis, (dim, size) in enumerate(zip(dims, shape, strict=True)):
            if not is_open(dim) and dim.dim_value != size:
                raise InputError(f"{where} has {dim.dim_value} as axis {axis}, and the shape that is given {size}")
            if dim.dim_param and named.setdefault(dim.dim_param, size) != size:
                raise InputError(f"{where}: {dim.dim_param} is given as {named[dim.dim_param]} and as {size}")
            dim.dim_value = size
    for info in inputs.values():
        for dim in info.type.tensor_type.shape.dim:
            if is_open(dim) and dim.dim_param in named:
                dim.dim_value = named[dim.dim_param]
    if before == [shown(info) for info in inputs.values()]:
        return data
    made: bytes = model.SerializeToString()
    return made


def free_inputs(model: onnx.ModelProto) -> Iterator[onnx.ValueInfoProto]:
    """The inputs that have no value in the file."""
    weights = {tensor.name for tensor in model.graph.initializer}
    return (info for info in model.graph.input if info.name not in weights)


def is_open(dim: Any) -> bool:
    """Whether an axis has no size in the model."""
    return not (dim.HasField("dim_value") and dim.dim_value > 0)


def shown(info: onnx.ValueInfoProto) -> str:
    """A shape as the model declares it, an open axis by its name."""
    dims = info.type.tensor_type.shape.dim
    return f"({', '.join((d.dim_param or '?') if is_open(d) else str(d.dim_value) for d in dims)})"


def refuse_open(info: onnx.ValueInfoProto, path: Path) -> None:
    """Raise UnsupportedError where an axis other than the first has no size."""
    dims = info.type.tensor_type.shape.dim
    missing = [axis for axis, dim in enumerate(dims) if axis and is_open(dim)]
    if missing:
        words = [str(dim.dim_value) if not is_open(dim) else "N" if axis else "1" for axis, dim in enumerate(dims)]
        which = f"axis {missing[0]} has" if len(missing) == 1 else f"axes {', '.join(map(str, missing))} have"
        raise UnsupportedError(
            f"{path}: input {info.name!r}: {which} no fixed size in {shown(info)}, and only the first axis may be left "
            f"open: say which with --shape {info.name}={'x'.join(words)}, with numbers for N "
            "(shapes= of verdict.load in Python)"
        )


def read_shapes(words: Sequence[str] | None) -> Shapes | None:
    """What `--shape NAME=1x3x224x224` options say; without NAME= it is the only input's. Raises InputError."""
    found: dict[str, list[int]] = {}
    for word in words or ():
        name, _, text = word.rpartition("=")
        if not re.fullmatch(r"[0-9]{1,18}([x,][0-9]{1,18})*", text):
            raise InputError(f"--shape {word}: expected NAME=1x3x224x224, or 1x3x224x224 where there is one input")
        if name in found:
            raise InputError(f"--shape says the shape of {name or 'the only input'} more than once")
        found[name] = [int(side) for side in re.split("[x,]", text)]
    if "" in found and len(found) > 1:
        raise InputError("--shape without NAME= is about the only input, and others are named")
    return found.get("", found) if found else None


def for_each(paths: Iterable[Path], shapes: Mapping[str, Sequence[int]]) -> list[Shapes | None]:
    """The part of the shapes that is about inputs of each model. Raises InputError for a name that none has."""
    parts: list[Shapes | None] = []
    left = dict(shapes)
    for path in paths:
        names = {info.name for info in free_inputs(model_of(read_model(path), path))}
        parts.append({name: shape for name, shape in shapes.items() if name in names} or None)
        left = {name: shape for name, shape in left.items() if name not in names}
    if left:
        raise InputError(f"no model has an input {next(iter(left))!r}, which a shape is given for")
    return parts


def _by_name(shapes: Shapes, names: list[str], path: Path) -> dict[str, tuple[int, ...]]:
    listed = ", ".join(map(repr, names))
    if not isinstance(shapes, Mapping):
        if len(names) != 1:
            raise InputError(f"{path}: has the inputs {listed}, expected a shape for each that is open, by name")
        shapes = {names[0]: shapes}
    found = {}
    for name, shape in shapes.items():
        if name not in names:
            raise InputError(f"{path}: has no input {name!r}, expected one of {listed}")
        sides = tuple(whole(side, f"the shape of {name}") for side in several(shape, f"the shape of {name}"))
        if min(sides, default=1) < 1 or math.prod(sides) >= 2**31:
            raise InputError(f"{path}: the shape {_text(sides)} of {name!r}, expected sides from 1 to what fits memory")
        found[name] = sides
    return found


def _text(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "()"
