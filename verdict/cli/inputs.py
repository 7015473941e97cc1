"""`--input`: from `FILE`, `FILE#I`, `FILE#I:J` or `NAME#I` to input points of the network's size.

A name is a shipped data set; `FILE.npz[KEY]` picks an array of an archive. What is read keeps its numbers and
its order, only its shape is flattened.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from verdict.cli.formats import png_size, read_csv, read_npy, read_npz, read_png
from verdict.errors import InputError
from verdict.network.network import Network

SUFFIXES = (".npy", ".npz", ".csv", ".png")


@dataclass(frozen=True, eq=False)
class Point:
    """One input: its name in messages, its flat values, its shape where it is an image (with channels first
    or last as in the network), and its true class where a data set knows it."""

    name: str
    values: npt.NDArray[Any]
    image: tuple[int, ...] | None = None
    truth: int | None = None


@dataclass(frozen=True)
class Points:
    """The inputs that an `--input` names; `several` if it is a range, whatever its length."""

    points: list[Point]
    several: bool
    valid_range: tuple[str, str] | None = None


@dataclass(frozen=True, eq=False)
class _Batch:
    """What a file holds: the inputs, one a row, or a single one without a batch axis."""

    name: str
    rows: npt.NDArray[Any]
    image: tuple[int, ...] | None = None
    truths: npt.NDArray[Any] | None = None
    valid_range: tuple[str, str] | None = None


def read_inputs(spec: str, network: Network) -> Points:
    """The inputs that `spec` names. Raises InputError with the file and what was expected."""
    try:
        place, index = _split(spec)
        batch = _read(place, network)
    except OSError as error:
        raise InputError(f"{spec}: cannot be read: {error.strerror or error}") from error
    count = len(batch.rows)
    if index is None:
        if count > 1:
            raise InputError(
                f"{place}: holds {count} inputs, expected a choice such as {place}#0 or {place}#0:{min(count, 10)}"
            )
        return Points([_point(batch, 0, batch.name)], False, batch.valid_range)
    first, last = index if isinstance(index, tuple) else (index, index + 1)
    if not 0 <= first < last:
        raise InputError(f"{spec}: the range {first}:{last} is empty")
    if last > count:
        raise InputError(f"{spec}: there is no input {last - 1}, expected 0 to {count - 1}")
    points = [_point(batch, i, f"{batch.name}#{i}") for i in range(first, last)]
    return Points(points, isinstance(index, tuple), batch.valid_range)


def one_point(spec: str, network: Network) -> Point:
    """The one input that `spec` names. Raises InputError where it names several."""
    points = read_inputs(spec, network).points
    if len(points) != 1:
        raise InputError(f"--input {spec}: {len(points)} inputs, expected one")
    return points[0]


def _split(spec: str) -> tuple[str, int | tuple[int, int] | None]:
    place, mark, text = spec.rpartition("#")
    if not mark or Path(spec).is_file():
        return spec, None
    match = re.fullmatch(r"(\d+)(?::(\d+))?", text)
    if match is None:
        raise InputError(f"{spec}: the index is {text!r}, expected #I or #I:J with I and J from 0")
    first, last = int(match[1]), match[2]
    return place, first if last is None else (first, int(last))


def _point(batch: _Batch, i: int, name: str) -> Point:
    values = batch.rows[i]
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        bad = int(np.flatnonzero(~np.isfinite(values))[0])
        raise InputError(f"{name}: holds {values[bad]} at position {bad}, expected finite numbers")
    truth = None if batch.truths is None else int(batch.truths[i])
    return Point(name, values, batch.image, truth)


def _read(place: str, network: Network) -> _Batch:
    match = re.fullmatch(r"(.*\.npz)\[(.*)\]", place)
    path, key = (Path(match[1]), match[2]) if match and not Path(place).exists() else (Path(place), None)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        return _shipped(place, path, network)
    if not path.exists():
        raise InputError(f"{path}: no such file")
    if path.is_dir():
        raise InputError(f"{path}: is a directory, expected a file")
    if suffix == ".png":
        values, shape = _picture(path, network)
        return _Batch(path.name, values[None], shape, valid_range=("0", "1"))
    if suffix == ".csv":
        array = read_csv(path)
    elif suffix == ".npz":
        array = read_npz(path, key)
    else:
        array = read_npy(path)
    rows, item = _rows(array, place, network)
    return _Batch(path.name, rows, _image(item) or _image(_one_shape(network)))


def _shipped(place: str, path: Path, network: Network) -> _Batch:
    from verdict.models import data, datasets

    if place not in datasets():
        if path.exists():
            raise InputError(f"{path}: unknown kind of file, expected {', '.join(SUFFIXES)}")
        if path.suffix or len(path.parts) > 1:
            raise InputError(f"{path}: no such file; expected {', '.join(SUFFIXES)}, or a shipped data set's name")
    shipped = data(place)
    points, truths = shipped.load()
    rows, _ = _rows(points, place, network)
    return _Batch(place, rows, shipped.image_shape, truths)


def _rows(array: npt.NDArray[Any], place: str, network: Network) -> tuple[npt.NDArray[Any], tuple[int, ...]]:
    """The array as (inputs, numbers), and the shape of one input in it."""
    size = network.input_size
    if array.size == size:
        return array.reshape(1, size), array.shape
    if array.ndim > 1 and array.shape[0] * size == array.size:
        return array.reshape(-1, size), array.shape[1:]
    shapes = " and ".join(str(port.shape) for port in network.inputs)
    raise InputError(
        f"{place}: has shape {array.shape}, but {network.path.name} takes {size} numbers (shape {shapes}): "
        f"expected one input or a batch of shape (N, {size})"
    )


def _one_shape(network: Network) -> tuple[int, ...]:
    return network.inputs[0].shape if len(network.inputs) == 1 else ()


def _image(shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape as an image's, (height, width) or with 1 or 3 channels first or last, if it is one's."""
    while len(shape) > 2 and shape[0] == 1:
        shape = shape[1:]
    if len(shape) == 3 and shape[-1] == 1:
        shape = shape[:-1]
    colour = len(shape) == 3 and 3 in (shape[0], shape[-1])
    return shape if colour or (len(shape) == 2 and min(shape) > 1) else None


def _picture(path: Path, network: Network) -> tuple[npt.NDArray[Any], tuple[int, ...]]:
    """A .png in the network's own layout, flat, and its shape in that layout.

    Grey becomes colour by repetition; colour is never turned into grey, because there are many ways to do it,
    nor is a picture resized.
    """
    (width, height), size = png_size(path), network.input_size
    shape = _image(_one_shape(network))
    # For a flat input any picture with the right number of values will do.
    grey = height * width == size if shape is None else shape == (height, width)
    first = 3 * height * width == size if shape is None else shape == (3, height, width)
    last = shape == (height, width, 3)
    if not (grey or first or last):
        wanted = f"{size} values" if shape is None else f"an image of shape {shape}"
        raise InputError(f"{path}: is {width} x {height} pixels, but {network.path.name} takes {wanted}")
    # Only now: a picture of this size is no larger than an input.
    pixels = read_png(path)
    if grey:
        if (pixels != pixels[:, :, :1]).any():
            raise InputError(f"{path}: the image is coloured, but {network.path.name} takes grey ones")
        return pixels[:, :, 0].ravel(), (height, width)
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    if last:
        return pixels.ravel(), (height, width, 3)
    return pixels.transpose(2, 0, 1).ravel(), (3, height, width)
