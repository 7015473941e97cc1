"""Reading numbers from .npy, .npz, .csv and .png files, each error naming the file and the place in it.

Nothing is executed that a file brings: pickled objects are refused.
"""

from __future__ import annotations

import itertools
import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from verdict.base.errors import InputError
from verdict.base.reading import open_regular, read_text
from verdict.cli.arrays import Arrays, read_array

Array = npt.NDArray[Any]
# The keys under which the inputs of an archive are looked for, in this order.
KEYS = ("X", "x", "images")


def read_npy(path: Path) -> Array:
    """The array of a .npy file."""
    return _numbers(_numpy(path), str(path))


def read_named(path: Path, names: Sequence[str]) -> dict[str, Array] | None:
    """The arrays of a .npz file that are called as the network's inputs; None where it has none of them.

    Raises InputError where it has some of them.
    """
    archive = _numpy(path)
    with archive:
        found = [name for name in names if name in archive.files]
    if not found:
        return None
    if len(found) < len(names):
        missing = ", ".join(name for name in names if name not in found)
        raise InputError(f"{path}: holds {', '.join(found)}, and no array for the other inputs: {missing}")
    return {name: read_npz(path, name) for name in names}


def read_npz(path: Path, key: str | None, keys: Sequence[str] = KEYS) -> Array:
    """One array of a .npz file: `key`, or the only one, or the first of `keys` that is there."""
    archive = _numpy(path)
    with archive:
        names = list(archive.files)
        if key is None:
            key = names[0] if len(names) == 1 else next((k for k in keys if k in names), None)
        if key is None or key not in names:
            found = "no array" if not names else "the arrays " + ", ".join(names)
            wanted = "one of them as " + f"{path.name}[KEY]" if key is None else f"the array {key!r}"
            raise InputError(f"{path}: holds {found}, expected {wanted}")
        array = archive[key]
    return _numbers(array, f"{path}[{key}]")


def _numpy(path: Path) -> Any:
    return Arrays(path) if path.suffix.lower() == ".npz" else read_array(path)


def _numbers(array: Array, where: str) -> Array:
    if array.dtype.kind not in "fiub":
        raise InputError(f"{where}: holds values of type {array.dtype}, expected real numbers")
    if array.size == 0:
        raise InputError(f"{where}: holds no numbers (shape {array.shape})")
    return array


@dataclass(frozen=True, eq=False)
class Table:
    """The numbers of a .csv file, one input a row, as float64, and the true classes where a column held them."""

    rows: Array
    labels: Array | None = None


def read_table(
    path: Path, header: str | None = None, label_column: str | None = None, classes: Sequence[str] = ()
) -> Table:
    """The rows of a .csv file: commas, semicolons or blanks between numbers, `#` comments allowed.

    A first line without any number is a header. One that could be either, such as 0,1,2,3, has to be called one with
    `header` "yes" or "no". `label_column` names the column of the true classes, by its header or its number from 0;
    in it a class may be called by its name, one of `classes`.
    """
    lines = _cells(path)
    if not lines:
        raise InputError(f"{path}: holds no numbers, expected one line per input")
    title = lines.pop(0) if _has_header(path, lines, header) else None
    if not lines:
        raise InputError(f"{path}: holds no numbers behind its header, expected one line per input")
    width, names = len(lines[0][1]), None if title is None else title[1]
    column = None if label_column is None else _column(path, label_column, names, width)
    rows: list[list[float]] = []
    for number, cells in lines:
        row = [
            class_or_cell(cell, classes if c - 1 == column else None, f"{path}: line {number}, column {c}")
            for c, cell in enumerate(cells, 1)
        ]
        if rows and len(row) != len(rows[0]):
            raise InputError(f"{path}: line {number} has {len(row)} numbers, the lines before have {len(rows[0])}")
        rows.append(row)
    if header is None and title is None:
        _refuse_ambiguous(path, lines)
    if title is not None and len(title[1]) != len(rows[0]):
        raise InputError(f"{path}: the header has {len(title[1])} names, the lines have {len(rows[0])} numbers")
    array = np.array(rows, dtype=np.float64)
    if column is None:
        return Table(array)
    return Table(np.delete(array, column, axis=1), classes_of(array[:, column], f"{path}, column {label_column}"))


def _cells(path: Path) -> list[tuple[int, list[str]]]:
    """The cells of each line that has any, with its number."""
    lines = read_text(path).splitlines()
    found = []
    for number, line in enumerate(lines, 1):
        text = line.split("#", 1)[0].strip()
        if text:
            parts = re.split(r"[,;]", text) if re.search("[,;]", text) else text.split()
            found.append((number, [cell.strip().strip('"') for cell in parts]))
    return found


def _has_header(path: Path, lines: Sequence[tuple[int, list[str]]], header: str | None) -> bool:
    """Whether the first line is a header. Raises InputError where that has to be said."""
    if header is not None:
        return header == "yes"
    number, cells = lines[0]
    numeric = [_is_number(cell) for cell in cells]
    if not any(numeric):
        return True
    if not all(numeric):
        bad = next(c for c, is_number in enumerate(numeric) if not is_number)
        raise InputError(
            f"{path}: line {number}, column {bad + 1} is {cells[bad]!r}, expected a number: if it is a header, say "
            "--header yes"
        )
    return False


def _refuse_ambiguous(path: Path, lines: Sequence[tuple[int, list[str]]]) -> None:
    """Raise InputError where the first of several lines of numbers could be a header as well."""
    number, cells = lines[0]
    if len(lines) > 1 and _counts(cells) and (len(cells) > 1 or not all(_is_plain(c[0]) for _, c in lines[1:])):
        shown = ",".join(cells[:4]) + (",..." if len(cells) > 4 else "")
        raise InputError(
            f"{path}: line {number} is {shown}, which may be a header or an input: say --header yes or --header no"
        )


def _counts(cells: Sequence[str]) -> bool:
    """Whether a line counts, 0,1,2 or 5,6,7, as the names do that data frames give their columns."""
    if not all(_is_plain(cell) for cell in cells):
        return False
    numbers = [int(cell) for cell in cells]
    if len(numbers) == 1:
        return numbers[0] in (0, 1)
    return all(b - a == 1 for a, b in itertools.pairwise(numbers))


def _is_plain(cell: str) -> bool:
    return re.fullmatch(r"[0-9]{1,9}", cell) is not None


def _column(path: Path, name: str, title: Sequence[str] | None, count: int) -> int:
    """The number of a column. Raises InputError."""
    if title is not None and title.count(name) == 1:
        return title.index(name)
    if name.isascii() and name.isdigit() and len(name) < 10 and int(name) < count:
        return int(name)
    names = "" if title is None else f", or one of {', '.join(title[:20])}"
    raise InputError(f"{path}: --label-column {name}: expected a number from 0 to {count - 1}{names}")


def classes_of(values: Array, where: str) -> Array:
    """Numbers of classes as integers. Raises InputError for anything else."""
    floats = values.astype(np.float64)
    good = np.isfinite(floats) & (floats >= 0) & (floats == np.floor(floats)) & (floats < 2**31)
    if not good.all():
        bad = int(np.flatnonzero(~good)[0])
        raise InputError(f"{where}: holds {values[bad]} at position {bad}, expected the numbers of classes, from 0")
    return floats.astype(np.int64)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def class_or_cell(text: str, classes: Sequence[str] | None, where: str) -> float:
    """The number in a cell or, in a column of classes, that of the class which is called so. Raises InputError."""
    if classes is None or _is_number(text):
        return _cell(text, where)
    if text not in classes:
        known = f", or one of the classes {', '.join(classes[:12])}" if classes else ""
        raise InputError(f"{where} is {text!r}, expected the number of a class{known}")
    return float(list(classes).index(text))


def read_classes(path: Path, count: int, classes: Sequence[str]) -> Array:
    """The classes in a .csv file, by their numbers or their names, a header of one line allowed. Raises InputError."""
    lines = _cells(path)
    if all(len(cells) == 1 for _, cells in lines) and any(not _is_number(cells[0]) for _, cells in lines[1:]):
        lines = lines[len(lines) - count :] if len(lines) == count + 1 else lines
        named = [class_or_cell(cells[0], classes, f"{path}: line {number}") for number, cells in lines]
        return np.array(named)
    return read_table(path).rows


def _cell(text: str, where: str) -> float:
    if not _is_number(text):
        raise InputError(f"{where} is {text!r}, expected a number")
    return float(text)


def png_size(path: Path) -> tuple[int, int]:
    """Width and height of a .png file, from its header alone: what it unpacks to is not known to be small before."""
    with open_regular(path) as stream:
        head = stream.read(24)
    if head[:8] != b"\x89PNG\r\n\x1a\n" or head[12:16] != b"IHDR" or len(head) < 24:
        raise InputError(f"{path}: not a readable PNG image: it does not begin as one")
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def read_png(path: Path) -> Array:
    """The pixels of a .png file, divided by 255 (65535 for 16 bits): (height, width, 1 or 3) float64."""
    try:
        from PIL import Image
    except ImportError:
        raise InputError(f"{path}: reading images needs Pillow: pip install pillow") from None
    try:
        with Image.open(path, formats=["PNG"]) as image:
            image.load()
            scale = 65535 if image.mode.startswith("I") else 255
            return _pixels(image, path) / scale
    except (OSError, ValueError, SyntaxError, EOFError, KeyError, IndexError, TypeError, OverflowError, MemoryError,
            struct.error, zlib.error, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: not a readable PNG image: {_first(error)}") from error


def _pixels(image: Any, path: Path) -> Array:
    """(height, width, 1 or 3) of the image as it is stored; transparency is refused unless it is unused."""
    if image.mode.startswith("I"):
        return np.asarray(image).astype(np.int64)[:, :, None]
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L")).astype(np.int64)[:, :, None]
    rgba = np.asarray(image.convert("RGBA")).astype(np.int64)
    if (rgba[:, :, 3] < 255).any():
        raise InputError(f"{path}: the image has transparent pixels, expected opaque ones")
    return rgba[:, :, :1] if image.mode == "LA" else rgba[:, :, :3]


def _first(error: BaseException) -> str:
    return (str(error).splitlines() or ["it is damaged"])[0]
