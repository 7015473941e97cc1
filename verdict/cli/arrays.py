"""NumPy's files, .npy and .npz, read without trusting them: the header first, then as many bytes as it promises.

The header is a Python literal of three members; its types come from a closed table, so nothing is ever unpickled. An
array is refused before memory is taken where its file is not as long as the header says, or where a few packed bytes
would unpack to very many.
"""

from __future__ import annotations

import ast
import lzma
import math
import re
import struct
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from verdict.base.errors import InputError
from verdict.base.reading import RATIO, SMALL, open_regular

# Bytes of a header, of an array in an archive, and of an archive's own list of members.
MOST_HEADER, MOST_ARRAY, MOST_LIST = 2**14, 2**30, 2**24
# Larger arrays stay in their file, and only the rows that are asked for are read.
MAPPED = 2**26
MAGIC = b"\x93NUMPY"
_TYPE = re.compile(r"([<>|=]?)([biuf])(1|2|4|8|10|12|16)|[<>|=]?(\?)")
# What damaged archives raise, of all the ways in which they can be packed.
DAMAGED = (OSError, EOFError, ValueError, RuntimeError, KeyError, IndexError, TypeError, OverflowError, struct.error,
           zipfile.BadZipFile, zlib.error, lzma.LZMAError)


class _BrokenError(Exception):
    """The file is no array; the message says why."""


def read_array(path: Path) -> npt.NDArray[Any]:
    """The array of a .npy file, in memory or, where it is large, mapped. Raises InputError."""
    with open_regular(path) as stream:
        try:
            size = stream.seek(0, 2)
            stream.seek(0)
            dtype, shape, order = _header(stream)
            start = stream.tell()
            _fits(dtype, shape, size - start)
            if size - start > MAPPED:
                return np.memmap(path, dtype, "r", start, shape, order)
            return np.frombuffer(stream.read(size - start), dtype).reshape(shape, order=order)
        except _BrokenError as error:
            raise InputError(f"{path}: not a valid .npy file: {error}") from None
        except (OSError, ValueError, OverflowError, MemoryError) as error:
            raise InputError(f"{path}: cannot be read: {_first(error)}") from error


class Arrays:
    """The arrays of a .npz file, read one at a time; a context manager. Raises InputError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream = open_regular(path)
        try:
            _look_at_list(self._stream)
            self._zip = zipfile.ZipFile(self._stream)
        except (*DAMAGED, _BrokenError) as error:
            self._stream.close()
            raise InputError(f"{path}: not a valid .npz file: {_first(error)}") from error
        members = self._zip.infolist()
        self._members = {member.filename.removesuffix(".npy"): member for member in members}
        if len(self._members) != len(members):
            self._stream.close()
            raise InputError(f"{path}: not a valid .npz file: it holds two arrays of one name")
        self.files = list(self._members)

    def __enter__(self) -> Arrays:
        return self

    def __exit__(self, *ending: object) -> None:
        self._stream.close()

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        member, where = self._members[name], f"{self.path}[{name}]"
        try:
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise _BrokenError(f"packed by method {member.compress_type}, expected stored or deflated")
            if member.flag_bits & 1:
                raise _BrokenError("it is encrypted")
            most = min(MOST_ARRAY, max(SMALL, RATIO * member.compress_size))
            if member.file_size > most:
                raise _BrokenError(f"it unpacks to {member.file_size} bytes, expected at most {most}")
            with self._zip.open(member) as stream:
                dtype, shape, order = _header(stream)
                length = math.prod(shape) * dtype.itemsize
                _fits(dtype, shape, member.file_size - stream.tell())
                data = stream.read(length + 1)
            if len(data) != length:
                raise _BrokenError("its length does not fit its shape")
            return np.frombuffer(data, dtype).reshape(shape, order=order)
        except (*DAMAGED, MemoryError, _BrokenError) as error:
            raise InputError(f"{where}: cannot be read: {_first(error)}") from error


def _look_at_list(stream: BinaryIO) -> None:
    """Refuse an archive whose list of members would take much memory."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - 2**16 - 22))
    tail = stream.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + 22:
        raise _BrokenError("it is no zip archive")
    length = int.from_bytes(tail[end + 12 : end + 16], "little")
    # 2^32 - 1 stands for a number that is kept elsewhere.
    if length > MOST_LIST:
        raise _BrokenError(f"its list of members is larger than {MOST_LIST} bytes")
    stream.seek(0)


def _header(stream: Any) -> tuple[np.dtype[Any], tuple[int, ...], Any]:
    """Type, shape and order ("C" or "F") of the array that the stream goes on with."""
    start = stream.read(8)
    if start[:1] == b"\x80":
        raise _BrokenError("it holds pickled objects, expected plain numbers")
    if start[:6] != MAGIC or len(start) < 8 or start[6] not in (1, 2, 3):
        raise _BrokenError("it does not begin as NumPy's files do")
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(stream.read(width), "little")
    if length > MOST_HEADER:
        raise _BrokenError(f"its header has {length} bytes, expected at most {MOST_HEADER}")
    text = stream.read(length)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = ast.literal_eval(text.decode("latin1" if start[6] < 3 else "utf-8").strip())
        descr, fortran, shape = found["descr"], found["fortran_order"], found["shape"]
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError):
        raise _BrokenError("its header is damaged") from None
    sizes = isinstance(shape, tuple) and all(type(n) is int and 0 <= n < 2**62 for n in shape)
    if len(text) < length or len(found) != 3 or not isinstance(fortran, bool) or not sizes or len(shape) > 32:
        raise _BrokenError("its header is damaged")
    return _type(descr), shape, "F" if fortran else "C"


def _type(descr: Any) -> np.dtype[Any]:
    if isinstance(descr, str) and _TYPE.fullmatch(descr):
        try:
            return np.dtype(descr)
        except TypeError:
            raise _BrokenError(f"it holds values of type {descr}, which this machine does not have") from None
    if isinstance(descr, str) and re.fullmatch(r"[<>|=]?O[0-9]*", descr):
        raise _BrokenError("it holds pickled objects, expected plain numbers")
    named = descr if isinstance(descr, str) else "several fields"
    if isinstance(descr, str) and re.fullmatch(r"[<>|=]?[cUSMmV][0-9a-zA-Z\[\]]{0,12}", descr):
        try:
            named = str(np.dtype(descr))
        except (TypeError, ValueError):
            named = descr
    raise _BrokenError(f"it holds values of type {named[:40]}, expected real numbers")


def _fits(dtype: np.dtype[Any], shape: tuple[int, ...], size: int) -> None:
    if math.prod(shape) * dtype.itemsize != size:
        raise _BrokenError(f"its shape {shape} needs {math.prod(shape) * dtype.itemsize} bytes, and it has {size}")


def _first(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return (text.splitlines() or ["it is damaged"])[0]
