"""VNN-LIB files of either version."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.errors import PropertyError
from ..base.reading import MOST_TEXT, read_bytes
from .vnnlib1 import VnnLib1, parse_vnnlib1
from .vnnlib2_syntax import is_vnnlib2
from .vnnlib_text import text_of

if TYPE_CHECKING:
    from .vnnlib2 import VnnLib2


def read_query(path: str | Path) -> VnnLib1 | VnnLib2:
    """The query in a `.vnnlib` or `.vnnlib.gz` file. Raises PropertyError for what is malformed."""
    data = read_bytes(path, MOST_TEXT, PropertyError)
    text = text_of(data, path)
    if is_vnnlib2(text):
        from .vnnlib2 import parse_vnnlib2

        return replace(parse_vnnlib2(text, path), data=data)
    return replace(parse_vnnlib1(text, path), data=data)
