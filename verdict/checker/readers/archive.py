"""Reading a `.vcert` file without trusting it: a zip of one JSON manifest and plain arrays.

Sizes are checked before memory is taken, arrays have one of a few types, and nothing is ever unpickled or executed.
"""

from __future__ import annotations

import json
import math
import re
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UnreadableError

# Bytes of all members together, of one JSON member, and how many members there may be.
MOST_BYTES, MOST_JSON, MOST_MEMBERS = 2**30, 2**25, 200_000
# Bytes that are unpacked at once.
PIECE = 2**20
# The header of an array as NumPy writes it; it is compared, never evaluated.
_HEADER = re.compile(rb"\{'descr': (.{1,200}), 'fortran_order': False, 'shape': \(([0-9, ]*)\), \} *\n")
NODE = np.dtype([("kind", "u1"), ("variable", "<u4"), ("value", "<f8")])


class Archive:
    """The members of a certificate, read one at a time."""

    def __init__(self, path: str | Path) -> None:
        try:
            self._zip = zipfile.ZipFile(regular(path))
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
            raise UnreadableError(f"{path}: not a certificate: {error}") from error
        members = self._zip.infolist()
        self._members = {m.filename: m for m in members}
        if len(members) != len(self._members) or len(members) > MOST_MEMBERS:
            raise UnreadableError("members that occur twice, or too many")
        if sum(m.file_size for m in members) > MOST_BYTES:
            raise UnreadableError(f"the certificate unpacks to more than {MOST_BYTES} bytes")
        self._unread = set(self._members)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def _bytes(self, name: str, most: int) -> bytearray:
        member = self._members.get(name)
        if member is None or member.file_size > most or member.compress_type not in (0, 8):
            raise UnreadableError(f"{name}: missing, too large, or packed in an unknown way")
        try:
            # Unpacked at once a member would be there twice, as its pieces and as a whole.
            data, filled = bytearray(member.file_size), 0
            with self._zip.open(member) as stream:
                while piece := stream.read(PIECE):
                    data[filled : filled + len(piece)] = piece
                    filled += len(piece)
        except (OSError, zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, RuntimeError,
                EOFError) as error:
            raise UnreadableError(f"{name}: damaged: {error}") from error
        if filled != member.file_size:
            raise UnreadableError(f"{name}: not as long as it says")
        self._unread.discard(name)
        return data

    def json(self, name: str) -> Any:
        try:
            return json.loads(self._bytes(name, MOST_JSON).decode(), parse_constant=_refused,
                              object_pairs_hook=_object)
        except (ValueError, RecursionError) as error:
            raise UnreadableError(f"{name}: not JSON: {error}") from error

    def array(self, name: str, types: tuple[Any, ...], dimensions: int) -> Any:
        """An array of one of `types` with so many dimensions."""
        data = self._bytes(name, MOST_BYTES)
        start = 10 + int.from_bytes(data[8:10], "little")
        header = _HEADER.fullmatch(data[10:start]) if data[:8] == b"\x93NUMPY\x01\x00" else None
        if header is None or len(header[2]) > 100:
            raise UnreadableError(f"{name}: not an array")
        kinds = {repr(np.lib.format.dtype_to_descr(np.dtype(t))).encode(): np.dtype(t) for t in types}
        shape = tuple(int(n) for n in header[2].replace(b" ", b"").split(b",") if n)
        if header[1] not in kinds or len(shape) != dimensions:
            raise UnreadableError(f"{name}: an array of another type or number of dimensions")
        dtype = kinds[header[1]]
        if math.prod(shape) * dtype.itemsize != len(data) - start:
            raise UnreadableError(f"{name}: its length does not fit its shape {shape}")
        try:
            return np.frombuffer(data, dtype, offset=start).reshape(shape)
        except ValueError as error:  # an empty array may have dimensions beyond all bounds
            raise UnreadableError(f"{name}: the shape {shape}: {error}") from error

    def finish(self) -> None:
        """Nothing may be left that was not read."""
        if self._unread:
            raise UnreadableError(f"unknown members: {', '.join(sorted(self._unread)[:3])}")


def regular(path: str | Path) -> Path:
    """The path of a regular file of not too many bytes: a pipe or a device might never end. Raises UnreadableError."""
    path = Path(path)
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        raise UnreadableError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not stat.S_ISREG(found.st_mode):
        raise UnreadableError(f"{path}: not a regular file")
    if found.st_size > MOST_BYTES:
        raise UnreadableError(f"{path}: larger than {MOST_BYTES} bytes")
    return path


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, none of whose members may occur twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a member that occurs twice")
    return found


def _refused(name: str) -> Any:
    raise ValueError(f"the number {name}")


def member_of(record: Any, name: str, kind: type | tuple[type, ...], default: Any = ...) -> Any:
    """A member of a JSON object, of a given type."""
    value = record.get(name, default) if isinstance(record, dict) else ...
    if value is ... or (value is not default and (not isinstance(value, kind) or isinstance(value, bool))):
        raise UnreadableError(f"the manifest's {name!r} is missing or of the wrong type")
    return value


def only(record: Any, *names: str) -> None:
    """Refuse what is no JSON object, and members that the format does not have."""
    if not isinstance(record, dict):
        raise UnreadableError("the manifest has something else where an object is expected")
    extra = set(record) - set(names)
    if extra:
        raise UnreadableError(f"unknown members in the manifest: {', '.join(sorted(extra)[:3])}")


def each(values: Any, read: Callable[[Any], Any]) -> list[Any]:
    """A JSON list, each member read by a function."""
    if not isinstance(values, list):
        raise UnreadableError("the manifest has something else where a list is expected")
    return [read(v) for v in values]
