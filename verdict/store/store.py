"""A store: answers in one SQLite file, one row a question and its options, written by one process at a time.

Each answer is one transaction, which is on the disk when it ends (write-ahead log, synchronous FULL), so that whatever
ends a run, a signal or the power, what was answered is there and nothing else. Others may read meanwhile.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any

from ..base.arguments import place
from ..base.errors import InputError
from .entry import COLUMNS, Entry

# What says that a SQLite file is a store ("Verd"), and the version of its form.
MARK, VERSION = 0x56657264, 1
# Seconds to wait for another process that is writing.
PATIENCE = 60.0
# How a store is called where a user does not say.
DEFAULT = "verdict.db"
_SCHEMA = """
CREATE TABLE answers (
    question TEXT NOT NULL,     -- SHA-256 of what is asked (verdict.Question.key)
    options TEXT NOT NULL,      -- SHA-256 of how (verdict.Options.key)
    batch TEXT NOT NULL,
    place INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    model TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    truth INTEGER,
    predicted INTEGER,
    eps TEXT,                   -- exact: 3/100
    lower TEXT,
    upper TEXT,
    seconds REAL NOT NULL,
    at TEXT NOT NULL,
    asked TEXT NOT NULL,        -- JSON: question and options
    record TEXT,                -- JSON: the record of the answer
    about TEXT,                 -- JSON: what it needs to show itself
    PRIMARY KEY (question, options)
);
CREATE INDEX in_order ON answers (batch, place);
"""
_READ = ("question", "options", "asked", "batch", "place", "name", "status", "reason", "truth", "predicted", "record",
         "about", "seconds", "at")
_INSERT = """
INSERT OR REPLACE INTO answers
    (question, options, batch, place, name, kind, model, status, reason, truth, predicted, eps, lower, upper, seconds,
     at, asked, record, about)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


class Store:
    """The answers in a file that `verdict run`, or `verdict.certify` and `verdict.radii` with `store=`, have written.

    A store can be gone through (`Entry` by `Entry`, in the order of their batches), measured (`len`), and made a table:
    `to_pandas`, `to_csv`, `to_json_lines`, `to_parquet`. `create` makes it where it is missing. Certificates are in the
    folder `certificates` beside it. Close it, or use it in a `with` block. Raises InputError for a file that is missing
    or no store.
    """

    def __init__(self, path: str | Path, create: bool = False) -> None:
        self.path = place(path, "the store")
        if not create and not self.path.exists():
            raise InputError(f"{self.path}: there is no such store")
        if self.path.is_dir():
            raise InputError(f"{self.path}: is a directory, expected a store")
        with self._guarded():
            # The thread that writes is not always the one that has opened it.
            self._data = sqlite3.connect(
                self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False
            )
            self._data.execute("PRAGMA synchronous = FULL")
            self._opened(create)

    def _opened(self, create: bool) -> None:
        mark, version = (self._data.execute(f"PRAGMA {name}").fetchone()[0] for name in
                         ("application_id", "user_version"))
        tables = self._data.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if create and not tables and not mark:
            # Readers are never kept out, and no reader keeps the writer out.
            self._data.execute("PRAGMA journal_mode = WAL")
            with self._transaction():
                # Another run may have made it meanwhile.
                if not self._data.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    for statement in _SCHEMA.strip().split(";")[:-1]:
                        self._data.execute(statement)
                    self._data.execute(f"PRAGMA application_id = {MARK}")
                    self._data.execute(f"PRAGMA user_version = {VERSION}")
        elif mark != MARK:
            self._data.close()
            raise InputError(f"{self.path}: is no store of answers, expected one that verdict run has written")
        elif version != VERSION:
            self._data.close()
            raise InputError(f"{self.path}: is a store of version {version}, expected {VERSION}")

    @property
    def certificates(self) -> Path:
        """The folder of certificates beside the store."""
        return self.path.with_name(f"{self.path.name}-certificates")

    def add(self, entries: Sequence[Entry]) -> None:
        """Write these rows, all or none; a question that is there already has its row replaced. Raises InputError."""
        rows = [_row(entry) for entry in entries]
        with self._guarded(), self._transaction():
            self._data.executemany(_INSERT, rows)

    def find(self, key: str, options_key: str) -> Entry | None:
        """The row of a question with these hashes."""
        return next(self._select("WHERE question = ? AND options = ?", (key, options_key)), None)

    def statuses(self) -> dict[tuple[str, str], str]:
        """The status of every row, by the hashes of its question and options."""
        with self._guarded():
            return {(key, how): status for key, how, status in
                    self._data.execute("SELECT question, options, status FROM answers")}

    def __iter__(self) -> Iterator[Entry]:
        return self._select("ORDER BY batch, place")

    def __len__(self) -> int:
        with self._guarded():
            return int(self._data.execute("SELECT count(*) FROM answers").fetchone()[0])

    def __repr__(self) -> str:
        return f"<Store {self.path}: {len(self)} rows>"

    def records(self) -> list[dict[str, Any]]:
        """The rows as dictionaries with the same keys (`COLUMNS`)."""
        return [entry.columns() for entry in self]

    def to_pandas(self) -> Any:
        """The rows as a `pandas.DataFrame`. Raises InputError where pandas is not installed."""
        try:
            import pandas
        except ImportError:
            raise InputError("to_pandas() needs pandas: pip install pandas") from None
        return pandas.DataFrame(self.records(), columns=list(COLUMNS))

    def to_csv(self, path: str | Path) -> None:
        """Write the table as a CSV file with a header. Raises InputError where it cannot be written there."""
        from .export import to_csv

        to_csv(self, place(path, "the file"))

    def to_json_lines(self, path: str | Path) -> None:
        """Write each row whole, question, options and record, as one JSON object a line. Raises InputError."""
        from .export import to_json_lines

        to_json_lines(self, place(path, "the file"))

    def to_parquet(self, path: str | Path) -> None:
        """Write the table as a Parquet file. Raises InputError, also where pyarrow is not installed ([parquet])."""
        from .export import to_parquet

        to_parquet(self, place(path, "the file"))

    def close(self) -> None:
        """Close the file; the log beside it goes, too, unless another process has it open."""
        self._data.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _select(self, rest: str, values: Sequence[Any] = ()) -> Iterator[Entry]:
        with self._guarded():
            for row in self._data.execute(f"SELECT {', '.join(_READ)} FROM answers {rest}", values):
                yield _entry(dict(zip(_READ, row, strict=True)))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._data.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._data.execute("ROLLBACK")
            raise
        self._data.execute("COMMIT")

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise InputError(f"{self.path}: cannot be read or written as a store: {error}") from error


def _row(entry: Entry) -> tuple[Any, ...]:
    answer = {} if entry.record is None else entry.record["answer"]
    at = entry.at or datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    return (
        entry.key, entry.options_key, entry.batch, entry.place, entry.name, entry.kind, entry.model, entry.status,
        entry.reason, entry.truth, entry.predicted, None if entry.eps is None else str(entry.eps),
        answer.get("lower"), answer.get("upper"), entry.seconds, at, _text(entry.asked), _text(entry.record),
        _text(entry.about),
    )


def _entry(row: dict[str, Any]) -> Entry:
    key, options_key = row.pop("question"), row.pop("options")
    for name in ("asked", "record", "about"):
        try:
            row[name] = None if row[name] is None else json.loads(row[name])
        except (ValueError, TypeError, RecursionError) as error:
            raise InputError(f"the row of {row['name']!r} holds no JSON as {name}: {error}") from error
    asked = row["asked"]
    if not isinstance(asked, dict) or not all(isinstance(asked.get(part), dict) for part in ("question", "options")):
        raise InputError(f"the row of {row['name']!r} holds no question and options, expected them as JSON")
    return Entry(key, options_key, **row)


def _text(value: Any) -> str | None:
    return None if value is None else json.dumps(value, separators=(",", ":"), allow_nan=False)
