"""Reading numbers from .npy, .npz, .csv and .png files, each error naming the file and the place in it.

Nothing is executed that a file brings: pickled objects are refused.
"""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from verdict.cli.arrays import Arrays, read_array
from verdict.errors import InputError
from verdict.reading import open_regular, read_text

Array = npt.NDArray[Any]
# The keys under which the inputs of an archive are looked for, in this order.
KEYS = ("X", "x", "images")


def read_npy(path: Path) -> Array:
    """The array of a .npy file."""
    return _numbers(_numpy(path), str(path))


def read_npz(path: Path, key: str | None) -> Array:
    """One array of a .npz file: `key`, or the only one, or the first of `KEYS` that is there."""
    archive = _numpy(path)
    with archive:
        names = list(archive.files)
        if key is None:
            key = names[0] if len(names) == 1 else next((k for k in KEYS if k in names), None)
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


def read_csv(path: Path) -> Array:
    """The rows of a .csv file as float64: commas, semicolons or blanks between numbers, `#` comments and one
    header line allowed."""
    lines = read_text(path).splitlines()
    rows: list[list[float]] = []
    first = True
    for number, line in enumerate(lines, 1):
        text = line.split("#", 1)[0].strip()
        if not text:
            continue
        cells = [cell.strip() for cell in re.split(r"[,;]", text)] if re.search("[,;]", text) else text.split()
        header, first = first and not any(_is_number(cell) for cell in cells), False
        if header:
            continue
        row = [_cell(cell, f"{path}: line {number}, column {c}") for c, cell in enumerate(cells, 1)]
        if rows and len(row) != len(rows[0]):
            raise InputError(f"{path}: line {number} has {len(row)} numbers, the lines before have {len(rows[0])}")
        rows.append(row)
    if not rows:
        raise InputError(f"{path}: holds no numbers, expected one line per input")
    return np.array(rows, dtype=np.float64)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


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
