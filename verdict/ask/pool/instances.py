"""Instances of VNN-COMP: a file with rows `onnx,vnnlib,seconds`, each a network, a query and its limit, as cases.

Paths are those from the file's own folder. The first column may be a list of pairs of a name and a path, for queries
about several networks; a file may be packed (.gz), whether its row says so or not.
"""

from __future__ import annotations

import ast
import csv
from collections.abc import Callable, Sequence
from pathlib import Path

from ...base.arguments import seconds
from ...base.errors import InputError
from ..options import Options
from ..parts import ModelFile, NamedFile, hash_of, hash_of_model
from ..question import Question
from .case import Case


def instances(path: Path, options: Options) -> list[Case]:
    """The cases of a file; the options' own limit of time comes before that of a row. Raises InputError with the file,
    the line and what was expected."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            lines = [[cell.strip() for cell in line] for line in csv.reader(stream)]
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    hashes: dict[Path, str] = {}
    cases = []
    for number, cells in enumerate(lines, 1):
        if any(cells):
            cases.append(_case(path, number, cells, options, hashes))
    if not cases:
        raise InputError(f"{path}: holds no instance, expected rows onnx,vnnlib,seconds")
    return cases


def _case(path: Path, number: int, cells: Sequence[str], options: Options, hashes: dict[Path, str]) -> Case:
    where = f"{path}: line {number}"
    if len(cells) < 3:
        raise InputError(f"{where}: found {','.join(cells)!r:.80}, expected onnx,vnnlib,seconds")
    try:
        limit = seconds(cells[2], "seconds")
    except InputError as error:
        raise InputError(f"{where}: {error}") from error

    def read(word: str, hashed: Callable[[Path], str]) -> tuple[str, str]:
        """A file, packed or not, and its hash."""
        named = path.parent / word
        other = named.with_suffix("") if named.suffix == ".gz" else named.with_name(f"{named.name}.gz")
        file = next((each for each in (named, other) if each.is_file()), None)
        if file is None:
            raise InputError(f"{where}: there is no file {named}, packed (.gz) or not")
        if file not in hashes:
            hashes[file] = hashed(file)
        return str(file), hashes[file]

    models, query = _networks(cells[0], where), read(cells[1], hash_of)
    files = [ModelFile(*read(word, hash_of_model), name=name) for name, word in models]
    question = Question("verify", tuple(files), query=NamedFile(*query))
    name = " ".join(Path(place.removesuffix(".gz")).stem for place in (*(file.path for file in files), query[0]))
    return Case(question, options if options.timeout is not None else options.but(timeout=limit), name, number - 1)


def _networks(cell: str, where: str) -> list[tuple[str | None, str]]:
    """The names and files of the first column."""
    if not cell.startswith("["):
        return [(None, cell)]
    try:
        return [(str(name), str(file)) for name, file in ast.literal_eval(cell)]
    except (ValueError, SyntaxError, TypeError) as error:
        raise InputError(f"{where}: found {cell!r:.80}, expected a path, or [('name', 'path'), ...]") from error
