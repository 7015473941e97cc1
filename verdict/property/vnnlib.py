"""VNN-LIB files of either version."""

from __future__ import annotations

from pathlib import Path

from .vnnlib1 import VnnLib1, parse_vnnlib1
from .vnnlib2 import VnnLib2, parse_vnnlib2
from .vnnlib2_syntax import is_vnnlib2
from .vnnlib_text import read_text

__all__ = ["VnnLib1", "VnnLib2", "read_query"]


def read_query(path: str | Path) -> VnnLib1 | VnnLib2:
    """The query in a `.vnnlib` or `.vnnlib.gz` file. Raises PropertyError for what is malformed."""
    text = read_text(path)
    return parse_vnnlib2(text, path) if is_vnnlib2(text) else parse_vnnlib1(text, path)
