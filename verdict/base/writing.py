"""Files that Verdict writes: they appear under their name complete, and replace only what they may.

A file is written under a name of its own in the same folder and then renamed, so that nobody ever sees half of one and
two runs never write into each other's. What stands under the name already is replaced only if it is a regular file of
the same kind that Verdict itself makes (docs/commands.md has the table); a symbolic link is followed first.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .errors import InputError

# Seconds to wait for another run that is renaming files, and after which its lock is no longer believed.
PATIENCE, STALE = 20.0, 60.0
KINDS = {
    stat.S_ISDIR: "a directory", stat.S_ISCHR: "a device", stat.S_ISBLK: "a device", stat.S_ISFIFO: "a named pipe",
    stat.S_ISSOCK: "a socket",
}

_unfinished: set[Path] = set()


def odd_kind(mode: int) -> str:
    """What a file is that is not a regular one, in words."""
    return next((name for test, name in KINDS.items() if test(mode)), "no regular file")


@contextmanager
def temporary(folder: Path) -> Iterator[Path]:
    """An empty file of a new name in the folder, removed in the end unless it was renamed. Raises OSError."""
    path = folder / f".verdict-{secrets.token_hex(8)}.part"
    _unfinished.add(path)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield path
    finally:
        _remove(path)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
    _unfinished.discard(path)


@atexit.register
def _remove_all() -> None:
    for path in list(_unfinished):
        _remove(path)


@dataclass(frozen=True)
class Place:
    """A name that a file is to have. `replaces` says of a regular file that is there whether it may go, and `kind` what
    such files are, in words; `option` is what errors begin with."""

    path: Path
    option: str
    replaces: Callable[[Path], bool]
    kind: str

    @property
    def target(self) -> Path:
        """The file itself, behind symbolic links."""
        return Path(os.path.realpath(self.path))

    def check(self) -> None:
        """Raise InputError if a file cannot be written there, or must not be, so that it does not cost a search."""
        with self._guarded(), temporary(self.target.parent):
            pass
        self.check_replaced()

    def check_replaced(self) -> None:
        """Raise InputError if what stands there must not be replaced."""
        with self._guarded():
            try:
                mode = os.stat(self.target).st_mode
            except FileNotFoundError:
                return
            if not stat.S_ISREG(mode):
                raise InputError(
                    f"{self._name}: cannot be written: there is {odd_kind(mode)}, expected {self.kind} or no file"
                )
            if not self.replaces(self.target):
                raise InputError(
                    f"{self._name}: cannot be written: there is another file, and only {self.kind} is ever replaced"
                )

    @contextmanager
    def filled(self) -> Iterator[Path]:
        """The name under which the file is written; it takes its place in the end. Raises InputError."""
        with self._guarded(), temporary(self.target.parent) as part:
            yield part
            self.check_replaced()
            os.replace(part, self.target)

    def write(self, data: bytes) -> None:
        """Put these bytes there. Raises InputError, and then nothing has changed."""
        with self.filled() as part:
            part.write_bytes(data)

    @property
    def _name(self) -> str:
        return f"{self.option} {self.path}".strip()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            text = getattr(error, "strerror", None) or str(error)
            if isinstance(error, FileNotFoundError):
                text = "there is no such folder"
            raise InputError(f"{self._name}: cannot be written: {text}") from error


@contextmanager
def together(places: Sequence[Place]) -> Iterator[list[Path]]:
    """The names under which several files are written; they take their places in the end, all or none. InputError."""
    with contextlib.ExitStack() as parts:
        names = []
        for place in places:
            parts.enter_context(place._guarded())
            names.append(parts.enter_context(temporary(place.target.parent)))
        yield names
        if names:
            publish(list(zip(places, names, strict=True)))


def made_folder(path: str | Path, option: str) -> Path:
    """A folder for files, made where it is missing. Raises InputError where nothing can be written to it, so that it
    does not cost a search."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with temporary(folder):
            pass
    except (OSError, ValueError) as error:
        text = getattr(error, "strerror", None) or error
        raise InputError(f"{option} {folder}: cannot be written: {text}") from error
    return folder


def publish(files: Sequence[tuple[Place, Path]]) -> None:
    """Give finished files their names, all of them or, where one must not be replaced, none.

    The last one names the lock under which two runs do this one after the other, so that the files under these names
    are those of one run. Raises InputError; also where another program has taken one of the names meanwhile.
    """
    last = files[-1][0]
    with last._guarded(), _locked(last):
        for place, _ in files:
            place.check_replaced()
        placed = [(place, os.stat(part)) for place, part in files]
        for place, part in files:
            os.replace(part, place.target)
        for place, wanted in placed:
            # A file's number alone may be given to the next one.
            if _identity(os.stat(place.target)) != _identity(wanted):
                raise InputError(f"{place.path}: another program has replaced it")


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


@contextmanager
def _locked(place: Place) -> Iterator[None]:
    """A lock file that only one process can make: works on every system that makes files exclusively."""
    target = place.target
    lock = target.with_name(f".verdict-{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]}.lock")
    until = time.monotonic() + PATIENCE
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            break
        except (FileExistsError, PermissionError):  # Windows says so while a removed file is still open
            if time.monotonic() > until:
                raise InputError(f"{place.path}: another run is writing it ({lock} is there)") from None
            with contextlib.suppress(OSError):
                # A run that was killed in these milliseconds leaves its lock behind.
                if time.time() - os.stat(lock).st_mtime > STALE:
                    lock.unlink(missing_ok=True)
            time.sleep(0.02)
    _unfinished.add(lock)
    try:
        yield
    finally:
        _remove(lock)


def begins(*starts: bytes) -> Callable[[Path], bool]:
    """Whether a file begins with one of these."""

    def test(path: Path) -> bool:
        with path.open("rb") as stream:
            return stream.read(max(map(len, starts))).startswith(starts)

    return test


def marked(mark: bytes, most: int = 2**24) -> Callable[[Path], bool]:
    """Whether a file holds a mark that Verdict's files of this kind have."""

    def test(path: Path) -> bool:
        with path.open("rb") as stream:
            return mark in stream.read(most)

    return test


def same(data: bytes) -> Callable[[Path], bool]:
    """Whether a file holds these very bytes."""

    def test(path: Path) -> bool:
        if path.stat().st_size != len(data):
            return False
        with path.open("rb") as stream:
            return stream.read(len(data) + 1) == data

    return test


SEAL = "; Written by Verdict. SHA-256 of all below: "


def sealed(text: str) -> str:
    """A query with a first line by which a later run knows that nobody has changed it since."""
    return f"{SEAL}{hashlib.sha256(text.encode()).hexdigest()}\n{text}"


def sealed_place(path: str | Path) -> Place:
    """Where such a query is kept: it replaces nothing but one that nobody has changed."""

    def replaces(there: Path) -> bool:
        with there.open("rb") as stream:
            first, rest = stream.readline(200), stream.read(2**31)
        return first == f"{SEAL}{hashlib.sha256(rest).hexdigest()}\n".encode()

    return Place(Path(path), "query", replaces, "a query that Verdict has written and nobody has changed")


MODEL_SEAL = b"Written by Verdict. SHA-256 of all before"
# Bytes of the seal at the end of a model, and the most bytes of a file that is looked at.
MODEL_SEAL_BYTES, MOST_SEALED = 6 + len(MODEL_SEAL) + 64, 2**31


def sealed_model(data: bytes) -> bytes:
    """An ONNX file with one more entry of its metadata at its end, by which a later run knows that nobody has changed
    it since."""
    digest = hashlib.sha256(data).hexdigest().encode()
    # Field 14 of a ModelProto is a list of pairs of a key (1) and a value (2); what is appended to a message joins it.
    entry = b"\x0a" + bytes([len(MODEL_SEAL)]) + MODEL_SEAL + b"\x12" + bytes([len(digest)]) + digest
    return data + b"\x72" + bytes([len(entry)]) + entry


def is_sealed_model(path: Path) -> bool:
    """Whether a file is a model that Verdict has written and nobody has changed."""
    if path.stat().st_size > MOST_SEALED:
        return False
    data = path.read_bytes()
    return len(data) > MODEL_SEAL_BYTES and sealed_model(data[:-MODEL_SEAL_BYTES]) == data
