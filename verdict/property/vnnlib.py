"""VNN-LIB files of either version."""

from __future__ import annotations

from pathlib import Path

from .vnnlib1 import VnnLib1, read_vnnlib1
from .vnnlib2 import VnnLib2, read_vnnlib2
from .vnnlib2_syntax import is_vnnlib2

__all__ = ["VnnLib1", "VnnLib2", "read_query", "read_vnnlib1", "read_vnnlib2"]


def read_query(path: str | Path) -> VnnLib1 | VnnLib2:
    """The query in a `.vnnlib` or `.vnnlib.gz` file. Raises PropertyError for what is malformed."""
    return read_vnnlib2(path) if is_vnnlib2(path) else read_vnnlib1(path)
