"""A store as a file of another kind: CSV, JSON lines, Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..base.errors import InputError
from ..base.visible import visible
from ..base.writing import Place, begins
from .entry import COLUMNS, Entry

# Types of the columns of a Parquet file that are not text.
_KINDS = {
    "int64": ("true", "predicted", "label", "target"), "float64": ("eps", "lower", "upper", "seconds"),
    "bool_": ("checked",),
}


def to_csv(entries: Iterable[Entry], path: Path) -> None:
    """The columns, with a header; what a spreadsheet would take for a formula begins with an apostrophe."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for entry in entries:
        writer.writerow({name: _plain(value) for name, value in entry.columns().items()})
    header = ",".join(COLUMNS).encode()
    Place(path, "", begins(header), "such a table").write(text.getvalue().encode())


def _plain(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    shown = visible(value)
    return f"'{shown}" if shown[:1] in ("=", "+", "@", "-") else shown


def to_json_lines(entries: Iterable[Entry], path: Path) -> None:
    """Whole rows: the columns, and what the record holds."""
    lines = []
    for entry in entries:
        whole = {**entry.columns(), "asked": entry.asked, "record": entry.record, "about": entry.about, "at": entry.at}
        lines.append(json.dumps({"form": "verdict-answer", **whole}, allow_nan=False) + "\n")
    place = Place(path, "", begins(b'{"form": "verdict-answer"'), "such a file")
    place.write("".join(lines).encode())


def to_parquet(entries: Iterable[Entry], path: Path) -> None:
    """The columns with their types."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise InputError("Parquet needs pyarrow: pip install 'verdict-nn[parquet]'") from None
    rows = [entry.columns() for entry in entries]
    kinds = {name: kind for kind, names in _KINDS.items() for name in names}
    schema = pyarrow.schema([(name, getattr(pyarrow, kinds.get(name, "string"))()) for name in COLUMNS])
    with Place(path, "", begins(b"PAR1"), "a Parquet file").filled() as part:
        parquet.write_table(pyarrow.Table.from_pylist(rows, schema=schema), part)


WRITERS = {".csv": to_csv, ".jsonl": to_json_lines, ".parquet": to_parquet}


def export(entries: Iterable[Entry], path: Path) -> None:
    """Write the rows to a file of the kind that its name says. Raises InputError."""
    write = WRITERS.get(path.suffix.lower())
    if write is None:
        raise InputError(f"{path}: expected a name that ends in {', '.join(WRITERS)}")
    write(entries, path)
