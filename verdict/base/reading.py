"""Files that others have written, read without trusting them: regular files only, and never more than a budget.

A device or a named pipe may never end, and a few packed kilobytes may unpack to gigabytes; both are refused before
memory is taken. Every file that Verdict reads comes through here (the checker has its own reader).
"""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from .errors import InputError, VerdictError
from .writing import odd_kind

# Bytes of a model and of a text, unpacked.
MOST_MODEL, MOST_TEXT = 2**31, 2**27
# What is packed may become so many times larger, or so many bytes where it is small.
RATIO, SMALL = 100, 2**26
CHUNK = 2**20
GZIP = b"\x1f\x8b"

Kind = type[VerdictError]


def open_regular(path: str | Path, kind: Kind = InputError, most: int | None = None) -> BinaryIO:
    """A regular file opened to read its bytes. Raises `kind` where it is none, is larger, or cannot be read."""
    try:
        # Not opened before it is known to be a file: that alone may wait for ever, or do something to a device.
        if stat.S_ISREG(mode := os.stat(path).st_mode):
            stream = Path(path).open("rb")  # noqa: SIM115 - the caller closes it
            status = os.fstat(stream.fileno())
            mode = status.st_mode
            if stat.S_ISREG(mode) and (most is None or status.st_size <= most):
                return stream
            stream.close()
    except (OSError, ValueError) as error:
        raise kind(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not stat.S_ISREG(mode):
        raise kind(f"{path}: cannot be read: is {odd_kind(mode)}, expected a file")
    raise kind(f"{path}: has {status.st_size} bytes, expected at most {most}")


def read_bytes(path: str | Path, most: int, kind: Kind = InputError) -> bytes:
    """The bytes of a regular file, as they are. Raises `kind`, as `open_regular`."""
    with open_regular(path, kind, most) as stream:
        try:
            data = stream.read(min(most, os.fstat(stream.fileno()).st_size) + 1)
        except (OSError, MemoryError) as error:
            raise kind(f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'too large'}") from error
        if len(data) > most or stream.read(1):
            raise kind(f"{path}: grows while it is read")
    return data


def unpacked(
    data: bytes, path: str | Path, most: int, kind: Kind = InputError, look: Callable[[bytes], object] = bool
) -> bytes:
    """The bytes themselves or, where they are gzip-compressed, what they unpack to; `path` is only for errors.

    `look` is shown the first bytes and may raise before the rest is read. Raises `kind`.
    """
    if data[:2] != GZIP:
        look(data[:CHUNK])
        return data
    limit = min(most, max(SMALL, RATIO * len(data)))
    try:
        kept, total = bytearray(), 0
        for piece in _pieces(data):
            if not total:
                look(piece)
            total += len(piece)
            if total > limit:
                raise kind(f"{path}: cannot be read: unpacks to more than {limit} bytes")
            # Beyond that it is only counted, until it is known how much there is.
            if total <= SMALL:
                kept += piece
        return bytes(kept) if total <= SMALL else b"".join(_pieces(data))
    except (zlib.error, EOFError) as error:
        raise kind(f"{path}: cannot be read: not a valid gzip file: {error}") from error


def _pieces(data: bytes) -> Iterator[bytes]:
    """What gzip members one after another unpack to, a little at a time."""
    while data:
        packed = zlib.decompressobj(31)
        piece = packed.decompress(data, CHUNK)
        while piece:
            yield piece
            # Behind its end a member would take what follows as its own.
            piece = b"" if packed.eof else packed.decompress(packed.unconsumed_tail, CHUNK)
        if not packed.eof:
            raise EOFError("it is cut short")
        data = packed.unused_data.lstrip(b"\0")


def read_text(path: str | Path, kind: Kind = InputError) -> str:
    """The text of a UTF-8 file, with or without a byte order mark. Raises `kind`."""
    try:
        return read_bytes(path, MOST_TEXT, kind).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise kind(f"{path}: not a text file: byte {error.start} is not UTF-8") from error
