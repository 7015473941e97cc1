"""What a converter makes, and how a missing package, or a converter that fails, is told."""

from __future__ import annotations

import contextlib
import importlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...base.errors import InputError, ModelError, VerdictError
from ...network.names import Names


@dataclass(frozen=True)
class Converted:
    """ONNX bytes, the file's name in messages, and the names of features and classes."""

    data: bytes = field(repr=False)
    path: Path
    names: Names = field(default_factory=Names)


def needed(module: str, what: str, extra: str) -> Any:
    """A package, or one line that says how to get it. Raises InputError."""
    try:
        return importlib.import_module(module)
    except ImportError:
        name = module.partition(".")[0]
        raise InputError(f"{what} is converted with {name}: pip install 'verdict-nn[{extra}]'") from None


@contextlib.contextmanager
def converting(name: str) -> Iterator[None]:
    """While inside, whatever a framework raises becomes one ModelError, and what it warns of is nobody's to read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except VerdictError:
        raise
    except Exception as error:
        said = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ModelError(f"{name}: cannot be converted to ONNX: {said[:300]}") from error


def named(data: bytes, names: Names) -> bytes:
    """The ONNX model with the names among its metadata."""
    import onnx

    model = onnx.load_model_from_string(data)
    onnx.helper.set_model_props(model, {p.key: p.value for p in model.metadata_props} | names.metadata())
    written: bytes = model.SerializeToString()
    return written
