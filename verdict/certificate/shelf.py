"""Rows of numbers that leave memory: what closes the leaves of a large proof is on disk long before it is written.

All rows of a process share one allowance. Once they have more, all of them go to a temporary file that has no name, so
that it ends with the process, however that ends; they are read back through a map of it, in any order. Small proofs
never touch the disk, and of large ones memory holds no more than the allowance.
"""

from __future__ import annotations

import math
import mmap
import os
import tempfile
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

# Bytes that all rows may have in memory, and that one file may have: its room is free again once none of its rows is
# wanted any more.
MOST, MOST_FILE = 2**25, 2**28
# Arrays that wait to become one.
WAITING = 512
# Arrays begin on multiples of it.
ALIGNED = 64


class _File:
    """A file without a name, read through a map."""

    def __init__(self) -> None:
        self._stream, self.size = tempfile.TemporaryFile(buffering=0), 0  # noqa: SIM115, it lives as long as its rows
        self._map: mmap.mmap | None = None

    def put(self, arrays: list[Any]) -> int:
        """Where the arrays, one behind the other, are from now on. Raises OSError."""
        start = self.size
        self._stream.seek(start)
        for array in arrays:
            left = memoryview(array.reshape(-1).view(np.uint8))
            while len(left):
                left = left[self._stream.write(left) :]
        self.size = -(-self._stream.tell() // ALIGNED) * ALIGNED
        return start

    def array(self, start: int, dtype: Any, shape: tuple[int, ...]) -> Any:
        """What was put at `start`, to be read from."""
        count = math.prod(shape)
        if self._map is None or start + count * dtype.itemsize > len(self._map):
            self._map = mmap.mmap(self._stream.fileno(), 0, access=mmap.ACCESS_READ)
        return np.frombuffer(self._map, dtype, count, start).reshape(shape)

    def forget(self) -> None:
        """Let go of the pages that were read, which count as the process's."""
        if self._map is not None and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)


class Shelf:
    """The allowance that rows share, `most` bytes, and the file that they go to."""

    def __init__(self, most: int) -> None:
        self.most, self.lock = most, threading.RLock()
        # At least what the rows hold: of those that nobody wants any more it is not told.
        self._held = 0
        self._rows: weakref.WeakSet[Rows] = weakref.WeakSet()
        self._file: weakref.ref[_File] | None = None

    def add(self, rows: Rows) -> None:
        with self.lock:
            self._rows.add(rows)

    def grown(self, size: int) -> None:
        """Rows hold so many bytes more: all go to the file where these are too many."""
        self._held += size
        if self._held <= self.most:
            return
        live = list(self._rows)
        self._held = sum(rows.held for rows in live)
        if self._held <= self.most / 2:
            return
        try:
            for rows in live:
                rows.put_away(self._open_file())
        except OSError as error:
            # A proof without what closes its leaves is none; the search goes on without one.
            why = f"the temporary folder (TMPDIR) does not take the proof: {error.strerror or error}"
            for rows in live:
                rows.lose(OSError(error.errno, why))
        self._held = 0

    def _open_file(self) -> _File:
        file = None if self._file is None else self._file()
        if file is None or file.size > MOST_FILE:
            file = _File()
            self._file = weakref.ref(file)
        return file

    def forked(self) -> None:
        """In a copy of the process: what is in the file is read from it, and what comes goes to another one."""
        self.lock, self._file = threading.RLock(), None


SHELF = Shelf(MOST)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=SHELF.forked)


class Rows:
    """Rows of one type and shape, numbered as they come."""

    def __init__(self, dtype: Any = np.uint8, shape: tuple[int, ...] = (0,)) -> None:
        self._count, self.held = 0, 0
        # Those of the first ones that come.
        self._dtype, self._shape = np.dtype(dtype), shape
        # In memory: arrays, and single ones that will become one; before them blocks in files, each with its file, its
        # place, and the number of its first row.
        self._arrays: list[Any] = []
        self._few: list[Any] = []
        self._blocks: list[tuple[_File, int, int, int]] = []
        # Why the rows are gone.
        self.lost: OSError | None = None
        SHELF.add(self)

    def __len__(self) -> int:
        return self._count

    def __getstate__(self) -> dict[str, Any]:
        """To another process goes what the rows are, wherever they are."""
        return {"lost": self.lost} if self.lost is not None else {"rows": self.all()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        Rows.__init__(self)
        if "lost" in state:
            self.lose(state["lost"])
        else:
            self.append(state["rows"])

    @property
    def kind(self) -> tuple[Any, tuple[int, ...]]:
        """The type of the numbers and the shape of a row; of no rows any."""
        return self._dtype, self._shape

    def append(self, rows: Any) -> int:
        """The number of the first of these rows (n, ...), which belong to the caller no more."""
        with SHELF.lock:
            first = self._count
            if not first:
                self._dtype, self._shape = rows.dtype, rows.shape[1:]
            if (rows.dtype, rows.shape[1:]) != self.kind:
                raise ValueError(f"rows {rows.dtype} {rows.shape[1:]} among others, {self.kind}")
            self._count += len(rows)
            if self.lost is None:
                self._few.append(np.ascontiguousarray(rows))
                self.held += rows.nbytes
                if len(self._few) == WAITING:
                    self._join()
                SHELF.grown(rows.nbytes)
            return first

    def _join(self) -> None:
        if self._few:
            self._arrays.append(np.concatenate(self._few))
            self._few = []

    def put_away(self, file: _File) -> None:
        """Let all rows be in the file. Raises OSError, and then nothing has changed."""
        if not self.held:
            return
        self._join()
        count = sum(map(len, self._arrays))
        block = file, file.put(self._arrays), self._count - count, count
        self._blocks, self._arrays, self.held = [*self._blocks, block], [], 0

    def lose(self, error: OSError) -> None:
        """Forget all rows."""
        self._arrays, self._few, self._blocks, self.held, self.lost = [], [], [], 0, error

    def take(self, numbers: Any) -> Any:
        """The rows with these numbers, in this order. Raises OSError where the disk was full."""
        with SHELF.lock:
            if self.lost is not None:
                raise self.lost
            self._join()
            if len(self._arrays) > 1:
                self._arrays = [np.concatenate(self._arrays)]
            held = self._arrays[0] if self._arrays else np.zeros((0, *self._shape), self._dtype)
            inside = self._count - len(held)
            if not self._blocks:
                return held[numbers]
            found = np.empty((len(numbers), *self._shape), self._dtype)
            block = np.searchsorted([first for _, _, first, _ in self._blocks], numbers, "right") - 1
            for i, (file, start, first, count) in enumerate(self._blocks):
                here = np.flatnonzero((block == i) & (numbers < inside))
                found[here] = file.array(start, self._dtype, (count, *self._shape))[numbers[here] - first]
                file.forget()
            here = np.flatnonzero(numbers >= inside)
            found[here] = held[numbers[here] - inside]
            return found

    def parts(self, size: int) -> Iterator[Any]:
        """All rows, so many at a time."""
        for first in range(0, self._count, size):
            yield self.take(np.arange(first, min(self._count, first + size)))

    def all(self) -> Any:
        """All rows."""
        return self.take(np.arange(self._count))


def shelved(rows: Any) -> Rows:
    """An array (n, ...), which belongs to the caller no more, as rows."""
    found = Rows()
    found.append(rows)
    return found
