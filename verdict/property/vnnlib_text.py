"""The text of a VNN-LIB 1 file: tokens, exact numbers, and the line that an error points at.

One compiled pattern cuts the text; it takes a whole `(<= X_3 0.5)` or a whole declaration as one token, since
real files consist of little else. Places are offsets into the text and become line numbers only in errors.
"""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

from ..base.errors import PropertyError
from ..base.reading import MOST_TEXT, unpacked

# Exponents and lengths beyond these say nothing that float64 could hold, and would only cost time.
MAX_EXPONENT = 400
MAX_DIGITS = 2000

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE]([-+]?[0-9]+))?")
_NOT_FINITE = re.compile(r"[-+]?(?:nan|inf|infinity)", re.IGNORECASE)
_COMMENT = re.compile(r'"[^"]*"|\|[^|]*\||;[^\n]*')
# Some readers end a comment here and others do not, so that what follows is asserted for some of them only; and control
# characters, at which others stop reading.
_DOUBTFUL = re.compile("\r(?!\n)|[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")

VARIABLE = re.compile(r"[XY]_(?:0|[1-9][0-9]{0,8})")
# The groups of TOKEN, as `match.lastindex` names the alternative that matched.
COMPARISON, CONST, FUN, OPEN, CLOSE, ATOM, STRAY = 3, 4, 5, 6, 7, 8, 9
TOKEN = re.compile(
    r'\(\s*([<>]=)\s+([XY]_[0-9]+)\s+([^\s()|"]+)\s*\)'
    r'|\(\s*declare-const\s+([^\s()|"]+)\s+Real\s*\)'
    r'|\(\s*declare-fun\s+([^\s()|"]+)\s*\(\s*\)\s*Real\s*\)'
    r'|\(\s*([^\s()|"]*)'
    r"|(\))"
    r'|([^\s()|"]+|\|[^|]*\||"[^"]*")'
    r"|(\S)",
    re.ASCII,
)


class Source:
    """A file's text with its comments blanked out: offsets and line numbers stay those of the file."""

    def __init__(self, text: str, path: Path) -> None:
        self.path = path
        refuse_doubtful(text, path)
        self.text = _COMMENT.sub(_blank, text)
        self._numbers: dict[str, Fraction] = {}

    def line(self, position: int) -> int:
        return self.text.count("\n", 0, position) + 1

    def number(self, token: str) -> Fraction | None:
        """The exact value of a decimal; None where the token does not look like a number.

        Raises PropertyError, without a place, for a malformed, infinite or oversized number.
        """
        value = self._numbers.get(token)
        if value is not None:
            return value
        value = exact_number(token)
        if value is not None:
            self._numbers[token] = value
        return value


def exact_number(token: str) -> Fraction | None:
    """As `Source.number`, without its memory."""
    match = _NUMBER.fullmatch(token)
    if match is None:
        if _NOT_FINITE.fullmatch(token):
            raise PropertyError(f"found {token!r}, expected a finite number")
        if token[0] in "+-.0123456789":
            raise PropertyError(f"found the malformed number {shown(token)}, expected such as -1.5e-3")
        return None
    exponent = match[1] or "0"
    # Both first: Fraction would write out all digits that the exponent asks for.
    if len(token) > MAX_DIGITS or len(exponent) > 9 or abs(int(exponent)) > MAX_EXPONENT:
        raise PropertyError(f"found the number {shown(token)}, expected one in the range of float64")
    return Fraction(token)


def refuse_doubtful(text: str, path: Path) -> None:
    """Raises PropertyError for a character that readers take in different ways, also where it stands in a comment."""
    match = _DOUBTFUL.search(text)
    if match is not None:
        known = {"\r": "a carriage return without a line feed", "\0": "a NUL byte"}
        found = known.get(match[0], f"the character U+{ord(match[0]):04X}")
        line = text.count("\n", 0, match.start()) + 1
        raise PropertyError(f"{path}, line {line}: found {found}, expected text whose lines end in LF or CR LF")


def shown(token: str) -> str:
    """A token as an error quotes it: short, whatever the file holds."""
    return repr(token if len(token) <= 40 else token[:37] + "...")


def text_of(data: bytes, path: str | Path) -> str:
    """The text in the bytes of a file, plain or gzip-compressed; raises PropertyError where they cannot be unpacked."""
    data = unpacked(data, path, MOST_TEXT, PropertyError)
    # Comments may be in any encoding; whatever else is not UTF-8 fails as an unknown token.
    return data.decode("utf-8-sig", errors="replace")


def _blank(match: re.Match[str]) -> str:
    found = match[0]
    return " " * len(found) if found[0] == ";" else found
