"""An `onnx.ModelProto`, or the bytes of an ONNX file: there is nothing to convert."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .converted import Converted


def convert(model: Any, example: Any) -> Converted:
    """The bytes as they are; the names that they hold are read where the file is."""
    if isinstance(model, bytes):
        return Converted(model, Path("model.onnx"))
    return Converted(model.SerializeToString(), Path(f"{_plain(model.graph.name) or 'model'}.onnx"))


def _plain(name: str) -> str:
    """A graph's name as that of a file."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)[:60]
