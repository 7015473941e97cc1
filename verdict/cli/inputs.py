"""`--input`: from `FILE`, `FILE#I`, `FILE#I:J`, `FILE#I:` or `NAME#I` to input points of the network's size.

A name is a shipped data set; `FILE.npz[KEY]` picks an array of an archive. What is read keeps its numbers and its
order: an array is flat or has the network's own shape, and nothing is guessed about its axes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from verdict.ask.prepared import RESHAPE, fits
from verdict.base.errors import InputError
from verdict.cli.formats import classes_of, png_size, read_classes, read_named, read_npy, read_npz, read_png, read_table
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


def file_name(point: Point) -> str:
    """What files about an input are called: digits-3 for digits#3."""
    return re.sub(r"[^\w.-]+", "-", point.name)


@dataclass(frozen=True)
class Points:
    """The inputs that an `--input` names; `several` if it is a range, whatever its length."""

    points: list[Point]
    several: bool
    valid_range: tuple[str, str] | None = None


@dataclass(frozen=True)
class Reading:
    """How a file of one's own is read: `header`, yes or no, and `label_column`, a name or number, of a .csv file;
    `labels`, a file with one class for each input."""

    header: str | None = None
    label_column: str | None = None
    labels: str | None = None

    def __post_init__(self) -> None:
        if self.header not in (None, "yes", "no"):
            raise InputError(f"--header {self.header}: expected yes or no")
        if self.labels is not None and self.label_column is not None:
            raise InputError("--labels and --label-column both say what the true classes are, expected one of them")


@dataclass(frozen=True, eq=False)
class _Batch:
    """What a file holds: the inputs, one a row, or a single one without a batch axis."""

    name: str
    rows: npt.NDArray[Any]
    image: tuple[int, ...] | None = None
    truths: npt.NDArray[Any] | None = None
    valid_range: tuple[str, str] | None = None


def read_inputs(spec: str, network: Network, reading: Reading = Reading()) -> Points:
    """The inputs that `spec` names. Raises InputError with the file and what was expected."""
    try:
        place, index = _split(spec)
        batch = _read(place, network, reading)
        if reading.labels is not None:
            batch = replace(batch, truths=read_labels(reading.labels, len(batch.rows), network.names.classes))
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
    last = count if last is None else last
    if not 0 <= first < last:
        raise InputError(f"{spec}: the range {first}:{last} is empty")
    if last > count:
        raise InputError(f"{spec}: there is no input {last - 1}, expected 0 to {count - 1}")
    points = [_point(batch, i, f"{batch.name}#{i}") for i in range(first, last)]
    return Points(points, isinstance(index, tuple), batch.valid_range)


def one_point(spec: str, network: Network, reading: Reading = Reading()) -> Point:
    """The one input that `spec` names. Raises InputError where it names several."""
    points = read_inputs(spec, network, reading).points
    if len(points) != 1:
        raise InputError(f"--input {spec}: {len(points)} inputs, expected one")
    return points[0]


def refuse_without(given: Any, option: str = "--input", **others: Any) -> None:
    """Refuse options that say something about another one which is not given. Raises InputError."""
    for name, value in others.items():
        if given is None and value is not None:
            raise InputError(f"--{name.replace('_', '-')} goes with {option}, and none is given")


def _split(spec: str) -> tuple[str, int | tuple[int, int | None] | None]:
    place, mark, text = spec.rpartition("#")
    if not mark or Path(spec).is_file():
        return spec, None
    match = re.fullmatch(r"(\d+)(:(\d*))?", text)
    if match is None:
        raise InputError(f"{spec}: the index is {text!r}, expected #I or #I:J with I and J from 0")
    first, last = int(match[1]), match[3]
    return place, first if last is None else (first, int(last) if last else None)


def _point(batch: _Batch, i: int, name: str) -> Point:
    values = batch.rows[i]
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        bad = int(np.flatnonzero(~np.isfinite(values))[0])
        raise InputError(f"{name}: holds {values[bad]} at position {bad}, expected finite numbers")
    truth = None if batch.truths is None else int(batch.truths[i])
    return Point(name, values, batch.image, truth)


def _read(place: str, network: Network, reading: Reading) -> _Batch:
    path, key = _archive(place)
    suffix = path.suffix.lower()
    if suffix != ".csv" and (reading.header is not None or reading.label_column is not None):
        raise InputError(f"{place}: --header and --label-column are about .csv files")
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
        table = read_table(path, reading.header, reading.label_column, network.names.classes)
        rows, item = _rows(table.rows, place, network)
        if table.labels is not None and len(table.labels) != len(rows):
            raise InputError(f"{path}: one label for each input is expected, and each row holds one number of it")
        return _Batch(path.name, rows, _image(_one_shape(network)), table.labels)
    if suffix == ".npz":
        named = read_named(path, [port.name for port in network.inputs]) if key is None else None
        if named is not None:
            return _Batch(path.name, _joined(named, path, network), _image(_one_shape(network)))
        array = read_npz(path, key)
    else:
        array = read_npy(path)
    rows, item = _rows(array, place, network)
    return _Batch(path.name, rows, _image(item) or _image(_one_shape(network)))


def _archive(place: str) -> tuple[Path, str | None]:
    """The file, and the KEY of FILE.npz[KEY]."""
    match = re.fullmatch(r"(.*\.npz)\[(.*)\]", place)
    return (Path(match[1]), match[2]) if match and not Path(place).exists() else (Path(place), None)


def read_labels(place: str, count: int, classes: Sequence[str] = ()) -> npt.NDArray[Any]:
    """One class for each of `count` inputs, from a .npy, .npz or .csv file, there also by its name. InputError."""
    path, key = _archive(place)
    suffix = path.suffix.lower()
    if suffix not in (".npy", ".npz", ".csv"):
        raise InputError(f"--labels {place}: expected a .npy, .npz or .csv file")
    if suffix == ".csv":
        array = read_classes(path, count, classes)
    else:
        array = read_npz(path, key, ("y", "labels")) if suffix == ".npz" else read_npy(path)
    flat = array.ravel()
    if sum(side > 1 for side in array.shape) > 1 or len(flat) != count:
        raise InputError(f"--labels {place}: has shape {array.shape}, expected one class for each of {count} inputs")
    return classes_of(flat, f"--labels {place}")


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
    """The array as (inputs, numbers), and the shape of one input in it: flat, or the network's up to axes of 1."""
    size = network.input_size
    shapes = " and ".join(str(port.shape) for port in network.inputs)
    single = array.size == size
    if not single and not (array.ndim > 1 and array.shape[0] * size == array.size):
        raise InputError(
            f"{place}: has shape {array.shape}, but {network.path.name} takes {size} numbers (shape {shapes}): "
            f"expected one input or a batch of shape (N, {size})"
        )
    item = array.shape if single else array.shape[1:]
    if not fits(item, network.inputs[0].shape if len(network.inputs) == 1 else (size,)):
        raise InputError(f"{place}: has shape {array.shape}, but {network.path.name} takes {shapes}: {RESHAPE}")
    return array.reshape(-1, size), item


def _joined(named: dict[str, npt.NDArray[Any]], path: Path, network: Network) -> npt.NDArray[Any]:
    """The inputs from one array for each named input of the network, every one with as many of them."""
    parts = []
    for port in network.inputs:
        array = named[port.name]
        single = array.size == port.size and fits(array.shape, port.shape)
        rows = 1 if single or not array.ndim else array.shape[0]
        if array.size != rows * port.size or not (single or fits(array.shape[1:], port.shape)):
            raise InputError(f"{path}[{port.name}]: has shape {array.shape}, the input takes {port.shape}: {RESHAPE}")
        parts.append(array.reshape(rows, port.size))
    counts = {len(part) for part in parts}
    if len(counts) > 1:
        raise InputError(f"{path}: the arrays hold {sorted(counts)} inputs, expected as many in each")
    return np.concatenate(parts, axis=1)


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
    if shape is None:
        # A flat input does not say how a picture is to be laid out.
        print(f"note: {path} is read with the channels first, (3, {height}, {width}), flat", file=sys.stderr)
    return pixels.transpose(2, 0, 1).ravel(), (3, height, width)
