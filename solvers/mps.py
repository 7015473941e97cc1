"""Writes a LinearModel as an MPS file with every number in full precision.

PuLP's own writers print 13 (MPS) or 12 (LP) significant digits, so the solver would get another model; `repr`
of a float is the shortest text that reads back as the same float. Rows are named R0, R1, ..., columns C0, C1,
... or as the caller says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from verdict.solvers.model import LinearModel, Vector


def write(
    model: LinearModel, path: Path, names: Sequence[str] | None = None, comments: Sequence[str] = ()
) -> list[int]:
    """Writes the model in free MPS; returns for each written row the row of the model that it came from.

    `names` are the columns', without spaces; `comments` stand first.

    A row with two different finite sides is written twice, since MPS's RANGES would have the reader compute
    one side from a rounded difference; a row without any side is left out. The offset is left out too:
    readers disagree about its sign.
    """
    columns = [f"C{j}" for j in range(model.columns)] if names is None else names
    rows: list[tuple[str, float]] = []
    source: list[int] = []
    copies: list[list[int]] = []
    sides = zip(model.row_lower.tolist(), model.row_upper.tolist(), strict=True)
    for i, (low, high) in enumerate(sides):
        wanted = [("E", low)] if low == high else [("G", low), ("L", high)]
        kept = [side for side in wanted if math.isfinite(side[1])]
        copies.append(list(range(len(rows), len(rows) + len(kept))))
        rows += kept
        source += [i] * len(kept)
    with path.open("w", encoding="ascii") as out:
        out.writelines(f"* {comment}\n" for comment in comments)
        out.write("NAME          MODEL  FREE\nROWS\n N  OBJ\n")
        out.writelines(f" {sense}  R{k}\n" for k, (sense, _) in enumerate(rows))
        out.write("COLUMNS\n")
        _columns(model, columns, copies, out.write)
        out.write("RHS\n")
        out.writelines(f"    RHS  R{k}  {side!r}\n" for k, (_, side) in enumerate(rows) if side)
        out.write("BOUNDS\n")
        bounds = zip(model.lower.tolist(), model.upper.tolist(), strict=True)
        for name, (low, high) in zip(columns, bounds, strict=True):
            if low == high:
                out.write(f" FX BND  {name}  {low!r}\n")
            elif math.isinf(low) and math.isinf(high):
                out.write(f" FR BND  {name}\n")
            else:
                # Both ends are always written: the defaults depend on the reader and on integrality.
                out.write(f" MI BND  {name}\n" if math.isinf(low) else f" LO BND  {name}  {low!r}\n")
                out.write(f" PL BND  {name}\n" if math.isinf(high) else f" UP BND  {name}  {high!r}\n")
        out.write("ENDATA\n")
    return source


def _columns(
    model: LinearModel, names: Sequence[str], copies: list[list[int]], emit: Callable[[str], object]
) -> None:
    by_column = model.matrix.tocsc()
    integral = False
    for j, (name, cost) in enumerate(zip(names, model.objective.tolist(), strict=True)):
        if bool(model.integer[j]) != integral:
            integral = not integral
            emit(f"    MARKER  'MARKER'  '{'INTORG' if integral else 'INTEND'}'\n")
        span = slice(by_column.indptr[j], by_column.indptr[j + 1])
        # A column with no entry anywhere must be declared all the same.
        emit(f"    {name}  OBJ  {cost!r}\n")
        entries = zip(by_column.indices[span].tolist(), by_column.data[span].tolist(), strict=True)
        emit("".join(f"    {name}  R{k}  {a!r}\n" for i, a in entries for k in copies[i]))
    if integral:
        emit("    MARKER  'MARKER'  'INTEND'\n")


def fold(values: Vector, source: list[int], rows: int) -> Vector:
    """Values per written row, summed to values per row of the model (rows,): right for duals."""
    total: Vector = np.zeros(rows)
    np.add.at(total, np.array(source, dtype=np.intp), values)
    return total
