"""The syntax of VNN-LIB 2: the standard's own parser, and a watch on what it lets through.

The package `vnnlib` (the C++ parser and type checker of the standard) reads the text. What it would take without a
word and otherwise than written is refused before: fractional indices and shapes, control characters, unknown element
types; and nesting so deep that its recursion would end the process. Its `compat` transform is not used: it loses
equality and strictness.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import PropertyError
from .vnnlib_text import refuse_doubtful, shown

if TYPE_CHECKING:
    from vnnlib import Query

MAX_DEPTH = 200
_HIDDEN = re.compile(r'"(?:[^"\\]|\\.)*"|;[^\n]*')
_VERSION = re.compile(r"\s*\(vnnlib-version\s*<([0-9]+)\.([0-9]+)>\s*\)")
_FIRST = re.compile(r"(?:\s|;[^\n]*)*\(vnnlib-version")
# As drafts of the standard, and its converter from version 1, write the type real.
_REAL = re.compile(r"(\(declare-(?:input|hidden|output)\s+\w+\s+)Real\b")
# The parser holds numbers as floats, though it keeps their text.
_LONG = re.compile(r"\b[0-9]{309}")
_FOREIGN = re.compile(r"[^\x00-\x7f]")
_BRACKETS = re.compile(r"\[([^\]]*)\]")
_INTEGERS = re.compile(r"\s*(?:[0-9]{1,18}\s*(?:,\s*[0-9]{1,18}\s*)*)?")


def is_vnnlib2(text: str) -> bool:
    """Whether a text starts with a version command, as version 2 demands and version 1 does not know."""
    return _FIRST.match(text) is not None


def parse(text: str, path: Path) -> Query:
    """The syntax tree. Raises PropertyError with file, line, what was found and what was expected."""
    _watch(text, path)
    import vnnlib

    try:
        return vnnlib.parse_query_string(_REAL.sub(r"\1real", text))
    except vnnlib.VNNLibException as error:
        raise PropertyError(f"{path}{_explained(str(error))}") from None
    except (IndexError, ValueError, RuntimeError) as error:
        long = _LONG.search(_bare(text))
        where = "" if long is None else f", line {_line(text, long.start())}"
        raise PropertyError(f"{path}{where}: found a number that the parser cannot hold ({error})") from None


def _bare(text: str) -> str:
    """The text with strings and comments blanked out, lines kept."""
    return _HIDDEN.sub(lambda match: " " * len(match[0]), text)


def _watch(text: str, path: Path) -> None:
    refuse_doubtful(text, path)
    bare = _bare(text)
    foreign = _FOREIGN.search(bare)
    if foreign is not None:
        raise PropertyError(
            f"{path}, line {_line(bare, foreign.start())}: found {foreign[0]!r}, expected ASCII outside of comments"
        )
    version = _VERSION.match(bare)
    if version is None:
        raise PropertyError(f"{path}: found no version command, expected (vnnlib-version <2.0>) first")
    if version.groups() != ("2", "0"):
        raise PropertyError(f"{path}: found version {version[1]}.{version[2]}, supported are 1.0 and 2.0")
    for match in _BRACKETS.finditer(bare):
        if _INTEGERS.fullmatch(match[1]) is None:
            raise PropertyError(
                f"{path}, line {_line(bare, match.start())}: found {shown(match[0])}, expected integers such as [0,1]"
            )
    letters = np.frombuffer(bare.encode("latin-1", "replace"), dtype=np.uint8)
    depth = np.cumsum((letters == ord("(")).astype(np.int64) - (letters == ord(")")))
    if depth.max(initial=0) > MAX_DEPTH:
        place = int(np.argmax(depth > MAX_DEPTH))
        raise PropertyError(
            f"{path}, line {_line(bare, place)}: found more than {MAX_DEPTH} nested parentheses, expected fewer"
        )


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _explained(report: str) -> str:
    """The parser's message, plain or a JSON report, as `, line L: what`."""
    try:
        errors = json.loads(report)["errors"]
        first = errors[0]
        what = f"{first['message']} {first.get('offendingSymbol', '')}: {first['hint']}"
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        where = f", line {first['line']}" if "line" in first else ""
        return f"{where}: {what}{more}"
    except (ValueError, KeyError, IndexError, TypeError):
        return f": {' '.join(report.split())}"
